"""The goals of the rule's and the command's speed and size, and whether results meet them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from dev.bench.plan import EVENTS, FILES, LARGEST, USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.results import CHECKS, CONFIG, KMS, BenchError, Measurement, Results, Workload

WAITING = f"{USUAL_LATENCY_MS} ms an answer: wall time"
USUAL = f"{USUAL_KEYS:,} keys, {WAITING} of"
CHECK = f"`kms-rule check` of {USUAL_KEYS:,} policies, in any format"
REPOSITORY = f"`kms-rule check` of {FILES['check repository']:,} files, one in 40 with a key: processor time"
ALIASES = f"`kms-rule check` of a plan with {FILES['check aliases']:,} keys and aliases: processor time"
PLAN = f"`kms-rule check` of a plan of {FILES['check plan']} MB, beside `json.load`:"
LARGE = f"{LARGEST:,} keys from"
BARE = "processor time a key beside that of the bare calls:"
GROWTH = "processor time a key beside that for the fewest keys:"


def beside_rule(results: Results, workload: Workload, source: str = "") -> float:
    """Return the wall time of a workload, where answers take time, as a multiple of the rule's from KMS."""
    theirs = results.of(workload, source, USUAL_KEYS, USUAL_LATENCY_MS)
    return theirs.wall_seconds / results.of("rule", KMS, USUAL_KEYS, USUAL_LATENCY_MS).wall_seconds


def beside_bare(results: Results, workload: Workload, without: float = 0) -> float:
    """Return the processor time a key of a workload, `without` so much, as a multiple of that of the bare calls."""
    bare = results.of("bare")
    return (results.of(workload, KMS, bare.keys).milliseconds_a_key - without) / bare.milliseconds_a_key


def rule_without_judging(results: Results) -> float:
    """Return the processor time a key of the rule, judging apart, as a multiple of that of the bare calls."""
    return beside_bare(results, "rule", results.of("judging").milliseconds_a_key)


def beside_bare_event(results: Results, workload: Workload, bare: Workload, *, tls: bool) -> float:
    """Return the processor time of events as a multiple of that of their calls alone."""
    return results.of(workload, KMS, tls=tls).processor_seconds / results.of(bare, tls=tls).processor_seconds


def beside_default(results: Results, *, tls: bool) -> float:
    """Return the processor time of events from AWS Config as a multiple of those from KMS."""
    return results.of("event", CONFIG, tls=tls).processor_seconds / results.of("event", KMS, tls=tls).processor_seconds


def new_connections(results: Results) -> int:
    """Return how many connections were made after the first two events, the most of all runs with events."""
    runs = [results.of("event", source, tls=tls) for source in (KMS, CONFIG) for tls in (False, True)]
    return max(run.new_connections for run in runs)


def growth(results: Results, source: str) -> Iterator[tuple[Measurement, float]]:
    """Yield the rule's runs from a source, each with its time a key as a multiple of that for the fewest keys."""
    runs = results.all("rule", source)
    return ((run, run.milliseconds_a_key / runs[0].milliseconds_a_key) for run in runs)


def most_growth(results: Results, source: str) -> float:
    """Return the largest of these multiples, that for the fewest keys apart."""
    multiples = [times for _, times in growth(results, source)][1:]
    if not multiples:
        raise BenchError("Only one number of keys is measured.")
    return max(multiples)


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, its limit, and the unit of both. The figure raises `BenchError` where it is not measured."""

    name: str
    limit: float
    unit: str
    figure: Callable[[Results], float]
    at_least: bool = False

    def row(self, results: Results) -> tuple[str, str, str, str]:
        """Return the goal, its limit, what was measured, and whether that meets it."""
        limit = f"at {'least' if self.at_least else 'most'} {self.limit:g} {self.unit}"
        try:
            figure = self.figure(results)
        except BenchError:
            return self.name, limit, "not measured", "-"
        digits = ".3g" if figure < 100 else ",.0f"  # noqa: PLR2004 - three of them
        met = figure >= self.limit if self.at_least else figure <= self.limit
        return self.name, limit, f"{figure:{digits}} {self.unit}", "yes" if met else "no"


def _largest(results: Results, source: str, latency_ms: float = 0) -> Measurement:
    return results.of("rule", source, LARGEST, latency_ms)


def _beside_parsing(results: Results, figure: Literal["processor_seconds", "peak_megabytes"]) -> float:
    ours: float = getattr(results.of("check plan"), figure)
    theirs: float = getattr(results.of("json.load plan"), figure)
    return ours / theirs


def _of_events(where: str, *, tls: bool) -> Iterator[Goal]:
    said = f"processor time, {where}, beside that of the same calls bare"
    warm = partial(beside_bare_event, workload="event", bare="bare-event", tls=tls)
    cold = partial(beside_bare_event, workload="first-event", bare="bare-first-event", tls=tls)
    yield Goal(f"a warm event: {said}, on kept clients", 1.3, "times", warm)
    yield Goal(f"a cold start, import and first event: {said}", 1.1, "times", cold)
    beside = f"a warm event with `ReadKeysFrom` = `Config`: processor time, {where}, beside that of the default"
    yield Goal(beside, 0.75, "times", partial(beside_default, tls=tls))


GOALS: Sequence[Goal] = (
    Goal(f"{USUAL} sequential, beside the rule", 12, "times", lambda r: beside_rule(r, "sequential"), at_least=True),
    Goal(f"{USUAL} Cloud Custodian, beside the rule", 5, "times", lambda r: beside_rule(r, "custodian"), at_least=True),
    Goal(f"{USUAL} `kms-rule scan`, beside the rule", 1.2, "times", lambda r: beside_rule(r, "scan")),
    Goal(f"{LARGE} AWS Config: processor time", 130, "s", lambda r: _largest(r, CONFIG).processor_seconds),
    Goal(f"{LARGE} AWS Config: resident", 230, "MB", lambda r: _largest(r, CONFIG).peak_megabytes),
    Goal(f"{LARGE} KMS, {WAITING} on one core", 900, "s", lambda r: _largest(r, KMS, USUAL_LATENCY_MS).wall_seconds),
    Goal("calls a key from AWS Config, all included", 0.06, "calls", lambda r: r.of("rule", CONFIG).calls_a_key),
    Goal(f"{BARE} reading alone, from KMS", 1.15, "times", lambda r: beside_bare(r, "reading")),
    Goal(f"{BARE} reading, reporting and stale results, judging apart, from KMS", 1.15, "times", rule_without_judging),
    Goal(f"{GROWTH} the most from KMS", 1.15, "times", lambda r: most_growth(r, KMS)),
    Goal(f"{GROWTH} the most from AWS Config", 1.15, "times", lambda r: most_growth(r, CONFIG)),
    *_of_events("plain HTTP", tls=False),
    *_of_events("TLS", tls=True),
    Goal(f"new connections in {EVENTS} events after the first two", 0, "connections", new_connections),
    Goal(f"{CHECK}: processor time", 3, "s", lambda r: max(r.of(check).processor_seconds for check in CHECKS)),
    Goal(REPOSITORY, 0.6, "s", lambda r: r.of("check repository").processor_seconds),
    Goal(ALIASES, 2, "s", lambda r: r.of("check aliases").processor_seconds),
    Goal(f"{PLAN} processor time", 3, "times", lambda r: _beside_parsing(r, "processor_seconds")),
    Goal(f"{PLAN} resident", 1.5, "times", lambda r: _beside_parsing(r, "peak_megabytes")),
    Goal("`kms-rule --help`: processor time", 0.3, "s", lambda r: r.of("--help").processor_seconds),
)
