"""A run of the handler in a time that passes only with what AWS, the pace and the judging take: nobody waits for it.

One thread plays all. What the readers do is worked out when the evaluation waits for it, beginning with what began
first, so that a run comes out the same on any machine.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

from dev.emulator.events import ACCOUNT_ID
from least_privilege import reading
from tests.aws.scripted import Json, ScriptedAws

FOREVER = 10_000.0
type Job = Callable[[], Any]


class StillWaitingError(BaseException):
    """Raised where an evaluation still waits when the handler goes on without it: nothing of the rule's catches it."""


@dataclass(eq=False)
class VirtualTime:
    """`now` are the seconds since the invocation began, which has `budget` of them; `limit` ends the evaluation."""

    budget: float
    now: float = 0
    limit: float = inf
    free_at: list[float] = field(default_factory=list)
    waiting: deque[tuple[float, Future[Any], Job]] = field(default_factory=deque)
    at_work: list[tuple[float, int, Future[Any], Job]] = field(default_factory=list)
    _number: count[int] = field(default_factory=count)

    def spend(self, seconds: float) -> None:
        """Let time pass for whoever plays."""
        self.now += seconds
        if self.now > self.limit:
            self.now = self.limit
            raise StillWaitingError
        if self.limit < inf:
            self.catch_up(self.now)

    @property
    def context(self) -> SimpleNamespace:
        """The context of the invocation."""
        return SimpleNamespace(
            invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:rule",
            get_remaining_time_in_millis=lambda: int(max(self.budget - self.now, 0) * 1000),
        )

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the handler run in this time until the test ends."""
        paced = partial(reading.paced, clock=lambda: self.now, sleep=self.spend)
        monkeypatch.setattr("AWSConfigRuleKMS.IDLE_EVALUATORS", [])
        monkeypatch.setattr("AWSConfigRuleKMS.ThreadPoolExecutor", partial(Threads, self))
        monkeypatch.setattr("AWSConfigRuleKMS.wait", self.wait)
        monkeypatch.setattr("least_privilege.reading.SimpleQueue", partial(Finished, self))
        monkeypatch.setattr("least_privilege.reading.paced", paced)

    def wait(self, futures: Sequence[Future[Any]], timeout: float) -> None:
        """Play the evaluation until it ends, or the handler goes on without it."""
        del futures
        _, future, job = self.waiting.popleft()
        self.limit = self.now + timeout
        try:
            _settle(future, job)
        except StillWaitingError:
            self.limit = inf

    def begin_next(self) -> None:
        """Let the reader that is free first do the job that waits longest."""
        submitted, future, job = self.waiting.popleft()
        present, limit = self.now, self.limit
        self.now, self.limit = max(heapq.heappop(self.free_at), submitted), inf
        future.set_running_or_notify_cancel()
        done: Future[Any] = Future()
        _settle(done, job)
        heapq.heappush(self.free_at, self.now)
        heapq.heappush(self.at_work, (self.now, next(self._number), future, done.result))
        self.now, self.limit = present, limit

    def catch_up(self, until: float) -> bool:
        """Let happen what the readers begin or end by then; return whether there was anything."""
        happened = False
        while min(self.next_begin, self.next_end) <= until:
            happened = True
            if self.next_begin <= self.next_end:
                self.begin_next()
                continue
            _, _, future, job = heapq.heappop(self.at_work)
            _settle(future, job)
        return happened

    @property
    def next_begin(self) -> float:
        return max(self.free_at[0], self.waiting[0][0]) if self.waiting else inf

    @property
    def next_end(self) -> float:
        return self.at_work[0][0] if self.at_work else inf


def _settle(future: Future[Any], job: Job) -> None:
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001 - as an executor does
        future.set_exception(error)


class Threads:
    """Stands for a thread pool: that of the evaluation, or that of the readers."""

    def __init__(self, time: VirtualTime, threads: int, _name: str) -> None:
        self._time = time
        time.free_at = [0.0] * threads

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._time.waiting.append((self._time.now, future, partial(work, *arguments)))
        return future

    def shutdown(self, **_options: bool) -> None:
        """End, which takes no time."""


class Finished:
    """Stands for the queue of what the readers have finished."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._futures: deque[Future[Any]] = deque()

    def put(self, future: Future[Any]) -> None:
        self._futures.append(future)

    def get(self, timeout: float) -> Future[Any]:
        time, until = self._time, self._time.now + timeout
        while not self._futures:
            time.now = max(time.now, min(time.next_begin, time.next_end, until))
            if not time.catch_up(time.now):
                raise Empty
        return self._futures.popleft()


@dataclass
class SlowAws(ScriptedAws):
    """An account whose answers take time: each operation the seconds that `takes` says, others a hundredth of one."""

    time: VirtualTime = field(default_factory=lambda: VirtualTime(0))
    takes: Mapping[str, float] = field(default_factory=dict)
    answered: list[tuple[str, float]] = field(default_factory=list)

    def answer(self, operation: str, request: Json) -> Json:
        """Answer when the time has passed, and note when the operation was asked for."""
        self.answered.append((operation, self.time.now))
        self.time.spend(self.takes.get(operation, 0.01))
        return super().answer(operation, request)
