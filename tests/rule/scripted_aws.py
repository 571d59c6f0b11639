"""AWS as a script that may say anything: keys with hostile names, states, policies and errors.

Each call is answered before botocore would send it, so a test may make thousands. botocore still writes each request
as it would go over the wire, and the script reads that. KMS stores few such names; the rule must not rely on that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

SERVICES = ("kms", "config", "sts")
RULE_LOGGER = logging.getLogger("AWSConfigRuleKMS")
LONGEST_RESOURCE_ID = 768
LONGEST_ANNOTATION = 256

type Json = dict[str, Any]
# The code and the message of an error of AWS.
type Failure = tuple[str, str]


class FailedCallError(Exception):
    """Raised to answer a call with an error of AWS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class ScriptedKey:
    """A key as AWS tells of it; `failures` are the errors that operations about this key end in, by operation."""

    id: str
    aliases: tuple[str, ...] = ()
    policy: str = '{"Statement": []}'
    manager: str = "CUSTOMER"
    state: str = "Enabled"
    failures: Mapping[str, Failure] = field(default_factory=dict)


@dataclass
class ScriptedAws:
    """An account: its keys, the ids of the results that AWS Config holds, and operations that fail for every key."""

    keys: tuple[ScriptedKey, ...] = ()
    held: tuple[str, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)
    recording: bool = True
    reported: list[Json] = field(default_factory=list)
    refused: list[Json] = field(default_factory=list)

    def answer(self, operation: str, request: Json) -> Json:
        for failure in (self.failures, *(key.failures for key in self.keys if key.id == request.get("KeyId"))):
            if operation in failure:
                raise FailedCallError(*failure[operation])
        return ANSWERS[operation](self, request)

    def key(self, request: Json) -> ScriptedKey:
        found = [key for key in self.keys if key.id == request["KeyId"]]
        if not found:
            raise FailedCallError("NotFoundException", "there is no such key")
        return found[0]

    def list_aliases(self, request: Json) -> Json:
        keys = [self.key(request)] if "KeyId" in request else self.keys
        return {"Aliases": [{"AliasName": name, "TargetKeyId": key.id} for key in keys for name in key.aliases]}

    def describe_key(self, request: Json) -> Json:
        key = self.key(request)
        return {"KeyMetadata": {"KeyId": key.id, "KeyManager": key.manager, "KeyState": key.state}}

    def batch_get_resource_config(self, request: Json) -> Json:
        asked = {item["resourceId"] for item in request["resourceKeys"]}
        return {"baseConfigurationItems": [recorded_item(key) for key in self.keys if key.id in asked]}

    def put_evaluations(self, request: Json) -> Json:
        wrong = [item for item in request["Evaluations"] if not takes(item)]
        if wrong:
            self.refused += wrong
            raise FailedCallError("ValidationException", f"{len(wrong)} validation errors detected")
        self.reported += request["Evaluations"]
        return {"FailedEvaluations": []}

    def compliance_details(self, _request: Json) -> Json:
        qualifiers = [{"ResourceType": "AWS::KMS::Key", "ResourceId": held} for held in self.held]
        results = [{"EvaluationResultIdentifier": {"EvaluationResultQualifier": item}} for item in qualifiers]
        return {"EvaluationResults": results}


def takes(evaluation: Json) -> bool:
    """Say whether AWS Config's limits let it take an evaluation. Source: botocore's model of AWS Config."""
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
    "AssumeRole": lambda _aws, _request: {
        "Credentials": {"AccessKeyId": "none", "SecretAccessKey": "none", "SessionToken": "none"}
    },
}


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
            status = 400
            answer = {"Error": {"Code": failed.code, "Message": failed.message}}
        return AWSResponse("", status, HTTPHeaders(), None), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}

    @contextmanager
    def playing(self, aws: ScriptedAws) -> Iterator[ScriptedAws]:
        """Let this script answer the rule's clients until the block ends."""
        self.aws = aws
        with patch("boto3.client", self.client):
            yield aws


class Listener(logging.Handler):
    """Keeps every record that reaches it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def everything_logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what the rule's own loggers say, at every level."""
    listener = Listener()
    RULE_LOGGER.addHandler(listener)
    with patch.dict("os.environ", {"LOGGING_LEVEL": "DEBUG"}), patch.object(RULE_LOGGER, "propagate", new=False):
        try:
            yield listener.records
        finally:
            RULE_LOGGER.removeHandler(listener)


def forged(records: list[logging.LogRecord]) -> list[str]:
    """Return the log lines that are more than one line of printable ASCII, as they would be written."""
    lines = [logging.Formatter("%(message)s").format(record) for record in records]
    return [line for line in lines if not (line.isascii() and line.isprintable())]
