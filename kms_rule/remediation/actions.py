"""The actions of KMS by name: what an entry of a statement stands for, and the parts that it falls into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.pattern import Pattern, lower_case
from least_privilege.permission import BY_POLICY, BY_USER, UNKNOWN_ACTIONS, ActionPattern, Duty, Permission

OF_THE_POST = [permission.name for permission in BY_POLICY.permissions]
# The operation is authorized as kms:ReEncryptFrom and kms:ReEncryptTo, so that its own name is not an action to write.
NO_ACTION = "kms:ReEncrypt"


def _vocabulary() -> Iterator[tuple[str, tuple[str, ...]]]:
    for group in BY_USER.permissions:
        if len(group.actions) > 1 or group.name in OF_THE_POST:
            yield group.name, tuple(each for each in group.actions if each != NO_ACTION) if group.is_group else ()
        else:
            yield group.actions[0], ()


def _place(row: tuple[str, tuple[str, ...]]) -> tuple[int, str]:
    name, _ = row
    return (OF_THE_POST.index(name), "") if name in OF_THE_POST else (len(OF_THE_POST), name)


# Every action of KMS today that a policy can name, some in groups such as the KMS console writes: first what the post
# asks about, then the others by name.
VOCABULARY: Mapping[str, tuple[str, ...]] = dict(sorted(_vocabulary(), key=_place))
PATTERNS: Mapping[str, Pattern] = {group: Pattern.of(lower_case(group)) for group in VOCABULARY}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of what a statement allows: an entry for its `Action`, and the permission that it is part of.

    `permission` is None where it is part of none, or grants more than one.
    """

    entry: str
    permission: Permission | None = None
    duty: Duty | None = None

    @classmethod
    def of(cls, entry: str, statement: Statement) -> Part:
        """Make the part of a statement that an entry is."""
        known = statement.table.action_pattern(entry)
        whole = next((each for each in statement.table.permissions if each.pattern.covers(known.pattern)), None)
        permission = UNKNOWN_ACTIONS if UNKNOWN_ACTIONS in known.granted else whole
        return cls(entry, permission, statement.duty_of(permission) if permission else None)


def parts_of(statement: Statement) -> Iterator[tuple[str, list[Part]]]:
    """Yield each entry of a statement's `Action` as written, and the parts that it falls into.

    Of a `NotAction` there is no entry that could stay, so what it leaves comes one by one.
    """
    if statement.actions is None:
        for left in left_by(statement.not_actions):
            yield left, [Part.of(left, statement)]
        return
    for entry in statement.actions:
        whole = Part.of(entry.written, statement)
        mixed = entry.granted and not whole.permission
        parts = [Part.of(name, statement) for name in spelled_out(entry.pattern)] if mixed else [whole]
        yield entry.written, parts


def spelled_out(pattern: Pattern) -> Iterator[str]:
    """Yield the groups that an entry of an `Action` covers and, of other groups, the actions of today that fit it."""
    for group, actions in VOCABULARY.items():
        if pattern.covers(PATTERNS[group]):
            yield group
        else:
            yield from (name for name in actions if pattern.matches(lower_case(name)))


def left_by(exempted: Sequence[ActionPattern]) -> Iterator[str]:
    """Yield the groups that a `NotAction` leaves whole and, of other groups, the actions of today that it leaves."""
    patterns = [entry.pattern for entry in exempted]
    for group, actions in VOCABULARY.items():
        if _leaves(patterns, group):
            yield group
        else:
            yield from (name for name in actions if _leaves(patterns, name))


def _leaves(exempted: Sequence[Pattern], entry: str) -> bool:
    beginning = lower_case(entry.removesuffix("*"))
    if beginning == lower_case(entry):
        return not any(pattern.matches(beginning) for pattern in exempted)
    return not any(pattern.fits_some_text_beginning_with(beginning) for pattern in exempted)
