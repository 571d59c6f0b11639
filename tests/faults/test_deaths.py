"""The process dies after a call of AWS, whichever; the same event, run again as Lambda does, fixes everything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.checks import check_no_harm, check_same_event_mends
from tests.faults.deaths import CALLS, Death, Killer, Killing, dying
from tests.faults.world import FROM_KMS, KINDS, ProcessDiedError, World

RULE_FOLDER = Path(__file__).parents[2] / "AWSConfigRuleKMS"
PROCESS = "import json, sys, AWSConfigRuleKMS; AWSConfigRuleKMS.lambda_handler(json.load(sys.stdin), None)"


@pytest.fixture(autouse=True)
def _one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the same call is always the n-th.
    monkeypatch.setenv("READER_THREADS", "1")


@pytest.mark.parametrize("kind", KINDS)
def test_the_moments_of_death_are_all_the_calls_that_a_run_makes(world: World, kind: str) -> None:
    world.invoke(world.event(kind))
    assert len(world.layer.calls) == CALLS[kind]


def test_after_a_death_the_same_event_ends_in_the_clean_run_s_results(world: World, death: Death) -> None:
    clean = world.clean(death.kind)
    event = world.event(death.kind)
    with dying(death):
        run = world.invoke(event)
    assert isinstance(run.error, ProcessDiedError)
    assert len(world.layer.calls) == death.after
    check_no_harm(world, death.kind, run, clean)
    check_same_event_mends(world, death.kind, event, clean)


def test_after_a_kill_the_same_event_ends_in_the_clean_run_s_results(world: World, killing: Killing) -> None:
    clean = world.clean(FROM_KMS)
    event = world.event(FROM_KMS)
    killer = Killer(killing)
    world.layer.begin(killer)
    with subprocess.Popen(  # noqa: S603 - it is this Python, with what stands above
        [sys.executable, "-c", PROCESS],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(RULE_FOLDER)},
        text=True,
    ) as process:
        killer.process_id = process.pid
        process.communicate(json.dumps(event), timeout=60)
    assert process.returncode == -signal.SIGKILL
    check_same_event_mends(world, FROM_KMS, event, clean)
