"""An explanation as tables and sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.explanation.explanation import (
    NOT_REACHED,
    YES,
    Administrator,
    AnsweredQuestion,
    Explanation,
    conditions_on_user_id,
    duties_of,
    reason_against,
)
from kms_rule.explanation.sentences import listing
from kms_rule.remediation.remedy import NoProposal, Proposal
from least_privilege.condition import Condition
from least_privilege.parameters import ADMINISTRATORS, PARAMETERS, RuleParameters
from least_privilege.text import escaped, quoted, shortened

MAX_VALUE = 200
COLOURS: Mapping[str, str] = {"COMPLIANT": "green", "NON_COMPLIANT": "red", YES: "bold", NOT_REACHED: "dim"}


def print_to(console: Console, explanation: Explanation) -> None:
    """Print an explanation as tables and sentences."""
    finding = explanation.finding
    scenario = finding.scenario
    say(console, escaped(finding.place.source), style="bold")
    say(console, ", ".join(f"{name} = {escaped(text) or '(none)'}" for name, text in _deciding(explanation.parameters)))
    say(console, f"{finding.compliance}: {scenario.name}", style=f"bold {COLOURS.get(finding.compliance, '')}")
    for line in (*(each.annotation for each in explanation.findings), *finding.remarks):
        say(console, line)
    console.print(_questions(explanation.questions))
    if explanation.statements:
        console.print(_grants(explanation.statements))
    if explanation.administrators:
        console.print(_administrators(explanation.administrators))
    if explanation.remedy:
        _print_remedy(console, explanation.remedy)
    if finding.not_judged:
        say(console, "\nNot judged", style="bold")
    for each in finding.not_judged:
        say(console, str(each))


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line, or several, in which nothing is taken for markup."""
    console.print(Text(text, style=style), soft_wrap=True)


def _deciding(parameters: RuleParameters) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each parameter that verdicts depend on."""
    yield from ((name, text) for name, text in parameters.texts().items() if PARAMETERS[name].decides)


def _table(title: str, *columns: str, lines: bool = False) -> Table:
    return Table(*columns, title=Text(title, style="bold"), title_justify="left", show_lines=lines)


def _questions(given: Iterable[AnsweredQuestion]) -> Table:
    table = _table(
        "The questions, in the rule's order: the first yes decides", "Scenario", "Question", "Answer", "Evidence"
    )
    for each in given:
        number = str(each.scenario.number or "-")
        style = COLOURS.get(each.answer, "")
        table.add_row(number, each.scenario.question, Text(each.answer), Text(each.evidence), style=style)
    return table


def _grants(statements: Iterable[Statement]) -> Table:
    table = _table("The statements", "Number", "Sid", "Effect", "Grants", "To whom", lines=True)
    for statement in statements:
        table.add_row(
            str(statement.number),
            Text(shortened(escaped(statement.sid), MAX_VALUE)),
            Text(str(statement.effect)),
            Text(_what(statement)),
            Text(_to_whom(statement)),
        )
    return table


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


def _administrators(given: Iterable[Administrator]) -> Table:
    table = _table("The users with administration", "User id", "In statements", f"Covered by {ADMINISTRATORS}")
    for each in given:
        covered = "no" if each.covered_by is None else f"yes, by {escaped(each.covered_by)}"
        numbers = ", ".join(map(str, each.statements))
        table.add_row(Text(shortened(escaped(each.user_id), MAX_VALUE)), numbers, Text(covered))
    return table


def _print_remedy(console: Console, proposed: Proposal | NoProposal) -> None:
    say(console, "\nWhat would make it compliant", style="bold")
    if isinstance(proposed, NoProposal):
        say(console, proposed.reason)
    for number, step in enumerate(proposed.steps, 1):
        say(console, f"{number}. {step}")
    if isinstance(proposed, Proposal):
        say(console, "\nThe policy then", style="bold")
        say(console, proposed.text)
