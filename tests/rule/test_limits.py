"""The numbers that the rule keeps to: how fast, how far ahead, how often and how long it asks AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import POST_PARAMETERS, now, rule_event, scheduled_notification
from least_privilege.account import Account
from least_privilege.clients import client_config
from least_privilege.deadline import READING_RESERVE, REPORTING_RESERVE, Deadline, Slowest
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.progress import Progress
from least_privilege.reading import BoundedReader, JudgedKey, Reader, paced, read_from_kms, rotate_to
from least_privilege.text import RuleError
from tests.aws.stubbed import StubbedAws


def context(seconds_left: float) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: round(seconds_left * 1000))


def test_a_client_tries_eight_times_with_few_seconds_each() -> None:
    settings: Any = client_config(7)
    assert settings.retries == {"mode": "legacy", "total_max_attempts": 8}
    assert (settings.connect_timeout, settings.read_timeout) == (3, 10)
    assert (settings.max_pool_connections, settings.parameter_validation) == (7, False)
    assert settings.user_agent == "AWSConfigRuleKMS"


@pytest.mark.parametrize(("keys", "waits"), [(399, []), (400, [1.0]), (800, [2.0])])
def test_no_more_than_400_keys_a_second_are_read_from_kms(keys: int, waits: list[float]) -> None:
    slept: list[float] = []
    list(paced([["key"] * keys], Deadline(), clock=lambda: 0.0, sleep=slept.append))
    assert slept == waits


def test_four_keys_are_read_by_one_thread_in_a_row(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    del account
    jobs: list[int] = []

    def counting(*arguments: Any) -> Any:
        jobs.append(len(arguments[-1]))
        return read_from_kms(*arguments)

    with patch("moto.kms.models.generate_private_key"):
        for _ in range(9):
            boto3.client("kms").create_key(Policy=json.dumps(USAGE_ONLY))
    monkeypatch.setattr("least_privilege.reading.read_from_kms", counting)
    lambda_handler(rule_event(scheduled_notification(now())), {})
    assert sorted(jobs) == [1, 4, 4]


class Late(Executor):
    """Works at nothing before so many jobs have come."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        del fn, kwargs
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.futures.append(future)
        if len(self.futures) == self.jobs:
            future.set_result(args[0])
        return future


def test_400_keys_are_read_ahead() -> None:
    late = Late(jobs=400)
    deadline = Deadline(context(60))
    jobs: list[Sequence[str]] = [[f"key-{number}"] for number in range(500)]
    assert next(BoundedReader(late, list, deadline).answers(jobs)) == "key-399"
    assert len(late.futures) == 400


def test_of_400_keys_all_have_their_turn_in_a_minute_so_they_begin_at_the_beginning() -> None:
    keys = list(map(str, range(400)))
    assert rotate_to("", keys) == keys


