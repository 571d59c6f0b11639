"""A second reading of the page that says what the rule decides: plain, slow, and sharing no code with the rule.

`scenario(text, …)` returns the name of the scenario of an enabled, customer managed key that is not whitelisted and has
this policy. It was written from the page alone, before the rule's code was read. Patterns are compared by naive recursion
and by listing texts, so keep what is judged here short.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import botocore.loaders

MALFORMED = "malformed-policy-not-compliant"
OPENS_ALL = "wildcard-policy-action-not-compliant"
NO_USER_CONDITION = "no-user-condition-not-compliant"
BOTH_DUTIES_UNLISTED = "no-separation-of-duty-not-compliant"  # 4
ONLY_USAGE = "separation-of-duty-compliant"  # 5
ONLY_ADMINISTRATION = "admin-actions-compliant"  # 6
ONLY_ADMINISTRATION_UNLISTED = "admin-role-not-in-whitelist-not-compliant"  # 7
BOTH_DUTIES_LISTED = "admin-role-not-allowed-actions-not-compliant"  # 8
SEPARATE_USERS = "separate-users-compliant"
NO_SCENARIO = "no-scenario-not-compliant"

ELEMENTS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}

READING = ["kms:describe*", "kms:get*", "kms:list*", "kms:verify*"]
USAGE = [
    *("kms:encrypt", "kms:decrypt", "kms:reencrypt*", "kms:generate*", "kms:sign", "kms:derive*"),
    *("kms:encapsulate", "kms:decapsulate"),
]
ADMINISTRATION = [
    *("kms:cancel*", "kms:connect*", "kms:create*", "kms:delete*", "kms:disable*", "kms:disconnect*", "kms:enable*"),
    *("kms:import*", "kms:put*", "kms:replicate*", "kms:retire*", "kms:revoke*", "kms:rotate*", "kms:schedule*"),
    *("kms:synchronize*", "kms:tag*", "kms:untag*", "kms:update*"),
]
POST_USAGE = ["kms:encrypt", "kms:decrypt"]
POST_ADMINISTRATION = ["kms:create*", "kms:delete*", "kms:put*"]

LIMITING = {
    f"{quantifier}{operator}"
    for quantifier in ("", "foranyvalue:")
    for operator in ("stringlike", "stringequals", "stringequalsignorecase")
}
SERVICE_LIMITING = {
    f"{quantifier}{operator}"
    for quantifier in ("", "foranyvalue:")
    for operator in ("stringequals", "stringlike", "arnequals", "arnlike")
}

# What `${*}`, `${?}` and `${$}` write is a character and neither a wildcard nor the beginning of a variable.
PLAIN = {"*": "\1", "?": "\2", "$": "\3"}


class Malformed(Exception):  # noqa: N818 - what is wrong with the policy, not with the program
    """The policy is malformed."""


class Pairs(NamedTuple):
    """A JSON object, with every name as often as it was written."""

    pairs: tuple[tuple[str, Any], ...]

    def has(self, name: str) -> bool:
        return any(written == name for written, _ in self.pairs)

    def get(self, name: str) -> Any:
        return next(value for written, value in self.pairs if written == name)

    def names(self) -> list[str]:
        return [name for name, _ in self.pairs]


class UserId(NamedTuple):
    """A user id of a user condition, itself a pattern."""

    text: str
    any_case: bool


class Statement(NamedTuple):
    """What one Allow statement means."""

    opens_all: bool
    grants_usage: bool
    administration: frozenset[str]
    limited: bool
    user_ids: tuple[UserId, ...]


def scenario(text: str, administrators: list[str], *, by_user: bool = False, strict: bool = False) -> str:
    """Return the name of the scenario of a key with this policy."""
    try:
        written = statements_of(text)
    except Malformed:
        return MALFORMED
    read = [read_statement(each, by_user=by_user) for each in written if each.get("Effect") == "Allow"]
    if any(statement.opens_all for statement in read):
        return OPENS_ALL
    if any((s.grants_usage or s.administration) and not s.limited for s in read):
        return NO_USER_CONDITION
    return separation(read, administrators, by_user=by_user, strict=strict)


def separation(read: list[Statement], administrators: list[str], *, by_user: bool, strict: bool) -> str:
    """Return the row of the page's tables of results."""
    usage = any(statement.grants_usage for statement in read)
    granted = {group for statement in read for group in statement.administration}
    admin = bool(granted) if by_user or (strict and usage) else granted == set(POST_ADMINISTRATION)
    administering = [statement for statement in read if statement.administration]
    listed = bool(administering) and all(
        any(covers(pattern, user_id.text) for pattern in administrators)
        for statement in administering
        for user_id in statement.user_ids
    )
    if usage and not admin:
        return ONLY_USAGE
    if usage and not listed:
        return BOTH_DUTIES_UNLISTED
    if usage:
        return SEPARATE_USERS if by_user and not shares_a_user(read) else BOTH_DUTIES_LISTED
    if admin:
        return ONLY_ADMINISTRATION if listed else ONLY_ADMINISTRATION_UNLISTED
    return NO_SCENARIO


