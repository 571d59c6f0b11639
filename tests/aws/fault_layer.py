"""A layer in front of the emulated account: it asks a plan what becomes of each request before the account gets it.

`FaultLayer` is a WSGI application around moto's own. A `Plan` looks at a `Call` and answers with None, which lets it
pass, or with a fault: what the layer then does to the `Exchange`, be it an error in the service's own protocol, a
connection that breaks, no answer at all, or something that happens to the account first. What a plan decides depends
on what is asked and how often it was, never on the order in which threads happen to arrive; so a plan can be replayed.
"""

from __future__ import annotations

import json
import re
import select
import socket
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from dev.emulator.account import LOOPBACK

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SERVICE_OF_TARGET = {"TrentService": "kms", "StarlingDoveService": "config"}
JSON = "application/x-amz-json-1.1"
PUT_EVALUATIONS = "config:PutEvaluations"
ASSUME_ROLE = "sts:AssumeRole"
SECRETS_OF_SESSION = re.compile("<(?:SecretAccessKey|SessionToken)>(.*?)</")
# Botocore has given up on such a request long before a person notices, but never on one that is answered.
SHORT_READ_TIMEOUT = 0.02
LONGEST_DEAFNESS = 0.1


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it arrives: `operation` is `service:Operation`, `subject` the resource that it is about, if one.

    `served` is how often the account has answered this operation for this subject, and so the number of the page or
    of the batch; `refused` is how often this very request was kept from it since.
    """

    operation: str
    subject: str
    served: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that a fault has in its hands: `forward` lets the account answer it, `hold` waits for its end."""

    call: Call
    content: Mapping[str, Any]
    session_token: str
    connection: socket.socket
    forward: Callable[[], Response]
    hold: Callable[[], None]

    def drop(self) -> Response:
        """Break the connection; what is returned never reaches the client."""
        self.connection.shutdown(socket.SHUT_RDWR)
        return Response()


type Fault = Callable[[Exchange], Response]
type Plan = Callable[[Call], Fault | None]


# What can become of a request.


def refusal(code: str, sentence: str, status: int = 400) -> Fault:
    """Make the fault that answers with an error, in the protocol of the service that was asked.

    Below the sentence stands what must be repeated nowhere, as below AWS's own about a signature that is wrong.
    """

    def refuse(exchange: Exchange) -> Response:
        signed = f"x-amz-security-token:{exchange.session_token} {exchange.content.get('ResultToken', '')}"
        message = f"{sentence}\n\nThe Canonical String for this request should have been\n'{signed}'"
        if not exchange.call.operation.startswith("sts:"):
            return Response(json.dumps({"__type": code, "message": message}), status, content_type=JSON)
        error = f"<Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return Response(f"<ErrorResponse>{error}</ErrorResponse>", status, content_type="text/xml")

    return refuse


def dropped(exchange: Exchange) -> Response:
    """Break the connection before the account has seen the request."""
    return exchange.drop()


def dropped_after(exchange: Exchange) -> Response:
    """Let the account do what is asked, and break the connection before the client learns of it."""
    exchange.forward()
    return exchange.drop()


