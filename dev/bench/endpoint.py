"""AWS on loopback, fast enough not to be what is measured: `python -m dev.bench.endpoint --keys 1000 --port 0`.

Plays what the rule, a sequential reader and Cloud Custodian call of KMS, AWS Config, STS and the tagging API, for an
account of any number of keys. It speaks just the HTTP/1.1 that botocore does: keep-alive, a `Content-Length`, one
request at a time on a connection. Signatures and limits are not checked.

The first line on standard output is the port. `GET /counts` tells what was asked since the start or the last
`POST /reset`, and how much processor time the endpoint took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from dev.bench.parent import end_with_parent
from dev.bench.policies import ACCOUNT_ID, MARKS, SHAPES, template, words
from dev.bench.synthetic import (
    ENABLED,
    REGION,
    STALE_SHARE,
    Account,
    alias_of,
    is_recorded,
    is_recorded_with_policy,
    key_id_of,
    number_of,
    state_of,
)

ARN = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}"
TARGET = re.compile(rb"\r\nx-amz-target: *[^\r]*?(\w+)\r", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
END_OF_HEAD = b"\r\n\r\n"
LARGEST_BATCH = 100
CREATION_TIME = 1666271254.391
REASONS: Mapping[int, str] = {200: "OK", 400: "Bad Request", 404: "Not Found"}
CALLER_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:sts::{ACCOUNT_ID}:assumed-role/Bench/bench</Arn><UserId>AROABENCH:bench</UserId>"
    f"<Account>{ACCOUNT_ID}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>bench</RequestId>"
    "</ResponseMetadata></GetCallerIdentityResponse>"
).encode()
RESULT_ANNOTATION = (
    "in Key Policy for {}, statement does have separation of duties and CMK is not whitelisted "
    '[scenario 5: usage by "Allow use of the key" (kms:Encrypt, kms:Decrypt)]'
)

type Json = dict[str, Any]
type Operation = Callable[[Account, Json], bytes]


class RefusedError(Exception):
    """Raised where AWS would answer with the error whose code is the first argument."""


def encoded(content: object) -> bytes:
    """Write an answer."""
    return json.dumps(content).encode()


def page(request: Json, *, after: str, limit: int, end: int) -> tuple[range, str | None]:
    """Return the numbers on the page that is asked for, and the token for the next one, if there is one."""
    start = int(request.get(after) or 0)
    stop = min(start + int(request.get("Limit") or limit), end)
    return range(start, stop), str(stop) if stop < end else None


def list_keys(account: Account, request: Json) -> bytes:
    """Answer `kms:ListKeys`."""
    numbers, following = page(request, after="Marker", limit=100, end=account.keys)
    keys = [{"KeyId": key_id, "KeyArn": f"{ARN}:key/{key_id}"} for key_id in map(key_id_of, numbers)]
    more = {"NextMarker": following} if following else {}
    return encoded({"Keys": keys, "Truncated": bool(following), **more})


def list_aliases(account: Account, request: Json) -> bytes:
    """Answer `kms:ListAliases`, of all keys or of one."""
    if "KeyId" in request:
        return encoded({"Aliases": [_alias(_existing(account, request))], "Truncated": False})
    numbers, following = page(request, after="Marker", limit=50, end=account.keys)
    more = {"NextMarker": following} if following else {}
    return encoded({"Aliases": list(map(_alias, numbers)), "Truncated": bool(following), **more})


def _alias(number: int) -> Json:
    name = alias_of(number)
    return {
        "AliasName": name,
        "AliasArn": f"{ARN}:{name}",
        "TargetKeyId": key_id_of(number),
        "CreationDate": CREATION_TIME,
        "LastUpdatedDate": CREATION_TIME,
    }


def _existing(account: Account, request: Json) -> int:
    number = number_of(request["KeyId"])
    if number >= account.keys:
        raise RefusedError("NotFoundException", f"Key '{ARN}:key/{request['KeyId']}' does not exist")
    return number


def describe_key(account: Account, request: Json) -> bytes:
    """Answer `kms:DescribeKey`."""
    number = _existing(account, request)
    key_id, state = key_id_of(number), state_of(number)
    return encoded(
        {
            "KeyMetadata": {
                "AWSAccountId": ACCOUNT_ID,
                "Arn": f"{ARN}:key/{key_id}",
                "CreationDate": CREATION_TIME,
                "CurrentKeyMaterialId": f"{number:064x}",
                "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "Description": f"Encrypts the data of application {number + 1}",
                "Enabled": state == ENABLED,
                "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
                "KeyId": key_id,
                "KeyManager": "CUSTOMER",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyState": state,
                "KeyUsage": "ENCRYPT_DECRYPT",
                "MultiRegion": False,
                "Origin": "AWS_KMS",
            }
        }
    )


@cache
def _policy_answer(shape: int) -> bytes:
    return encoded({"Policy": template(shape), "PolicyName": "default"})


def filled(text: bytes, number: int) -> bytes:
    """Put what is key `number`'s own into a template."""
    for mark, word in zip(MARKS, words(number), strict=True):
        text = text.replace(mark.encode(), word.encode())
    return text