def shares_a_user(read: list[Statement]) -> bool:
    """Return whether some text is a user id of both duties."""
    return any(
        overlap(lower(one.text), lower(other.text)) if one.any_case or other.any_case else overlap(one.text, other.text)
        for using in read
        if using.grants_usage
        for administering in read
        if administering.administration
        for one in using.user_ids
        for other in administering.user_ids
    )


# --- Reading a key policy


def statements_of(text: str) -> list[Pairs]:
    """Return the statements of a policy that is not malformed."""
    try:
        policy = json.loads(text, object_pairs_hook=lambda pairs: Pairs(tuple(pairs)), parse_constant=refuse_constant)
    except ValueError as error:
        raise Malformed from error
    require(isinstance(policy, Pairs))
    for each in objects_in(policy):
        require(len(set(each.names())) == len(each.names()))
    require(policy.has("Statement"))
    statement = policy.get("Statement")
    statements = statement if isinstance(statement, list) else [statement]
    for each in statements:
        require_well_formed(each)
    return statements


def require_well_formed(statement: object) -> None:
    """Raise Malformed unless the statement can be read, and in one way only."""
    require(isinstance(statement, Pairs))
    assert isinstance(statement, Pairs)
    require(set(statement.names()) <= ELEMENTS)
    require(statement.has("Effect") and statement.get("Effect") in ("Allow", "Deny"))
    require(statement.has("Action") != statement.has("NotAction"))
    require(not (statement.has("Principal") and statement.has("NotPrincipal")))
    require(not (statement.has("Resource") and statement.has("NotResource")))
    entries = statement.get("Action") if statement.has("Action") else statement.get("NotAction")
    require(isinstance(entries, str | list))
    for entry in [entries] if isinstance(entries, str) else entries:
        require(isinstance(entry, str))
        require(all(ord(letter) < 128 and not letter.isspace() for letter in entry))
    if statement.has("Condition"):
        condition = statement.get("Condition")
        require(isinstance(condition, Pairs))
        require(all(isinstance(keys, Pairs) for _, keys in condition.pairs))
        for each in objects_in(condition):
            names = [lower(name) for name in each.names()]
            require(len(set(names)) == len(names))


def require(holds: bool) -> None:  # noqa: FBT001 - reads like a sentence
    if not holds:
        raise Malformed


def refuse_constant(name: str) -> None:
    raise Malformed(name)


def objects_in(value: object) -> Iterator[Pairs]:
    """Return every object in a JSON value, itself included."""
    if isinstance(value, Pairs):
        yield value
        for _, inner in value.pairs:
            yield from objects_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def read_statement(statement: Pairs, *, by_user: bool) -> Statement:
    """Return what an Allow statement means."""
    granted = granted_groups(statement, by_user=by_user)
    usage = bool(granted & set(USAGE if by_user else POST_USAGE))
    administration = granted & set([*ADMINISTRATION, "unknown"] if by_user else POST_ADMINISTRATION)
    conditions = list(conditions_of(statement))
    if by_user and only_grants_for_services(conditions):
        usage, administration = usage or bool(administration), set()
    user_ids = tuple(user_ids_of(conditions))
    limited = bool(user_ids) or (by_user and not administration and limited_to_a_service(statement, conditions))
    return Statement(opens_all(statement), usage, frozenset(administration), limited, user_ids)


def patterns_of(statement: Pairs, name: str) -> list[str]:
    entries = statement.get(name)
    return [lower(entry) for entry in ([entries] if isinstance(entries, str) else entries)]


def opens_all(statement: Pairs) -> bool:
    if statement.has("Action"):
        return any(covers(pattern, "kms:?*") for pattern in patterns_of(statement, "Action"))
    return not any(overlap(pattern, "kms:*") for pattern in patterns_of(statement, "NotAction"))


def granted_groups(statement: Pairs, *, by_user: bool) -> set[str]:
    """Return the groups of which the statement grants something, and "unknown" for a pattern that nobody can place."""
    groups = [*READING, *USAGE, *ADMINISTRATION] if by_user else [*POST_USAGE, *POST_ADMINISTRATION]
    if statement.has("NotAction"):
        excluded = patterns_of(statement, "NotAction")
        return {group for group in groups if not any(covers(pattern, group) for pattern in excluded)}
    granted = set()
    for pattern in patterns_of(statement, "Action"):
        of_pattern = {group for group in groups if grants_something(pattern, group)}
        if by_user and not of_pattern and overlap(pattern, "kms:*"):
            of_pattern = {"unknown"}
        granted |= of_pattern
    return granted


@cache
def grants_something(pattern: str, group: str) -> bool:
    if not group.endswith("*"):
        return matches(pattern, group)
    letters = group.removesuffix("*")
    todays = [action for action in todays_actions() if action.startswith(letters)]
    return pattern.startswith(letters) or any(matches(pattern, action) for action in todays)


