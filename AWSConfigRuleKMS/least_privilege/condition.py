"""The conditions of a statement: to whom one on the caller's user id limits it, and why one limits nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from least_privilege.pattern import Pattern, Patterns, lower_case

MIN_LETTERS_BEFORE_A_WILDCARD = 5
# `${*}`, `${?}` and `${$}` are plain characters; every other `${` begins a variable. Nothing here backtracks.
POLICY_VARIABLE = re.compile(r"\$\{(?![*?$]\})")
WEAK_BEGINNING = re.compile(rf"(?>\$\{{[*?$]\}}|[^*?]){{0,{MIN_LETTERS_BEFORE_A_WILDCARD - 1}}}+[*?]")
# `…IfExists` and `ForAllValues:…` also hold when the request carries no user id, so they are not among them.
USER_OPERATORS = frozenset(
    qualifier + operator
    for qualifier in ("", "foranyvalue:")
    for operator in ("stringlike", "stringequals", "stringequalsignorecase")
)
USER_KEY = "aws:userid"
IGNORING_CASE = "ignorecase"
SOURCE_OPERATORS = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})
NAMES_AN_ACCOUNT = re.compile(r":[0-9]{12}:")
FORMS_OF_SOURCES: Mapping[str, Callable[[str], re.Match[str] | None]] = {
    "aws:sourceaccount": re.compile(r"[0-9]{12}").fullmatch,
    "aws:sourcearn": NAMES_AN_ACCOUNT.search,
    "aws:sourceorgid": re.compile(r"o-[^*?$]*").fullmatch,
}
ENCRYPTION_CONTEXT = "kms:encryptioncontext:"
# What a user id that is known only at deployment may be: all that a value with a wildcard can fit and still limit its
# statement.
ANY_USER_ID = Pattern.of("?" * MIN_LETTERS_BEFORE_A_WILDCARD + "*")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A text that is known only at deployment; `text` is what is known of it, with the rest in angle brackets.

    What stands in the angle brackets has five characters at least and no wildcard, so that the known characters alone
    decide whether the text limits anybody; with `may_be_anything`, it may have some, and the text limits nobody.
    """

    text: str
    may_be_anything: bool = False

    def __str__(self) -> str:
        """Return what is known of it."""
        return self.text


@dataclass(frozen=True, slots=True)
class UserId:
    """A value of a condition that limits a statement to somebody: its text, and the user ids that fit it."""

    text: str
    pattern: Pattern
    ignores_case: bool = False

    @classmethod
    def of(cls, value: object, *, ignores_case: bool = False) -> UserId:
        """Read a value that has no weakness; one that is known only at deployment may be any user id."""
        text = str(value)
        return cls(text, ANY_USER_ID if isinstance(value, Unknown) else Pattern.of_user_id(text), ignores_case)

    @property
    def in_lower_case(self) -> Pattern:
        """The user ids that fit it, in lower case."""
        return self.pattern if self.pattern is ANY_USER_ID else Pattern.of_user_id(lower_case(self.text))


def shared(some: Sequence[UserId], others: Sequence[UserId]) -> tuple[UserId, UserId] | None:
    """Return one of `some` and one of the `others` that a caller's user id can fit both, or None.

    Upper and lower case are alike where either of the two ignores them.
    """
    exact, ignoring = _by_case(some)
    others_exact, others_ignoring = _by_case(others)
    return (
        _overlapping(exact, others_exact, attrgetter("pattern"))
        or _overlapping(ignoring, others, attrgetter("in_lower_case"))
        or _overlapping(exact, others_ignoring, attrgetter("in_lower_case"))
    )


def _by_case(user_ids: Sequence[UserId]) -> tuple[Sequence[UserId], Sequence[UserId]]:
    """Return those that tell upper from lower case, and those that do not."""
    return [each for each in user_ids if not each.ignores_case], [each for each in user_ids if each.ignores_case]


def _overlapping(
    some: Sequence[UserId], others: Sequence[UserId], pattern_of: Callable[[UserId], Pattern]
) -> tuple[UserId, UserId] | None:
    if not some or not others:
        return None
    patterns = Patterns.of(map(pattern_of, others))
    for user_id in some:
        for position in patterns.overlapping(pattern_of(user_id)):
            return user_id, others[position]
    return None


def weakness(value: object) -> str | None:
    """Return why a value of a user condition lets in everybody, or nobody knows whom; None where it limits somebody.

    The caller may choose the content of a policy variable; with fewer than five characters before its first wildcard, a
    value fits whole kinds of callers (`AROA*` is every role).
    """
    if not isinstance(value, str | Unknown):
        return "it is not a string"
    text = str(value)
    if not text.strip():
        return "it is blank"
    if POLICY_VARIABLE.search(text):
        return "it holds a policy variable"
    if WEAK_BEGINNING.match(text):
        return "fewer than five characters stand before its first * or ?"
    return "it is known only at deployment" if isinstance(value, Unknown) and value.may_be_anything else None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition key under one operator, as the policy writes them, with the values that are its alternatives.

    `is_on_user_id` says whether it asks for the caller's user id; `limits_users`, whether its operator is such besides
    that it can limit who may use the statement.
    """

    operator: str
    key: str
    values: tuple[object, ...]
    is_on_user_id: bool
    limits_users: bool

    @classmethod
    def of(cls, operator: str, key: str, values: object) -> Condition:
        """Read a condition; one value may stand by itself instead of in a list."""
        listed = tuple(values) if isinstance(values, list) else (values,)
        is_on_user_id = lower_case(key) == USER_KEY
        return cls(operator, key, listed, is_on_user_id, is_on_user_id and lower_case(operator) in USER_OPERATORS)

    @property
    def is_effective(self) -> bool:
        """Whether it limits who may use the statement: it names somebody, and never everybody."""
        return self.limits_users and bool(self.values) and not any(map(weakness, self.values))

    @property
    def weak_values(self) -> tuple[tuple[object, str], ...]:
        """The values that limit nobody, each with the reason."""
        return tuple((value, reason) for value in self.values if (reason := weakness(value)))

    @property
    def user_ids(self) -> tuple[UserId, ...]:
        """The user ids of an effective condition, otherwise none."""
        if not self.is_effective:
            return ()
        ignores_case = lower_case(self.operator).endswith(IGNORING_CASE)
        return tuple(UserId.of(value, ignores_case=ignores_case) for value in self.values)

    @property
    def is_on_grants_for_services(self) -> bool:
        """Whether it lets only grants be made that AWS services ask for."""
        return (
            lower_case(self.operator) == "bool"
            and lower_case(self.key) == "kms:grantisforawsresource"
            and bool(self.values)
            and all(value is True or (isinstance(value, str) and lower_case(value) == "true") for value in self.values)
        )

    @property
    def limits_to_a_source(self) -> bool:
        """Whether it lets a service act for the resources of named accounts or organizations alone."""
        fits = _form_of_source(lower_case(self.key))
        return (
            fits is not None
            and lower_case(self.operator).removeprefix("foranyvalue:") in SOURCE_OPERATORS
            and bool(self.values)
            and all(
                isinstance(value, str) and not POLICY_VARIABLE.search(value) and fits(value) is not None
                for value in self.values
            )
        )


def _form_of_source(key: str) -> Callable[[str], re.Match[str] | None] | None:
    """Return what tells whether a value of a condition key, in lower case, names a source; None for other keys."""
    if key.startswith(ENCRYPTION_CONTEXT):
        return NAMES_AN_ACCOUNT.search
    return FORMS_OF_SOURCES.get(key)
