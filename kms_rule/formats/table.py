"""Findings as a table for people: what is wrong first, then what could not be judged, and the totals last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kms_rule.findings import Accepted, Finding, Findings, Unjudged
from kms_rule.output import ACCEPTED, COLOURS, NOT_JUDGED, PASSED_OVER, totals
from kms_rule.settings import given_texts
from least_privilege.scenarios import Compliance
from least_privilege.text import escaped

ORDER = (Compliance.NON_COMPLIANT, Compliance.COMPLIANT, Compliance.NOT_APPLICABLE)


def print_to(console: Console, findings: Findings) -> None:
    """Print findings to a console; nothing in them is taken for markup, and control characters are spelt out."""
    if findings.parameters:
        given = ", ".join(f"{name} = {value}" for name, value in given_texts(findings.parameters).items())
        console.print(Text(escaped(f"Judged with {given}")), soft_wrap=True)
    if findings.judged:
        console.print(_table(sorted(findings.judged, key=lambda finding: ORDER.index(finding.compliance))))
    _print_list(console, "Accepted", map(_accepted, findings.accepted))
    _print_list(console, "Not judged", map(_unjudged, findings.unjudged))
    _print_list(console, "Remarks", map(escaped, findings.remarks))
    counts = Counter(finding.compliance.value for finding in findings.judged)
    others = {
        ACCEPTED: len(findings.accepted),
        NOT_JUDGED: len(findings.unjudged),
        PASSED_OVER: findings.passed_over,
    }
    console.print(totals({**counts, **others}), highlight=False)


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(show_lines=True)
    for title in ("Compliance", "Key", "Place", "What the rule says"):
        # Whoever looks for a key needs the whole of its name.
        table.add_column(title, overflow="fold", no_wrap=title == "Compliance")
    for finding in findings:
        compliance = finding.compliance.value
        table.add_row(
            Text(compliance, style=COLOURS[compliance]),
            Text(escaped(finding.reported_id)),
            Text(escaped(str(finding.place))),
            Text("\n".join(map(escaped, (finding.annotation, *finding.remarks)))),
        )
    return table


def _accepted(accepted: Accepted) -> str:
    return escaped(f"{accepted.finding.place}: {accepted.finding.annotation} {accepted}")


def _unjudged(unjudged: Unjudged) -> str:
    return escaped(f"{unjudged.place}: {unjudged.reason}")


def _print_list(console: Console, heading: str, lines: Iterable[str]) -> None:
    listed: Sequence[str] = [*lines]
    if not listed:
        return
    console.print(Text(heading, style="bold"))
    for line in listed:
        console.print(Text(f"  {line}"), soft_wrap=True)
