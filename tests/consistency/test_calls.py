"""A changed number of calls is told; that they are the published ones, `python -m dev.bench --calls` says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.bench.plan import COUNTED
from dev.bench.results import CONFIG, KMS, Measurement, Results


def published() -> Results:
    return Results.load()


def counted(source: str, **calls: int) -> list[Measurement]:
    """The published run from this source, with other numbers of these calls."""
    [wanted] = [run for run in COUNTED if run.source == source]
    known = published().of("rule", source, wanted.keys)
    changed = {operation: number for operation, number in {**known.calls, **calls}.items() if number}
    return [replace(wanted, calls=changed)]


@pytest.mark.parametrize("source", [KMS, CONFIG])
def test_the_published_calls_are_no_difference(source: str) -> None:
    assert list(published().differences(counted(source))) == []


@pytest.mark.parametrize(
    ("source", "calls", "told"),
    [
        (
            KMS,
            {"DescribeKey": 1_001},
            "from KMS calls DescribeKey 1,001 times, 1,000 times in dev/bench/results.json: ",
        ),
        (CONFIG, {"ListKeys": 0}, "from Config calls ListKeys 0 times, 1 times in dev/bench/results.json: "),
        (CONFIG, {"ListGrants": 7}, "from Config calls ListGrants 7 times, 0 times in dev/bench/results.json: "),
    ],
)
def test_a_call_more_or_less_is_told_in_one_sentence(source: str, calls: dict[str, int], told: str) -> None:
    [sentence] = published().differences(counted(source, **calls))
    assert told in sentence


def test_a_run_that_failed_is_no_success_because_of_its_calls() -> None:
    failed = Measurement("rule", 1_000, source=KMS, error="no answer")
    assert list(published().differences([failed])) == ["The run of 1,000 keys from KMS failed: no answer."]
