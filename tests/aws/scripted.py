"""AWS as a script that may say anything: keys with hostile names, states, policies and errors, and broken answers.

One table, `ANSWERS`, has what every operation answers; `faults` by operation take the place of an answer. The rule
reaches the script in either of two ways:

* In process, by `Clients`: each call is answered before botocore would send it, so a test may make thousands. Botocore
  still writes each request as it would go over the wire, and the script reads that.
* Over HTTP on loopback, by `ScriptedAws.serving`: botocore reads each answer too, a process of its own can ask, and a
  fault is given the whole request, so that an answer can repeat what AWS, or whatever stands between, was sent.

It asks nobody for a signature and counts nothing. KMS stores few such names; the rule must not rely on that.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

SERVICES = ("kms", "config", "sts")
LONGEST_RESOURCE_ID = 768
LONGEST_ANNOTATION = 256
JSON_TYPE = "application/x-amz-json-1.1"
XML_TYPE = "text/xml"
ASSUME_ROLE = "AssumeRole"
TOKENS = re.compile(r'(?i:x-amz-security-token: |"ResultToken": ")([^"\s]+)')

type Json = dict[str, Any]


# What can go wrong.


class Failure(NamedTuple):
    """The code, the message and the status of an error of AWS."""

    code: str
    message: str
    status: int = 400


class FailedCallError(Exception):
    """Raised to answer a call with an error of AWS."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived over HTTP: its operation, its head, and its body."""

    operation: str
    head: str
    body: str

    @property
    def content_type(self) -> str:
        """The type in which AWS answers this operation."""
        return XML_TYPE if self.operation == ASSUME_ROLE else JSON_TYPE

    @property
    def request(self) -> Json:
        """What it asks for."""
        return dict(parse_qsl(self.body)) if self.operation == ASSUME_ROLE else json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response over HTTP; without a body, the connection is closed instead."""

    body: bytes | None
    content_type: str
    status: int = 200


type WireFault = Callable[[Asked, Answer], Answer]
type Fault = Failure | WireFault


def refusal(asked: Asked, failure: Failure) -> Answer:
    """Make the answer of an error in the protocol of the operation's service."""
    if asked.operation == ASSUME_ROLE:
        error = f"<Error><Code>{failure.code}</Code><Message>{escape(failure.message)}</Message></Error>"
        return Answer(f"<ErrorResponse>{error}</ErrorResponse>".encode(), XML_TYPE, failure.status)
    document = json.dumps({"__type": failure.code, "message": failure.message})
    return Answer(document.encode(), JSON_TYPE, failure.status)


def bad_signature(asked: Asked, _usual: Answer) -> Answer:
    """Answer as AWS does to a wrong signature: below the sentence stands what should have been signed."""
    signed = f"The Canonical String:\n'POST\n/\nx-amz-security-token:{TOKENS.findall(asked.head)[0]}\n{asked.head}'"
    return refusal(asked, Failure("InvalidSignatureException", f"The signature does not match.\n\n{signed}", 403))


def repeating(asked: Asked, _usual: Answer) -> Answer:
    """Refuse the tokens of the request and repeat them within the sentence, as AWS's validation does with values."""
    values = " and ".join(f"'{value}'" for value in TOKENS.findall(f"{asked.body} {asked.head}"))
    return refusal(
        asked, Failure("ValidationException", f"Value {values} failed to satisfy constraint: Member must be otter")
    )


def cut_off(_asked: Asked, usual: Answer) -> Answer:
    """Answer with all but the last bytes of the usual body, as a proxy does that breaks down."""
    return Answer((usual.body or b"")[:-5], usual.content_type)


def page(asked: Asked, _usual: Answer) -> Answer:
    """Answer with a page that repeats the request, as proxies do to be helpful."""
    request = re.sub(r"\s+", " ", f"{asked.head} {asked.body}")
    return Answer(f"<html><pre>{request}</pre>".encode(), "text/html", 403)


