"""The numbers that the rule keeps to: how fast, how far ahead, how often and how long it asks AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest

import AWSConfigRuleKMS
from AWSConfigRuleKMS import (
    Account,
    Key,
    ReadAhead,
    Request,
    Run,
    TimeLeft,
    client_config,
    in_turn,
    lambda_handler,
    paced,
)
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import now, rule_event, scheduled_notification
from tests.rule.conftest import StubbedAws


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
    list(paced([["key"] * keys], clock=lambda: 0.0, sleep=slept.append))
    assert slept == waits


def test_four_keys_are_read_by_one_thread_in_a_row(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    del account
    jobs: list[int] = []
    read = AWSConfigRuleKMS.read_from_kms

    def counting(*arguments: Any) -> Any:
        jobs.append(len(arguments[-1]))
        return read(*arguments)

    with patch("moto.kms.models.generate_private_key"):
        for _ in range(9):
            boto3.client("kms").create_key(Policy=json.dumps(USAGE_ONLY))
    monkeypatch.setattr("AWSConfigRuleKMS.read_from_kms", counting)
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
    time_left = TimeLeft(context(60))
    jobs: list[Sequence[str]] = [[f"key-{number}"] for number in range(500)]
    assert next(ReadAhead(late, list, time_left).answers(jobs)) == "key-399"
    assert len(late.futures) == 400


def test_of_400_keys_all_have_their_turn_in_a_minute_so_they_begin_at_the_beginning() -> None:
    keys = list(map(str, range(400)))
    assert in_turn(keys, "") == keys


@pytest.mark.parametrize(("seconds", "low"), [(0, True), (10, True), (10.001, False), (900, False)])
def test_ten_seconds_before_the_end_no_key_is_begun(seconds: float, low: bool) -> None:  # noqa: FBT001
    assert TimeLeft(context(seconds)).runs_low is low


@pytest.mark.parametrize(("seconds", "until"), [(10, 0.0), (11.5, 1.5), (9, 0.0), (900, 890.0)])
def test_the_time_until_so_much_is_left_is_never_negative(seconds: float, until: float) -> None:
    assert TimeLeft(context(seconds)).until(10) == until


@pytest.mark.parametrize("unknown", [None, {}, SimpleNamespace(), SimpleNamespace(get_remaining_time_in_millis=7)])
def test_without_a_context_that_tells_the_time_there_is_no_end(unknown: object) -> None:
    assert TimeLeft(unknown).until(10) is None
    assert not TimeLeft(unknown).runs_low


def test_keys_can_be_read_without_an_end(aws: StubbedAws) -> None:
    aws.kms.add_response("list_aliases", {"Aliases": [{"AliasName": "alias/aws/ebs", "TargetKeyId": "key-1"}]})
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": "key-1"}]})
    account = Account(boto3.client("kms"), boto3.client("config"), "these credentials")
    request = Request.from_event(rule_event(scheduled_notification(now())))
    with ThreadPoolExecutor(1) as readers:
        assert list(Run(request, account, readers).readings()) == [Key("key-1", ("alias/aws/ebs",), manager="AWS")]


class Asked(TimeLeft):
    """No time at all, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def until(self, seconds: float) -> float | None:
        self.seconds.append(seconds)
        return 0.0

    @property
    def runs_low(self) -> bool:
        return bool(self.seconds)


def test_what_is_read_is_waited_for_until_five_seconds_before_the_end() -> None:
    asked = Asked()
    answers = list(ReadAhead(Late(jobs=9), list, asked, 1).answers([["key-1"], ["key-2"]]))
    assert [answer.id for answer in answers if not isinstance(answer, str)] == ["key-1"]
    assert asked.seconds == [10, 5]


@pytest.mark.parametrize(("seconds_left", "waited"), [(20, 19.5), (1, 0.5), (0.7, 0.5), (0, 0.5), (None, None)])
def test_the_handler_waits_until_half_a_second_before_the_end_and_half_a_second_at_least(
    monkeypatch: pytest.MonkeyPatch, seconds_left: float | None, waited: float | None
) -> None:
    timeouts: list[float | None] = []

    def waiting(futures: Any, timeout: float | None) -> Any:
        timeouts.append(timeout)
        return wait(futures)

    monkeypatch.setattr("AWSConfigRuleKMS.wait", waiting)
    with pytest.raises(AWSConfigRuleKMS.RuleError):
        lambda_handler({}, None if seconds_left is None else context(seconds_left))
    assert timeouts == [waited]
