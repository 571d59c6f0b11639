"""Measures this checkout beside another version of the project, in turn in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dev.bench.measuring import PROJECT, in_turn
from dev.bench.plan import Part
from dev.bench.results import BenchError, Measurement
from dev.bench.workloads import PORTABLE

HEAD = """\
| this checkout : the other = ratio | wall s | processor s | peak MB | calls |
| --- | ---: | ---: | ---: | ---: |"""


def beside(other: Path, chosen: Sequence[Part], say: Callable[[str], None]) -> str:
    """Return a table of the figures of both, and their ratio, for what of these parts any version can do."""
    if not (other / "AWSConfigRuleKMS" / "AWSConfigRuleKMS.py").exists():
        raise BenchError(f"{other} has no AWSConfigRuleKMS/AWSConfigRuleKMS.py: name a checkout of the project.")
    lines = [line for part in chosen for line in _lines(part, other.resolve(), say)]
    if not lines:
        raise BenchError("Only some workloads run in any version: name cold-start, judging, wall or processor, too.")
    return "\n".join([HEAD, *lines])


def _lines(part: Part, other: Path, say: Callable[[str], None]) -> Iterator[str]:
    portable = [run for run in part.measurements if run.workload in PORTABLE]
    medians = in_turn(portable, part.repeat, say, (PROJECT, other))
    for ours, theirs in zip(medians[::2], medians[1::2], strict=True):
        error = ours.error or theirs.error
        cells = [error] if error else map(_ratio, _figures(ours), _figures(theirs))
        yield f"| {ours} | {' | '.join(cells)} |"


def _figures(run: Measurement) -> Sequence[float]:
    return run.wall_seconds, run.processor_seconds, run.peak_megabytes, sum(run.calls.values())


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours:,.2f} : {theirs:,.2f} = {ours / theirs:.2f}" if theirs else f"{ours:,.0f} : 0"
