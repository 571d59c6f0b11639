"""The language of KMS key policies: what a policy grants, and to whom it limits what it grants.

From small to large: a `Pattern` of letters, `*` and `?`; a `Permission` that the rule looks for and its `Duty`; a
`UserCondition`; a `Statement`; a `KeyPolicy`. A document is parsed once into these frozen values, which then answer
questions. Nothing here calls AWS, reads a clock or looks at the environment.

A policy's author chooses its patterns, so no question may cost more than a polynomial in the length of the policy:
patterns are compared by walking sets of positions, never by a regular expression that backtracks.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, lru_cache
from typing import NoReturn

LOWER_CASE_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class PolicyError(ValueError):
    """Raised when a key policy is malformed; the message says what is wrong, and in which statement."""


class Wildcard(Enum):
    """The two symbols of a pattern that stand for other characters."""

    ONE = "?"
    MANY = "*"


type Symbol = str | Wildcard

WILDCARDS: Mapping[str, Wildcard] = {wildcard.value: wildcard for wildcard in Wildcard}
LITERAL_WILDCARDS: Mapping[str, str] = {"${*}": "*", "${?}": "?", "${$}": "$"}
LONGEST_SYMBOL = len("${*}")


def symbols_of(text: str) -> tuple[Symbol, ...]:
    """Read each `*` and `?` of `text` as a wildcard and everything else as the character itself."""
    return tuple(WILDCARDS.get(character, character) for character in text)


def symbols_of_user_id(text: str) -> tuple[Symbol, ...]:
    """Read `text` like `symbols_of`, but `${*}`, `${?}` and `${$}` as the plain characters `*`, `?` and `$`.

    Source: IAM User Guide, "IAM policy elements: Variables and tags", on special characters.
    """
    symbols: list[Symbol] = []
    start = 0
    while start < len(text):
        literal = LITERAL_WILDCARDS.get(text[start : start + LONGEST_SYMBOL], "")
        symbols += literal or symbols_of(text[start])
        start += LONGEST_SYMBOL if literal else 1
    return tuple(symbols)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sequence of characters and wildcards that texts fit, or do not; built with `Pattern.of` or `from_symbols`.

    The positions between its symbols are the bits of an integer: bit `n` is set while a walk may stand before symbol
    `n`. Within a run of wildcards the `*` is kept first and only once, which `_held` relies on.
    """

    symbols: tuple[Symbol, ...]
    _literals: Mapping[str, int] = field(repr=False, compare=False)
    _ones: int = field(repr=False, compare=False)
    _manys: int = field(repr=False, compare=False)
    _held: int = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Make the pattern that `text` spells, where `*` stands for any characters and `?` for exactly one."""
        return cls.from_symbols(symbols_of(text))

    @classmethod
    def from_symbols(cls, symbols: Iterable[Symbol]) -> Pattern:
        """Make the pattern of these symbols."""
        ordered = _many_first(symbols)
        literals: dict[str, int] = {}
        ones = manys = held = 0
        holding = False
        for position, symbol in enumerate(ordered):
            bit = 1 << position
            if symbol is Wildcard.MANY:
                manys |= bit
                held |= bit
                holding = True
            elif symbol is Wildcard.ONE:
                ones |= bit
            else:
                literals[symbol] = literals.get(symbol, 0) | bit
                holding = False
            if holding:
                held |= bit << 1
        return cls(ordered, literals, ones, manys, held)

    def matches(self, text: str) -> bool:
        """Say whether `text`, every character of it read as itself, fits this pattern."""
        return self._accepts(self._walk(text))

    def covers(self, other: Pattern) -> bool:
        """Say whether everything that fits `other` fits this pattern too.

        Exact, because some character occurs in neither pattern: only a wildcard can take that one.
        """
        return self._accepts(self._walk(other.symbols))

    def fits_some_text_beginning_with(self, prefix: str) -> bool:
        """Say whether any text that begins with `prefix` fits this pattern."""
        return self._walk(prefix) != 0

    def _walk(self, symbols: Iterable[Symbol]) -> int:
        """Return the positions that are left whatever characters stand for the wildcards among `symbols`."""
        positions = self._with_empty_manys(1)
        for symbol in symbols:
            if symbol is Wildcard.MANY:
                positions &= self._held
            else:
                # What stands for a `?` may be any character, which only a wildcard takes.
                taking = self._ones if symbol is Wildcard.ONE else self._ones | self._literals.get(symbol, 0)
                positions = self._with_empty_manys((positions & taking) << 1 | positions & self._manys)
            if not positions:
                break
        return positions

    def _with_empty_manys(self, positions: int) -> int:
        return positions | (positions & self._manys) << 1

    def _accepts(self, positions: int) -> bool:
        return positions >> len(self.symbols) == 1


def _many_first(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Write each run of wildcards as at most one `*` and then its `?`s: `?*?*` fits what `*??` fits."""
    ordered: list[Symbol] = []
    ones = 0
    many = False
    for symbol in symbols:
        if symbol is Wildcard.MANY:
            many = True
        elif symbol is Wildcard.ONE:
            ones += 1
        else:
            ordered += [Wildcard.MANY] * many + [Wildcard.ONE] * ones + [symbol]
            ones, many = 0, False
    return (*ordered, *[Wildcard.MANY] * many, *[Wildcard.ONE] * ones)


