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

from AWSConfigRuleKMS import (
    ADMINISTRATORS,
    ALIAS_PREFIX,
    CUSTOMER,
    STRICT,
    WHITELIST,
    Case,
    Compliance,
    Key,
    RuleParameters,
    escaped,
    managed_by_aws,
    quoted,
    shortened,
)
from AWSConfigRuleKMSPolicy import PolicyError
from kms_rule.actions import spelled
from kms_rule.errors import CommandError
from kms_rule.evidence import (
    Administrator,
    Answer,
    Limit,
    Reply,
    StatementEvidence,
    administrators,
    answers,
    evidence_of,
)
from kms_rule.findings import ExitCode, Finding, Place, findings_of
from kms_rule.mending import listing
from kms_rule.output import printing
from kms_rule.remedy import NoProposal, Proposal, remedy
from kms_rule.settings import rule_parameters
from kms_rule.sources import kinds
from kms_rule.sources.contents import InputError, checked_size
from kms_rule.sources.files import STANDARD_INPUT, content_of, shown, text_in
from kms_rule.sources.policy import NAME_OF_STANDARD_INPUT
from kms_rule.terminal import as_text, standard_output
from kms_rule.written import write_or_show

# Source: KMS API Reference, `CreateAlias`.
ALIAS = re.compile(r"alias/[a-zA-Z0-9:/_-]{1,250}")
LONGEST_VALUE = 200
NO_POLICY = "It is no key policy, which is a JSON object with a Statement: name another file."
NO_POLICY_BUT_KEYS = "It is a template or a plan, no key policy: use 'kms-rule check' for it."
COLOURS: Mapping[str, str] = {"COMPLIANT": "green", "NON_COMPLIANT": "red", Reply.YES: "bold", Reply.NOT_REACHED: "dim"}
VERSION = 1

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one policy; `remedy` is None where it needs none."""

    parameters: RuleParameters
    findings: tuple[Finding, ...]
    answers: tuple[Answer, ...]
    statements: tuple[StatementEvidence, ...]
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
    manager = "AWS" if managed_by_aws(names) else CUSTOMER
    called = NAME_OF_STANDARD_INPUT if name == STANDARD_INPUT else Path(source).name
    return explanation_of(Key(called, names, manager, policy=text), Place(source), parameters, remarks)


def explanation_of(key: Key, place: Place, parameters: RuleParameters, remarks: tuple[str, ...] = ()) -> Explanation:
    """Explain the policy of a key, which is JSON."""
    case = Case(key, parameters)
    findings = tuple(findings_of(key, parameters, place, remarks))
    refused = findings[0].compliance is Compliance.NON_COMPLIANT
    return Explanation(
        parameters,
        findings,
        answers=tuple(answers(case)),
        statements=tuple(_statements(case)),
        administrators=tuple(administrators(case)),
        remedy=remedy(str(key.policy), parameters) if refused else None,
    )


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
        raise CommandError(f"The alias {quoted(given)} is no name that KMS gives: write it such as alias/orders.")
    return alias


def _statements(case: Case) -> Iterator[StatementEvidence]:
    if isinstance(case.parsed, PolicyError):
        return
    given = json.loads(str(case.key.policy))["Statement"]
    contents = given if isinstance(given, list) else [given]
    yield from map(evidence_of, case.policy.statements, contents)


# ---------------------------------------------------------------------------------------------------------------------
# For programs
# ---------------------------------------------------------------------------------------------------------------------


def as_json(explanation: Explanation) -> str:
    """Write an explanation as a JSON object, in printable ASCII.

    `version` is 1 as long as fields are only added. `remedy` is null where the policy needs none; its `policy` is null
    where none can be proposed, and `reason` says why.
    """
    finding = explanation.finding
    scenario = finding.verdict.scenario
    content = {
        "version": VERSION,
        "source": finding.place.source,
        "parameters": _parameters(explanation.parameters),
        "questions": [_answer_as_json(answer) for answer in explanation.answers],
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


def _parameters(parameters: RuleParameters) -> Json:
    return {
        WHITELIST: list(parameters.whitelist),
        ADMINISTRATORS: list(map(spelled, parameters.administrators)),
        STRICT: parameters.strict,
    }


def _answer_as_json(answer: Answer) -> Json:
    return {
        "scenario": answer.scenario.name,
        "number": answer.scenario.number,
        "question": answer.question,
        "answer": answer.reply.value,
        "evidence": answer.evidence,
    }


def _statement_as_json(evidence: StatementEvidence) -> Json:
    return {
        "number": evidence.statement.number,
        "sid": evidence.statement.sid,
        "effect": evidence.effect,
        "grants": [
            {"permission": grant.permission, "duty": grant.duty.value, "by": grant.by} for grant in evidence.grants
        ],
        "opensAllBy": evidence.opens_all_by,
        "userConditions": [
            {
                "operator": limit.operator,
                "values": [value if isinstance(value, str) else quoted(value) for value in limit.values],
                "counts": limit.counts,
                "reason": limit.reason,
            }
            for limit in evidence.limits
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
    scenario = finding.verdict.scenario
    say(console, escaped(finding.place.source), style="bold")
    say(console, ", ".join(f"{name} = {_value(value)}" for name, value in _parameters(explanation.parameters).items()))
    console.print(_questions(explanation.answers))
    if explanation.statements:
        console.print(_grants(explanation.statements))
    if explanation.administrators:
        console.print(_administrators(explanation.administrators))
    say(console, "")
    say(console, f"{finding.compliance}: {scenario.name}", style=f"bold {COLOURS.get(finding.compliance, '')}")
    for sentence in (*(each.annotation for each in explanation.findings), *finding.remarks):
        say(console, sentence)
    if explanation.remedy:
        _print_remedy(console, explanation.remedy)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line, or several, in which nothing is taken for markup."""
    console.print(Text(text, style=style), soft_wrap=True)


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(escaped, value)) or "(none)"
    return str(value).lower()


