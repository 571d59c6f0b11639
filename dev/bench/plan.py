"""What `make bench` measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
)

SIZES = (1_000, 10_000, 100_000)
USUAL_KEYS = SIZES[0]
USUAL_LATENCY_MS = 10
LARGEST_REPEATED = 10_000
COLD_STARTS = 5
THROTTLE_PER_SECOND = 300


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the benchmark: its measurements are made in turn, and that `repeat` times over."""

    name: str
    measurements: Sequence[Measurement]
    repeat: int


def parts(sizes: Sequence[int], repeat: int) -> Iterator[Part]:
    """Yield the parts of the benchmark for these numbers of keys."""
    yield Part("cold-start", [Measurement(COLD_START, 1)], COLD_STARTS)
    yield Part("judging", [Measurement(JUDGING, min(max(sizes), LARGEST_REPEATED))], repeat)
    slow = USUAL_LATENCY_MS
    waiting = [Measurement(RULE, USUAL_KEYS, slow, source) for source in (KMS, CONFIG)]
    yield Part("wall", [*waiting, Measurement(BARE, USUAL_KEYS, slow)], repeat)
    yield Part("sequential", [Measurement(SEQUENTIAL, USUAL_KEYS, slow)], 1)
    yield Part("custodian", [Measurement(CUSTODIAN, USUAL_KEYS, slow)], 1)
    yield Part("throttled", [Measurement(RULE, USUAL_KEYS, slow, KMS, THROTTLE_PER_SECOND)], 1)
    for size in sizes:
        yield Part("processor", list(_without_latency(size)), repeat if size <= LARGEST_REPEATED else 1)
    if max(sizes) == SIZES[-1]:
        yield Part("largest", [Measurement(RULE, SIZES[-1], slow, KMS)], 1)


def _without_latency(size: int) -> Iterator[Measurement]:
    yield Measurement(RULE, size, source=KMS)
    if size <= LARGEST_REPEATED:
        yield Measurement(BARE, size)
        yield Measurement(READING, size, source=KMS)
    if size == USUAL_KEYS:
        yield Measurement(BARE_DEFAULTS, size)
    yield Measurement(RULE, size, source=CONFIG)


PART_NAMES = tuple(dict.fromkeys(part.name for part in parts(SIZES, 1)))
