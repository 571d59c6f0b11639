"""What was measured, as values, and as the file `results.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

FILE = Path(__file__).with_name("results.json")
KMS, CONFIG = "KMS", "Config"

type Check = Literal["check --format table", "check --format json", "check --format sarif", "check --format html"]
type OfFiles = Literal["check repository", "checkov repository", "check aliases", "check plan", "json.load plan"]
type OfRule = Literal["rule", "reading", "judging", "event", "first-event"]
type Other = Literal[
    "bare",
    "bare-defaults",
    "bare-event",
    "bare-first-event",
    "sequential",
    "custodian",
    "--help",
    "scan",
    "report-page",
]
type Workload = OfRule | Other | Check | OfFiles
CHECKS: tuple[Check, ...] = get_args(Check.__value__)
OF_FILES: tuple[OfFiles, ...] = get_args(OfFiles.__value__)
EVENT_WORKLOADS: tuple[Workload, ...] = ("event", "bare-event", "first-event", "bare-first-event")


class BenchError(Exception):
    """Raised when the benchmark itself cannot go on, or a figure is not measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One workload, measured: the run in the middle of `runs` runs.

    `keys` are those of the account, or the events about one key each, or the files of a repository, the aliases or the
    megabytes of a plan. The process had the share of a processor that
    goes with `memory_mb`, or one core.
    `calls` are the requests of AWS by operation, refused ones included; `evaluations` were taken by AWS Config.
    `endpoint_seconds` are the endpoint's own processor time. `details` are the workload's own, `error` why it failed.
    """

    workload: Workload
    keys: int
    latency_ms: float = 0
    source: str = ""
    throttle_per_second: float = 0
    tls: bool = False
    memory_mb: int = 0
    wall_seconds: float = 0
    processor_seconds: float = 0
    peak_megabytes: float = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    new_connections: int = 0
    throttled: int = 0
    evaluations: int = 0
    endpoint_seconds: float = 0
    runs: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def calls_a_key(self) -> float:
        """All requests, shared among the keys."""
        return sum(self.calls.values()) / self.keys

    @property
    def milliseconds_a_key(self) -> float:
        """The processor time, shared among the keys."""
        return self.processor_seconds * 1000 / self.keys

    def __str__(self) -> str:
        """Return what is measured, in words."""
        source = f" from {self.source}" if self.source else ""
        throttle = f", {self.throttle_per_second:g} requests a second" if self.throttle_per_second else ""
        memory = f", {self.memory_mb:,} MB" if self.memory_mb else ""
        tls = ", TLS" if self.tls else ""
        return f"{self.workload}{source}, {self.keys:,} keys, {self.latency_ms:g} ms{throttle}{tls}{memory}"


def median(runs: Sequence[Measurement]) -> Measurement:
    """Return the run in the middle of those that succeeded, by wall time where answers take time; or the first.

    Of events it is the fastest: they are so short that whatever else the machine does falls on one of two that are
    compared, and that only ever adds.
    """
    good = [run for run in runs if not run.error]
    good.sort(key=lambda run: run.wall_seconds if run.latency_ms else run.processor_seconds)
    place = 0 if runs[0].workload in EVENT_WORKLOADS else len(good) // 2
    return replace(good[place], runs=len(good)) if good else runs[0]


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements, the versions of what was measured, and with how many threads the rule read."""

    measurements: Sequence[Measurement]
    versions: Mapping[str, str]
    threads: int

    def all(
        self, workload: Workload, source: str = "", latency_ms: float = 0, *, tls: bool = False
    ) -> list[Measurement]:
        """Return what was measured of a workload without limits and succeeded, the fewest keys first."""
        wanted = (workload, source, latency_ms, tls)
        good = [run for run in self.measurements if not (run.error or run.throttle_per_second or run.memory_mb)]
        found = [run for run in good if (run.workload, run.source, run.latency_ms, run.tls) == wanted]
        return sorted(found, key=lambda run: run.keys)

    def of(
        self,
        workload: Workload,
        source: str = "",
        keys: int | None = None,
        latency_ms: float = 0,
        *,
        tls: bool = False,
    ) -> Measurement:
        """Return the measurement with so many keys, or with the most. Raises `BenchError` where there is none."""
        found = [run for run in self.all(workload, source, latency_ms, tls=tls) if keys in (None, run.keys)]
        if not found:
            raise BenchError(f"{workload} is not measured.")
        return found[-1]

    def renewed(self, newer: Results) -> Results:
        """Return these results with what was measured anew in the place of what it was before."""
        measured = {str(run): run for run in (*self.measurements, *newer.measurements)}
        return Results([*measured.values()], {**self.versions, **newer.versions}, newer.threads)

    def differences(self, counted: Sequence[Measurement]) -> Iterator[str]:
        """Yield a sentence for each run of the rule that failed, or made other calls than these results have."""
        for run in counted:
            if run.error:
                yield f"The run of {run.keys:,} keys from {run.source} failed: {run.error}."
                continue
            known = self.of("rule", run.source, run.keys).calls
            for operation in sorted(known.keys() | run.calls.keys()):
                was, now = known.get(operation, 0), run.calls.get(operation, 0)
                if was != now:
                    yield (
                        f"A run of {run.keys:,} keys from {run.source} calls {operation} {now:,} times, {was:,} times "
                        "in dev/bench/results.json: fix the rule, or publish the new number with make bench."
                    )

    def save(self) -> None:
        """Write the file, without what is 0 or empty."""
        measurements = [{name: value for name, value in asdict(run).items() if value} for run in self.measurements]
        content = {"versions": self.versions, "threads": self.threads, "measurements": measurements}
        FILE.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, file: Path = FILE) -> Results:
        """Read the file."""
        content = json.loads(file.read_text())
        measurements = [Measurement(**measured) for measured in content["measurements"]]
        return cls(measurements, content["versions"], content["threads"])
