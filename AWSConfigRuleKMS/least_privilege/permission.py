"""The permissions of KMS, the duty that each belongs to, and what an entry of a statement grants of them.

Which permissions are duties depends on `SeparateDutiesBy`: `BY_POLICY` and `BY_USER` are the two readings of one table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, lru_cache

from least_privilege.pattern import Pattern, Patterns, lower_case


class Duty(Enum):
    """What a key policy lets somebody do; the rule wants different people to do each."""

    USAGE = "usage"
    ADMINISTRATION = "administration"


@dataclass(frozen=True, slots=True, eq=False)
class Permission:
    """An action, or a group of actions, and the duty that it belongs to, if any.

    `name` is as the post writes such a permission; one without `*` is that action alone. `actions` are the names that
    KMS has today; a test compares them with botocore's KMS model, so that a new one is noticed.
    """

    name: str
    duty: Duty | None
    actions: tuple[str, ...] = ()
    pattern: Pattern = field(init=False, repr=False)
    letters: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", Pattern.of(lower_case(self.name)))
        object.__setattr__(self, "letters", lower_case(self.name.removesuffix("*")))

    @property
    def is_group(self) -> bool:
        """Whether it stands for all actions that begin with its letters, those included that KMS does not have yet."""
        return self.name.endswith("*")


USAGE, ADMINISTRATION, NEITHER = Duty.USAGE, Duty.ADMINISTRATION, None

# Every action that a key policy can name today, with the duty of its group under SeparateDutiesBy = Policy, which is
# the post's reading, and = User. ReEncrypt is authorized as two actions, and SynchronizeMultiRegionKey is AWS's own.
# Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management Service".
TABLE: tuple[tuple[str, Duty | None, Duty | None], ...] = (
    # group               = Policy        = User
    ("kms:Encrypt",        USAGE,          USAGE),
    ("kms:Decrypt",        USAGE,          USAGE),
    ("kms:Create*",        ADMINISTRATION, ADMINISTRATION),
    ("kms:Delete*",        ADMINISTRATION, ADMINISTRATION),
    ("kms:Put*",           ADMINISTRATION, ADMINISTRATION),
    ("kms:ReEncrypt*",     NEITHER,        USAGE),
    ("kms:Generate*",      NEITHER,        USAGE),
    ("kms:Sign",           NEITHER,        USAGE),
    ("kms:Derive*",        NEITHER,        USAGE),
    ("kms:Encapsulate",    NEITHER,        USAGE),
    ("kms:Decapsulate",    NEITHER,        USAGE),
    ("kms:Cancel*",        NEITHER,        ADMINISTRATION),
    ("kms:Connect*",       NEITHER,        ADMINISTRATION),
    ("kms:Disable*",       NEITHER,        ADMINISTRATION),
    ("kms:Disconnect*",    NEITHER,        ADMINISTRATION),
    ("kms:Enable*",        NEITHER,        ADMINISTRATION),
    ("kms:Import*",        NEITHER,        ADMINISTRATION),
    ("kms:Replicate*",     NEITHER,        ADMINISTRATION),
    ("kms:Retire*",        NEITHER,        ADMINISTRATION),
    ("kms:Revoke*",        NEITHER,        ADMINISTRATION),
    ("kms:Rotate*",        NEITHER,        ADMINISTRATION),
    ("kms:Schedule*",      NEITHER,        ADMINISTRATION),
    ("kms:Synchronize*",   NEITHER,        ADMINISTRATION),
    ("kms:Tag*",           NEITHER,        ADMINISTRATION),
    ("kms:Untag*",         NEITHER,        ADMINISTRATION),
    ("kms:Update*",        NEITHER,        ADMINISTRATION),
    ("kms:Describe*",      NEITHER,        NEITHER),
    ("kms:Get*",           NEITHER,        NEITHER),
    ("kms:List*",          NEITHER,        NEITHER),
    ("kms:Verify*",        NEITHER,        NEITHER),
)  # fmt: skip
# What the names of today's actions go on with after the letters of their group, where that is not the whole name.
ENDINGS: Mapping[str, str] = {
    "kms:Create*": "Alias CustomKeyStore Grant Key",
    "kms:Delete*": "Alias CustomKeyStore ImportedKeyMaterial",
    "kms:Put*": "KeyPolicy",
    "kms:ReEncrypt*": " From To",
    "kms:Generate*": "DataKey DataKeyPair DataKeyPairWithoutPlaintext DataKeyWithoutPlaintext Mac Random",
    "kms:Derive*": "SharedSecret",
    "kms:Cancel*": "KeyDeletion",
    "kms:Connect*": "CustomKeyStore",
    "kms:Disable*": "Key KeyRotation",
    "kms:Disconnect*": "CustomKeyStore",
    "kms:Enable*": "Key KeyRotation",
    "kms:Import*": "KeyMaterial",
    "kms:Replicate*": "Key",
    "kms:Retire*": "Grant",
    "kms:Revoke*": "Grant",
    "kms:Rotate*": "KeyOnDemand",
    "kms:Schedule*": "KeyDeletion",
    "kms:Synchronize*": "MultiRegionKey",
    "kms:Tag*": "Resource",
    "kms:Untag*": "Resource",
    "kms:Update*": "Alias CustomKeyStore KeyDescription PrimaryRegion",
    "kms:Describe*": "CustomKeyStores Key",
    "kms:Get*": "KeyLastUsage KeyPolicy KeyRotationStatus ParametersForImport PublicKey",
    "kms:List*": "Aliases Grants KeyPolicies KeyRotations Keys ResourceTags RetirableGrants",
    "kms:Verify*": " Mac",
}


def _permissions(duties: Iterable[tuple[str, Duty | None]]) -> tuple[Permission, ...]:
    return tuple(Permission(group, duty, _actions_of_today(group)) for group, duty in duties)


def _actions_of_today(group: str) -> tuple[str, ...]:
    """Return the names of today's actions of a group, of which one may be the group's letters alone."""
    return tuple(group.removesuffix("*") + ending for ending in ENDINGS.get(group, "").split(" "))


SERVICE_PREFIX = "kms:"
EVERY_ACTION = Pattern.of(f"{SERVICE_PREFIX}?*")
LETTERS_OF_EVERY_ACTION = re.compile(f"[{SERVICE_PREFIX}*?]*")
WHAT_CONCERNS_KMS = Patterns.of((Pattern.of(f"{SERVICE_PREFIX}*"),))
NOT_IN_AN_ACTION = re.compile(r"\s|[^\x00-\x7f]")
BEFORE_WILDCARDS = re.compile(r"[^*?]*")
# Nobody knows what an action will mean that no group has.
UNKNOWN_ACTIONS = Permission("an unknown action", Duty.ADMINISTRATION)


@dataclass(frozen=True, eq=False)
class DutyTable:
    """One reading of the table of permissions.

    `permissions` are those that statements are searched for. With `by_user`, every permission is searched for and an
    unknown action is administration; any administration counts; both duties may stand in one policy as long as no
    user has both; and AWS services are told from users.
    """

    permissions: tuple[Permission, ...]
    by_user: bool

    @cached_property
    def administration(self) -> tuple[Permission, ...]:
        """The permissions of administration."""
        return self.of(Duty.ADMINISTRATION)

    def of(self, duty: Duty) -> tuple[Permission, ...]:
        """Return the permissions of a duty, in the table's order."""
        return tuple(permission for permission in self.permissions if permission.duty is duty)

    def granted_by(self, entry: Pattern) -> Iterator[Permission]:
        """Yield the permissions that an entry of an `Action`, in lower case, grants itself or something of."""
        patterns, owners = self._actions_of_today
        matched = {owners[place] for place in patterns.overlapping(entry)}
        found = BEFORE_WILDCARDS.match(entry.text)
        beginning = found[0] if found else ""
        for permission in self.permissions:
            if permission in matched or (permission.is_group and beginning.startswith(permission.letters)):
                yield permission

    def exempted_by(self, entry: Pattern) -> Iterator[Permission]:
        """Yield the permissions that an entry of a `NotAction`, in lower case, takes away as a whole."""
        # Whatever covers a group fits its letters alone, too: one walk finds the few that are worth another.
        for place in self._letters.overlapping(entry):
            if entry.covers(self.permissions[place].pattern):
                yield self.permissions[place]

    @cached_property
    def _letters(self) -> Patterns:
        return Patterns.of(Pattern.of(permission.letters) for permission in self.permissions)

    @cached_property
    def _actions_of_today(self) -> tuple[Patterns, tuple[Permission, ...]]:
        """The patterns of today's actions, and the permission that each of them belongs to."""
        actions = [(action, permission) for permission in self.permissions for action in permission.actions]
        patterns = Patterns.of(Pattern.of(lower_case(action)) for action, _ in actions)
        return patterns, tuple(permission for _, permission in actions)

    def action_pattern(self, written: str) -> ActionPattern:
        """Return what an entry of an `Action` or `NotAction` says, worked out once for entries that recur."""
        return (
            _kept_action_pattern(self, written) if len(written) <= MAX_ENTRY_KEPT else ActionPattern.of(self, written)
        )