def lower_case(text: str) -> str:
    """Lower the ASCII letters only: to AWS a Kelvin sign is no `k`, though `str.lower` makes it one."""
    return text.translate(LOWER_CASE_ASCII)


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
        """Say whether the lower-case pattern of an `Action` grants this action, or something of this group."""
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

SERVICE_PREFIX = "kms:"
EVERY_ACTION = Pattern.of(f"{SERVICE_PREFIX}?*")


@dataclass(frozen=True, slots=True)
class ActionPattern:
    """What one entry of an `Action` or `NotAction` says about KMS; `written` is the entry as its author wrote it."""

    written: str
    granted: frozenset[Permission]
    exempted: frozenset[Permission]
    covers_every_action: bool
    concerns_kms: bool

    @classmethod
    def of(cls, written: str) -> ActionPattern:
        """Read an entry; upper and lower case are alike, white space is part of the name."""
        pattern = Pattern.of(lower_case(written))
        return cls(
            written,
            granted=frozenset(permission for permission in PERMISSIONS if permission.granted_by(pattern)),
            exempted=frozenset(permission for permission in PERMISSIONS if pattern.covers(permission.pattern)),
            covers_every_action=pattern.covers(EVERY_ACTION),
            concerns_kms=pattern.fits_some_text_beginning_with(SERVICE_PREFIX),
        )


# Policies repeat each other's actions, and a scheduled run reads up to 100,000 of them. Long entries are rare, and
# left out so that a hostile policy cannot fill the memory with them.
LONGEST_ENTRY_KEPT = 128
_kept_action_pattern = lru_cache(maxsize=4096)(ActionPattern.of)


def action_pattern(written: str) -> ActionPattern:
    """Return what this entry of an `Action` or `NotAction` says, worked out once for entries that recur."""
    return _kept_action_pattern(written) if len(written) <= LONGEST_ENTRY_KEPT else ActionPattern.of(written)


FEWEST_LETTERS_BEFORE_A_WILDCARD = 5


@dataclass(frozen=True, slots=True)
class UserCondition:
    """A condition on the caller's user id, with its alternatives as the policy writes them."""

    values: tuple[object, ...]

    @property
    def counts(self) -> bool:
        """Say whether this condition limits who may use the statement: it names somebody, and never everybody."""
        return bool(self.values) and not any(map(limits_nobody, self.values))

    @property
    def user_ids(self) -> tuple[str, ...]:
        """The user id patterns of a condition that counts, otherwise none."""
        return tuple(value for value in self.values if isinstance(value, str)) if self.counts else ()