def get_key_policy(account: Account, request: Json) -> bytes:
    """Answer `kms:GetKeyPolicy`."""
    number = _existing(account, request)
    return filled(_policy_answer(number % SHAPES), number)


def get_key_rotation_status(account: Account, request: Json) -> bytes:
    """Answer `kms:GetKeyRotationStatus`."""
    return encoded({"KeyRotationEnabled": _existing(account, request) % 2 == 0})


def list_grants(account: Account, request: Json) -> bytes:
    """Answer `kms:ListGrants`: no key has any."""
    _existing(account, request)
    return encoded({"Grants": [], "Truncated": False})


def list_resource_tags(account: Account, request: Json) -> bytes:
    """Answer `kms:ListResourceTags`."""
    number = _existing(account, request)
    return encoded({"Tags": [{"TagKey": "Application", "TagValue": f"app-{number}"}], "Truncated": False})


def get_resources(account: Account, request: Json) -> bytes:
    """Answer `tag:GetResources`, which Cloud Custodian asks for the tags of all keys."""
    asked = {"Limit": request.get("ResourcesPerPage"), "Marker": request.get("PaginationToken")}
    numbers, following = page(asked, after="Marker", limit=100, end=account.keys)
    found = [
        {
            "ResourceARN": f"{ARN}:key/{key_id_of(number)}",
            "Tags": [{"Key": "Application", "Value": f"app-{number}"}],
        }
        for number in numbers
    ]
    return encoded({"PaginationToken": following or "", "ResourceTagMappingList": found})


@cache
def _supplement(shape: int) -> bytes:
    """Write what AWS Config records beside the configuration: the policy is JSON text inside JSON text."""
    return encoded({"KeyRotationStatus": "false", "Policy": json.dumps(template(shape))})


def _item(number: int) -> bytes:
    key_id, state = key_id_of(number), state_of(number)
    configuration = {
        "keyId": key_id,
        "arn": f"{ARN}:key/{key_id}",
        "creationDate": int(CREATION_TIME * 1000),
        "enabled": state == ENABLED,
        "description": f"Encrypts the data of application {number + 1}",
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyState": state,
        "origin": "AWS_KMS",
        "keyManager": "CUSTOMER",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keySpec": "SYMMETRIC_DEFAULT",
        "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "signingAlgorithms": [],
        "multiRegion": False,
        "macAlgorithms": [],
        "awsaccountId": ACCOUNT_ID,
    }
    item = {
        "version": "1.3",
        "accountId": ACCOUNT_ID,
        "configurationItemCaptureTime": CREATION_TIME,
        "configurationItemStatus": "OK" if number % 2 else "ResourceDiscovered",
        "configurationStateId": "1666271319163",
        "arn": f"{ARN}:key/{key_id}",
        "resourceType": "AWS::KMS::Key",
        "resourceId": key_id,
        "awsRegion": REGION,
        "availabilityZone": "Not Applicable",
        "resourceCreationTime": CREATION_TIME,
        "configuration": json.dumps(configuration, separators=(",", ":")),
    }
    if is_recorded_with_policy(number):
        supplement = filled(_supplement(number % SHAPES), number)
    else:
        supplement = b'{"KeyRotationStatus": "false"}'
    return encoded(item)[:-1] + b', "supplementaryConfiguration": ' + supplement + b"}"


