"""How many calls of AWS a scheduled run makes, compared with the published ones: what of the benchmark never varies.

Seconds depend on the machine; the calls do not, so these can be held to on any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table

from dev.bench.plan import USUAL_KEYS, Part
from dev.bench.results import CONFIG, KMS, RULE, Measurement, Results

PART = Part("calls", [Measurement(RULE, USUAL_KEYS, source=source) for source in (KMS, CONFIG)], 1)


def table(counted: Results) -> Table:
    """Show the calls of each source by operation."""
    shown = Table("from", "operation", "calls", title=f"Calls of a scheduled run of {USUAL_KEYS:,} keys")
    for run in counted.measurements:
        for operation, calls in run.calls.items():
            shown.add_row(run.source, operation, f"{calls:,}")
    return shown


def differences(counted: Results, published: Results) -> Iterator[str]:
    """Yield a sentence for each run that failed, or made other calls than the published one of as many keys."""
    for run in counted.measurements:
        if run.error:
            yield f"The run of {run.keys:,} keys from {run.source} failed: {run.error}."
            continue
        known = published.of(RULE, run.source, run.keys)
        wanted: Mapping[str, int] = known.calls if known else {}
        for operation in sorted(wanted.keys() | run.calls.keys()):
            was, now = wanted.get(operation, 0), run.calls.get(operation, 0)
            if was != now:
                yield (
                    f"A run of {run.keys:,} keys from {run.source} calls {operation} {now:,} times, {was:,} times in "
                    f"dev/bench/results.json: mend the rule, or publish anew with make bench if that is meant."
                )
