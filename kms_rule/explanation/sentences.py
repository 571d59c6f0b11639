"""The evidence for an answer of the rule in a sentence, for a person who reads one policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.evidence import (
    DutiesEvidence,
    Evidence,
    FormEvidence,
    Grant,
    ManagerEvidence,
    ReadingEvidence,
    StateEvidence,
    StatementsEvidence,
    WhitelistEvidence,
)
from least_privilege.key import AWS_ALIAS_PREFIX
from least_privilege.parameters import ADMINISTRATORS, WHITELIST
from least_privilege.permission import Permission
from least_privilege.text import escaped, quoted

MAX_SHOWN = 5


@singledispatch
def sentence(_evidence: Evidence) -> str:
    """Return what an answer rests on, without a full stop; nothing where the question says all there is to say."""
    return ""


@sentence.register
def _(evidence: ManagerEvidence) -> str:
    names = [alias for alias in evidence.aliases if alias.startswith(AWS_ALIAS_PREFIX)]
    if names:
        return f"only AWS can give a name such as {escaped(names[0])}"
    return f"none of its aliases begins with {AWS_ALIAS_PREFIX}" if evidence.aliases else "no alias is given"


@sentence.register
def _(evidence: StateEvidence) -> str:
    return f"a policy does not say; the state is taken to be {escaped(evidence.state)}"


@sentence.register
def _(evidence: WhitelistEvidence) -> str:
    if evidence.match:
        alias, pattern = evidence.match
        return f"{escaped(alias)} fits {escaped(pattern)}"
    if not evidence.aliases:
        return "no alias is given"
    if not evidence.patterns:
        return f"{WHITELIST} is empty"
    patterns = ", ".join(escaped(pattern.text) for pattern in evidence.patterns)
    return f"no pattern ({patterns}) fits {listing(map(escaped, evidence.aliases))}"


@sentence.register
def _(evidence: ReadingEvidence) -> str:
    return f"refused is {listing(evidence.denied)}" if evidence.denied else "the policy is given"


@sentence.register
def _(evidence: FormEvidence) -> str:
    return escaped(evidence.problem) or f"statements: {evidence.statement_count}, with Allow: {evidence.allowing_count}"


@sentence.register
def _(evidence: StatementsEvidence) -> str:
    return _in_statements(evidence.grants) if evidence.grants else evidence.absence


def _in_statements(grants: Sequence[Grant]) -> str:
    first, *others = (f"{title(grant.statement)} by {listing(map(escaped, grant.actions))}" for grant in grants)
    return "; ".join((first, *(name[0].lower() + name[1:] for name in others)))


@sentence.register
def _(evidence: DutiesEvidence) -> str:
    lacking = f" without {_names(evidence.lacking)}" if evidence.lacking else ""
    administration = f"{_names(evidence.administration)}{lacking}" if evidence.administration else "none"
    unlisted = listing(map(quoted, evidence.unlisted))
    covered = f"does not cover {unlisted} among the" if unlisted else "covers all"
    users = f"; {ADMINISTRATORS} {covered} administrators" if evidence.administration else ""
    both = f"; {listing(map(quoted, dict.fromkeys(evidence.sharing)))} can be one user" if evidence.sharing else ""
    return f"usage: {_names(evidence.usage) or 'none'}; administration: {administration}{users}{both}"


def _names(permissions: Iterable[Permission]) -> str:
    return listing(permission.name for permission in permissions)


def title(statement: Statement) -> str:
    """Return how a person finds the statement: its number, and its `Sid` where it has one."""
    return f"Statement {statement.number}" + (f" ({quoted(statement.sid)})" if statement.sid else "")


def listing(names: Iterable[str]) -> str:
    """Return names as a sentence lists them; of many, the first ones and how many there are more."""
    *first, last = list(names) or [""]
    if len(first) >= MAX_SHOWN:
        return f"{', '.join(first[:MAX_SHOWN])} and {len(first) + 1 - MAX_SHOWN} more"
    return f"{', '.join(first)} and {last}" if first else last