class Clock:
    """The context of an invocation that has so many seconds left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)

    def spend(self, steps: Slowest, *each: float) -> None:
        for seconds in each:
            with steps.noted():
                self.seconds -= seconds


# Where nothing has been seen yet, a seventh of the time or so, and half of that for the report.
@pytest.mark.parametrize(
    ("budget", "reading", "reporting"),
    [(1, 1.5, 1), (3, 1.5, 1), (10, 1.5, 1), (12, 1.8, 1), (20, 3, 1.5), (60, 9, 4.5), (66, 9.9, 4.95), (900, 10, 5)],
)
def test_the_reserves_of_a_run_that_has_seen_nothing_are_a_share_of_its_time(
    budget: float, reading: float, reporting: float
) -> None:
    assert reserves(Deadline(Clock(budget)), budget) == pytest.approx((reading, reporting))


def reserves(deadline: Deadline, seconds: float) -> tuple[float, float]:
    """Return so long before the end as keys are begun and judged, which is not before so many `seconds`."""
    begin, judge = deadline.left_to_begin, deadline.left_to_judge
    assert begin is not None
    assert judge is not None
    assert deadline.is_near == (begin == 0)
    assert deadline.is_late == (judge == 0)
    return (seconds - begin if begin else READING_RESERVE[0]), (seconds - judge if judge else REPORTING_RESERVE[0])


@pytest.mark.parametrize(
    ("read", "judged", "report", "reading", "reporting"),
    [
        ([0.02], [], [], 2.27, 2.25),
        ([0.02, 0.1], [0.01], [0.2], 1.5, 1),
        # A report is taken to be as slow as a read, before one was seen.
        ([2], [], [], 4.5, 2.5),
        ([2], [0.5], [], 5, 3),
        ([1], [], [0.2], 2, 1),
        ([1], [0.4], [0.6], 3, 2),
        ([0.2], [], [2], 3.7, 3.5),
        ([40], [], [], 10, 5),
        ([0.2], [40], [0.2], 5.2, 5),
        # What took longest fades: of four seconds, a hundred reads later, half a second is left.
        ([4], [], [0.2], 5, 1),
        ([4, *[0.02] * 100], [], [0.2], 1 + 4 * 0.98**100, 1),
        ([4, *[0.02] * 1000], [], [0.2], 1.5, 1),
        ([*[0.02] * 1000, 4], [], [0.2], 5, 1),
    ],
)
def test_the_reserves_follow_from_the_slowest_steps_within_bounds(
    read: list[float], judged: list[float], report: list[float], reading: float, reporting: float
) -> None:
    clock = Clock(30)
    deadline = Deadline(clock)
    clock.seconds = 900
    clock.spend(deadline.reading, *read)
    clock.spend(deadline.judging, *judged)
    clock.spend(deadline.reporting, *report)
    assert reserves(deadline, clock.seconds) == pytest.approx((reading, reporting), abs=0.02)


@pytest.mark.parametrize(("budget", "reading"), [(3, 1.5), (6, 2), (12, 4), (15, 5), (30, 10), (900, 10)])
def test_slow_keys_leave_two_thirds_of_the_time_to_begin_others(budget: float, reading: float) -> None:
    clock = Clock(budget)
    deadline = Deadline(clock)
    clock.seconds = 900
    clock.spend(deadline.reporting, 0.2)
    clock.spend(deadline.reading, 9)
    assert reserves(deadline, clock.seconds) == pytest.approx((reading, 1), abs=0.02)


def test_a_step_that_fails_takes_its_time_too() -> None:
    clock = Clock(900)
    deadline = Deadline(clock)
    with suppress(RuleError), deadline.reading.noted():
        clock.seconds -= 2
        raise RuleError("no")
    assert deadline.reading.seconds == 2


@pytest.mark.parametrize(
    ("seconds", "near", "late"),
    [(0, True, True), (1, True, True), (1.001, True, False), (1.5, True, False), (1.501, False, False)],
)
def test_of_a_second_and_a_half_no_key_is_begun_and_of_one_none_is_judged(
    seconds: float,
    near: bool,  # noqa: FBT001
    late: bool,  # noqa: FBT001
) -> None:
    deadline = Deadline(Clock(seconds))
    assert (deadline.is_near, deadline.is_late) == (near, late)


@pytest.mark.parametrize(("seconds", "remaining"), [(10, 0.0), (11.5, 1.5), (9, 0.0), (900, 890.0)])
def test_the_time_until_so_much_is_left_is_never_negative(seconds: float, remaining: float) -> None:
    assert Deadline(context(seconds)).remaining(10) == remaining


@pytest.mark.parametrize("unknown", [None, {}, SimpleNamespace(), SimpleNamespace(get_remaining_time_in_millis=7)])
def test_without_a_context_that_tells_the_time_there_is_no_end(unknown: object) -> None:
    deadline = Deadline(unknown)
    with deadline.reading.noted():
        pass
    assert (deadline.remaining(10), deadline.left_to_begin, deadline.left_to_judge) == (None, None, None)
    assert (deadline.is_near, deadline.is_late, deadline.reading.seconds) == (False, False, None)


def test_keys_can_be_read_without_an_end(aws: StubbedAws) -> None:
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": "key-1"}]})
    aws.kms.add_response("list_aliases", {"Aliases": [{"AliasName": "alias/aws/ebs", "TargetKeyId": "key-1"}]})
    account = Account(boto3.client("kms"), boto3.client("config"), "these credentials")
    parameters = RuleParameters.parse(POST_PARAMETERS)
    with ThreadPoolExecutor(1) as threads:
        readings = list(Reader(account, parameters, threads, Deadline(), Progress()).readings())
    [judged] = readings
    assert isinstance(judged, JudgedKey)
    assert judged.key == Key("key-1", Facts(("alias/aws/ebs",), manager="AWS"))
    assert judged.verdict.scenario.name == "aws-managed-key-not-applicable"


@pytest.mark.parametrize(("seconds_left", "waited"), [(20, 19.5), (1, 0.5), (0.7, 0.5), (0, 0.5), (None, None)])
def test_the_handler_waits_until_half_a_second_before_the_end_and_half_a_second_at_least(
    monkeypatch: pytest.MonkeyPatch, seconds_left: float | None, waited: float | None
) -> None:
    timeouts: list[float | None] = []

    def waiting(futures: Any, timeout: float | None) -> Any:
        timeouts.append(timeout)
        return wait(futures)

    monkeypatch.setattr("AWSConfigRuleKMS.wait", waiting)
    with pytest.raises(RuleError):
        lambda_handler({}, None if seconds_left is None else context(seconds_left))
    assert timeouts == [waited]