def batch_get_resource_config(account: Account, request: Json) -> bytes:
    """Answer `config:BatchGetResourceConfig` for at most 100 keys; a key that is not recorded is left out."""
    asked = request["resourceKeys"]
    if len(asked) > LARGEST_BATCH:
        raise RefusedError("ValidationException", "resourceKeys has more than 100 members")
    numbers = (number_of(key["resourceId"]) for key in asked)
    items = b", ".join(_item(number) for number in numbers if number < account.keys and is_recorded(number))
    return b'{"baseConfigurationItems": [' + items + b'], "unprocessedResourceKeys": []}'


def describe_configuration_recorder_status(_account: Account, _request: Json) -> bytes:
    """Answer `config:DescribeConfigurationRecorderStatus`: the recorder is on, and records."""
    status = {"name": "default", "recording": True, "lastStatus": "SUCCESS", "lastStartTime": CREATION_TIME}
    return encoded({"ConfigurationRecordersStatus": [status]})


def describe_configuration_recorders(_account: Account, _request: Json) -> bytes:
    """Answer `config:DescribeConfigurationRecorders`: it records all types."""
    group = {"allSupported": True, "includeGlobalResourceTypes": False, "resourceTypes": []}
    return encoded({"ConfigurationRecorders": [{"name": "default", "recordingGroup": group}]})


def put_evaluations(_account: Account, request: Json) -> bytes:
    """Answer `config:PutEvaluations`: all are taken."""
    if not 0 < len(request["Evaluations"]) <= LARGEST_BATCH:
        raise RefusedError("ValidationException", "Evaluations has none or more than 100 members")
    return b'{"FailedEvaluations": []}'


def get_compliance_details(account: Account, request: Json) -> bytes:
    """Answer `config:GetComplianceDetailsByConfigRule`."""
    numbers, following = page(request, after="NextToken", limit=10, end=account.keys + account.stale)
    results = [
        {
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": {
                    "ConfigRuleName": request["ConfigRuleName"],
                    "ResourceType": "AWS::KMS::Key",
                    "ResourceId": name,
                    "EvaluationMode": "DETECTIVE",
                },
                "OrderingTimestamp": CREATION_TIME,
            },
            "ComplianceType": "COMPLIANT",
            "ResultRecordedTime": CREATION_TIME,
            "ConfigRuleInvokedTime": CREATION_TIME,
            "Annotation": RESULT_ANNOTATION.format(name),
        }
        for name in account.result_names(numbers.start, numbers.stop)
    ]
    return encoded({"EvaluationResults": results, **({"NextToken": following} if following else {})})


OPERATIONS: Mapping[str, Operation] = {
    "ListKeys": list_keys,
    "ListAliases": list_aliases,
    "DescribeKey": describe_key,
    "GetKeyPolicy": get_key_policy,
    "GetKeyRotationStatus": get_key_rotation_status,
    "ListGrants": list_grants,
    "ListResourceTags": list_resource_tags,
    "GetResources": get_resources,
    "BatchGetResourceConfig": batch_get_resource_config,
    "DescribeConfigurationRecorderStatus": describe_configuration_recorder_status,
    "DescribeConfigurationRecorders": describe_configuration_recorders,
    "PutEvaluations": put_evaluations,
    "GetComplianceDetailsByConfigRule": get_compliance_details,
}


@dataclass(slots=True)
class Throttle:
    """Lets so many requests a second through, and a tenth of a second's at once; 0 stands for any number."""

    per_second: float
    allowance: float = 0.0
    at: float = 0.0

    def refuses(self) -> bool:
        """Say whether one more request is too many just now."""
        if not self.per_second:
            return False
        now = time.monotonic()
        self.allowance = min(self.allowance + (now - self.at) * self.per_second, self.per_second / 10)
        self.at = now
        if self.allowance < 1:
            return True
        self.allowance -= 1
        return False