@cache
def todays_actions() -> frozenset[str]:
    """Return the operations of KMS's API model and its permissions besides, in lower case."""
    operations = botocore.loaders.Loader().load_service_model("kms", "service-2")["operations"]
    permissions = ("ReEncryptFrom", "ReEncryptTo", "SynchronizeMultiRegionKey")
    return frozenset(lower(f"kms:{name}") for name in [*operations, *permissions])


# --- Conditions


def conditions_of(statement: Pairs) -> Iterator[tuple[str, str, list[Any]]]:
    """Return the operator and the key of each condition, in lower case, and its values."""
    if statement.has("Condition"):
        for operator, keys in statement.get("Condition").pairs:
            for key, value in keys.pairs:
                yield lower(operator), lower(key), value if isinstance(value, list) else [value]


def only_grants_for_services(conditions: list[tuple[str, str, list[Any]]]) -> bool:
    return any(
        operator == "bool" and key == "kms:grantisforawsresource" and values and all(is_true(value) for value in values)
        for operator, key, values in conditions
    )


def is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and lower(value) == "true")


def user_ids_of(conditions: list[tuple[str, str, list[Any]]]) -> Iterator[UserId]:
    for operator, key, values in conditions:
        if operator in LIMITING and key == "aws:userid" and values and not any(map(limits_nobody, values)):
            yield from (UserId(plain_characters(value), operator.endswith("ignorecase")) for value in values)


def limits_nobody(value: object) -> bool:
    if not isinstance(value, str) or not value.strip() or holds_variable(value):
        return True
    wildcards = [position for position, letter in enumerate(plain_characters(value)) if letter in "*?"]
    return bool(wildcards) and wildcards[0] < 5


def holds_variable(value: str) -> bool:
    """Return whether a `${` is left that writes no plain character: cautiously, a variable needs no closing brace."""
    return "${" in plain_characters(value)


def plain_characters(value: str) -> str:
    """Return the value with each `${*}`, `${?}` and `${$}` as one letter that stands for that character."""
    read = ""
    while value:
        is_escape = value.startswith(("${*}", "${?}", "${$}"))
        read += PLAIN[value[2]] if is_escape else value[0]
        value = value[4:] if is_escape else value[1:]
    return read


def limited_to_a_service(statement: Pairs, conditions: list[tuple[str, str, list[Any]]]) -> bool:
    principal = statement.get("Principal") if statement.has("Principal") else None
    if not isinstance(principal, Pairs) or principal.names() != ["Service"]:
        return False
    return any(
        operator in SERVICE_LIMITING
        and (names_own_resource := own_resource(key)) is not None
        and values
        and all(isinstance(value, str) and not holds_variable(value) and names_own_resource(value) for value in values)
        for operator, key, values in conditions
    )


def own_resource(key: str) -> Callable[[str], bool] | None:
    """Return what a value of this key must be, or None if this key limits no service."""
    if key == "aws:sourceaccount":
        return lambda value: re.fullmatch("[0-9]{12}", value) is not None
    if key == "aws:sourcearn" or key.startswith("kms:encryptioncontext:"):
        return lambda value: re.search(":[0-9]{12}:", value) is not None
    if key == "aws:sourceorgid":
        return lambda value: value.startswith("o-") and not set(value) & set("*?$")
    return None


# --- Patterns


def lower(text: str) -> str:
    """Return the text with ASCII letters in lower case, and others as they are."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


@cache
def matches(pattern: str, text: str) -> bool:
    """Return whether the pattern matches the text, in which `*` and `?` are letters like others."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches(pattern[1:], text) or (bool(text) and matches(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and matches(pattern[1:], text[1:])


@cache
def covers(wider: str, narrower: str) -> bool:
    """Return whether the wider pattern matches everything that the narrower one matches.

    A letter that stands in neither pattern takes the place of each `?`, and of each `*` so many times as the wider pattern
    has a `?`, and once more: what is matched then needs a `*`, and that matches any number.
    """
    unused = next(letter for letter in map(chr, range(0xE000, 0xF8FF)) if letter not in wider + narrower)
    pieces = re.split(r"\*+", narrower.replace("?", unused))
    lengths = range(wider.count("?") + 2)
    return all(
        matches(wider, pieces[0] + "".join(unused * n + piece for n, piece in zip(chosen, pieces[1:], strict=True)))
        for chosen in product(lengths, repeat=len(pieces) - 1)
    )


@cache
def overlap(one: str, other: str) -> bool:
    """Return whether some text is matched by both patterns."""
    if not one and not other:
        return True
    if one.startswith("*"):
        return overlap(one[1:], other) or (bool(other) and overlap(one, other[1:]))
    if other.startswith("*"):
        return overlap(other, one)
    if not one or not other:
        return False
    return (one[0] == other[0] or "?" in (one[0], other[0])) and overlap(one[1:], other[1:])
