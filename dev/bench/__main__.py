"""The command: `python -m dev.bench`, or `make bench`; without options it measures all and writes the results."""

from __future__ import annotations

import argparse
import subprocess
import sys

from rich.console import Console

from dev.bench import calls, page, tables
from dev.bench.plan import PART_NAMES, SIZES, parts
from dev.bench.processes import BenchError
from dev.bench.results import Results
from dev.bench.suite import Suite

WIDTH_WHERE_THERE_IS_NO_TERMINAL = 140


def sizes(text: str) -> tuple[int, ...]:
    """Read numbers of keys, such as `1000,10000`."""
    return tuple(sorted({int(number) for number in text.split(",")}))


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(prog="python -m dev.bench", description="The benchmark of the rule.")
    described.add_argument("--sizes", type=sizes, default=SIZES, help="numbers of keys, by commas (default: all)")
    described.add_argument("--only", choices=PART_NAMES, action="append", help="this part; may be given repeatedly")
    described.add_argument("--repeat", type=int, default=3, help="runs of a short measurement (default: %(default)s)")
    described.add_argument("--write", action="store_true", help="write the results although not all is measured")
    described.add_argument("--page", action="store_true", help="measure nothing, write the page of the last results")
    described.add_argument("--calls", action="store_true", help="only count calls, and compare with the last results")
    described.add_argument("--profile", action="store_true", help="measure nothing, show where reading takes its time")
    return described


def main(arguments: list[str]) -> None:
    """Measure what the arguments ask for, and show it."""
    given = parser().parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_WHERE_THERE_IS_NO_TERMINAL)
    if given.page:
        page.write(Results.load())
        return
    suite = Suite(lambda text: console.print(text, style="dim", highlight=False))
    if given.profile:
        console.print(suite.profile(), highlight=False, markup=False)
        return
    if given.calls:
        sys.exit(count_calls(suite, console))
    chosen = [part for part in parts(given.sizes, given.repeat) if part.name in (given.only or PART_NAMES)]
    results = suite.results(chosen)
    for table in tables.tables(results):
        console.print(table)
    if given.write or (not given.only and given.sizes == SIZES):
        results.save()
        page.write(results)
    failed = [measured for measured in results.measurements if measured.error]
    if failed:
        sys.exit(f"{len(failed)} of {len(results.measurements)} measurements failed.")


def count_calls(suite: Suite, console: Console) -> int:
    """Count and show the calls of a run, and return 0 where they are the published ones."""
    counted = suite.results([calls.PART])
    console.print(calls.table(counted))
    differing = list(calls.differences(counted, Results.load()))
    for sentence in differing:
        console.print(sentence, highlight=False, markup=False)
    return 1 if differing else 0


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BenchError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
