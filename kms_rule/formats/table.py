"""Findings for people: what is wrong first, then what could not be judged, and the totals last.

What is the same in all rows stands once above them. A line that is too short for a table's columns gets a list in its
place, as compilers print it, so that no place is ever broken or cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched, groupby

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged
from kms_rule.formats.lines import print_line, visible
from kms_rule.output import ACCEPTED, COLOURS, NOT_JUDGED, PASSED_OVER, is_narrow, totals
from kms_rule.settings import given_texts
from least_privilege.scenarios import Compliance

# Of findings that come, so many are shown at once, within one account and Region.
ROWS_AT_ONCE = 100
ORDER = (Compliance.NON_COMPLIANT, Compliance.COMPLIANT, Compliance.NOT_APPLICABLE)
TITLES = ("Compliance", "Key", "Place", "What the rule says")
# In columns of the terminal: what the sentence needs, and what a table has between two cells.
MIN_SENTENCE, BETWEEN = 40, 3


def print_to(console: Console, findings: Findings) -> None:
    """Print findings to a console, those that come in a part for each account and Region.

    Nothing in them is taken for markup, and what could not be seen is spelt out.
    """
    shown = Shown(console)
    if findings.parameters and not findings.quiet:
        given = ", ".join(f"{name} = {value}" for name, value in given_texts(findings.parameters).items())
        shown.line(f"Judged with {given}")
    for account, some in groupby(findings.each_kept(), lambda finding: _account_of(finding.place)):
        shown.part(account, [[*some]])
    for source, some in groupby(findings.each_coming(), lambda finding: finding.place.source):
        shown.part(source, batched(some, ROWS_AT_ONCE))
    if findings.quiet:
        shown.listing("Not judged", map(_unjudged, findings.unjudged))
        return
    shown.listing("Accepted", map(_accepted, findings.accepted))
    shown.listing("Not judged", map(_unjudged, findings.unjudged))
    shown.listing("Remarks", (("", remark) for remark in findings.remarks))
    counts = {compliance.value: count for compliance, count in findings.counts.items()}
    others = {
        ACCEPTED: len(findings.accepted),
        NOT_JUDGED: len(findings.unjudged),
        PASSED_OVER: findings.passed_over,
    }
    console.print(totals({**counts, **others}), highlight=False, soft_wrap=True)


def _account_of(place: Place) -> str:
    """Return the account and Region of a place, blank for one in a file, which has to stand there whole."""
    return place.source if place.is_live else ""


def _accepted(accepted: Accepted) -> tuple[str, str]:
    return str(accepted.finding.place), f"{accepted.finding.annotation} {accepted}"


def _unjudged(unjudged: Unjudged) -> tuple[str, str]:
    return str(unjudged.place), unjudged.reason


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as texts that can be printed; `resource` is blank where `key` or `place` already says it."""

    compliance: str
    key: str
    place: str
    resource: str
    annotation: str
    remarks: Sequence[str]

    def cells(self) -> tuple[str, str, str, str]:
        """Return what stands in each column of a table."""
        place = f"{self.place} {self.resource}".strip()
        return self.compliance, self.key, place, "\n".join((self.annotation, *self.remarks))


class Shown:
    """Prints to one console, whose width and encoding decide how texts are shown."""

    def __init__(self, console: Console) -> None:
        """Take the console."""
        self._console = console
        self._visible = partial(visible, encoding=console.encoding)

    def line(self, text: str, style: str = "") -> None:
        """Print a text on a line of its own."""
        print_line(self._console, Text(style=style), self._visible(text))

    def listing(self, heading: str, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines, each a place and what is said of it, below a heading; nothing where there are none."""
        listed = [*lines]
        if listed:
            self.line(heading, style="bold")
        for place, text in listed:
            beginning = f"  {self._visible(place)}: " if place else "  "
            print_line(self._console, Text(beginning), self._visible(text))

    def part(self, account: str, batches: Iterable[Iterable[Finding]]) -> None:
        """Print findings, each batch worst first; `account` is the account and Region of them, blank for files."""
        if account:
            self.line(account, style="bold")
        told = ""
        for batch in batches:
            findings = sorted(batch, key=lambda finding: ORDER.index(finding.compliance))
            beginning = _beginning(findings) if account else ""
            if beginning and beginning != told:
                self.line(f"Places begin with {beginning}")
            told = beginning
            remarks = _shared_remarks(findings)
            for remark in remarks:
                self.line(f"Of each: {remark}")
            self._rows([self._row(finding, account, beginning, remarks) for finding in findings])

    def _row(self, finding: Finding, account: str, beginning: str, told: Sequence[str]) -> Row:
        place, resource = finding.place.position, finding.place.resource
        if account:
            place, resource = resource.removeprefix(beginning), ""
        return Row(
            finding.compliance.value,
            self._visible(finding.reported_id),
            self._visible(place),
            "" if resource == finding.reported_id else self._visible(resource),
            self._visible(finding.annotation),
            [self._visible(remark) for remark in finding.remarks if remark not in told],
        )

    def _rows(self, rows: Sequence[Row]) -> None:
        columns = _columns(rows)
        used = sum(max(map(cell_len, (title, *cells))) + BETWEEN for title, cells in columns[:-1])
        if is_narrow(self._console) or self._console.width - used < MIN_SENTENCE + BETWEEN + 1:
            for row in rows:
                self._in_a_list(row)
            return
        if columns[0][0] != TITLES[0]:
            self.line(f"Each is {rows[0].compliance}", style=COLOURS[rows[0].compliance])
        table = Table(show_lines=True)
        for title, _ in columns:
            # Whoever looks for a key or a place needs the whole of its name.
            table.add_column(title, no_wrap=title != TITLES[-1], overflow="fold")
        for cells in zip(*(cells for _, cells in columns), strict=True):
            table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
        self._console.print(table)

    def _in_a_list(self, row: Row) -> None:
        beginning = Text.assemble(
            f"{row.place}: " if row.place else "",
            (row.compliance, COLOURS[row.compliance]),
            f" {row.key} ({row.resource}): " if row.resource else f" {row.key}: ",
        )
        print_line(self._console, beginning, row.annotation)
        for remark in row.remarks:
            print_line(self._console, Text("    "), remark)


def _beginning(findings: Sequence[Finding]) -> str:
    """Return what the ARN of each key begins with, blank where that differs or is not an ARN."""
    beginnings = {finding.place.resource.rpartition("/")[0] for finding in findings}
    [beginning, *others] = beginnings
    return f"{beginning}/" if not others and beginning.startswith("arn:") else ""


def _shared_remarks(findings: Sequence[Finding]) -> list[str]:
    if len(findings) == 1:
        return []
    return [each for each in findings[0].remarks if all(each in finding.remarks for finding in findings)]


def _columns(rows: Sequence[Row]) -> list[tuple[str, tuple[str, ...]]]:
    """Return title and cells of each column that says something of its own."""
    compliances, keys, places, sentences = (tuple(cells) for cells in zip(*(row.cells() for row in rows), strict=True))
    columns = [(TITLES[0], compliances), (TITLES[1], keys), (TITLES[2], places), (TITLES[3], sentences)]
    if len(rows) > 1 and len({*compliances}) == 1:
        columns.remove((TITLES[0], compliances))
    if all(place in ("", key) for key, place in zip(keys, places, strict=True)):
        columns.remove((TITLES[2], places))
    return columns
