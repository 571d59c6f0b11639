"""The matrix as a table for people: operation by fault, with the outcome for each kind of invocation."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from rich.console import Console
from rich.table import Table

from tests.faults.matrix import OUTCOMES, Row
from tests.faults.world import KINDS

WIDTH = 160
NO_SENSE = "-"
LEGEND = """complete: every key has the clean run's answer, and stale results are taken back
without the key: complete, but for a key that was deleted meanwhile
taken for enabled, not compliant: complete, and the annotation names the permission that is missing
names ...: the invocation raises and names what has no answer; all else is reported, and nothing is taken back
After each, the same event, run twice more, must end in the clean run's results."""


def text(tried: Mapping[Row, str]) -> str:
    """Return the table of the rows that were tried, by how each ended; a row that did not end as expected says so."""
    outcomes = {(row.operation, row.fault, row.kind): _words(row, ended) for row, ended in tried.items()}
    table = Table(title=f"{len(tried)} rows", caption=LEGEND, caption_justify="left")
    for heading in ("operation", "fault", *KINDS):
        table.add_column(heading, no_wrap=True)
    for operation, faults in OUTCOMES.items():
        for fault in faults:
            cells = (outcomes.get((operation, fault, kind), NO_SENSE) for kind in KINDS)
            table.add_row(operation, fault, *cells, end_section=fault == list(faults)[-1])
    output = StringIO()
    Console(file=output, width=WIDTH).print(table)
    return output.getvalue()


def _words(row: Row, ended: str) -> str:
    return {"passed": row.outcome.value, "skipped": "KNOWN DEFECT"}.get(ended, "FAILED")