def garbled(_asked: Asked, usual: Answer) -> Answer:
    """Answer with what is not text."""
    return Answer(b"\xff\xfe\x00" + (usual.body or b""), usual.content_type)


def hung_up(_asked: Asked, usual: Answer) -> Answer:
    """Close the connection without an answer."""
    return Answer(None, usual.content_type)


# The account.


@dataclass(frozen=True, slots=True)
class ScriptedKey:
    """A key as AWS tells of it; `faults` are the errors that operations about this key end in, by operation.

    Of a key that is not `recorded`, AWS Config has no item.
    """

    id: str
    aliases: tuple[str, ...] = ()
    policy: str = '{"Statement": []}'
    manager: str = "CUSTOMER"
    state: str = "Enabled"
    recorded: bool = True
    faults: Mapping[str, Failure] = field(default_factory=dict)


@dataclass
class ScriptedAws:
    """An account: its keys, the ids of the results that AWS Config holds, and operations that fail for every key.

    `held_token` is the result token that each held result carries, and `credentials` are those of an assumed role.
    What AWS Config took is `reported`, and what it did not `refused`; `asked` are the requests over HTTP so far.
    """

    keys: tuple[ScriptedKey, ...] = ()
    held: tuple[str, ...] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    recording: bool = True
    held_token: str = "none"  # noqa: S105 - stands for one that a test names
    credentials: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(("AccessKeyId", "SecretAccessKey", "SessionToken"), "none")
    )
    reported: list[Json] = field(default_factory=list)
    refused: list[Json] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, operation: str, request: Json) -> Json:
        for faults in (self.faults, *(key.faults for key in self.keys if key.id == request.get("KeyId"))):
            fault = faults.get(operation)
            if isinstance(fault, Failure):
                raise FailedCallError(fault)
        return ANSWERS[operation](self, request)

    def answer_over_http(self, asked: Asked) -> Answer:
        """Note the request and answer it."""
        self.asked.append(asked)
        try:
            answer = self.answer(asked.operation, asked.request)
        except FailedCallError as failed:
            return refusal(asked, failed.failure)
        document = result_in_xml(asked.operation, answer) if asked.content_type == XML_TYPE else json.dumps(answer)
        usual = Answer(document.encode(), asked.content_type)
        fault = self.faults.get(asked.operation)
        return fault(asked, usual) if callable(fault) else usual

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer over HTTP until the block ends; yield the URL at which clients reach it."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"aws": self}))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def key(self, request: Json) -> ScriptedKey:
        found = [key for key in self.keys if key.id == request["KeyId"]]
        if not found:
            raise FailedCallError(Failure("NotFoundException", "there is no such key"))
        return found[0]

    def list_aliases(self, request: Json) -> Json:
        keys = [self.key(request)] if "KeyId" in request else self.keys
        return {"Aliases": [{"AliasName": name, "TargetKeyId": key.id} for key in keys for name in key.aliases]}

    def describe_key(self, request: Json) -> Json:
        key = self.key(request)
        return {"KeyMetadata": {"KeyId": key.id, "KeyManager": key.manager, "KeyState": key.state}}

    def batch_get_resource_config(self, request: Json) -> Json:
        asked = {item["resourceId"] for item in request["resourceKeys"]}
        items = [recorded_item(key) for key in self.keys if key.recorded and key.id in asked]
        return {"baseConfigurationItems": items, "unprocessedResourceKeys": []}

    def put_evaluations(self, request: Json) -> Json:
        wrong = [item for item in request["Evaluations"] if not takes(item)]
        if wrong:
            self.refused += wrong
            raise FailedCallError(Failure("ValidationException", f"{len(wrong)} validation errors detected"))
        self.reported += request["Evaluations"]
        return {"FailedEvaluations": []}

    def compliance_details(self, _request: Json) -> Json:
        qualifiers = [{"ResourceType": "AWS::KMS::Key", "ResourceId": held} for held in self.held]
        identifiers = [{"EvaluationResultQualifier": item} for item in qualifiers]
        return {
            "EvaluationResults": [
                {"EvaluationResultIdentifier": item, "ResultToken": self.held_token} for item in identifiers
            ]
        }