def limits_nobody(value: object) -> bool:
    """Say whether a value of a user condition lets in everybody, or nobody knows whom.

    That is a value that is no string, or blank; one with a policy variable in it, whose content the caller may
    choose; one whose first wildcard follows fewer than five characters (`AROA*` is every role).
    """
    if not isinstance(value, str) or not value.strip():
        return True
    # Every `${` that does not begin one of the three escaped characters begins a variable.
    if value.count("${") > sum(map(value.count, LITERAL_WILDCARDS)):
        return True
    beginning = symbols_of_user_id(value[: FEWEST_LETTERS_BEFORE_A_WILDCARD * LONGEST_SYMBOL])
    return any(isinstance(symbol, Wildcard) for symbol in beginning[:FEWEST_LETTERS_BEFORE_A_WILDCARD])


# `…IfExists` and `ForAllValues:…` also hold when the request carries no user id, so they are not among them.
USER_OPERATORS = frozenset(
    qualifier + operator
    for qualifier in ("", "foranyvalue:")
    for operator in ("stringlike", "stringequals", "stringequalsignorecase")
)
USER_KEY = "aws:userid"


@dataclass(frozen=True)
class Statement:
    """One statement of a key policy. `number` counts from 1; `sid` is empty where the policy gives no text."""

    number: int
    sid: str
    allows: bool
    actions: tuple[ActionPattern, ...] | None
    not_actions: tuple[ActionPattern, ...]
    user_conditions: tuple[UserCondition, ...]

    @classmethod
    def parse(cls, content: object, number: int) -> Statement:
        """Read the parsed JSON of the statement in place `number`.

        Raises `PolicyError` where it is no object, does not have exactly one of `Action` and `NotAction`, or one of
        these or `Condition` has a wrong type. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
        """
        if not isinstance(content, Mapping):
            raise PolicyError(f"statement {number} is no JSON object")
        sid = content.get("Sid")
        if "Action" in content and "NotAction" in content:
            raise PolicyError(f"statement {number} has both Action and NotAction")
        if "Action" not in content and "NotAction" not in content:
            raise PolicyError(f"statement {number} has neither Action nor NotAction")
        return cls(
            number=number,
            sid=sid if isinstance(sid, str) else "",
            allows=content.get("Effect") == "Allow",
            actions=_entries(content, "Action", number) if "Action" in content else None,
            not_actions=_entries(content, "NotAction", number) if "NotAction" in content else (),
            user_conditions=_user_conditions(content.get("Condition", {}), number),
        )

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """The permissions that the statement's actions cover, whether it allows or denies them."""
        if self.actions is None:
            return frozenset(PERMISSIONS).difference(*(entry.exempted for entry in self.not_actions))
        return frozenset[Permission]().union(*(entry.granted for entry in self.actions))

    @property
    def opens_every_action(self) -> bool:
        """Say whether its actions cover every KMS action there is or could be."""
        if self.actions is None:
            return not any(entry.concerns_kms for entry in self.not_actions)
        return any(entry.covers_every_action for entry in self.actions)

    @property
    def limits_users(self) -> bool:
        """Say whether at least one condition on the caller's user id counts."""
        return any(condition.counts for condition in self.user_conditions)

    @property
    def user_ids(self) -> tuple[str, ...]:
        """The user id patterns of all conditions that count, in the policy's order."""
        return tuple(user_id for condition in self.user_conditions for user_id in condition.user_ids)

    def grants(self, duty: Duty) -> bool:
        """Say whether a permission of this duty is among the statement's."""
        return any(permission.duty is duty for permission in self.permissions)

    def deciding_actions(self, *duties: Duty) -> tuple[str, ...]:
        """Return the entries, as written, by which the statement has permissions of these duties.

        With no duty given: the entries by which it opens every action. A `NotAction` is returned as one text.
        """
        if self.actions is None:
            return ("NotAction " + (", ".join(entry.written for entry in self.not_actions) or "[]"),)
        if not duties:
            return tuple(entry.written for entry in self.actions if entry.covers_every_action)
        return tuple(
            entry.written for entry in self.actions if any(permission.duty in duties for permission in entry.granted)
        )


