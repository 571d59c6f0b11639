"""The command `kms-rule explain`: every question of the rule about one policy, and what would make it compliant."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError, Statement, covering
from kms_rule.errors import CommandError
from kms_rule.findings import ExitCode, Finding, Place, findings_of
from kms_rule.output import printing
from kms_rule.remedy import NoProposal, Proposal, remedy
from kms_rule.sentences import listing, sentence
from kms_rule.settings import rule_parameters
from kms_rule.sources import kinds
from kms_rule.sources.contents import InputError, checked_size
from kms_rule.sources.files import STANDARD_INPUT, content_of, shown, text_in
from kms_rule.sources.policy import NAME_OF_STANDARD_INPUT
from kms_rule.terminal import as_text, standard_output
from kms_rule.written import write_or_show
from least_privilege.condition import Condition
from least_privilege.key import AWS, CUSTOMER, Facts, Key, managed_by_aws
from least_privilege.parameters import ADMINISTRATORS, ALIAS_PREFIX, PARAMETERS, RuleParameters
from least_privilege.permission import PERMISSIONS, Permission
from least_privilege.scenarios import SCENARIOS, Compliance, Scenario, answers, judge
from least_privilege.text import escaped, quoted, shortened

# Source: KMS API Reference, `CreateAlias`.
ALIAS = re.compile(r"alias/[a-zA-Z0-9:/_-]{1,250}")
LONGEST_VALUE = 200
NO_POLICY = "It is not a key policy, which is a JSON object with a Statement: name another file."
NO_POLICY_BUT_KEYS = "It is a template or a plan, not a key policy: use 'kms-rule check' for it."
YES, NO, NOT_REACHED = "yes", "no", "not reached"
COLOURS: Mapping[str, str] = {"COMPLIANT": "green", "NON_COMPLIANT": "red", YES: "bold", NOT_REACHED: "dim"}
VERSION = 1

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A row of the rule's table with its answer about one key; the first yes decides, the rest are not reached."""

    scenario: Scenario
    answer: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Administrator:
    """A user id with administration, the statements that grant it, and the first pattern that covers it, if any."""

    user_id: str
    statements: tuple[int, ...]
    covered_by: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one policy; `remedy` is None where it needs none."""

    parameters: RuleParameters
    findings: tuple[Finding, ...]
    questions: tuple[AnsweredQuestion, ...]
    statements: tuple[Statement, ...]
    administrators: tuple[Administrator, ...]
    remedy: Proposal | NoProposal | None

    @property
    def finding(self) -> Finding:
        """The finding under the first of the ids that the rule would report the key under."""
        return self.findings[0]


def run(arguments: argparse.Namespace) -> int:
    """Explain the policy that the arguments name, and return the exit code, which follows from the verdict.

    Raises `CommandError` where there is no policy to explain, an argument is wrong, or the output cannot be written.
    """
    parameters = rule_parameters(arguments.parameters, arguments.parameter)
    explanation = explain(arguments.policy, arguments.alias, parameters)
    show(explanation, arguments.format, arguments.output)
    refused = explanation.finding.compliance is Compliance.NON_COMPLIANT
    return ExitCode.NON_COMPLIANT if refused else ExitCode.COMPLIANT


def explain(name: str, aliases: Iterable[str], parameters: RuleParameters) -> Explanation:
    """Explain the policy in the file of this name, `-` being standard input, of a key that has these aliases.

    Raises `CommandError` where the file cannot be read or holds no key policy, or an alias is none.
    """
    source = shown(name)
    try:
        text = text_in(content_of(name), name)
        _raise_unless_policy(text)
        remarks = checked_size(text)
    except InputError as error:
        place = ":".join(str(part) for part in (source, *error.position) if part)
        raise CommandError(f"{place}: {error}") from error
    names = tuple(dict.fromkeys(map(_alias, aliases)))
    manager = AWS if managed_by_aws(names) else CUSTOMER
    called = NAME_OF_STANDARD_INPUT if name == STANDARD_INPUT else Path(source).name
    return explanation_of(called, Facts(names, manager, policy=text), Place(source), parameters, remarks)


def explanation_of(
    name: str, facts: Facts, place: Place, parameters: RuleParameters, remarks: tuple[str, ...] = ()
) -> Explanation:
    """Explain the policy, which is JSON, of the key that these facts are about."""
    findings = tuple(findings_of(Key(name, facts), judge(facts, parameters), parameters, place, remarks))
    refused = findings[0].compliance is Compliance.NON_COMPLIANT
    try:
        policy = KeyPolicy.parse(facts.policy or "")
    except PolicyError:
        policy = KeyPolicy(())
    return Explanation(
        parameters,
        findings,
        questions=tuple(_questions_asked(facts, parameters)),
        statements=policy.statements,
        administrators=tuple(_administrators_in(policy, parameters)),
        remedy=remedy(str(facts.policy), parameters) if refused else None,
    )


def _questions_asked(facts: Facts, parameters: RuleParameters) -> Iterator[AnsweredQuestion]:
    given = {scenario.name: answer for scenario, answer in answers(facts, parameters)}
    for scenario in SCENARIOS:
        answer = given.get(scenario.name)
        if answer:
            yield AnsweredQuestion(scenario, YES if answer.holds else NO, sentence(answer.evidence))
        else:
            yield AnsweredQuestion(scenario, NOT_REACHED)


def _administrators_in(policy: KeyPolicy, parameters: RuleParameters) -> Iterator[Administrator]:
    for user_id, numbers in policy.administrators.values():
        covered_by = covering(user_id.pattern, parameters.administrators)
        yield Administrator(user_id.text, numbers, covered_by.text if covered_by else None)


def _raise_unless_policy(text: str) -> None:
    if kinds.seems_policy_as_no_json(text):
        raise InputError(kinds.POLICY_AS_NO_JSON)
    if kinds.seems_template_in_yaml(text):
        raise InputError(NO_POLICY_BUT_KEYS)
    content = kinds.from_json(text)
    if not isinstance(content, Mapping):
        raise InputError(NO_POLICY)
    if "Statement" in content:
        return
    kinds.raise_if_nearly_right(content)
    raise InputError(NO_POLICY_BUT_KEYS if "Resources" in content or "format_version" in content else NO_POLICY)


def _alias(given: str) -> str:
    alias = ALIAS_PREFIX + given.removeprefix(ALIAS_PREFIX)
    if not ALIAS.fullmatch(alias):
        raise CommandError(f"The alias {quoted(given)} is not a name that KMS gives: write it such as alias/orders.")
    return alias


def effect_of(statement: Statement) -> str:
    """Return the statement's effect, in quotation marks where it is neither of the two that IAM has."""
    return str(statement.effect) if statement.effect in ("Allow", "Deny") else quoted(statement.effect)


