"""How fast `kms-rule check` and the command's start are: `python -m dev.bench.check`, apart from the other benchmarks.

Each measurement is the processor time of a process of its own, its system's included, the median of some runs. That of
a Python that does nothing is measured too, and taken away.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from dev.bench.policies import policy_text

POLICIES = 1_000
GOAL_OF_CHECK_SECONDS = 3.0
GOAL_OF_HELP_SECONDS = 0.3
PROJECT = Path(__file__).parents[2]
RUNS = 3
INCOMPLETE = 2
COMMAND = (sys.executable, "-m", "kms_rule")
NOTHING = (sys.executable, "-c", "pass")


@dataclass(frozen=True, slots=True)
class Run:
    """What is measured, and the processor time that it may take beyond Python's start."""

    name: str
    command: Sequence[str]
    goal_seconds: float


def processor_seconds(command: Sequence[str]) -> float:
    """Run a command to its end, and return its processor time.

    Raises `RuntimeError` where it cannot do its job.
    """
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)  # noqa: S603 - this interpreter
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in range(INCOMPLETE):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}.")
    return used.ru_utime + used.ru_stime


def write_policies(folder: Path, number: int) -> None:
    """Write so many key policies of 1 to 4 KB, as people do, a file each."""
    for each in range(number):
        text = json.dumps(json.loads(policy_text(each)), indent=2)
        (folder / f"policy-{each:04}.json").write_text(text, encoding="utf-8")


def runs(folder: Path) -> Iterator[Run]:
    """Yield what is measured."""
    yield Run("kms-rule --help", (*COMMAND, "--help"), GOAL_OF_HELP_SECONDS)
    for form in ("table", "json", "sarif"):
        command = (*COMMAND, "check", "--format", form, str(folder))
        yield Run(f"kms-rule check --format {form}, {POLICIES:,} policies", command, GOAL_OF_CHECK_SECONDS)


def measured(wanted: Iterable[Run], repeat: int) -> Iterator[tuple[Run, float]]:
    """Yield each run with its processor time beyond Python's start, the median of so many."""
    start = median(processor_seconds(NOTHING) for _ in range(repeat))
    for run in wanted:
        yield run, median(processor_seconds(run.command) for _ in range(repeat)) - start


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 0 where every goal is met."""
    described = argparse.ArgumentParser(prog="python -m dev.bench.check", description="The speed of kms-rule check.")
    described.add_argument("--repeat", type=int, default=RUNS, help="runs of each (default: %(default)s)")
    repeat: int = described.parse_args(arguments).repeat
    table = Table("what", "processor, s", "goal, s", "met")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        write_policies(Path(folder), POLICIES)
        for run, seconds in measured(runs(Path(folder)), repeat):
            fits = seconds < run.goal_seconds
            met = met and fits
            table.add_row(run.name, f"{seconds:.2f}", f"{run.goal_seconds:g}", "yes" if fits else "NO")
    Console().print(table)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
