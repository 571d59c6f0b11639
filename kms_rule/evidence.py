"""Why the rule answers as it does: its questions in order, and what each statement of a policy grants to whom.

Every answer is the rule's own: the questions are those of its table `SCENARIOS`, the statements its own `Statement`s.
What is added here are words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from AWSConfigRuleKMS import (
    ADMINISTRATION_PERMISSIONS,
    ADMINISTRATORS,
    AWS_ALIAS_PREFIX,
    SCENARIOS,
    STRICT,
    WHITELIST,
    Case,
    Scenario,
    escaped,
    quoted,
)
from AWSConfigRuleKMSPolicy import (
    PERMISSIONS,
    USER_KEY,
    USER_OPERATORS,
    Duty,
    Pattern,
    PolicyError,
    Statement,
    UserCondition,
    limits_nobody,
    lower_case,
    symbols_of_user_id,
)
from kms_rule.actions import spelled
from kms_rule.mending import listing, title
from kms_rule.questions import QUESTIONS
from kms_rule.refusals import POLICY_VARIABLE

type Json = Mapping[str, Any]


class Reply(StrEnum):
    """How a question was answered; `YES` decides, and the questions after it are not asked."""

    NO = "no"
    YES = "yes"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of the rule's table as a question about one key; `evidence` is empty where it was not reached."""

    scenario: Scenario
    question: str
    reply: Reply
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that a statement grants, and the entries of its `Action`, or its `NotAction`, that do it."""

    permission: str
    duty: Duty
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition on the user id; where it does not count, `reason` says why."""

    operator: str
    values: tuple[object, ...]
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Say whether the condition limits who may use its statement."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class StatementEvidence:
    """What a statement grants, to whom, and by which entries it opens all KMS actions."""

    statement: Statement
    effect: str
    grants: tuple[Grant, ...]
    limits: tuple[Limit, ...]
    opens_all_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Administrator:
    """A user id with administration, the statements that grant it, and the first pattern that covers it, if any."""

    user_id: str
    statements: tuple[int, ...]
    covered_by: str | None


# ---------------------------------------------------------------------------------------------------------------------
# The questions
# ---------------------------------------------------------------------------------------------------------------------


def answers(case: Case) -> list[Answer]:
    """Return every question of the rule in its order, with the answer about this key."""
    given: list[Answer] = []
    decided = False
    for scenario in SCENARIOS:
        question, evidence = QUESTIONS[scenario.name], GROUNDS[scenario.name]
        if decided:
            given.append(Answer(scenario, question, Reply.NOT_REACHED))
            continue
        decided = scenario.question(case) is not None
        given.append(Answer(scenario, question, Reply.YES if decided else Reply.NO, evidence(case)))
    return given


def _on_manager(case: Case) -> str:
    names = [alias for alias in case.key.aliases if alias.startswith(AWS_ALIAS_PREFIX)]
    if names:
        return f"only AWS can give a name such as {escaped(names[0])}"
    return f"none of its aliases begins with {AWS_ALIAS_PREFIX}" if case.key.aliases else "no alias is given"


def _on_state(case: Case) -> str:
    return f"a policy does not say; the state is taken to be {case.key.state}"


def _on_whitelist(case: Case) -> str:
    hit = case.parameters.whitelisting(case.key.aliases)
    if hit:
        return f"{escaped(hit[0])} fits {escaped(hit[1])}"
    if not case.key.aliases:
        return "no alias is given"
    if not case.parameters.whitelist:
        return f"{WHITELIST} is empty"
    patterns = ", ".join(map(escaped, case.parameters.whitelist))
    return f"no pattern ({patterns}) fits {listing(map(escaped, case.key.aliases))}"


def _on_reading(_case: Case) -> str:
    return "the policy is given"


def _on_form(case: Case) -> str:
    if isinstance(case.parsed, PolicyError):
        return escaped(str(case.parsed))
    return f"statements: {len(case.policy.statements)}, with Allow: {len(case.policy.allowing)}"


def _on_opening(case: Case) -> str:
    opening = case.policy.opening_every_action()
    if not opening:
        return "no Allow statement covers every KMS action"
    return _in_statements(f"{title(each)} by {_written(each.deciding_actions())}" for each in opening)


def _on_users(case: Case) -> str:
    unlimited = case.policy.granting_without_user_condition()
    if unlimited:
        return _in_statements(map(title, unlimited))
    return "each statement that grants a duty names its users" if case.policy.granting(*Duty) else "none grants a duty"


def _in_statements(names: Iterable[str]) -> str:
    first, *others = names
    return "; ".join((first, *(name[0].lower() + name[1:] for name in others)))


