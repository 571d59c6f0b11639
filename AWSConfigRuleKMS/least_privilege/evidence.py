"""What the answer to each of the rule's questions rests on: data, from which annotations and explanations are worded.

A row of the table of scenarios makes its evidence in the same pass as its answer, whether that is yes or no. All
evidence has the `statements` of the policy that decided, in their order; most has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.pattern import Pattern
from least_privilege.permission import Duty, Permission


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer rests on, where there is no more to say than the question does."""

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that decided."""
        return ()


@dataclass(frozen=True, slots=True)
class ManagerEvidence(Evidence):
    """Who manages the key, and the aliases that may prove it."""

    manager: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StateEvidence(Evidence):
    """The state of the key."""

    state: str


@dataclass(frozen=True, slots=True)
class WhitelistEvidence(Evidence):
    """The key's aliases, the patterns of the whitelist, and the first alias that fits one, with that pattern's text."""

    aliases: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    match: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ReadingEvidence(Evidence):
    """The permissions that were refused while the key was read."""

    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormEvidence(Evidence):
    """What is wrong with the policy, or how many statements it has, and how many of them with Allow."""

    problem: str
    statement_count: int = 0
    allowing_count: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """A statement, by what it grants of these duties; with no duty, by how it opens every action."""

    statement: Statement
    duties: tuple[Duty, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """The entries of the statement that grant it, as written."""
        return self.statement.deciding_actions(*self.duties)

    @property
    def weak_user_id(self) -> tuple[object, str] | None:
        """The first user id that was to limit the statement and limits nobody, with the reason."""
        conditions = (condition for condition in self.statement.conditions if condition.limits_users)
        return next((weak for condition in conditions for weak in condition.weak_values), None)


def grants(statements: Iterable[Statement], *duties: Duty) -> tuple[Grant, ...]:
    """Return each statement by what it grants of these duties."""
    return tuple(Grant(statement, duties) for statement in statements)


@dataclass(frozen=True, slots=True)
class StatementsEvidence(Evidence):
    """The statements of which a scenario asks whether there are any; `absence` says in words that there are none."""

    grants: tuple[Grant, ...]
    absence: str

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that decided."""
        return tuple(grant.statement for grant in self.grants)


@dataclass(frozen=True, slots=True)
class UnlimitedEvidence(StatementsEvidence):
    """Statements that grant a duty to callers whom no condition limits, each with its weak user id if it has one."""


@dataclass(frozen=True, slots=True)
class DutiesEvidence(Evidence):
    """Which duties the whole policy grants, by which statements, and to whom.

    `lacking` is what it lacks for its administration to count: nothing where any counts. `unlisted` are the user ids
    with administration that no pattern of `Admin_User_Id` covers. `duties_meet` where usage and administration may not
    stand in this policy together; by user, `sharing` are then a user id with usage and one with administration that
    one caller can fit both.
    """

    usage: tuple[Permission, ...]
    administration: tuple[Permission, ...]
    lacking: tuple[Permission, ...]
    usage_grants: tuple[Grant, ...]
    administration_grants: tuple[Grant, ...]
    unlisted: tuple[str, ...]
    duties_meet: bool
    sharing: tuple[str, str] | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that grant a duty, in the policy's order."""
        found = {grant.statement.number: grant.statement for grant in (*self.usage_grants, *self.administration_grants)}
        return tuple(found[number] for number in sorted(found))

    @property
    def has_usage(self) -> bool:
        """Whether the policy grants usage."""
        return bool(self.usage)

    @property
    def has_administration(self) -> bool:
        """Whether the policy grants what counts as administration: all of it, or any where that counts."""
        return bool(self.administration) and not self.lacking

    @property
    def users_are_whitelisted(self) -> bool:
        """Whether `Admin_User_Id` covers every user id with administration; false where none is granted."""
        return bool(self.administration) and not self.unlisted
