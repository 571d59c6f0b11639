"""The command: `python -m dev.bench`, or `make bench`; without options it measures all and writes the results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from dev.bench import page
from dev.bench.beside import beside
from dev.bench.measuring import THREADS, in_turn, other_python, versions
from dev.bench.plan import COUNTED, PART_NAMES, SIZES, Part, parts
from dev.bench.results import BenchError, Results

WIDTH_WHERE_THERE_IS_NO_TERMINAL = 140


def names(text: str) -> tuple[str, ...]:
    """Read names of parts, such as `judging,wall`."""
    given = tuple(text.split(","))
    if not set(given) <= set(PART_NAMES):
        raise argparse.ArgumentTypeError(f"{text} is not some of {','.join(PART_NAMES)}")
    return given


def sizes(text: str) -> tuple[int, ...]:
    """Read numbers of keys, such as `1000,10000`."""
    return tuple(map(int, text.split(",")))


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(prog="python -m dev.bench", description="The benchmark of the rule.")
    described.add_argument("--sizes", type=sizes, help="numbers of keys, by commas (default: all; --beside: 1000)")
    described.add_argument("--only", type=names, default=PART_NAMES, help=f"parts, by commas: {', '.join(PART_NAMES)}")
    described.add_argument("--repeat", type=int, default=3, help="runs of a short measurement (default: %(default)s)")
    described.add_argument("--write", action="store_true", help="renew what is measured in the published results")
    modes = described.add_mutually_exclusive_group()
    modes.add_argument("--page", action="store_true", help="measure nothing, write the page of the last results")
    modes.add_argument("--calls", action="store_true", help="only count calls, and compare with the last results")
    modes.add_argument("--beside", type=Path, metavar="CHECKOUT", help="measure another version too, show the ratios")
    return described


def chosen(given: argparse.Namespace) -> Iterator[Part]:
    """Yield the parts that are asked for."""
    keys = given.sizes or (SIZES[:1] if given.beside else SIZES)
    return (part for part in parts(keys, given.repeat) if part.name in given.only)


def count(console: Console) -> None:
    """Count and show the calls of a run. Raises `BenchError` where they are not the published ones."""
    counted = in_turn(COUNTED, 1, console.print)
    for run in counted:
        for operation, calls in run.calls.items():
            console.print(f"from {run.source}: {operation} {calls:,} times")
    told = "\n".join(Results.load().differences(counted))
    if told:
        raise BenchError(told)


def measure(given: argparse.Namespace, console: Console) -> None:
    """Measure and show what is asked for, and write it if so told, or if it is all. Raises `BenchError` on failures."""
    everything = not given.sizes and given.only == PART_NAMES
    if everything or given.write or "custodian" in given.only:
        other_python()
    measured = [run for part in chosen(given) for run in in_turn(part.measurements, part.repeat, console.print)]
    results = Results(measured, versions(), THREADS)
    console.print(Markdown(page.tables(results)))
    if everything or given.write:
        results = results if everything else Results.load().renewed(results)
        results.save()
        page.write(results)
    failed = [run for run in measured if run.error]
    if failed:
        raise BenchError(f"{len(failed)} of {len(measured)} measurements failed.")


def main(arguments: list[str]) -> None:
    """Do what the arguments ask for. Raises `BenchError` where that fails."""
    given = parser().parse_args(arguments)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_WHERE_THERE_IS_NO_TERMINAL
    if given.page:
        page.write(Results.load())
    elif given.calls:
        count(console)
    elif given.beside:
        console.print(Markdown(beside(given.beside, list(chosen(given)), console.print)))
    else:
        measure(given, console)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
