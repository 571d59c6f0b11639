"""Runs a deployed function's package as AWS Lambda does: AWS's own runtime client, in a process of its own.

The process can import nothing but the package, boto3, botocore, the runtime client (`awslambdaric`) and what these
require: no other package of this environment, and nothing of this project. It asks a minimal Runtime API on loopback
for events, and answers there. Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution, distribution
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar

IMPORTABLE = ("boto3", "awslambdaric")
NEXT = "/2018-06-01/runtime/invocation/next"
ANSWER = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
INITIALISATION_ERROR = "/2018-06-01/runtime/init/error"
REQUIREMENT_NAME = re.compile(r"[\w.-]+")
# A test that would wait longer than this for an answer of the function has failed.
LONGEST_WAIT_SECONDS = 120


class InvocationError(Exception):
    """Raised when the function answered an event with an error; the message is the function's own."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to the function, and the place where its answer arrives."""

    event: object
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answers: Queue[tuple[str, Any]] = field(default_factory=lambda: Queue(1))


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """What AWS Lambda keeps of a function: its package, unpacked in `folder`, and its configuration."""

    folder: Path
    handler: str
    arn: str
    memory_megabytes: int
    timeout_seconds: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's name, the last part of its ARN."""
        return self.arn.rpartition(":")[2]


class RunningFunction:
    """A function that waits for events. Its log is what it wrote to its standard output and error."""

    def __init__(self, api: _RuntimeApi, log: Path) -> None:
        """Take over a started process."""
        self._api = api
        self._log = log

    def invoke(self, event: object) -> object:
        """Send an event, wait for the answer, and return it as parsed JSON.

        Raises `InvocationError` where the function raised, or its process ended.
        """
        invocation = Invocation(event)
        self._api.send(invocation)
        kind, answer = invocation.answers.get(timeout=LONGEST_WAIT_SECONDS)
        if kind == "error":
            raise InvocationError(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        return answer

    @property
    def log(self) -> str:
        """Everything that the function has logged so far."""
        return self._log.read_text(encoding="utf-8")


@contextmanager
def running(function: DeployedFunction) -> Iterator[RunningFunction]:
    """Start a function's process with this process's AWS settings, and end it with the block."""
    with tempfile.TemporaryDirectory() as folder:
        libraries = Path(folder, "libraries")
        libraries.mkdir()
        link_importable(libraries)
        log = Path(folder, "log")
        api = _RuntimeApi(function)
        with api.serving(), log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - this interpreter on AWS's runtime client
                [sys.executable, "-S", "-P", "-m", "awslambdaric", function.handler],
                cwd=function.folder,
                env=_environment(function, libraries, api.address),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            watcher = threading.Thread(target=api.watch, args=(process,), daemon=True)
            watcher.start()
            try:
                yield RunningFunction(api, log)
            finally:
                process.kill()
                process.wait()
                watcher.join()


def link_importable(target: Path) -> None:
    """Fill a folder with links to what Lambda's Python has beside the standard library, and nothing else."""
    for name in _with_requirements(IMPORTABLE):
        for entry in sorted(_top_level(distribution(name))):
            (target / entry.name).symlink_to(entry)


def _with_requirements(names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower()
        if name not in found:
            found.add(name)
            waiting += _required_by(distribution(name))
    return found


def _required_by(package: Distribution) -> list[str]:
    unconditional = [line for line in package.requires or () if "extra ==" not in line]
    return [match[0] for match in map(REQUIREMENT_NAME.match, unconditional) if match]


def _top_level(package: Distribution) -> set[Path]:
    names = {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}
    return {Path(str(package.locate_file(name))) for name in names}


def _environment(function: DeployedFunction, libraries: Path, runtime_api: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return {
        **inherited,
        **function.environment,
        "PATH": os.defpath,
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join((str(function.folder), str(libraries))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_megabytes),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "LAMBDA_TASK_ROOT": str(function.folder),
        "_HANDLER": function.handler,
    }


class _RuntimeApi:
    """The side of AWS Lambda: hands out events one at a time and takes the answers."""

    def __init__(self, function: DeployedFunction) -> None:
        self._function = function
        self._waiting: Queue[Invocation | None] = Queue()
        self._sent: dict[str, Invocation] = {}
        self._failure: Any = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._waiting.put(None)
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def send(self, invocation: Invocation) -> None:
        with self._lock:
            self._sent[invocation.id] = invocation
            failure = self._failure
        if failure:
            self.answer(invocation.id, "error", failure)
        else:
            self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        return self._waiting.get()

    def answer(self, invocation_id: str, kind: str, content: Any) -> None:
        with self._lock:
            invocation = self._sent.pop(invocation_id, None)
        if invocation:
            invocation.answers.put((kind, content))

    def fail_all(self, content: Any) -> None:
        """Answer every event with an error, those to come too; the first error stands, as it is nearest the cause."""
        with self._lock:
            self._failure = failure = self._failure or content
            waiting = list(self._sent)
        for invocation_id in waiting:
            self.answer(invocation_id, "error", failure)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Answer for a process that ended without an answer."""
        process.wait()
        self.fail_all({"errorType": "Runtime.ExitError", "errorMessage": "the function's process ended"})

    def headers_of(self, invocation: Invocation) -> dict[str, str]:
        deadline = time.time() + self._function.timeout_seconds
        return {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{invocation.id}",
            "Content-Type": "application/json",
        }


def _handler_of(runtime_api: _RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(_RuntimeApiHandler):
        api: ClassVar[_RuntimeApi] = runtime_api

    return Handler


class _RuntimeApiHandler(BaseHTTPRequestHandler):
    api: ClassVar[_RuntimeApi]

    def do_GET(self) -> None:
        invocation = self.api.next() if self.path == NEXT else None
        if invocation is None:
            self._reply(404, {}, b"")
            return
        self._reply(200, self.api.headers_of(invocation), json.dumps(invocation.event).encode())

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        self._reply(202, {"Content-Type": "application/json"}, b'{"status": "OK"}')
        answer = ANSWER.fullmatch(self.path)
        if answer:
            self.api.answer(answer[1], answer[2], content)
        if self.path == INITIALISATION_ERROR:
            self.api.fail_all(content)

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        # The process may have ended, or been ended, while it waited.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the standard error for people."""