def _table(title: str, *columns: str, lines: bool = False) -> Table:
    return Table(*columns, title=Text(title, style="bold"), title_justify="left", show_lines=lines)


def _questions(given: Iterable[Answer]) -> Table:
    table = _table(
        "The questions, in the rule's order: the first yes decides", "Scenario", "Question", "Answer", "Evidence"
    )
    for answer in given:
        number = str(answer.scenario.number or "-")
        style = COLOURS.get(answer.reply, "")
        table.add_row(number, answer.question, Text(answer.reply.value), Text(answer.evidence), style=style)
    return table


def _grants(statements: Iterable[StatementEvidence]) -> Table:
    table = _table("The statements", "Number", "Sid", "Effect", "Grants", "To whom", lines=True)
    for evidence in statements:
        table.add_row(
            str(evidence.statement.number),
            Text(shortened(escaped(evidence.statement.sid), LONGEST_VALUE)),
            Text(evidence.effect),
            Text(_what(evidence)),
            Text(_to_whom(evidence)),
        )
    return table


def _what(evidence: StatementEvidence) -> str:
    if not evidence.grants:
        return "no duty"
    lines = [f"{grant.duty.value}: {grant.permission} by {_entries(grant.by)}" for grant in evidence.grants]
    if evidence.opens_all_by:
        lines.insert(0, f"opens all KMS actions by {_entries(evidence.opens_all_by)}")
    return "\n".join(lines)


def _entries(entries: Iterable[str]) -> str:
    return listing(shortened(escaped(entry), LONGEST_VALUE) for entry in entries)


def _to_whom(evidence: StatementEvidence) -> str:
    if not evidence.statement.allows:
        return "does not count: only Allow statements do"
    needless = "" if evidence.grants else "; it needs none, since it grants no duty"
    if not evidence.limits:
        return f"no condition on aws:userId{needless}"
    return "\n".join(map(_condition, evidence.limits))


def _condition(limit: Limit) -> str:
    verdict = "counts" if limit.counts else f"does not count: {limit.reason}"
    return f"{shortened(escaped(limit.operator), LONGEST_VALUE)} {listing(map(quoted, limit.values)) or '[]'} {verdict}"


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
