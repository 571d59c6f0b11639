"""Each way in which the rule may be silent, and which alarm rings when: the table of `docs/deploying.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from least_privilege.metrics import DIMENSION, NAMESPACE, UNITS
from tests.deploy.alarms import Alarm, Samples
from tests.deploy.templates import ORGANIZATION, RULE, resources
from tests.documents import document

DAY, HOUR = 24 * 60, 60
TEMPLATES = pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
COMPLETE = "AWSConfigRuleKMS Complete FunctionName=AWSConfigRuleKMS"
ERRORS = "AWS/Lambda Errors FunctionName=AWSConfigRuleKMS"
THROTTLES = "AWS/Lambda Throttles FunctionName=AWSConfigRuleKMS"
QUEUE = "AWS/SQS ApproximateNumberOfMessagesVisible QueueName=FailureQueue.QueueName"
# Until minute 0 all was well.
BEFORE = [(-DAY, 1.0), (0, 1.0)]
# Lambda runs a failed event again after one minute and after two more, and then puts it into the queue, which says
# every five minutes how many it has. Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with
# asynchronous invocation".
FAILED = {ERRORS: [(DAY + minute, 1.0) for minute in (0, 1, 3)]}
GIVEN_UP = {QUEUE: [(minute, 1.0) for minute in range(DAY + 4, 4 * DAY, 5)]}
RUNS_FAIL = {**FAILED, **GIVEN_UP, COMPLETE: BEFORE}
INCOMPLETE = {**FAILED, **GIVEN_UP, COMPLETE: [*BEFORE, *((DAY + minute, 0.0) for minute in (0, 1, 3))]}
SILENCE: Mapping[str, Samples] = {
    "the rule is gone, or its schedule": {COMPLETE: BEFORE},
    "the function is gone": {COMPLETE: BEFORE},
    "AWS Config may not invoke the function": {COMPLETE: BEFORE},
    "the function's role is gone, or Lambda may not take it": {COMPLETE: BEFORE},
    "the function may not write its log": {COMPLETE: BEFORE},
    # A throttled event waits for six hours.
    "Lambda has no capacity for the function": {
        THROTTLES: [(minute, 1.0) for minute in range(DAY, DAY + 6 * HOUR)],
        QUEUE: [(minute, 1.0) for minute in range(DAY + 6 * HOUR, 4 * DAY, 5)],
        COMPLETE: BEFORE,
    },
    "the function crashes when it is loaded": RUNS_FAIL,
    "the function is ended by its timeout": RUNS_FAIL,
    "a run runs out of time before the last key": INCOMPLETE,
    "the reader's role lacks a permission": INCOMPLETE,
    "the role to assume is gone, or does not trust the function": INCOMPLETE,
    "AWS Config does not take the results": INCOMPLETE,
    "AWS Config's recorder is off": {COMPLETE: [*BEFORE, *((day * DAY, 1.0) for day in range(1, 5))]},
}
HOURS = {"One_Hour": 1, "Three_Hours": 3, "Six_Hours": 6, "Twelve_Hours": 12, "TwentyFour_Hours": 24}


def alarms(path: Path, **given: str) -> dict[str, Alarm]:
    made = resources(path, **given)
    properties = [resource["Properties"] for resource in made.values() if resource["Type"] == "AWS::CloudWatch::Alarm"]
    return {alarm["AlarmName"].removeprefix("AWSConfigRuleKMS-"): Alarm.defined(alarm) for alarm in properties}


def said(minutes: int) -> str:
    hours, rest = divmod(minutes, HOUR)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def rung(path: Path, samples: Samples) -> list[str]:
    """Which alarms ring, in the order in which they do, and how long after the last complete run."""
    minutes = {name: alarm.rings(samples, 3 * DAY) for name, alarm in alarms(path).items()}
    ringing = sorted((minute, name) for name, minute in minutes.items() if minute is not None)
    return [f"`{name}` {said(minute)}" for minute, name in ringing]


def rows_of_the_page() -> dict[str, str]:
    table = document("docs/deploying.md").partition("| what happened | rings |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| (.*?) \| (.*?) \|", table, re.MULTILINE)[1:])


@TEMPLATES
@pytest.mark.parametrize("silence", SILENCE)
def test_the_page_says_which_alarms_ring_and_when(path: Path, silence: str) -> None:
    assert (", ".join(rung(path, SILENCE[silence])) or "nothing") == rows_of_the_page()[silence]


def test_the_page_has_no_other_case() -> None:
    assert list(rows_of_the_page()) == list(SILENCE)


@TEMPLATES
def test_nothing_rings_while_all_is_well(path: Path) -> None:
    well = {
        COMPLETE: [(day * DAY, 1.0) for day in range(-1, 5)],
        ERRORS: [(minute, 0.0) for minute in range(0, 4 * DAY, HOUR)],
        THROTTLES: [(minute, 0.0) for minute in range(0, 4 * DAY, HOUR)],
        QUEUE: [(minute, 0.0) for minute in range(0, 4 * DAY, 5)],
    }
    assert rung(path, well) == []


@TEMPLATES
def test_one_run_that_fails_at_first_and_succeeds_when_lambda_tries_again_is_not_overdue(path: Path) -> None:
    samples = {ERRORS: [(DAY, 1.0)], COMPLETE: [*BEFORE, (DAY, 0.0), (DAY + 1, 1.0), (2 * DAY, 1.0), (3 * DAY, 1.0)]}
    assert rung(path, samples) == ["`errors` 24 h"]


@TEMPLATES
def test_a_burst_of_events_that_lambda_delays_for_ten_minutes_is_no_alarm(path: Path) -> None:
    assert rung(path, {THROTTLES: [(minute, 100.0) for minute in range(21, 30)], COMPLETE: every(DAY)}) == []


def every(minutes: int, late: int = 0) -> Sequence[tuple[int, float]]:
    """Complete runs, each as late as another is on time."""
    return [(number * minutes + late * (number % 2), 1.0) for number in range(-30, 100)]


@pytest.mark.parametrize(("frequency", "hours"), HOURS.items())
def test_a_run_is_overdue_two_hours_after_its_time(frequency: str, hours: int) -> None:
    overdue = alarms(RULE, ScheduleFrequency=frequency)["overdue"]
    assert overdue.rings({COMPLETE: BEFORE}, 3 * DAY) == (hours + 2) * HOUR
    assert overdue.rings({COMPLETE: every(hours * HOUR)}, 3 * DAY) is None
    assert overdue.rings({COMPLETE: every(hours * HOUR, late=115)}, 3 * DAY) is None


def test_a_function_that_never_ran_is_overdue_at_once() -> None:
    assert alarms(RULE)["overdue"].rings({}, DAY) == 5


@TEMPLATES
def test_an_alarm_is_one_that_cloudwatch_takes(path: Path) -> None:
    # Amazon CloudWatch API Reference, "PutMetricAlarm": seven days together, or one day with periods below an hour.
    for frequency in HOURS:
        for alarm in alarms(path, ScheduleFrequency=frequency).values():
            assert alarm.period * alarm.periods <= (7 * DAY if alarm.period >= HOUR else DAY)


@TEMPLATES
def test_the_metric_that_is_watched_is_one_that_the_rule_prints(path: Path) -> None:
    namespace, name, dimension = alarms(path)["overdue"].metric.split()
    assert (namespace, dimension.partition("=")[0]) == (NAMESPACE, DIMENSION)
    assert name in UNITS