def _listed(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _entries(content: Mapping[str, object], element: str, number: int) -> tuple[ActionPattern, ...]:
    entries = _listed(content[element])
    if not all(isinstance(entry, str) for entry in entries):
        raise PolicyError(f"the {element} of statement {number} is neither a string nor a list of strings")
    return tuple(action_pattern(entry) for entry in entries if isinstance(entry, str))


def _user_conditions(condition: object, number: int) -> tuple[UserCondition, ...]:
    if not isinstance(condition, Mapping) or not all(isinstance(keys, Mapping) for keys in condition.values()):
        raise PolicyError(f"the Condition of statement {number} is not an object of objects")
    return tuple(
        UserCondition(_listed(values))
        for operator, keys in condition.items()
        if lower_case(operator) in USER_OPERATORS
        for key, values in keys.items()
        if lower_case(key) == USER_KEY
    )


@dataclass(frozen=True)
class KeyPolicy:
    """A key policy, and the questions that the scenarios ask of it. Only its Allow statements answer."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str | Mapping[str, object]) -> KeyPolicy:
        """Read a key policy, given as JSON text or as parsed JSON.

        Raises `PolicyError` where it is not JSON, names a thing twice in one object (readers disagree which of the
        two holds), is no object, has no `Statement`, or one of its statements, Deny included, is malformed.
        """
        content = _from_json(document) if isinstance(document, str) else document
        if not isinstance(content, Mapping):
            raise PolicyError("it is no JSON object")
        if "Statement" not in content:
            raise PolicyError("it has no Statement")
        statements = _listed(content["Statement"])
        return cls(tuple(Statement.parse(statement, number) for number, statement in enumerate(statements, 1)))

    @cached_property
    def allowing(self) -> tuple[Statement, ...]:
        """The statements whose effect is exactly `Allow`."""
        return tuple(statement for statement in self.statements if statement.allows)

    def opening_every_action(self) -> tuple[Statement, ...]:
        """Return the statements that open all KMS actions."""
        return tuple(statement for statement in self.allowing if statement.opens_every_action)

    def granting(self, *duties: Duty) -> tuple[Statement, ...]:
        """Return the statements that grant at least one of these duties."""
        return tuple(statement for statement in self.allowing if any(map(statement.grants, duties)))

    def granting_without_user_condition(self) -> tuple[Statement, ...]:
        """Return the statements that grant a duty to callers whom no condition on the user id limits."""
        return tuple(statement for statement in self.granting(*Duty) if not statement.limits_users)

    def permissions(self, duty: Duty) -> tuple[Permission, ...]:
        """Return the permissions of this duty that the policy's statements grant, taken together."""
        granted = frozenset[Permission]().union(*(statement.permissions for statement in self.allowing))
        return tuple(permission for permission in PERMISSIONS if permission.duty is duty and permission in granted)

    def administrators_outside(self, allowed: Iterable[Pattern]) -> tuple[str, ...]:
        """Return the user ids of statements that grant administration which none of the `allowed` patterns covers."""
        patterns = tuple(allowed)
        user_ids = dict.fromkeys(
            user_id for statement in self.granting(Duty.ADMINISTRATION) for user_id in statement.user_ids
        )
        return tuple(user_id for user_id in user_ids if not _covered(user_id, patterns))


def _covered(user_id: str, patterns: Iterable[Pattern]) -> bool:
    wanted = Pattern.from_symbols(symbols_of_user_id(user_id))
    return any(pattern.covers(wanted) for pattern in patterns)


def _from_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except PolicyError:
        raise
    except ValueError as error:
        raise PolicyError(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise PolicyError("its JSON is nested too deeply") from error


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        [(repeated, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise PolicyError(f"it has {json.dumps(repeated)} twice in one object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise PolicyError(f"it is not JSON ({name} is no JSON value)")
