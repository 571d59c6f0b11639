from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier, Event, Lock

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import now, rule_event, scheduled_notification
from least_privilege.deadline import Deadline
from least_privilege.key import UnreadKey
from least_privilege.reading import BoundedReader, paced
from least_privilege.text import RuleError

JOBS = [[f"key-{number}", f"key-{number + 1}"] for number in range(0, 40, 2)]


def test_every_job_is_answered_once() -> None:
    with ThreadPoolExecutor(8) as executor:
        answers = BoundedReader(executor, list, Deadline(), 10).answers(JOBS)
        assert sorted(answers, key=str) == sorted(key_id for job in JOBS for key_id in job)


def test_no_more_is_read_ahead_than_allowed() -> None:
    begun: list[str] = []
    lock = Lock()

    def read(job: Sequence[str]) -> list[str]:
        with lock:
            begun.extend(job)
        return list(job)

    with ThreadPoolExecutor(8) as executor:
        answers = BoundedReader(executor, read, Deadline(), 6).answers(JOBS)
        for taken in range(1, 31):
            next(answers)
            # What is taken, the rest of its job, and six more.
            assert len(begun) <= taken + 1 + 6


def test_as_many_jobs_are_worked_at_as_there_are_threads() -> None:
    together = Barrier(4)

    def read(job: Sequence[str]) -> list[int]:
        return [together.wait(timeout=30)] * len(job)

    with ThreadPoolExecutor(4) as executor:
        assert len(list(BoundedReader(executor, read, Deadline()).answers(JOBS))) == 40


def test_the_error_of_a_job_reaches_the_caller() -> None:
    def read(job: Sequence[str]) -> list[str]:
        if job[0] == "key-4":
            raise RuleError("no")
        return list(job)

    with ThreadPoolExecutor(2) as executor, pytest.raises(RuleError, match="no"):
        list(BoundedReader(executor, read, Deadline(), 6).answers(JOBS))


def test_a_job_that_hangs_holds_up_no_other() -> None:
    released = Event()

    def read(job: Sequence[str]) -> list[str]:
        return list(job) if job[0] != "key-0" or released.wait(30) else []

    with ThreadPoolExecutor(2) as executor:
        answers = BoundedReader(executor, read, Deadline(), 6).answers(JOBS)
        first = [next(answers) for _ in range(38)]
        released.set()
        assert "key-0" not in first
        assert list(answers) == ["key-0", "key-1"]


class Near(Deadline):
    """A deadline that is near once something has been read."""

    def __init__(self) -> None:
        super().__init__()
        self.has_come = False

    @property
    def is_near(self) -> bool:
        return self.has_come


def test_what_is_under_way_when_the_time_runs_low_is_answered() -> None:
    near, begun = Near(), list[str]()

    def read(job: Sequence[str]) -> list[str]:
        begun.extend(job)
        return list(job)

    with ThreadPoolExecutor(1) as executor:
        answers = BoundedReader(executor, read, near, 6).answers(JOBS)
        first = next(answers)
        near.has_come = True
        assert [first, *answers] == begun
    assert 6 <= len(begun) < 40


class Ending(Deadline):
    """A deadline that comes when two answers were waited for and this is reached."""

    def __init__(self, reached: Event) -> None:
        super().__init__()
        self.reached = reached
        self.asked = count()

    @property
    def left_to_judge(self) -> float | None:
        return None if next(self.asked) < 2 or not self.reached.wait(30) else 0.0

    @property
    def is_late(self) -> bool:
        return False


def test_when_the_time_is_up_what_hangs_is_named_and_what_waits_is_not_begun() -> None:
    reached, released = Event(), Event()
    begun: list[str] = []

    def read(job: Sequence[str]) -> list[str]:
        begun.append(job[0])
        if job[0] not in {"key-0", "key-2"}:
            reached.set()
            released.wait(30)
        return list(job)

    with ThreadPoolExecutor(1) as executor:
        answers = list(BoundedReader(executor, read, Ending(reached), 400).answers(JOBS))
        executor.shutdown(wait=False, cancel_futures=True)
        released.set()
    assert answers == [
        *("key-0", "key-1", "key-2", "key-3"),
        UnreadKey("key-4", "AWS had not answered when the time was up"),
        UnreadKey("key-5", "AWS had not answered when the time was up"),
    ]
    assert begun == ["key-0", "key-2", "key-4"]


class Clock:
    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 6))
        self.time += seconds


def test_a_second_s_keys_go_out_and_the_rest_of_the_second_is_slept() -> None:
    clock = Clock()
    jobs = paced([["a"] * 4] * 10, Deadline(), 8, lambda: clock.time, clock.sleep)
    assert len(list(jobs)) == 10
    assert clock.waits == [1.0] * 5


def test_time_that_passes_elsewhere_is_not_made_up_for_by_haste() -> None:
    clock = Clock()
    jobs: Iterator[Sequence[str]] = paced([["a"] * 4] * 5, Deadline(), 8, lambda: clock.time, clock.sleep)
    next(jobs)
    clock.time += 60
    assert len(list(jobs)) == 4
    assert clock.waits == [1.0, 1.0]


def test_a_full_batch_is_reported_before_the_last_key_is_read(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", 8)
    kms = boto3.client("kms")
    for _ in range(120):
        kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    account.config.calls.clear()
    lambda_handler(rule_event(scheduled_notification(now())), {})
    calls = list(map(str, account.config.calls))
    assert "kms:GetKeyPolicy" in calls[calls.index("config:PutEvaluations") :]
