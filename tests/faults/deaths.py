"""After which AWS call the process dies, as data, and how it does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from unittest.mock import patch

from botocore.httpsession import URLLib3Session
from werkzeug.wrappers import Response

from tests.aws.fault_layer import Call, Exchange, Fault
from tests.faults.matrix import GET_KEY_POLICY, HELD_RESULTS, LIST_KEYS, PUT_EVALUATIONS
from tests.faults.world import CHANGE, FROM_CONFIG, FROM_KMS, ProcessDiedError

# How many calls of AWS a run makes that nothing disturbs. A test counts them, so that no moment is left out.
CALLS: Mapping[str, int] = {FROM_KMS: 49, FROM_CONFIG: 31, CHANGE: 4}
# With a batch of answers delivered, among the keys, and wherever a change can be.
SAMPLE: Mapping[str, tuple[int, ...]] = {FROM_KMS: (45,), FROM_CONFIG: (20,), CHANGE: (1, 2, 3, 4)}


@dataclass(frozen=True, slots=True)
class Death:
    """The process dies when the account has answered so many calls."""

    kind: str
    after: int

    def __str__(self) -> str:
        """Name the moment."""
        return f"{self.kind}, after call {self.after}"


def deaths() -> Iterator[Death]:
    """Yield every moment at which the process can die."""
    return (Death(kind, call) for kind, calls in CALLS.items() for call in range(1, calls + 1))


def sample() -> Iterator[Death]:
    """Yield the moments that every run of the tests tries."""
    return (Death(kind, call) for kind, calls in SAMPLE.items() for call in calls)


@contextmanager
def dying(death: Death) -> Iterator[None]:
    """Let no call of AWS return from the one on after which the process dies, and send none after it."""
    send = URLLib3Session.send
    lock = Lock()
    sent = 0

    def send_or_die(session: URLLib3Session, request: Any) -> Any:
        nonlocal sent
        with lock:
            sent += 1
            number = sent
        if number > death.after:
            raise ProcessDiedError
        answer = send(session, request)
        if number == death.after:
            raise ProcessDiedError
        return answer

    with patch.object(URLLib3Session, "send", send_or_die):
        yield


@dataclass(frozen=True, slots=True)
class Killing:
    """The process is killed when the account has answered a call of `operation`, `served` of which came before."""

    operation: str
    served: int

    def __str__(self) -> str:
        """Name the moment."""
        return f"{self.operation} number {self.served + 1}"


def killings() -> Iterator[Killing]:
    """Yield the moments at which a real process is killed."""
    yield Killing(LIST_KEYS, 0)
    yield Killing(GET_KEY_POLICY, 0)
    yield from sample_of_killings()
    yield Killing(PUT_EVALUATIONS, 1)
    yield Killing(HELD_RESULTS, 0)
    yield Killing(PUT_EVALUATIONS, 2)


def sample_of_killings() -> Iterator[Killing]:
    """Yield the moment that every run of the tests tries."""
    yield Killing(PUT_EVALUATIONS, 0)


@dataclass(eq=False, slots=True)
class Killer:
    """A plan that kills the process `process_id` with a signal that no process can catch."""

    killing: Killing
    process_id: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, call: Call) -> Fault | None:
        """Strike at the moment of the killing."""
        meant = (call.operation, call.served) == (self.killing.operation, self.killing.served)
        return self._kill if meant else None

    def _kill(self, exchange: Exchange) -> Response:
        answer = exchange.forward()
        os.kill(self.process_id, signal.SIGKILL)
        return answer
