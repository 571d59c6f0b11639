"""The permissions that the rule looks for, the duty that each belongs to, and what an entry of a statement grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from least_privilege.pattern import Pattern, Wildcard, lower_case


class Duty(Enum):
    """What a key policy lets somebody do; the rule wants different people to do each."""

    USAGE = "usage"
    ADMINISTRATION = "administration"


@dataclass(frozen=True, slots=True, eq=False)
class Permission:
    """An action, or a group of actions, that the scenarios ask about.

    `name` is as the post writes it, `pattern` the same in lower case. `actions` are the lower-case names that KMS has
    today; a test compares those of a group with botocore's KMS model, so that a new one is noticed.
    """

    name: str
    duty: Duty
    actions: tuple[str, ...]
    pattern: Pattern = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", Pattern.of(lower_case(self.name)))

    def granted_by(self, action: Pattern) -> bool:
        """Return whether the lower-case pattern of an `Action` grants this action, or something of this group."""
        return self._begins(action) or any(map(action.matches, self.actions))

    def _begins(self, action: Pattern) -> bool:
        *letters, last = self.pattern.symbols
        return last is Wildcard.MANY and action.symbols[: len(letters)] == tuple(letters)


PERMISSIONS = (
    Permission("kms:Encrypt", Duty.USAGE, ("kms:encrypt",)),
    Permission("kms:Decrypt", Duty.USAGE, ("kms:decrypt",)),
    Permission(
        "kms:Create*",
        Duty.ADMINISTRATION,
        ("kms:createalias", "kms:createcustomkeystore", "kms:creategrant", "kms:createkey"),
    ),
    Permission(
        "kms:Delete*",
        Duty.ADMINISTRATION,
        ("kms:deletealias", "kms:deletecustomkeystore", "kms:deleteimportedkeymaterial"),
    ),
    Permission("kms:Put*", Duty.ADMINISTRATION, ("kms:putkeypolicy",)),
)
ADMINISTRATION_PERMISSIONS = tuple(permission for permission in PERMISSIONS if permission.duty is Duty.ADMINISTRATION)

SERVICE_PREFIX = "kms:"
EVERY_ACTION = Pattern.of(f"{SERVICE_PREFIX}?*")


@dataclass(frozen=True, slots=True)
class ActionPattern:
    """What one entry of an `Action` or `NotAction` says about KMS; `pattern` is the entry in lower case."""

    written: str
    pattern: Pattern = field(repr=False)
    granted: frozenset[Permission]
    exempted: frozenset[Permission]
    covers_every_action: bool
    concerns_kms: bool

    @classmethod
    def of(cls, written: str) -> ActionPattern:
        """Read an entry as its author wrote it; upper and lower case are alike, white space is part of the name."""
        pattern = Pattern.of(lower_case(written))
        return cls(
            written,
            pattern,
            granted=frozenset(permission for permission in PERMISSIONS if permission.granted_by(pattern)),
            exempted=frozenset(permission for permission in PERMISSIONS if pattern.covers(permission.pattern)),
            covers_every_action=pattern.covers(EVERY_ACTION),
            concerns_kms=pattern.fits_some_text_beginning_with(SERVICE_PREFIX),
        )


# Policies repeat each other's actions, and a scheduled run reads up to 100,000 of them. Long entries are rare, and
# left out so that a hostile policy cannot fill the memory with them.
MAX_ENTRY_KEPT = 128
_kept_action_pattern = lru_cache(maxsize=4096)(ActionPattern.of)


def action_pattern(written: str) -> ActionPattern:
    """Return what this entry of an `Action` or `NotAction` says, worked out once for entries that recur."""
    return _kept_action_pattern(written) if len(written) <= MAX_ENTRY_KEPT else ActionPattern.of(written)