@dataclass(frozen=True)
class ActionPattern:
    """What one entry of an `Action` or `NotAction` says about KMS; `pattern` is the entry in lower case.

    `is_plain` is false where it has white space or a character beyond ASCII, which no action has.
    """

    table: DutyTable = field(repr=False)
    written: str
    is_plain: bool
    pattern: Pattern = field(repr=False)
    covers_every_action: bool
    concerns_kms: bool

    @classmethod
    def of(cls, table: DutyTable, written: str) -> ActionPattern:
        """Read an entry as its author wrote it; upper and lower case are alike."""
        pattern = Pattern.of(lower_case(written))
        return cls(
            table,
            written,
            NOT_IN_AN_ACTION.search(written) is None,
            pattern,
            # The first question is the quicker one, and no other entry can: see `Pattern.covers`.
            covers_every_action=bool(LETTERS_OF_EVERY_ACTION.fullmatch(pattern.text)) and pattern.covers(EVERY_ACTION),
            concerns_kms=bool(WHAT_CONCERNS_KMS.overlapping(pattern)),
        )

    @cached_property
    def granted(self) -> frozenset[Permission]:
        """The permissions that the entry grants itself, or something of, where it stands in an `Action`."""
        if not self.concerns_kms:
            return frozenset()
        known = frozenset(self.table.granted_by(self.pattern))
        return known or frozenset({UNKNOWN_ACTIONS} if self.table.by_user else ())

    @cached_property
    def exempted(self) -> frozenset[Permission]:
        """The permissions that the entry takes away as a whole, where it stands in a `NotAction`."""
        if not self.concerns_kms:
            return frozenset()
        return frozenset(self.table.exempted_by(self.pattern))


# Policies repeat each other's actions, and a scheduled run reads up to 100,000 of them. Long entries are rare, and
# left out so that a hostile policy cannot fill the memory with them.
MAX_ENTRY_KEPT = 128
_kept_action_pattern = lru_cache(maxsize=4096)(ActionPattern.of)

BY_POLICY = DutyTable(_permissions((group, duty) for group, duty, _ in TABLE if duty), by_user=False)
BY_USER = DutyTable(_permissions((group, duty) for group, _, duty in TABLE), by_user=True)
