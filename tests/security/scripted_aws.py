"""AWS on loopback as a test scripts it: an account of one key, and faults for any operation to answer with.

It asks nobody for a signature and counts nothing. A fault is given the whole request, so that an answer can repeat what
AWS, or whatever stands between, was sent.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
JSON_TYPE = "application/x-amz-json-1.1"
XML_TYPE = "text/xml"
ASSUME_ROLE = "AssumeRole"
TOKENS = re.compile(r'(?i:x-amz-security-token: |"ResultToken": ")([^"\s]+)')

ANSWERS: Mapping[str, Mapping[str, object]] = {
    "ListKeys": {"Keys": [{"KeyId": KEY_ID}], "Truncated": False},
    "ListAliases": {"Aliases": [{"AliasName": "alias/otter", "TargetKeyId": KEY_ID}], "Truncated": False},
    "DescribeKey": {"KeyMetadata": {"KeyId": KEY_ID, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
    "GetKeyPolicy": {"Policy": json.dumps({"Statement": {"Sid": "Open", "Effect": "Allow", "Action": "kms:*"}})},
    "DescribeConfigurationRecorderStatus": {"ConfigurationRecordersStatus": [{"name": "default", "recording": True}]},
    # No item, so that a run that reads from AWS Config asks KMS too, and thus uses every operation.
    "BatchGetResourceConfig": {"baseConfigurationItems": [], "unprocessedResourceKeys": []},
    "PutEvaluations": {"FailedEvaluations": []},
    "GetComplianceDetailsByConfigRule": {"EvaluationResults": []},
}
OPERATIONS = (*ANSWERS, ASSUME_ROLE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived: its operation, its head, and its body."""

    operation: str
    head: str
    body: str

    @property
    def content_type(self) -> str:
        """The type in which AWS answers this operation."""
        return XML_TYPE if self.operation == ASSUME_ROLE else JSON_TYPE


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; without a body, the connection is closed instead."""

    body: bytes | None
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a run comes to know of that nobody who reads its output may learn."""

    access_key: str
    session_token: str
    assumed_access_key: str
    assumed_session_token: str
    result_token: str
    held_result_token: str

    @property
    def assumed_role(self) -> str:
        """The answer of `AssumeRole`."""
        return (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAOTTEROTTEROTTER</AccessKeyId>"
            f"<SecretAccessKey>{self.assumed_access_key}</SecretAccessKey>"
            f"<SessionToken>{self.assumed_session_token}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )

    @property
    def held_results(self) -> dict[str, object]:
        """The answer of `GetComplianceDetailsByConfigRule`; each result may carry the token that it was put with."""
        qualifier = {"ConfigRuleName": "otter", "ResourceType": "AWS::KMS::Key", "ResourceId": "alias/gone"}
        identifier = {"EvaluationResultQualifier": qualifier}
        return {
            "EvaluationResults": [{"EvaluationResultIdentifier": identifier, "ResultToken": self.held_result_token}]
        }


type Fault = Callable[[Asked, Answer], Answer]


def error(code: str, message: str, status: int = 400) -> Fault:
    """Make the fault of an error in the protocol of the operation's service."""
    return lambda asked, _usual: _error(asked, code, message, status)


def _error(asked: Asked, code: str, message: str, status: int = 400) -> Answer:
    if asked.operation == ASSUME_ROLE:
        document = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
        )
        return Answer(document.encode(), XML_TYPE, status)
    return Answer(json.dumps({"__type": code, "message": message}).encode(), JSON_TYPE, status)


def bad_signature(asked: Asked, _usual: Answer) -> Answer:
    """Answer as AWS does to a wrong signature: below the sentence stands what should have been signed."""
    signed = f"The Canonical String:\n'POST\n/\nx-amz-security-token:{TOKENS.findall(asked.head)[0]}\n{asked.head}'"
    return _error(asked, "InvalidSignatureException", f"The signature does not match.\n\n{signed}", 403)


def repeating(asked: Asked, _usual: Answer) -> Answer:
    """Refuse the tokens of the request and repeat them within the sentence, as AWS's validation does with values."""
    values = " and ".join(f"'{value}'" for value in TOKENS.findall(f"{asked.body} {asked.head}"))
    return _error(asked, "ValidationException", f"Value {values} failed to satisfy constraint: Member must be otter")


def cut_off(_asked: Asked, usual: Answer) -> Answer:
    """Answer with all but the last bytes of the usual body, as a proxy does that breaks down."""
    return Answer((usual.body or b"")[:-5], usual.content_type)


def page(asked: Asked, _usual: Answer) -> Answer:
    """Answer with a page that repeats the request, as proxies do to be helpful."""
    request = re.sub(r"\s+", " ", f"{asked.head} {asked.body}")
    return Answer(f"<html><pre>{request}</pre>".encode(), "text/html", 403)


def garbled(_asked: Asked, usual: Answer) -> Answer:
    """Answer with what is no text."""
    return Answer(b"\xff\xfe\x00" + (usual.body or b""), usual.content_type)


def hung_up(_asked: Asked, usual: Answer) -> Answer:
    """Close the connection without an answer."""
    return Answer(None, usual.content_type)


class ScriptedAws:
    """The endpoint: `faults` by operation replace what it answers; `asked` are the requests so far."""

    def __init__(self, known: Secrets) -> None:
        """Give away what AWS gives away of these."""
        self.faults: dict[str, Fault] = {}
        self.asked: list[Asked] = []
        self._documents = {name: json.dumps(answer) for name, answer in ANSWERS.items()}
        self._documents[ASSUME_ROLE] = known.assumed_role
        self._documents["GetComplianceDetailsByConfigRule"] = json.dumps(known.held_results)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, asked: Asked) -> Answer:
        """Note the request and answer it."""
        self.asked.append(asked)
        usual = Answer(self._documents[asked.operation].encode(), asked.content_type)
        fault = self.faults.get(asked.operation)
        return fault(asked, usual) if fault else usual


def _handler_of(scripted: ScriptedAws) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        aws: ClassVar[ScriptedAws] = scripted

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: ClassVar[ScriptedAws]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or parse_qs(body)["Action"][0]
        answer = self.aws.answer(Asked(target, str(self.headers), body))
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
