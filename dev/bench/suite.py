"""Makes the measurements, each with an endpoint and a child of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dev.bench import environment
from dev.bench.goals import evaluations_wanted
from dev.bench.plan import USUAL_KEYS, Part
from dev.bench.processes import BenchError, Json, Setting, endpoint, run_child
from dev.bench.results import CONFIG, CUSTODIAN, KMS, RULE, Measurement, Results, median
from dev.emulator.events import now, rule_event, scheduled_notification

PARAMETERS: Mapping[str, str] = {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"}
SETTINGS_OF_RULE = ("READER_THREADS",)
RESULT_TOKEN = "bench"  # noqa: S105 - any token but the one of RDK's dry run


class Suite:
    """Makes the measurements; `say` tells what is going on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Look at the rule first: where it cannot read from AWS Config yet, those measurements are left out."""
        self._say = say
        self._threads = 0
        about = self._run(Path(sys.executable), "about-rule", Measurement("about-rule", 1), "")
        if "error" in about:
            raise BenchError(f"The rule cannot be imported: {about['error']}")
        self._sources = about["sources"]
        self._threads = about["threads"]
        self._versions = dict(about["versions"])

    def results(self, chosen: Sequence[Part]) -> Results:
        """Make all measurements of these parts."""
        measured = [run for part in chosen for run in self._part(part)]
        return Results(measured, self._versions, self._threads)

    def profile(self) -> str:
        """Tell where the rule's time goes when it reads from KMS."""
        wanted = Measurement("profile", USUAL_KEYS, source=KMS)
        with endpoint(Setting(wanted.keys)) as aws:
            outcome = self._run(Path(sys.executable), wanted.workload, wanted, aws.url)
        return str(outcome.get("profile", outcome.get("error")))

    def _part(self, part: Part) -> Iterator[Measurement]:
        possible = [wanted for wanted in part.measurements if wanted.source in ("", *self._sources)]
        if len(possible) < len(part.measurements):
            self._say(f"{part.name}: the rule has no ReadKeysFrom = {CONFIG} yet, so that is left out")
        rounds = [[self._measure(part.name, wanted) for wanted in possible] for _ in range(part.repeat)]
        for runs in zip(*rounds, strict=True):
            yield median(runs)

    def _measure(self, name: str, wanted: Measurement) -> Measurement:
        python = Path(sys.executable)
        if wanted.workload == CUSTODIAN:
            python = environment.interpreter()
            self._versions |= self._run(python, "about-custodian", wanted, "")["versions"]
        setting = Setting(wanted.keys, wanted.latency_ms, wanted.throttle_per_second)
        with endpoint(setting) as aws:
            outcome = self._run(python, wanted.workload, wanted, aws.url)
            counts = aws.counts()
        measured = _measured(wanted, outcome, counts)
        self._say(f"{name}: {described(measured)}")
        return measured

    def _run(self, python: Path, workload: str, wanted: Measurement, url: str) -> Json:
        job = {"event": event(wanted.source), "keys": wanted.keys, "threads": self._threads}
        variables = {name: os.environ[name] for name in SETTINGS_OF_RULE if name in os.environ}
        return run_child(python, workload, job, url, variables)


def event(source: str) -> Json:
    """Make the event of AWS Config's schedule, with which a rule reads keys from `source`."""
    parameters = {**PARAMETERS, **({"ReadKeysFrom": source} if source else {})}
    return rule_event(scheduled_notification(now()), parameters, resultToken=RESULT_TOKEN)


def _measured(wanted: Measurement, outcome: Json, counts: Json) -> Measurement:
    figures = {name: outcome.pop(name, 0.0) for name in ("wall_seconds", "processor_seconds", "peak_megabytes")}
    error = outcome.pop("error", "")
    if wanted.workload == RULE and not error and counts["evaluations"] != evaluations_wanted(wanted.keys):
        error = f"{counts['evaluations']} evaluations instead of {evaluations_wanted(wanted.keys)}"
    return replace(
        wanted,
        **figures,
        calls=counts["requests"],
        throttled=counts["throttled"],
        evaluations=counts["evaluations"],
        endpoint_seconds=counts["processor_seconds"],
        error=error,
        details=outcome,
    )


def described(measured: Measurement) -> str:
    """Say in a line what came out."""
    source = f" from {measured.source}" if measured.source else ""
    what = f"{measured.workload}{source}, {measured.keys:,} keys, {measured.latency_ms:g} ms"
    if measured.error:
        return f"{what}: FAILED, {measured.error}"
    return (
        f"{what}: {measured.wall_seconds:.2f} s, of which the processor {measured.processor_seconds:.2f} s; "
        f"{measured.peak_megabytes:.0f} MB"
    )
