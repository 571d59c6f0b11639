"""What `make bench` measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench.results import CHECKS, CONFIG, KMS, Measurement, OfFiles, Workload

SIZES = (1_000, 10_000, 100_000)
USUAL_KEYS, LARGEST_REPEATED, LARGEST = SIZES
USUAL_LATENCY_MS = 10
COLD_STARTS = 5
EVENTS = 200
# A function's memory, and of how many keys a run is measured in it.
IN_MEMORY: Mapping[str, Mapping[int, Sequence[int]]] = {
    KMS: {256: (100, 1_000, 2_000), 512: (1_000, 2_000, 10_000), 1024: (2_000, 10_000), 1769: (10_000,)},
    CONFIG: {256: (1_000, 2_000, 10_000), 512: (10_000,), 1024: (10_000,)},
}
THROTTLE_PER_SECOND = 300
# So many files, aliases and megabytes.
FILES: Mapping[OfFiles, int] = {
    "check repository": 2_000,
    "checkov repository": 2_000,
    "check aliases": 4_000,
    "check plan": 50,
    "json.load plan": 50,
}
# What of the benchmark never varies, on any machine, is how many calls these make.
COUNTED = [Measurement("rule", USUAL_KEYS, source=source) for source in (KMS, CONFIG)]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the benchmark: its measurements are made in turn, and that `repeat` times over."""

    name: str
    measurements: Sequence[Measurement]
    repeat: int = 1


def parts(sizes: Sequence[int], repeat: int) -> Iterator[Part]:
    """Yield the parts of the benchmark for these numbers of keys."""
    usual = USUAL_KEYS, USUAL_LATENCY_MS
    rule = [Measurement("rule", *usual, source) for source in (KMS, CONFIG)]
    yield Part("cold-start", [*_events(1, "first-event", "bare-first-event"), Measurement("--help", 1)], COLD_STARTS)
    yield Part("event", list(_events(EVENTS, "event", "bare-event")), 2 * repeat)
    judging = Measurement("judging", min(max(sizes), LARGEST_REPEATED))
    yield Part("judging", [judging, *(Measurement(check, USUAL_KEYS) for check in CHECKS)], repeat)
    yield Part("files", [Measurement(workload, number) for workload, number in FILES.items()], repeat)
    yield Part("wall", [*rule, Measurement("bare", *usual), Measurement("scan", *usual)], repeat)
    yield Part("sequential", [Measurement("sequential", *usual)])
    yield Part("custodian", [Measurement("custodian", *usual)])
    yield Part("throttled", [Measurement("rule", *usual, KMS, THROTTLE_PER_SECOND)])
    for size in sizes:
        yield Part("processor", list(_without_latency(size)), repeat if size <= LARGEST_REPEATED else 1)
    if LARGEST in sizes:
        yield Part("largest", [Measurement("rule", LARGEST, USUAL_LATENCY_MS, KMS)])
    yield Part("size", list(_in_memory()))
    yield Part("report-page", [Measurement("report-page", keys) for keys in (100, LARGEST_REPEATED)])


def _without_latency(size: int) -> Iterator[Measurement]:
    yield Measurement("rule", size, source=KMS)
    if size <= LARGEST_REPEATED:
        yield Measurement("bare", size)
        yield Measurement("reading", size, source=KMS)
        yield Measurement("scan", size)
    if size == USUAL_KEYS:
        yield Measurement("bare-defaults", size)
    yield Measurement("rule", size, source=CONFIG)


def _events(events: int, of_rule: Workload, bare: Workload) -> Iterator[Measurement]:
    for tls in (False, True):
        yield Measurement(of_rule, events, source=KMS, tls=tls)
        yield Measurement(of_rule, events, source=CONFIG, tls=tls)
        yield Measurement(bare, events, tls=tls)


def _in_memory() -> Iterator[Measurement]:
    for source, sizes in IN_MEMORY.items():
        for memory, numbers in sizes.items():
            for keys in numbers:
                yield Measurement("rule", keys, USUAL_LATENCY_MS, source, tls=True, memory_mb=memory)


PART_NAMES = tuple(dict.fromkeys(part.name for part in parts(SIZES, 1)))
