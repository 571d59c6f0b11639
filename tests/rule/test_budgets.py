"""What becomes of a run by the time that it is given and by how slow AWS is, in a time that nobody waits for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import POST_PARAMETERS, now, rule_event, scheduled_notification
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Verdict, judge_policy
from least_privilege.text import RuleError
from tests.aws.scripted import OPERATIONS, Clients, ScriptedKey
from tests.rule.virtual_time import FOREVER, SlowAws, VirtualTime

KEYS = 24
BUDGETS = (1, 3, 5, 12, 60, 900)
SOURCES = ("KMS", "Config")
# A second call may begin and not end, a single one not end, and none ever.
SLOW = (0.6, 2.5, 8.0, 40.0, FOREVER)
POLICY = json.dumps({"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Principal": {"AWS": "*"}}})
JUDGED = re.compile(r"([\d,]+) of ([\d,]+) keys are judged")
NAMED = re.compile(r"key-\d+")
SENTENCES = (
    "The time is up, and AWS has not answered: ",
    "The evaluation is incomplete: ",
    "The time ran low before results for what is gone were retracted. ",
)

type Play = Callable[..., tuple[VirtualTime, SlowAws, str]]


@pytest.fixture(scope="module")
def clients() -> Clients:
    return Clients()


@pytest.fixture
def play(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a scheduled event; what is returned is the time, the account, and the sentence of the error, if any."""
    monkeypatch.setenv("READER_THREADS", "4")
    monkeypatch.setenv("LOGGING_LEVEL", "CRITICAL")
    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 10)
    monkeypatch.setattr("secrets.randbelow", lambda _most: 0)

    def run(
        budget: float, takes: dict[str, float], source: str = "KMS", keys: int = KEYS
    ) -> tuple[VirtualTime, SlowAws, str]:
        time = VirtualTime(budget)
        aws = SlowAws(
            tuple(ScriptedKey(f"key-{number}", policy=POLICY) for number in range(keys)),
            held=("alias/gone",),
            time=time,
            takes=takes,
        )
        time.patch(monkeypatch)
        parameters = {**POST_PARAMETERS, "ReadKeysFrom": source, "ExecutionRoleName": "member"}
        event = rule_event(scheduled_notification(now()), parameters, resultToken="token")
        error = ""
        with clients.playing(aws):
            try:
                lambda_handler(event, time.context)
            except RuleError as raised:
                error = str(raised)
        return time, aws, error

    return run


def reported(aws: SlowAws) -> set[str]:
    return {item["ComplianceResourceId"] for item in aws.reported}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("budget", BUDGETS)
def test_the_handler_ends_with_a_sentence_before_lambda_ends_it(
    play: Play, budget: float, operation: str, source: str
) -> None:
    for seconds in SLOW:
        time, aws, error = play(budget, {operation: seconds}, source)
        assert time.now <= budget - 0.5
        if not error:
            assert reported(aws) == {"alias/gone", *(key.id for key in aws.keys)}
            continue
        assert error.startswith(SENTENCES), error
        [(judged, keys)] = JUDGED.findall(error)
        # Whatever is judged is reported, unless it is the report that is slow; whatever is not, is named.
        lost = "AWS Config did not take the evaluations" in error
        assert lost or int(judged) == len(reported(aws) - {"alias/gone"})
        assert lost <= (operation == "PutEvaluations")
        assert keys == "0" or len(set(NAMED.findall(error))) >= int(keys) - int(judged)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("operation", ["DescribeKey", "GetKeyPolicy", "BatchGetResourceConfig"])
@pytest.mark.parametrize("budget", [12, 60, 900])
def test_what_hangs_while_keys_are_read_costs_these_keys_and_the_handler_need_not_step_in(
    play: Play, budget: float, operation: str, source: str
) -> None:
    for seconds in SLOW:
        _, _, error = play(budget, {operation: seconds}, source)
        assert not error.startswith("The time is up")


# The share of its time after which a run still begins keys, where AWS is fast and there are more keys than time.
@pytest.mark.parametrize(("budget", "share"), [(5, 0.6), (12, 0.8), (15, 0.85), (60, 0.95), (300, 0.98)])
def test_where_aws_is_fast_most_of_the_time_is_used(
    play: Play, monkeypatch: pytest.MonkeyPatch, budget: float, share: float
) -> None:
    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 100)
    takes = {"DescribeKey": budget / 600, "GetKeyPolicy": budget / 600, "PutEvaluations": 0.2}
    time, aws, error = play(budget, takes, keys=1_500)
    last_begun = max(at for operation, at in aws.answered if operation == "DescribeKey")
    assert last_begun >= share * budget
    assert time.now <= budget - 0.5
    [(judged, _)] = JUDGED.findall(error)
    assert error.startswith("The evaluation is incomplete: ")
    assert int(judged.replace(",", "")) == len(reported(aws)) >= 600


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_judged_in_a_small_budget_is_retracted_too(play: Play, source: str) -> None:
    _, aws, error = play(4, {"PutEvaluations": 0.2}, source, keys=120)
    assert error == ""
    assert len(reported(aws)) == 121


def test_where_each_answer_takes_a_second_some_keys_are_judged_in_twelve(play: Play) -> None:
    """The role, the keys and the aliases take three, each key two, and the report one."""
    _, aws, error = play(12, dict.fromkeys(OPERATIONS, 1.0))
    assert error.startswith(f"The evaluation is incomplete: {len(reported(aws))} of 24 keys are judged")
    assert len(reported(aws)) >= 8


def test_items_that_wait_for_a_reader_when_the_time_runs_low_are_not_asked_for(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_BATCH", 2)
    _, aws, error = play(12, {"BatchGetResourceConfig": 3.0}, "Config", keys=60)
    begun = [at for operation, at in aws.answered if operation == "BatchGetResourceConfig"]
    assert max(begun) < 8
    assert error.startswith(f"The evaluation is incomplete: {2 * len(begun)} of 60 keys are judged; not judged are ")


def test_a_slow_beginning_is_forgotten(play: Play) -> None:
    """As when sixteen connections are made at once with a seventh of a processor."""
    waits = iter([4.0] * 4)

    class Warming(dict[str, float]):
        def get(self, operation: str, default: object = None) -> float:
            del default
            return next(waits, 0.05) if operation == "DescribeKey" else 0.05

    _, aws, _ = play(30, Warming(), keys=1_500)
    assert max(at for operation, at in aws.answered if operation == "DescribeKey") >= 28


@pytest.mark.parametrize("seconds", [0.3, 2.0])
def test_policies_that_are_slow_to_judge_do_not_keep_the_rest_from_being_reported(
    play: Play, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    times: list[VirtualTime] = []
    original_patch = VirtualTime.patch

    def patch(time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> None:
        times.append(time)
        original_patch(time, monkeypatch)

    def judging(facts: Facts, parameters: RuleParameters) -> Verdict:
        times[0].spend(seconds)
        return judge_policy(facts, parameters)

    monkeypatch.setattr(VirtualTime, "patch", patch)
    monkeypatch.setattr("least_privilege.reading.judge_policy", judging)
    _, aws, error = play(12, {}, keys=100)
    assert error.startswith(f"The evaluation is incomplete: {len(reported(aws))} of 100 keys are judged; not judged")
    assert len(reported(aws)) * seconds >= 8


def test_the_pace_sleeps_no_longer_than_keys_may_be_begun(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("least_privilege.reading.paced.__defaults__", (1, *([None] * 2)))
    time, aws, error = play(7, {}, keys=20)
    assert error.startswith(f"The evaluation is incomplete: {len(reported(aws))} of 20 keys are judged")
    assert time.now <= 6
