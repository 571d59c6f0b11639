"""The goals of the rule's speed and size, and whether results meet them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dev.bench.plan import LARGEST_REPEATED, SIZES, USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.results import (
    BARE,
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
from dev.bench.synthetic import STALE_SHARE

LARGEST = SIZES[-1]
TIMES_SEQUENTIAL = 12
TIMES_CUSTODIAN = 5
BARE_SHARE = 1.15
CONFIG_CALLS_A_KEY = 0.06
CONFIG_PROCESSOR_SECONDS = 130
CONFIG_PEAK_MEGABYTES = 230
KMS_WALL_SECONDS = 900
GROWTH = 1.15
SOURCE_NAMES = {KMS: "KMS", CONFIG: "AWS Config"}
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, what was measured, and whether that meets it; None where it was not measured."""

    wanted: str
    figure: str = NOT_MEASURED
    met: bool | None = None


def goals(results: Results) -> Iterator[Goal]:
    """Yield every goal."""
    yield _faster_than(results, SEQUENTIAL, TIMES_SEQUENTIAL, "as reading one key after another with 4.4 calls")
    yield _faster_than(results, CUSTODIAN, TIMES_CUSTODIAN, "as Cloud Custodian")
    yield _at_most(
        f"{LARGEST:,} keys from AWS Config: processor time at most {CONFIG_PROCESSOR_SECONDS} s",
        results.of(RULE, CONFIG, LARGEST),
        lambda run: run.processor_seconds,
        CONFIG_PROCESSOR_SECONDS,
        "{:.0f} s",
    )
    yield _at_most(
        f"{LARGEST:,} keys from AWS Config: at most {CONFIG_PEAK_MEGABYTES} MB resident",
        results.of(RULE, CONFIG, LARGEST),
        lambda run: run.peak_megabytes,
        CONFIG_PEAK_MEGABYTES,
        "{:.0f} MB",
    )
    yield _at_most(
        f"{LARGEST:,} keys from KMS, {USUAL_LATENCY_MS} ms an answer: at most {KMS_WALL_SECONDS} s on one core",
        results.of(RULE, KMS, LARGEST, USUAL_LATENCY_MS),
        lambda run: run.wall_seconds,
        KMS_WALL_SECONDS,
        "{:.0f} s",
    )
    yield _at_most(
        f"from AWS Config: at most {CONFIG_CALLS_A_KEY} calls a key, all included",
        next(iter(reversed(results.sizes(CONFIG))), None),
        lambda run: run.calls_a_key,
        CONFIG_CALLS_A_KEY,
        "{:.4f}",
    )
    yield _within_share_of_bare("reading alone", reading_share_of_bare(results))
    yield _within_share_of_bare("reading, reporting and stale results, judging apart", share_of_bare(results))
    yield from (_linear(results, source) for source in (KMS, CONFIG))


def _faster_than(results: Results, other: str, times: int, words: str) -> Goal:
    wanted = f"{USUAL_KEYS:,} keys from KMS, {USUAL_LATENCY_MS} ms an answer: at least {times} times as fast {words}"
    ours = results.of(RULE, KMS, USUAL_KEYS, USUAL_LATENCY_MS)
    theirs = results.of(other, "", USUAL_KEYS, USUAL_LATENCY_MS)
    if not ours or not theirs:
        return Goal(wanted)
    faster = ratio(theirs.wall_seconds, ours.wall_seconds)
    return Goal(wanted, f"{faster:.1f} times", faster >= times)


def _at_most(
    wanted: str, run: Measurement | None, figure: Callable[[Measurement], float], limit: float, form: str
) -> Goal:
    if not run:
        return Goal(wanted)
    return Goal(wanted, form.format(figure(run)), figure(run) <= limit)


def _within_share_of_bare(what: str, share: float) -> Goal:
    wanted = f"from KMS: processor time a key of {what}, at most {BARE_SHARE} times that of the bare calls"
    return Goal(wanted, f"{share:.2f} times", share <= BARE_SHARE) if share else Goal(wanted)


def compared_with_bare(results: Results) -> tuple[Measurement, Measurement, Measurement] | None:
    """Return the rule from KMS, the bare calls for as many keys, and judging alone, at the best number of keys."""
    judging = results.of(JUDGING)
    for keys in (LARGEST_REPEATED, USUAL_KEYS):
        ours, bare = results.of(RULE, KMS, keys), results.of(BARE, "", keys)
        if ours and bare and judging:
            return ours, bare, judging
    return None


def share_of_bare(results: Results) -> float:
    """Return the rule's processor time a key without judging, as a multiple of that of the bare calls."""
    found = compared_with_bare(results)
    if not found:
        return 0
    ours, bare, judging = (run.processor_milliseconds_a_key for run in found)
    return (ours - judging) / bare


def reading_share_of_bare(results: Results) -> float:
    """Return the processor time a key of the rule's reading alone, as a multiple of that of the bare calls."""
    found = compared_with_bare(results)
    reading = results.of(READING, KMS, found[1].keys) if found else None
    if not found or not reading:
        return 0
    return reading.processor_milliseconds_a_key / found[1].processor_milliseconds_a_key


def growth(results: Results, source: str) -> list[tuple[Measurement, float]]:
    """Return the rule's runs from a source, each with its time a key as a multiple of the one of the fewest keys."""
    runs = results.sizes(source)
    return [(run, ratio(run.processor_milliseconds_a_key, runs[0].processor_milliseconds_a_key)) for run in runs]


def _linear(results: Results, source: str) -> Goal:
    wanted = (
        f"from {SOURCE_NAMES[source]}: at every size at most {GROWTH} times the processor time a key of the smallest"
    )
    grown = growth(results, source)[1:]
    if not grown:
        return Goal(wanted)
    figure = ", ".join(f"{times:.2f} times a key at {run.keys:,}" for run, times in grown)
    return Goal(wanted, figure, all(times <= GROWTH for _, times in grown))


def evaluations_wanted(keys: int) -> int:
    """Return how many evaluations a whole run sends: one a key, and one for each stale result."""
    return keys + round(keys * STALE_SHARE)
