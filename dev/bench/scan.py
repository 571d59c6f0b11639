"""How `kms-rule scan` compares with the deployed rule: `python -m dev.bench.scan`, apart from the other benchmarks.

Both judge the same account on the same endpoint, in turns, in a process of their own each; the measure is the whole
time of the process and its processor time, the start of Python included in both. The figure is the ratio of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from dev.bench.processes import PROJECT, Setting, child_environment, endpoint
from dev.emulator.events import POST_PARAMETERS, now, rule_event, scheduled_notification

KEYS = 2_000
RUNS = 3
GOAL = 1.2
INCOMPLETE = 2
HANDLER = "import json, sys; from AWSConfigRuleKMS import lambda_handler; lambda_handler(json.load(sys.stdin), None)"
PARAMETERS = [word for name, value in POST_PARAMETERS.items() for word in ("--parameter", f"{name}={value}")]
SCAN = (sys.executable, "-m", "kms_rule", "scan", "--format", "json", *PARAMETERS)


def seconds_of(command: Sequence[str], given: str, environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command to its end, and return the time that passed and its processor time.

    Raises `RuntimeError` where it cannot do its job.
    """
    with tempfile.TemporaryFile("w+") as event:
        event.write(given)
        event.seek(0)
        begun = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - this interpreter
            command, cwd=PROJECT, env=environment, stdin=event, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        passed = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in range(INCOMPLETE):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}.")
    return passed, used.ru_utime + used.ru_stime


def measured(repeat: int, environment: Mapping[str, str]) -> Mapping[str, tuple[float, float]]:
    """Return the median times of the rule's handler and of a scan, run in turns."""
    event = json.dumps(rule_event(scheduled_notification(now()), resultToken="bench"))
    commands = {"handler": (sys.executable, "-c", HANDLER), "scan": SCAN}
    times = [
        {name: seconds_of(command, event, environment) for name, command in commands.items()} for _ in range(repeat)
    ]
    return {
        name: (median(each[name][0] for each in times), median(each[name][1] for each in times)) for name in commands
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 0 where the goal is met."""
    described = argparse.ArgumentParser(prog="python -m dev.bench.scan", description="The speed of kms-rule scan.")
    described.add_argument("--repeat", type=int, default=RUNS, help="runs of each (default: %(default)s)")
    described.add_argument("--keys", type=int, default=KEYS, help="keys of the account (default: %(default)s)")
    given = described.parse_args(arguments)
    with endpoint(Setting(given.keys, latency_ms=20)) as served, tempfile.TemporaryDirectory() as folder:
        times = measured(given.repeat, child_environment(served.url, Path(folder)))
    for name, (passed, processor) in times.items():
        print(f"{name}: {passed:.2f} s, of which the processor {processor:.2f} s, for {given.keys:,} keys")  # noqa: T201
    ratio = times["scan"][0] / times["handler"][0]
    print(f"scan : handler = {ratio:.2f} (goal: {GOAL:g} at most)")  # noqa: T201 - what it is asked for
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
