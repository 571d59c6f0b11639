"""What was measured, as values, and as the file `results.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")
RULE, READING, BARE, BARE_DEFAULTS = "rule", "reading", "bare", "bare-defaults"
SEQUENTIAL, CUSTODIAN, JUDGING, COLD_START = "sequential", "custodian", "judging", "cold-start"
KMS, CONFIG = "KMS", "Config"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One workload, measured: the run in the middle of `runs` runs.

    `calls` are the requests of AWS by operation, refused ones included; `evaluations` were taken by AWS Config.
    `endpoint_seconds` are the endpoint's own processor time. `details` are the workload's own, `error` why it failed.
    """

    workload: str
    keys: int
    latency_ms: float = 0
    source: str = ""
    throttle_per_second: float = 0
    wall_seconds: float = 0
    processor_seconds: float = 0
    peak_megabytes: float = 0
    calls: Mapping[str, int] = field(default_factory=dict)
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
    def processor_milliseconds_a_key(self) -> float:
        """The processor time, shared among the keys."""
        return self.processor_seconds * 1000 / self.keys

    @property
    def measure(self) -> float:
        """What the run in the middle is chosen by: wall time where answers take time, otherwise processor time."""
        return self.wall_seconds if self.latency_ms else self.processor_seconds


def median(runs: Sequence[Measurement]) -> Measurement:
    """Return the run in the middle of those that succeeded; if none did, the first."""
    good = sorted((run for run in runs if not run.error), key=lambda run: run.measure)
    chosen = good[len(good) // 2] if good else runs[0]
    return Measurement(**{**asdict(chosen), "runs": len(good) or 1})


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements of one run of the benchmark, and the versions of what was measured."""

    measurements: Sequence[Measurement]
    versions: Mapping[str, str]
    threads: int

    def of(self, workload: str, source: str = "", keys: int | None = None, latency_ms: float = 0) -> Measurement | None:
        """Return this measurement, if it was made without throttling and succeeded."""
        return next(
            (
                measured
                for measured in self.measurements
                if (measured.workload, measured.source, measured.latency_ms) == (workload, source, latency_ms)
                and keys in (None, measured.keys)
                and not measured.throttle_per_second
                and not measured.error
            ),
            None,
        )

    def sizes(self, source: str) -> list[Measurement]:
        """Return the rule's measurements without latency from `source`, the smallest first."""
        chosen = (self.of(RULE, source, measured.keys) for measured in self.measurements)
        return sorted({measured.keys: measured for measured in chosen if measured}.values(), key=lambda run: run.keys)

    def save(self, file: Path = FILE) -> None:
        """Write the file; figures are rounded to what they can say."""
        content = {
            "versions": dict(self.versions),
            "threads": self.threads,
            "measurements": [_rounded(_without_defaults(measured)) for measured in self.measurements],
        }
        file.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, file: Path = FILE) -> Results:
        """Read the file."""
        content = json.loads(file.read_text())
        measurements = [Measurement(**measured) for measured in content["measurements"]]
        return cls(measurements, content["versions"], content["threads"])


def ratio(part: float, whole: float) -> float:
    """Divide, and return 0 where there is nothing to divide by."""
    return part / whole if whole else 0


def _without_defaults(measured: Measurement) -> Json:
    defaults = asdict(Measurement("", 0))
    return {name: value for name, value in asdict(measured).items() if value != defaults[name] or name == "latency_ms"}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    return {name: _rounded(inner) for name, inner in value.items()} if isinstance(value, dict) else value
