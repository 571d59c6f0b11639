"""Results as the page `docs/performance.md` and its plot; what people wrote into the page stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from string import Template

from dev.bench import environment
from dev.bench.grids import Grid, grids
from dev.bench.plan import THROTTLE_PER_SECOND, USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.processes import PROJECT, BenchError
from dev.bench.results import FILE, Results, ratio

PAGE = PROJECT / "docs" / "performance.md"
PLOT = PROJECT / "docs" / "performance.svg"
TEMPLATE = Path(__file__).with_name("page.md")
BEGIN, END = "<!-- written by hand: begin -->", "<!-- written by hand: end -->"
NOT_MEASURED = "Not measured."


def write(results: Results) -> None:
    """Write the page and the plot; the plot is made of the results file."""
    made = grids(results)
    tables = {name: _markdown(made[name]) if name in made else NOT_MEASURED for name in _names()}
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    text = Template(TEMPLATE.read_text()).substitute(
        tables,
        versions=versions,
        threads=results.threads,
        keys=f"{USUAL_KEYS:,}",
        latency=USUAL_LATENCY_MS,
        throttle=THROTTLE_PER_SECOND,
        endpoint=f"{busiest_endpoint(results):.0%}",
    )
    PAGE.write_text(_with_hand_written(text))
    _plot()


def busiest_endpoint(results: Results) -> float:
    """Return the largest share of a measurement's time in which the endpoint worked."""
    return max((ratio(run.endpoint_seconds, run.wall_seconds) for run in results.measurements if run.calls), default=0)


def _names() -> tuple[str, ...]:
    return ("goals", "growth", "wall", "calls", "bare", "single", "sizing")


def _markdown(grid: Grid) -> str:
    rule = ["---", *["---:"] * (len(grid.heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (grid.heads, rule, *grid.rows))


def _with_hand_written(text: str) -> str:
    """Put what stands between the two marks of the present page, if there is one, into the new one."""
    if not PAGE.exists() or BEGIN not in PAGE.read_text():
        return text
    kept = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + kept + END + rest.partition(END)[2]


def _plot() -> None:
    command = [str(environment.interpreter()), "-m", "dev.bench.plot", str(FILE), str(PLOT)]
    result = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603 - an interpreter and a module of this project
    if result.returncode:
        raise BenchError("The plot cannot be made: see above.")
