"""Findings as a table for people: what is wrong first, then what could not be judged, and the totals last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched, groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kms_rule.findings import Accepted, Finding, Findings, Unjudged
from kms_rule.output import ACCEPTED, COLOURS, NOT_JUDGED, PASSED_OVER, totals
from kms_rule.settings import given_texts
from least_privilege.scenarios import Compliance
from least_privilege.text import escaped

# Of findings that come, so many make a table, within one account and Region.
ROWS_AT_ONCE = 100
ORDER = (Compliance.NON_COMPLIANT, Compliance.COMPLIANT, Compliance.NOT_APPLICABLE)


def print_to(console: Console, findings: Findings) -> None:
    """Print findings to a console, those that come in a table for each account and Region.

    Nothing in them is taken for markup, and control characters are spelt out.
    """
    if findings.parameters:
        given = ", ".join(f"{name} = {value}" for name, value in given_texts(findings.parameters).items())
        console.print(Text(escaped(f"Judged with {given}")), soft_wrap=True)
    if findings.judged:
        console.print(_table(_worst_first(findings.judged)))
    for source, some in groupby(findings.each_coming(), lambda finding: finding.place.source):
        console.print(Text(escaped(source), style="bold"), soft_wrap=True)
        for rows in batched(some, ROWS_AT_ONCE):
            console.print(_table(_worst_first(rows), in_one_place=True))
    _print_list(console, "Accepted", map(_accepted, findings.accepted))
    _print_list(console, "Not judged", map(_unjudged, findings.unjudged))
    _print_list(console, "Remarks", map(escaped, findings.remarks))
    counts = {compliance.value: count for compliance, count in findings.counts.items()}
    others = {
        ACCEPTED: len(findings.accepted),
        NOT_JUDGED: len(findings.unjudged),
        PASSED_OVER: findings.passed_over,
    }
    console.print(totals({**counts, **others}), highlight=False)


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: ORDER.index(finding.compliance))


def _table(findings: Iterable[Finding], *, in_one_place: bool = False) -> Table:
    """Return the table of these findings; of several in one account and Region, each place is its resource alone."""
    table = Table(show_lines=True)
    for title in ("Compliance", "Key", "Place", "What the rule says"):
        # Whoever looks for a key needs the whole of its name.
        table.add_column(title, overflow="fold", no_wrap=title == "Compliance")
    for finding in findings:
        compliance = finding.compliance.value
        table.add_row(
            Text(compliance, style=COLOURS[compliance]),
            Text(escaped(finding.reported_id)),
            Text(escaped(finding.place.resource if in_one_place else str(finding.place))),
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
