from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import boto3
import pytest

from AWSConfigRuleKMS import RuleError, ahead, lambda_handler, paced
from kms_rule.emulator import EmulatedAccount
from kms_rule.events import now, rule_event, scheduled_notification

JOBS = [[f"key-{number}", f"key-{number + 1}"] for number in range(0, 40, 2)]


def test_answers_come_in_the_order_of_the_jobs() -> None:
    with ThreadPoolExecutor(8) as executor:
        assert list(ahead(executor, list, JOBS, 10)) == [key_id for job in JOBS for key_id in job]


def test_no_more_is_read_ahead_than_allowed() -> None:
    begun: list[str] = []
    lock = Lock()

    def read(job: Sequence[str]) -> list[str]:
        with lock:
            begun.extend(job)
        return list(job)

    with ThreadPoolExecutor(8) as executor:
        answers = ahead(executor, read, JOBS, 6)
        for taken in range(1, 31):
            next(answers)
            # What is taken, the rest of its job, and six more.
            assert len(begun) <= taken + 1 + 6


def test_as_many_jobs_are_worked_at_as_there_are_threads() -> None:
    together = Barrier(4)

    def read(job: Sequence[str]) -> list[int]:
        return [together.wait(timeout=30)] * len(job)

    with ThreadPoolExecutor(4) as executor:
        assert len(list(ahead(executor, read, JOBS, 400))) == 40


def test_the_error_of_a_job_reaches_the_caller() -> None:
    def read(job: Sequence[str]) -> list[str]:
        if job[0] == "key-4":
            raise RuleError("no")
        return list(job)

    with ThreadPoolExecutor(2) as executor, pytest.raises(RuleError, match="no"):
        list(ahead(executor, read, JOBS, 6))


class Clock:
    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 6))
        self.time += seconds


def test_a_second_s_keys_go_out_and_the_rest_of_the_second_is_slept() -> None:
    clock = Clock()
    jobs = paced([["a"] * 4] * 10, 8, lambda: clock.time, clock.sleep)
    assert len(list(jobs)) == 10
    assert clock.waits == [1.0] * 5


def test_time_that_passes_elsewhere_is_not_made_up_for_by_haste() -> None:
    clock = Clock()
    jobs: Iterator[Sequence[str]] = paced([["a"] * 4] * 5, 8, lambda: clock.time, clock.sleep)
    next(jobs)
    clock.time += 60
    assert len(list(jobs)) == 4
    assert clock.waits == [1.0, 1.0]


def test_a_full_batch_is_reported_before_the_last_key_is_read(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("AWSConfigRuleKMS.KEYS_AHEAD", 8)
    kms = boto3.client("kms")
    for _ in range(120):
        kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    account.config.calls.clear()
    lambda_handler(rule_event(scheduled_notification(now())), {})
    calls = list(map(str, account.config.calls))
    assert "kms:GetKeyPolicy" in calls[calls.index("config:PutEvaluations") :]
