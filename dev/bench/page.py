"""Results as the page `docs/performance.md` and its plot; what people wrote into the page stays.

`page.md` is the page with fields in its lines. The first word of a field names rows, which are made here.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from dev.bench.goals import GOALS, beside_rule, growth
from dev.bench.measuring import PROJECT, other_python
from dev.bench.plan import EVENTS, LARGEST_REPEATED, THROTTLE_PER_SECOND, USUAL_KEYS, USUAL_LATENCY_MS
from dev.bench.results import CHECKS, CONFIG, FILE, KMS, OF_FILES, BenchError, Measurement, Results, Workload
from dev.bench.surroundings import MEMORY_OF_ONE_PROCESSOR

PAGE = PROJECT / "docs" / "performance.md"
PLOT = PROJECT / "docs" / "performance.svg"
TEMPLATE = Path(__file__).with_name("page.md")
BEGIN, END = "<!-- written by hand: begin -->", "<!-- written by hand: end -->"
FIELD = re.compile(r"\{(\w+)[^}]*\}")
LONGEST_SECONDS = 900
NAMES: Mapping[tuple[Workload, str], str] = {
    ("rule", KMS): "the rule, from KMS",
    ("rule", CONFIG): "the rule, from AWS Config",
    ("scan", ""): "`kms-rule scan`, with the start of its process",
    ("bare", ""): "bare calls in a thread pool",
    ("custodian", ""): "Cloud Custodian",
    ("sequential", ""): "sequential, 4.4 calls a key",
}
COMMANDS: Sequence[Workload] = ("--help", *CHECKS)


def rows(results: Results) -> Mapping[str, Sequence[object]]:
    """Return the rows by the name that they have in `page.md`; a name for one value has one row, or none."""
    grown = [row for source in (KMS, CONFIG) for row in growth(results, source)]
    repeated = [run for run in results.all("rule", KMS) if run.keys <= LARGEST_REPEATED]
    limited = [run for run in results.measurements if run.memory_mb and not run.error]
    limited.sort(key=lambda run: (run.source == CONFIG, run.keys, run.memory_mb))
    asked = [run for run in results.measurements if run.calls]
    plan = SimpleNamespace(
        versions=", ".join(f"{name} {version}" for name, version in results.versions.items()),
        threads=results.threads,
        keys=USUAL_KEYS,
        events=EVENTS,
        latency=USUAL_LATENCY_MS,
        throttle=THROTTLE_PER_SECOND,
        endpoint=max((run.endpoint_seconds / run.wall_seconds for run in asked if run.wall_seconds), default=0),
    )
    return {
        "plan": [plan],
        "goal": [goal.row(results) for goal in GOALS],
        "size": [(run, run.memory_mb / MEMORY_OF_ONE_PROCESSOR, _timeout(run)) for run in limited],
        "event": list(_events(results, "event", "bare-event")),
        "first": list(_events(results, "first-event", "bare-first-event")),
        "growth": grown,
        "waiting": list(waiting(results)),
        "calls": list(_calls(results)),
        "rule": repeated[-1:],
        "reading": results.all("reading", KMS)[-1:],
        "bare": results.all("bare")[-1:],
        "defaults": results.all("bare-defaults"),
        "throttled": [run for run in results.measurements if run.throttle_per_second and not run.error],
        "files": [run for workload in OF_FILES for run in results.all(workload)],
        "command": [run for workload in COMMANDS for run in results.all(workload)],
        "judging": results.all("judging"),
        "report": results.all("report-page"),
    }


def _timeout(run: Measurement) -> str:
    """Return the least timeout, in whole minutes, of which the run leaves half."""
    seconds = math.ceil(run.wall_seconds * 2 / 60) * 60
    return f"{seconds:,} s" if seconds <= LONGEST_SECONDS else "more than there is"


def _events(results: Results, of_rule: Workload, bare: Workload) -> Iterator[tuple[str, Measurement, float, float]]:
    """Yield the runs with events, each with its processor time beside that of the bare calls, and calls an event."""
    for tls in (False, True):
        for (workload, source), name in {(of_rule, KMS): KMS, (of_rule, CONFIG): CONFIG, (bare, ""): "-"}.items():
            for run in results.all(workload, source, tls=tls):
                beside = run.processor_seconds / results.of(bare, tls=tls).processor_seconds
                yield name, run, beside, sum(run.calls.values()) / run.evaluations


def waiting(results: Results) -> Iterator[tuple[str, Measurement, float]]:
    """Yield the runs in which answers took their time, by name, each with its wall time beside the rule's from KMS."""
    for (workload, source), name in NAMES.items():
        with suppress(BenchError):
            run = results.of(workload, source, USUAL_KEYS, USUAL_LATENCY_MS)
            yield name, run, beside_rule(results, workload, source)


def _calls(results: Results) -> Iterator[Sequence[str]]:
    """Yield the calls a key by operation: of the rule's largest runs, of Cloud Custodian, and sequentially."""
    columns = [results.all("rule", KMS), results.all("rule", CONFIG)]
    columns += [results.all("custodian", "", USUAL_LATENCY_MS), results.all("sequential", "", USUAL_LATENCY_MS)]
    shares = [
        {name: calls / runs[-1].keys for name, calls in runs[-1].calls.items()} if runs else {} for runs in columns
    ]
    for operation in sorted(set().union(*shares)):
        yield operation, *(f"{share[operation]:.4f}" if operation in share else "" for share in shares)
    if any(shares):
        yield "all", *(f"{sum(share.values()):.4f}" for share in shares)


def filled(results: Results) -> str:
    """Return the page, in which a line with fields stands once for each row, or with dashes where there is none."""
    lines, known = [], rows(results)
    for line in TEMPLATE.read_text().splitlines():
        found = FIELD.search(line)
        if found and known[found[1]]:
            lines += [line.format_map({found[1]: row}) for row in known[found[1]]]
        else:
            lines.append(FIELD.sub("-", line))
    return "\n".join([*lines, ""])


def tables(results: Results) -> str:
    """Return the tables alone, without what was not measured."""
    blocks = [block.splitlines() for block in filled(results).split("\n\n") if block.startswith("|")]
    measured = [[line for line in lines if "| - " not in line] for lines in blocks]
    return "\n\n".join("\n".join(lines) for lines in measured if lines[2:])


def text(results: Results) -> str:
    """Return the page with what people wrote into the present one."""
    before, _, rest = filled(results).partition(BEGIN)
    kept = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return before + BEGIN + kept + END + rest.partition(END)[2]


def write(results: Results) -> None:
    """Write the page, and the plot, which is made of the results file. Raises `BenchError` where that fails."""
    PAGE.write_text(text(results))
    command = [other_python(), "-m", "dev.bench.plot", str(FILE), str(PLOT)]
    if subprocess.run(command, cwd=PROJECT, check=False).returncode:  # noqa: S603 - a module of this project
        raise BenchError("The plot cannot be made: see above.")
