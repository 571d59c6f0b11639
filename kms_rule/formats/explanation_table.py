"""An explanation for people: the verdict, then why, and what would make the policy compliant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.explanation.explanation import (
    NOT_REACHED,
    YES,
    Administrator,
    Explanation,
    conditions_on_user_id,
    duties_of,
    reason_against,
)
from kms_rule.explanation.sentences import listing
from kms_rule.formats.lines import print_line, visible
from kms_rule.output import is_narrow
from kms_rule.remediation.remedy import NoProposal, Proposal
from least_privilege.condition import Condition
from least_privilege.parameters import ADMINISTRATORS, PARAMETERS, RuleParameters
from least_privilege.text import escaped, quoted, shortened

MAX_VALUE = 200
COLOURS: Mapping[str, str] = {"COMPLIANT": "green", "NON_COMPLIANT": "red"}
ANSWERS: Mapping[str, str] = {YES: "bold", NOT_REACHED: "dim"}
NO_STYLES: Mapping[str, str] = {}
QUESTIONS = ("Scenario", "Question", "Answer", "Evidence")
GRANTS = ("Number", "Sid", "Effect", "Grants", "To whom")
ADMINISTRATION = ("User id", "In statements", f"Covered by {ADMINISTRATORS}")


def print_to(console: Console, explanation: Explanation) -> None:
    """Print an explanation, the verdict first, as tables and sentences; as lists where lines are short."""
    finding = explanation.finding
    say(console, f"{finding.compliance}: {finding.scenario.name}", style=f"bold {COLOURS.get(finding.compliance, '')}")
    for line in (*(each.annotation for each in explanation.findings), *finding.remarks):
        say(console, line)
    say(console, finding.place.source, style="bold")
    say(console, ", ".join(f"{name} = {escaped(text) or '(none)'}" for name, text in _deciding(explanation.parameters)))
    _print_questions(console, explanation)
    if explanation.statements:
        _print_rows(console, "The statements", GRANTS, map(_grant, explanation.statements), lines=True)
    if explanation.administrators:
        rows = map(_administrator, explanation.administrators)
        _print_rows(console, "The users with administration", ADMINISTRATION, rows)
    if explanation.remedy:
        _print_remedy(console, explanation.remedy)
    if finding.not_judged:
        say(console, "\nNot judged", style="bold")
    for each in finding.not_judged:
        say(console, str(each))


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line, or several, in which nothing is taken for markup, and what could not be seen is spelt out."""
    for line in text.split("\n"):
        print_line(console, Text(style=style), visible(line, console.encoding))


def _deciding(parameters: RuleParameters) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each parameter that verdicts depend on."""
    yield from ((name, text) for name, text in parameters.texts().items() if PARAMETERS[name].decides)


def _print_rows(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    lines: bool = False,
    styles: Mapping[str, str] = NO_STYLES,
) -> None:
    """Print rows, a cell for each column; in a table with `lines` between them, and a row styled as a cell says."""
    if is_narrow(console):
        say(console, f"\n{title}", style="bold")
        for row in rows:
            named = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell]
            for number, (column, cell) in enumerate(named):
                indentation = "    " if number else "  "
                say(console, f"{indentation}{column}: {cell.replace('\n', f'\n{indentation}  ')}")
        return
    table = Table(*columns, title=Text(title, style="bold"), title_justify="left", show_lines=lines)
    for row in rows:
        table.add_row(*map(Text, row), style=next((styles[cell] for cell in row if cell in styles), ""))
    console.print(table)


def _print_questions(console: Console, explanation: Explanation) -> None:
    asked = [each for each in explanation.questions if explanation.with_unreached or each.answer != NOT_REACHED]
    rows = ((str(each.scenario.number or "-"), each.scenario.question, each.answer, each.evidence) for each in asked)
    _print_rows(console, "The questions, in the rule's order: the first yes decides", QUESTIONS, rows, styles=ANSWERS)
    rest = len(explanation.questions) - len(asked)
    if rest:
        say(console, f"Questions that were not reached: {rest}; --all shows them.")


def _grant(statement: Statement) -> Sequence[str]:
    sid = shortened(escaped(statement.sid), MAX_VALUE)
    return str(statement.number), sid, str(statement.effect), _what(statement), _to_whom(statement)


def _what(statement: Statement) -> str:
    lines = [
        f"{duty.value}: {permission.name} by {_entries(statement.granting(permission))}"
        for permission, duty in duties_of(statement)
    ]
    if lines and statement.opens_every_action:
        lines.insert(0, f"opens all KMS actions by {_entries(statement.deciding_actions())}")
    return "\n".join(lines) or "no duty"


def _entries(entries: Iterable[str]) -> str:
    return listing(shortened(escaped(entry), MAX_VALUE) for entry in entries)


def _to_whom(statement: Statement) -> str:
    if not statement.allows:
        return "does not count: only Allow statements do"
    conditions = conditions_on_user_id(statement)
    if statement.is_limited_to_a_service and not conditions:
        return "AWS services, for a named source alone"
    if not conditions:
        needless = "" if duties_of(statement) else "; it needs none, since it grants no duty"
        return f"no condition on aws:userId{needless}"
    return "\n".join(map(_condition, conditions))


def _condition(condition: Condition) -> str:
    reason = reason_against(condition)
    verdict = f"does not count: {reason}" if reason else "counts"
    operator = shortened(escaped(condition.operator), MAX_VALUE)
    return f"{operator} {listing(map(quoted, condition.values)) or '[]'} {verdict}"


def _administrator(given: Administrator) -> Sequence[str]:
    covered = "no" if given.covered_by is None else f"yes, by {escaped(given.covered_by)}"
    return shortened(escaped(given.user_id), MAX_VALUE), ", ".join(map(str, given.statements)), covered


def _print_remedy(console: Console, proposed: Proposal | NoProposal) -> None:
    say(console, "\nWhat would make it compliant", style="bold")
    if isinstance(proposed, NoProposal):
        say(console, proposed.reason)
    for number, step in enumerate(proposed.steps, 1):
        say(console, f"{number}. {step}")
    if isinstance(proposed, Proposal):
        say(console, "\nThe policy then", style="bold")
        # Nothing may come between its words, since people copy it.
        console.print(Text(proposed.text), soft_wrap=True)