def permissions_of(statement: Statement) -> list[Permission]:
    """Return what the statement grants, in the order of the rule's list."""
    return [permission for permission in PERMISSIONS if permission in statement.permissions]


def reason_against(condition: Condition) -> str:
    """Return why a condition on the user id does not count, or nothing where it does."""
    if not condition.limits_users:
        return "this operator does not limit the statement to users"
    if condition.is_effective:
        return ""
    weak = next(iter(condition.weak_values), None)
    return f"{quoted(weak[0])} limits nobody: {weak[1]}" if weak else "it names nobody"


def conditions_on_user_id(statement: Statement) -> list[Condition]:
    """Return the statement's conditions on the user id, those included that do not count."""
    return [condition for condition in statement.conditions if condition.is_on_user_id]


# ---------------------------------------------------------------------------------------------------------------------
# For programs
# ---------------------------------------------------------------------------------------------------------------------


def as_json(explanation: Explanation) -> str:
    """Write an explanation as a JSON object, in printable ASCII.

    `version` is 1 as long as fields are only added. `remedy` is null where the policy needs none; its `policy` is null
    where none can be proposed, and `reason` says why.
    """
    finding = explanation.finding
    scenario = finding.scenario
    content = {
        "version": VERSION,
        "source": finding.place.source,
        "parameters": explanation.parameters.values(),
        "questions": [_question_as_json(question) for question in explanation.questions],
        "statements": [_statement_as_json(statement) for statement in explanation.statements],
        "administrators": [
            {"userId": each.user_id, "statements": each.statements, "coveredBy": each.covered_by}
            for each in explanation.administrators
        ],
        "verdict": {
            "compliance": finding.compliance.value,
            "scenario": scenario.name,
            "number": scenario.number,
            "annotations": {each.reported_id: each.annotation for each in explanation.findings},
        },
        "remarks": finding.remarks,
        "remedy": _remedy_as_json(explanation.remedy),
    }
    return json.dumps(content, indent=2)


def _question_as_json(question: AnsweredQuestion) -> Json:
    return {
        "scenario": question.scenario.name,
        "number": question.scenario.number,
        "question": question.scenario.question,
        "answer": question.answer,
        "evidence": question.evidence,
    }