def cut_short(exchange: Exchange) -> Response:
    """Let the account do what is asked, and end its answer in the middle."""
    answer = exchange.forward()
    whole = answer.get_data()
    answer.set_data(whole[: len(whole) // 2])
    return answer


def hanging(exchange: Exchange) -> Response:
    """Never answer."""
    exchange.hold()
    return exchange.drop()


def foreign_page(exchange: Exchange) -> Response:
    """Answer as a proxy that wants somebody to log in: with success, and with nothing that AWS would say."""
    del exchange
    return Response("<html><body>Please log in.</body></html>", content_type="text/html")


def foreign_list(exchange: Exchange) -> Response:
    """Answer with success, as AWS does, but with JSON that is not an object, as only something in between does."""
    del exchange
    return Response("[null]", content_type=JSON)


def after(action: Callable[[Call], object]) -> Fault:
    """Make the fault in which something happens to the account just before the request reaches it."""

    def act(exchange: Exchange) -> Response:
        action(exchange.call)
        return exchange.forward()

    return act


def fails(resource_id: str) -> bool:
    """Return whether `failing_evaluations` fails this one: about every second id, always the same ones."""
    return zlib.crc32(resource_id.encode()) % 2 == 0


def failing_evaluations(exchange: Exchange) -> Response:
    """Take a batch but for the evaluations that fail, and return these as failed."""
    evaluations = exchange.content["Evaluations"]
    failed = [item for item in evaluations if fails(item["ComplianceResourceId"])]
    evaluations[:] = [item for item in evaluations if item not in failed]
    if evaluations:
        exchange.forward()
    return Response(json.dumps({"FailedEvaluations": failed}), content_type=JSON)


# The layer.


def let_pass(_call: Call) -> None:
    """Be the plan of a day on which nothing goes wrong."""


@dataclass(eq=False, slots=True)
class FaultLayer:
    """The layer, and what it has seen.

    * `plan` decides about every request, after `standing`: what the account always answers, by operation and subject.
    * `calls` are all requests since `begin` in the order of arrival, `faulted` those that the plan struck.
    * `accepted` are all evaluations that AWS Config took, in that order, as they were sent.
    * `issued` is every secret that an answer of the account gave to a client.
    """

    account: WSGIApplication
    plan: Plan = let_pass
    standing: dict[tuple[str, str], Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    faulted: list[Call] = field(default_factory=list)
    accepted: list[Mapping[str, Any]] = field(default_factory=list)
    issued: set[str] = field(default_factory=set)
    _served: Counter[tuple[str, str]] = field(default_factory=Counter)
    _refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)
    _ending: Event = field(default_factory=Event)

    def begin(self, plan: Plan = let_pass) -> None:
        """Decide by `plan` from now on, and count anew."""
        with self._lock:
            self.plan = plan
            for seen in (self.calls, self.faulted, self._served, self._refused):
                seen.clear()

    def hangs(self, headers: Mapping[str, str | bytes], body: str | bytes) -> bool:
        """Return whether this request will be held if it is sent now."""
        operation, subject, _ = _asked(headers, body)
        return self.plan(self._counted(operation, subject)) is hanging

    def release(self) -> None:
        """Let go of the requests that are held, now and ever after."""
        self._ending.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        operation, subject, content = _asked({"X-Amz-Target": environ.get("HTTP_X_AMZ_TARGET", "")}, body)
        call, fault = self._decide(operation, subject)

        def forward() -> Response:
            return self._forward(environ, call, json.dumps(content).encode() if content else body)

        connection = environ["werkzeug.socket"]
        token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
        exchange = Exchange(call, content, token, connection, forward, lambda: self._hold(connection))
        answer = fault(exchange) if fault else forward()
        return answer(environ, start_response)

    def _decide(self, operation: str, subject: str) -> tuple[Call, Fault | None]:
        with self._lock:
            call = self._counted(operation, subject)
            self.calls.append(call)
            fault = self.plan(call)
            if fault:
                self.faulted.append(call)
                self._refused[operation, subject] += 1
            else:
                self._served[operation, subject] += 1
                self._refused[operation, subject] = 0
            return call, fault or self.standing.get((operation, subject))

    def _counted(self, operation: str, subject: str) -> Call:
        return Call(operation, subject, self._served[operation, subject], self._refused[operation, subject])

    def _forward(self, environ: WSGIEnvironment, call: Call, body: bytes) -> Response:
        request = {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = Response.from_app(self.account, request, buffered=True)
        with self._lock:
            if call.operation == PUT_EVALUATIONS and answer.status_code == HTTPStatus.OK:
                self.accepted += json.loads(body)["Evaluations"]
            if call.operation == ASSUME_ROLE:
                self.issued.update(SECRETS_OF_SESSION.findall(answer.get_data(as_text=True)))
        return answer

    def _hold(self, connection: socket.socket) -> None:
        # Readable means closed, since a client that waits for an answer sends nothing.
        while not self._ending.is_set() and not select.select([connection], [], [], LONGEST_DEAFNESS)[0]:
            pass


def _asked(headers: Mapping[str, str | bytes], body: str | bytes) -> tuple[str, str, dict[str, Any]]:
    """Return the operation of a request, its subject, and its content where that is JSON."""
    target = headers.get("X-Amz-Target", "")
    if not target:
        form = {name: values[0] for name, values in parse_qs(_text(body)).items()}
        return f"sts:{form.get('Action')}", form.get("RoleArn", ""), {}
    service, _, operation = _text(target).partition(".")
    content = json.loads(body)
    keys = content.get("resourceKeys") or [{}]
    subject = content.get("KeyId") or keys[0].get("resourceId", "")
    return f"{SERVICE_OF_TARGET[service.partition('_')[0]]}:{operation}", subject, content


def _text(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text


@contextmanager
def served_layer() -> Iterator[tuple[FaultLayer, str]]:
    """Serve a layer in front of moto until the block ends; yield it, and the URL at which it answers."""
    layer = FaultLayer(DomainDispatcherApplication(create_backend_app))
    server = make_server(LOOPBACK, 0, layer, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, name="fault layer", daemon=True)
    thread.start()
    try:
        yield layer, f"http://{LOOPBACK}:{server.server_port}"
    finally:
        layer.release()
        server.shutdown()
        server.server_close()
        thread.join()