def takes(evaluation: Json) -> bool:
    """Return whether AWS Config's limits let it take an evaluation. Source: botocore's model of AWS Config."""
    return (
        1 <= len(evaluation["ComplianceResourceId"]) <= LONGEST_RESOURCE_ID
        and 1 <= len(evaluation["Annotation"]) <= LONGEST_ANNOTATION
    )


def recorded_item(key: ScriptedKey) -> Json:
    return {
        "resourceType": "AWS::KMS::Key",
        "resourceId": key.id,
        "configurationItemStatus": "OK",
        "configuration": json.dumps({"keyManager": key.manager, "keyState": key.state}),
        "supplementaryConfiguration": {"Policy": json.dumps(key.policy)},
    }


ANSWERS: Mapping[str, Callable[[ScriptedAws, Json], Json]] = {
    "ListKeys": lambda aws, _: {"Keys": [{"KeyId": key.id} for key in aws.keys]},
    "ListAliases": ScriptedAws.list_aliases,
    "DescribeKey": ScriptedAws.describe_key,
    "GetKeyPolicy": lambda aws, request: {"Policy": aws.key(request).policy},
    "DescribeConfigurationRecorderStatus": lambda aws, _: {
        "ConfigurationRecordersStatus": [{"recording": aws.recording}]
    },
    "BatchGetResourceConfig": ScriptedAws.batch_get_resource_config,
    "PutEvaluations": ScriptedAws.put_evaluations,
    "GetComplianceDetailsByConfigRule": ScriptedAws.compliance_details,
    ASSUME_ROLE: lambda aws, _: {"Credentials": aws.credentials},
}
OPERATIONS = tuple(ANSWERS)


# The ways to it.


class Clients:
    """The clients that the rule gets instead of its own; `aws` is the script that answers them."""

    def __init__(self) -> None:
        session = boto3.Session("none", "none", region_name="us-east-1")
        # The rule turns validation off too: hostile names must come as far as the request.
        settings = Config(parameter_validation=False)
        self.aws = ScriptedAws()
        self._clients: dict[str, Any] = {
            service: session.client(service, config=settings)  # type: ignore[call-overload]
            for service in SERVICES
        }
        for client in self._clients.values():
            client.meta.events.register("before-call", self._answer)

    def client(self, service: str, **_settings: object) -> Any:
        return self._clients[service]

    def _answer(self, model: Any, params: Json, **_context: object) -> tuple[AWSResponse, Json]:
        body = params["body"]
        request = json.loads(body) if isinstance(body, bytes) else body
        status = 200
        try:
            answer = self.aws.answer(model.name, request)
        except FailedCallError as failed:
            code, message, status = failed.failure
            answer = {"Error": {"Code": code, "Message": message}}
        return AWSResponse("", status, HTTPHeaders(), None), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}

    @contextmanager
    def playing(self, aws: ScriptedAws) -> Iterator[ScriptedAws]:
        """Let this script answer the rule's clients until the block ends."""
        if any(map(callable, aws.faults.values())):
            raise TypeError("Over HTTP alone can such a fault be played.")
        self.aws = aws
        with patch("boto3.client", self.client):
            yield aws


def result_in_xml(operation: str, answer: Json) -> str:
    return f"<{operation}Response><{operation}Result>{in_xml(answer)}</{operation}Result></{operation}Response>"


def in_xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{in_xml(member)}</{name}>" for name, member in value.items())
    return escape(value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: ScriptedAws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or dict(parse_qsl(body))["Action"]
        answer = self.aws.answer_over_http(Asked(target, str(self.headers), body))
        if answer.body is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the standard error for what the rule writes there."""