def _statement_as_json(statement: Statement) -> Json:
    return {
        "number": statement.number,
        "sid": statement.sid,
        "effect": effect_of(statement),
        "grants": [
            {"permission": permission.name, "duty": permission.duty.value, "by": statement.granting(permission)}
            for permission in permissions_of(statement)
        ],
        "opensAllBy": statement.deciding_actions() if statement.opens_every_action else (),
        "userConditions": [
            {
                "operator": condition.operator,
                "values": [value if isinstance(value, str) else quoted(value) for value in condition.values],
                "counts": condition.is_effective,
                "reason": reason_against(condition),
            }
            for condition in conditions_on_user_id(statement)
        ],
    }


def _remedy_as_json(proposed: Proposal | NoProposal | None) -> Json | None:
    match proposed:
        case None:
            return None
        case Proposal(content, steps):
            return {"reason": None, "steps": steps, "policy": content}
        case NoProposal(reason, steps):
            return {"reason": reason, "steps": steps, "policy": None}


# ---------------------------------------------------------------------------------------------------------------------
# For people
# ---------------------------------------------------------------------------------------------------------------------


def print_to(console: Console, explanation: Explanation) -> None:
    """Print an explanation as tables and sentences."""
    finding = explanation.finding
    scenario = finding.scenario
    say(console, escaped(finding.place.source), style="bold")
    say(console, ", ".join(f"{name} = {escaped(text) or '(none)'}" for name, text in _deciding(explanation.parameters)))
    console.print(_questions(explanation.questions))
    if explanation.statements:
        console.print(_grants(explanation.statements))
    if explanation.administrators:
        console.print(_administrators(explanation.administrators))
    say(console, "")
    say(console, f"{finding.compliance}: {scenario.name}", style=f"bold {COLOURS.get(finding.compliance, '')}")
    for line in (*(each.annotation for each in explanation.findings), *finding.remarks):
        say(console, line)
    if explanation.remedy:
        _print_remedy(console, explanation.remedy)


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
            Text(shortened(escaped(statement.sid), LONGEST_VALUE)),
            Text(effect_of(statement)),
            Text(_what(statement)),
            Text(_to_whom(statement)),
        )
    return table


def _what(statement: Statement) -> str:
    lines = [
        f"{permission.duty.value}: {permission.name} by {_entries(statement.granting(permission))}"
        for permission in permissions_of(statement)
    ]
    if lines and statement.opens_every_action:
        lines.insert(0, f"opens all KMS actions by {_entries(statement.deciding_actions())}")
    return "\n".join(lines) or "no duty"


def _entries(entries: Iterable[str]) -> str:
    return listing(shortened(escaped(entry), LONGEST_VALUE) for entry in entries)


def _to_whom(statement: Statement) -> str:
    if not statement.allows:
        return "does not count: only Allow statements do"
    conditions = conditions_on_user_id(statement)
    if not conditions:
        needless = "" if statement.permissions else "; it needs none, since it grants no duty"
        return f"no condition on aws:userId{needless}"
    return "\n".join(map(_condition, conditions))


def _condition(condition: Condition) -> str:
    reason = reason_against(condition)
    verdict = f"does not count: {reason}" if reason else "counts"
    operator = shortened(escaped(condition.operator), LONGEST_VALUE)
    return f"{operator} {listing(map(quoted, condition.values)) or '[]'} {verdict}"


def _administrators(given: Iterable[Administrator]) -> Table:
    table = _table("The users with administration", "User id", "In statements", f"Covered by {ADMINISTRATORS}")
    for each in given:
        covered = "no" if each.covered_by is None else f"yes, by {escaped(each.covered_by)}"
        numbers = ", ".join(map(str, each.statements))
        table.add_row(Text(shortened(escaped(each.user_id), LONGEST_VALUE)), numbers, Text(covered))
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


# ---------------------------------------------------------------------------------------------------------------------
# Where it goes
# ---------------------------------------------------------------------------------------------------------------------


def show(explanation: Explanation, format_name: str, output: Path | None) -> None:
    """Print an explanation, or write it to a file.

    Raises `CommandError` where the file cannot be written, the explanation being printed then, or where that fails.
    """
    if output is None:
        _print(explanation, format_name)
        return
    text = as_json(explanation) if format_name == "json" else _as_text(explanation)
    write_or_show(f"{text}\n", output, "the explanation is", partial(_print, explanation, format_name))


def _print(explanation: Explanation, format_name: str) -> None:
    if format_name == "json":
        text = as_json(explanation)
        with printing() as opened:
            opened.write(f"{text}\n")
        return
    print_to(standard_output(), explanation)


def _as_text(explanation: Explanation) -> str:
    return as_text(partial(print_to, explanation=explanation)).rstrip("\n")