def _on_duties(case: Case) -> str:
    usage = listing(permission.name for permission in case.policy.permissions(Duty.USAGE))
    granted = listing(permission.name for permission in case.administration)
    lacking = listing(each.name for each in ADMINISTRATION_PERMISSIONS if each not in case.administration)
    administration = f"{granted}{f' without {lacking}' if lacking else ''}" if granted else "none"
    strict = f" ({STRICT}: any counts beside usage)" if case.parameters.strict and usage and lacking and granted else ""
    users = f"; {ADMINISTRATORS} {_covered(case)} administrators" if granted else ""
    return f"usage: {usage or 'none'}; administration: {administration}{strict}{users}"


def _covered(case: Case) -> str:
    return f"does not cover {listing(map(quoted, case.outsiders))} among the" if case.outsiders else "covers all"


# What the answer to each question rests on, by the scenario's name.
GROUNDS: Mapping[str, Callable[[Case], str]] = {
    "aws-managed-key-not-applicable": _on_manager,
    "disabled-cmk-not-applicable": _on_state,
    "whitelisted-cmk-compliant": _on_whitelist,
    "key-policy-denied-not-compliant": _on_reading,
    "malformed-policy-not-compliant": _on_form,
    "wildcard-policy-action-not-compliant": _on_opening,
    "no-user-condition-not-compliant": _on_users,
    "no-separation-of-duty-not-compliant": _on_duties,
    "separation-of-duty-compliant": _on_duties,
    "admin-actions-compliant": _on_duties,
    "admin-role-not-in-whitelist-not-compliant": _on_duties,
    "admin-role-not-allowed-actions-not-compliant": _on_duties,
    "no-scenario-not-compliant": _on_duties,
}


# ---------------------------------------------------------------------------------------------------------------------
# The statements
# ---------------------------------------------------------------------------------------------------------------------


def evidence_of(statement: Statement, content: Json) -> StatementEvidence:
    """Return what a statement, whose JSON is `content`, grants and to whom."""
    return StatementEvidence(
        statement,
        effect=_effect(content),
        grants=tuple(_grants(statement)),
        limits=tuple(_limits(content)),
        opens_all_by=statement.deciding_actions() if statement.opens_every_action else (),
    )


def _effect(content: Json) -> str:
    effect = content.get("Effect")
    return str(effect) if effect in ("Allow", "Deny") else quoted(effect)


def _grants(statement: Statement) -> Iterator[Grant]:
    for permission in PERMISSIONS:
        if permission not in statement.permissions:
            continue
        entries = [entry.written for entry in statement.actions or () if permission in entry.granted]
        yield Grant(permission.name, permission.duty, tuple(entries) or statement.deciding_actions())


def _limits(content: Json) -> Iterator[Limit]:
    for operator, keys in content.get("Condition", {}).items():
        for key, values in keys.items():
            if lower_case(key) == USER_KEY:
                listed = tuple(values) if isinstance(values, list) else (values,)
                yield Limit(operator, listed, _why_not(operator, listed))


def _why_not(operator: str, values: tuple[object, ...]) -> str:
    """Return why a condition on the user id does not count, or nothing where it does."""
    if lower_case(operator) not in USER_OPERATORS:
        return "this operator does not limit the statement to users"
    if UserCondition(values).counts:
        return ""
    weak = next((value for value in values if limits_nobody(value)), None)
    return f"{quoted(weak)} limits nobody: {_weakness(weak)}" if values else "it names nobody"


def _weakness(value: object) -> str:
    if not isinstance(value, str):
        return "it is no string"
    if not value.strip():
        return "it is blank"
    if POLICY_VARIABLE.search(value):
        return "it holds a policy variable"
    return "fewer than five characters stand before its first * or ?"


def administrators(case: Case) -> list[Administrator]:
    """Return every user id that the policy lets administer, in its order, and what of `Admin_User_Id` covers it."""
    statements: dict[str, list[int]] = {}
    for statement in case.policy.granting(Duty.ADMINISTRATION):
        for user_id in dict.fromkeys(statement.user_ids):
            statements.setdefault(user_id, []).append(statement.number)
    patterns = case.parameters.administrators
    return [
        Administrator(user_id, tuple(numbers), _covering(user_id, patterns)) for user_id, numbers in statements.items()
    ]


def _covering(user_id: str, patterns: Iterable[Pattern]) -> str | None:
    wanted = Pattern.from_symbols(symbols_of_user_id(user_id))
    return next((spelled(pattern) for pattern in patterns if pattern.covers(wanted)), None)


def _written(entries: Iterable[str]) -> str:
    return listing(map(escaped, entries))
