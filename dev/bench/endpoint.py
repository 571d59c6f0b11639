"""AWS on loopback: what the rule, the published sample and Cloud Custodian call of KMS, AWS Config, STS and tagging.

It speaks just the HTTP/1.1 that botocore does: keep-alive, a `Content-Length`, one request at a time on a connection.
Neither signatures nor parameters are checked. The answers are those of `answers.json`; of an operation that lists, it
has one entry.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dev.bench import account
from dev.bench.account import SHAPES, filled, number_of, policy_template

TARGET = re.compile(rb"\r\nx-amz-target: *[^\r]*?(\w+)\r", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWERS = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))
# The name of the list, those of the token in the request and in the answer, and how many entries a page has.
LISTINGS = {
    "ListKeys": ("Keys", "Marker", "NextMarker", 100),
    "ListAliases": ("Aliases", "Marker", "NextMarker", 50),
    "GetResources": ("ResourceTagMappingList", "PaginationToken", "PaginationToken", 100),
    "GetComplianceDetailsByConfigRule": ("EvaluationResults", "NextToken", "NextToken", 10),
}
LARGEST_BATCH = 100
FIRST_EVENTS = 2

type Json = dict[str, Any]
type Answer = tuple[str, str]


@cache
def template(operation: str, shape: int = 0, *, with_policy: bool = True) -> str:
    """Return the answer to an operation, or an entry of it, for keys whose policies have this shape."""
    answer = ANSWERS[operation]
    if operation == "GetKeyPolicy":
        answer = {**answer, "Policy": policy_template(shape)}
    if operation == "BatchGetResourceConfig":
        # The configuration is JSON text, and the policy is JSON text inside JSON text.
        configuration = json.dumps(answer["configuration"], separators=(",", ":"))
        policy = {"Policy": json.dumps(policy_template(shape))} if with_policy else {}
        supplement = {"KeyRotationStatus": "false", **policy}
        answer = {**answer, "configuration": configuration, "supplementaryConfiguration": supplement}
    return json.dumps(answer)


def page(operation: str, keys: int, request: Json) -> str:
    """Return the page that is asked for; of the aliases, it may be those of one key."""
    entries, asked, answered, size = LISTINGS[operation]
    total = account.results_of(keys) if operation == "GetComplianceDetailsByConfigRule" else keys
    start = int(request.get(asked) or 0)
    end = min(start + int(request.get("Limit") or request.get("ResourcesPerPage") or size), total)
    if "KeyId" in request:
        start = number_of(request["KeyId"])
        end = total = start + 1
    listed = ", ".join(filled(template(operation), number) for number in range(start, end))
    following = f', "{answered}": "{end}"' if end < total else ""
    return f'{{"{entries}": [{listed}], "Truncated": {str(end < total).lower()}{following}}}'


def items(request: Json) -> str:
    """Return AWS Config's items of the keys that are asked for: of one key in a thousand it has none."""
    numbers = [number_of(key["resourceId"]) for key in request["resourceKeys"]]
    found = ", ".join(
        filled(template("BatchGetResourceConfig", number % SHAPES, with_policy=with_policy), number)
        for number in numbers
        if number % 1000 != account.UNRECORDED
        for with_policy in [number % 1000 != account.RECORDED_WITHOUT_POLICY]
    )
    return f'{{"baseConfigurationItems": [{found}], "unprocessedResourceKeys": []}}'


@dataclass(slots=True)
class Endpoint:
    """Answers for an account of so many keys, after `latency` seconds, and counts what is asked.

    So many requests a second are let through, and a tenth of a second's at once; 0 stands for any number. New
    connections are those made after two calls of `PutEvaluations`, with which two events about one key each end.
    """

    keys: int
    latency: float = 0
    per_second: float = 0
    calls: Counter[str] = field(default_factory=Counter)
    new_connections: int = 0
    throttled: int = 0
    evaluations: int = 0
    _allowance: float = 0
    _at: float = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, until the client closes it."""
        self.new_connections += self.calls["PutEvaluations"] >= FIRST_EVENTS
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length, target = LENGTH.search(head), TARGET.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                # Only the one operation of STS is not named in the head.
                status, content = self.answer(target[1].decode() if target else "GetCallerIdentity", body)
                await asyncio.sleep(self.latency)
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode())
        writer.close()

    def answer(self, operation: str, body: bytes) -> Answer:
        """Return the HTTP status and the content of the answer."""
        self.calls[operation] += 1
        if self._refuses():
            self.throttled += 1
            return _error("ThrottlingException")
        if operation == "GetCallerIdentity":
            return "200 OK", ANSWERS[operation]
        request = json.loads(body)
        if operation not in ANSWERS:
            return _error("UnknownOperationException")
        if any(isinstance(value, list) and len(value) > LARGEST_BATCH for value in request.values()):
            return _error("ValidationException")
        self.evaluations += len(request.get("Evaluations", ()))
        return "200 OK", self._content(operation, request)

    def _content(self, operation: str, request: Json) -> str:
        if operation in LISTINGS:
            return page(operation, self.keys, request)
        if operation == "BatchGetResourceConfig":
            return items(request)
        number = number_of(request.get("KeyId", "0"))
        return filled(template(operation, number % SHAPES), number)

    def _refuses(self) -> bool:
        now = time.monotonic()
        self._allowance = min(self._allowance + (now - self._at) * self.per_second, self.per_second / 10)
        self._at = now
        refused = self.per_second > 0 and self._allowance < 1
        self._allowance -= not refused
        return refused


def _error(code: str) -> Answer:
    return "400 Bad Request", json.dumps({"__type": code, "message": "The endpoint of the benchmark refuses this."})
