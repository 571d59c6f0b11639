"""The tables that results make, for a terminal and for a page alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dev.bench.goals import compared_with_bare, goals, growth, reading_share_of_bare, share_of_bare
from dev.bench.plan import USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.results import (
    BARE,
    BARE_DEFAULTS,
    COLD_START,
    CONFIG,
    CUSTODIAN,
    JUDGING,
    KMS,
    READING,
    RULE,
    SEQUENTIAL,
    Measurement,
    Results,
    ratio,
)

MEMORIES = (256, 512, 1024, 1769)
MEMORY_OF_ONE_PROCESSOR = 1769
LONGEST_SECONDS = 900
ANSWERS: dict[bool | None, str] = {True: "yes", False: "no", None: "-"}
NAMES = {
    (RULE, KMS): "the rule, from KMS",
    (RULE, CONFIG): "the rule, from AWS Config",
    (BARE, ""): "bare calls in a thread pool",
    (CUSTODIAN, ""): "Cloud Custodian",
    (SEQUENTIAL, ""): "sequential, 4.4 calls a key",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its title, the heads of its columns, and its rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def grids(results: Results) -> dict[str, Grid]:
    """Make all tables that have rows, by name."""
    made = {
        "goals": _goals(results),
        "growth": _growth(results),
        "wall": _wall(results),
        "calls": _calls(results),
        "bare": _bare(results),
        "single": _single(results),
        "sizing": sizing(results),
    }
    return {name: grid for name, grid in made.items() if grid.rows}


def _goals(results: Results) -> Grid:
    rows = [(goal.wanted, goal.figure, ANSWERS[goal.met]) for goal in goals(results)]
    return Grid("Goals", ("goal", "measured", "met"), rows)


def _growth(results: Results) -> Grid:
    rows = [
        (
            source,
            f"{run.keys:,}",
            f"{run.processor_seconds:,.1f}",
            f"{run.processor_milliseconds_a_key:.2f}",
            f"{times:.2f}",
            f"{run.peak_megabytes:.0f}",
            f"{run.calls_a_key:.4f}",
        )
        for source in (KMS, CONFIG)
        for run, times in growth(results, source)
    ]
    heads = ("from", "keys", "processor s", "ms a key", "relative to the fewest", "peak MB", "calls a key")
    return Grid("Processor time and memory, answers without delay", heads, rows)


def waiting(results: Results) -> list[tuple[str, Measurement]]:
    """Return the runs in which answers took their usual time, by name."""
    runs = ((name, results.of(*which, USUAL_KEYS, USUAL_LATENCY_MS)) for which, name in NAMES.items())
    return [(name, run) for name, run in runs if run]


def _wall(results: Results) -> Grid:
    ours = results.of(RULE, KMS, USUAL_KEYS, USUAL_LATENCY_MS)
    rows = [
        (
            name,
            f"{run.wall_seconds:.1f}",
            f"{ratio(run.wall_seconds, ours.wall_seconds):.2f}" if ours else "-",
            f"{run.calls_a_key:.2f}",
            f"{run.processor_milliseconds_a_key:.2f}",
            f"{run.peak_megabytes:.0f}",
        )
        for name, run in waiting(results)
    ]
    heads = ("who", "wall s", "relative to the rule from KMS", "calls a key", "processor ms a key", "peak MB")
    return Grid(f"{USUAL_KEYS:,} keys, {USUAL_LATENCY_MS} ms an answer", heads, rows)


def _calls(results: Results) -> Grid:
    largest = [(NAMES[RULE, source], runs[-1]) for source in (KMS, CONFIG) if (runs := results.sizes(source))]
    others = [(name, run) for name, run in waiting(results) if run.workload in (CUSTODIAN, SEQUENTIAL)]
    columns = largest + others
    operations = sorted({operation for _, run in columns for operation in run.calls})
    rows = [
        (operation, *(_share(run.calls.get(operation, 0), run.keys) for _, run in columns)) for operation in operations
    ]
    sums = ("all", *(f"{run.calls_a_key:.4f}" for _, run in columns))
    heads = ("operation", *(f"{name} ({run.keys:,} keys)" for name, run in columns))
    return Grid("Calls a key, by operation", heads, [*rows, sums] if rows else [])


def _share(calls: int, keys: int) -> str:
    return f"{calls / keys:.4f}" if calls else ""


def _bare(results: Results) -> Grid:
    return Grid("Processor time of reading from KMS", ("what", "ms a key"), list(_bare_rows(results)))


def _bare_rows(results: Results) -> Iterator[tuple[str, str]]:
    found = compared_with_bare(results)
    if not found:
        return
    ours, bare, judging = found
    yield f"the rule, {ours.keys:,} keys", f"{ours.processor_milliseconds_a_key:.3f}"
    yield "of which judging, measured alone", f"{judging.processor_milliseconds_a_key:.3f}"
    reading = results.of(READING, KMS, ours.keys)
    if reading:
        yield "of which reading, measured alone", f"{reading.processor_milliseconds_a_key:.3f}"
    yield "the same calls made bare, with the rule's client", f"{bare.processor_milliseconds_a_key:.3f}"
    if reading:
        yield "reading alone, relative to that", f"{reading_share_of_bare(results):.2f} times"
    yield "the rule without judging, relative to that", f"{share_of_bare(results):.2f} times"
    defaults = results.of(BARE_DEFAULTS)
    if defaults:
        yield (
            f"the same calls made bare, with boto3's defaults, {defaults.keys:,} keys",
            f"{defaults.processor_milliseconds_a_key:.3f}",
        )


def _single(results: Results) -> Grid:
    return Grid("Judging, cold start and throttling", ("what", "measured"), list(_single_rows(results)))


def _single_rows(results: Results) -> Iterator[tuple[str, str]]:
    judging, start = results.of(JUDGING), results.of(COLD_START)
    if judging:
        yield "policies judged a second", f"{ratio(judging.keys, judging.processor_seconds):,.0f}"
    if start:
        parts = start.details
        yield "cold start: import of the handler", f"{parts['import']['wall_seconds'] * 1000:.0f} ms"
        yield "cold start: its clients of KMS and AWS Config", f"{parts['clients']['wall_seconds'] * 1000:.0f} ms"
        yield "cold start: modules imported", f"{parts['modules']}"
        yield "cold start: resident", f"{start.peak_megabytes:.0f} MB"
    for run in results.measurements:
        if run.throttle_per_second:
            what = f"{run.keys:,} keys from {run.source}, {run.throttle_per_second:g} requests a second let through"
            outcome = run.error or f"{run.wall_seconds:.1f} s, {run.throttled:,} requests refused, none failed"
            yield what, outcome


def sizing(results: Results) -> Grid:
    """Estimate how long a function of each memory takes: what does not fit in time or memory is said to."""
    rows = [
        (source, f"{run.keys:,}", *(_estimate(run, memory) for memory in MEMORIES))
        for source in (KMS, CONFIG)
        for run in results.sizes(source)
    ]
    heads = ("ReadKeysFrom", "keys", *(f"{memory:,} MB" for memory in MEMORIES))
    return Grid("Seconds of a run, by memory of the function (estimate)", heads, rows)


def _estimate(run: Measurement, memory: int) -> str:
    seconds = run.processor_seconds * MEMORY_OF_ONE_PROCESSOR / memory
    figure = f"{seconds:,.0f} s"
    if run.peak_megabytes > memory:
        return f"{figure}: too little memory"
    return f"{figure}: too long" if seconds > LONGEST_SECONDS else figure