@dataclass(slots=True)
class Service:
    """Answers requests for `account`, after `latency` seconds each, and counts them."""

    account: Account
    latency: float
    throttle: Throttle
    requests: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    evaluations: int = 0

    def answer(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Return the HTTP status and the content of the answer to an operation of AWS."""
        self.requests[operation] += 1
        if self.throttle.refuses():
            self.throttled += 1
            return 400, encoded({"__type": "ThrottlingException", "message": "Rate exceeded"})
        if operation == "GetCallerIdentity":
            return 200, CALLER_IDENTITY
        if operation not in OPERATIONS:
            return 400, encoded({"__type": "UnknownOperationException", "message": operation})
        request = json.loads(body or b"{}")
        try:
            answer = OPERATIONS[operation](self.account, request)
        except RefusedError as error:
            code, message = error.args
            return 400, encoded({"__type": code, "message": message})
        self.evaluations += len(request.get("Evaluations", ()))
        return 200, answer

    def control(self, line: bytes) -> tuple[int, bytes]:
        """Return the HTTP status and the content of the answer to a request of the benchmark's own."""
        match line.split(b" ")[:2]:
            case [b"GET", b"/counts"]:
                return 200, encoded(self.counts())
            case [b"POST", b"/reset"]:
                self.requests.clear()
                self.throttled = self.evaluations = 0
                return 200, b"{}"
            case _:
                return 404, b"{}"

    def counts(self) -> Json:
        """Tell what was asked, how often that was refused, and the processor time of this process."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "requests": dict(self.requests),
            "throttled": self.throttled,
            "evaluations": self.evaluations,
            "processor_seconds": used.ru_utime + used.ru_stime,
        }


class Connection(asyncio.Protocol):
    """One connection of a client: takes requests out of what arrives, and writes the answers when their time is up."""

    def __init__(self, service: Service) -> None:
        """Let `service` answer."""
        self._service = service
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived whole."""
        self._received += data
        while (end := self._received.find(END_OF_HEAD)) >= 0:
            head = bytes(self._received[: end + 2])
            found = LENGTH.search(head)
            start = end + len(END_OF_HEAD)
            stop = start + (int(found[1]) if found else 0)
            if len(self._received) < stop:
                return
            body = bytes(self._received[start:stop])
            del self._received[:stop]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        target = TARGET.search(head)
        if target:
            self._write_later(*self._service.answer(target[1].decode(), body))
        elif body.startswith(b"Action=GetCallerIdentity"):
            self._write_later(*self._service.answer("GetCallerIdentity", body))
        else:
            self._write(*self._service.control(head.partition(b"\r")[0]))

    def _write_later(self, status: int, content: bytes) -> None:
        if self._service.latency:
            asyncio.get_running_loop().call_later(self._service.latency, partial(self._write, status, content))
        else:
            self._write(status, content)

    def _write(self, status: int, content: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        kind = "text/xml" if content.startswith(b"<") else "application/x-amz-json-1.1"
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)


async def serve(service: Service, port: int) -> None:
    """Serve until the process ends; print the port first."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(service), "127.0.0.1", port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(prog="python -m dev.bench.endpoint", description="An AWS account on loopback.")
    described.add_argument("--keys", type=int, default=1000, help="customer keys, of one alias each")
    described.add_argument("--stale-share", type=float, default=STALE_SHARE, help="results of gone keys, a key")
    described.add_argument("--latency-ms", type=float, default=0, help="how long each answer takes")
    described.add_argument("--throttle-per-second", type=float, default=0, help="requests let through (0: all)")
    described.add_argument("--port", type=int, default=0, help="0: any that is free")
    described.add_argument("--end-with-parent", action="store_true", help="end when standard input does")
    return described


def main(arguments: list[str]) -> None:
    """Run the endpoint that the arguments describe."""
    given = parser().parse_args(arguments)
    if given.end_with_parent:
        end_with_parent()
    account = Account(given.keys, round(given.keys * given.stale_share))
    service = Service(account, given.latency_ms / 1000, Throttle(given.throttle_per_second))
    asyncio.run(serve(service, given.port))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
