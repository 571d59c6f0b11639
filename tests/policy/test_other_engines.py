"""What a statement grants, compared with engines that we did not write, over every operation that KMS has.

The operations are botocore's. A plain listing of them with Python's `fnmatch` stands between the rule and the others:
where the rule differs from it, a clause of the specification says so; where an engine does, one of its misreadings
does, and the engine agrees once that is mended. Both are data below. A difference without a reason fails the test, and
so does a reason that no difference needs any more.

Only actions are compared: the engines are given no condition, principal or resource, none of which decides what is
granted.
"""

from __future__ import annotations

import fnmatch
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.permission import PERMISSIONS
from tests.policy.strategies import DUTY_ENTRIES, KMS_ACTIONS, OPEN_ENTRIES, OTHER_ENTRIES, THOROUGH

with warnings.catch_warnings():
    # policyuniverse leaves a file of its own open.
    warnings.simplefilter("ignore", ResourceWarning)
    policyuniverse = import_module("policyuniverse.expander_minimizer")

COLLECTION = Path(__file__).parents[3] / "shared" / "real-policies.json"

# The single actions and the beginnings of the groups that the rule asks about, as the post writes them.
SOUGHT = ("kms:Encrypt", "kms:Decrypt", "kms:Create*", "kms:Delete*", "kms:Put*")
LOWER_CASE = {ord(letter.upper()): letter for letter in "abcdefghijklmnopqrstuvwxyz"}


def lowered(text: str) -> str:
    return text.translate(LOWER_CASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """An Allow statement with its entries as a list; `element` is `Action` or `NotAction`."""

    element: str
    entries: tuple[str, ...]

    def content(self) -> dict[str, Any]:
        return {"Effect": "Allow", self.element: list(self.entries)}


@cache
def of_today(sought: str) -> frozenset[str]:
    """List the operations that one of the sought permissions stands for, in lower case."""
    return frozenset(lowered(action) for action in KMS_ACTIONS if fnmatch.fnmatchcase(action, sought))


# The operations that make a difference; what is granted besides them nobody asks.
DECIDING = tuple(action for action in KMS_ACTIONS if any(lowered(action) in of_today(sought) for sought in SOUGHT))
DECIDING_LOWERED = frozenset(map(lowered, DECIDING))


def among_the_sought(granted: Iterable[str]) -> frozenset[str]:
    operations = frozenset(map(lowered, granted))
    return frozenset(sought for sought in SOUGHT if operations & of_today(sought))


# --- the three that are asked ----------------------------------------------------------------------------------------


@cache
def by_the_rule(statement: Listed) -> frozenset[str]:
    return frozenset(permission.name for permission in Statement.parse(statement.content(), 1).permissions)


def bracketless(entry: str) -> str:
    """Write an entry as `fnmatch` wants it: to AWS a bracket is no wildcard, and upper and lower case are alike."""
    return lowered(entry).replace("[", "[[]")


@cache
def fitting(entry: str) -> frozenset[str]:
    """List the operations that fit an entry, in lower case."""
    pattern = bracketless(entry)
    return frozenset(action for action in DECIDING_LOWERED if fnmatch.fnmatchcase(action, pattern))


@cache
def by_listing(statement: Listed) -> frozenset[str]:
    named = frozenset[str]().union(*map(fitting, statement.entries))
    return among_the_sought(named if statement.element == "Action" else DECIDING_LOWERED - named)


def by_moto(statement: Listed, *, as_written: bool = True) -> frozenset[str]:
    """Ask moto's engine for every operation; an entry that it cannot read grants nothing."""
    engine = IAMPolicyStatement(statement.content())
    actions = DECIDING if as_written else DECIDING_LOWERED
    try:
        return among_the_sought(
            action for action in actions if engine.is_action_permitted(action) is PermissionResult.PERMITTED
        )
    except re.error:
        return frozenset()


def by_policyuniverse(statement: Listed) -> frozenset[str]:
    return among_the_sought(policyuniverse.get_actions_from_statement(statement.content()))


@pytest.fixture(autouse=True)
def operations_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give policyuniverse botocore's list of operations in the place of its own, which is some years old."""
    universe = frozenset(map(lowered, KMS_ACTIONS))
    monkeypatch.setattr("policyuniverse.all_permissions", universe)
    monkeypatch.setattr("policyuniverse.expander_minimizer.all_permissions", universe)


# --- why the rule differs from a listing -----------------------------------------------------------------------------


def begins(entry: str, sought: str) -> bool:
    return sought.endswith("*") and lowered(entry).startswith(lowered(sought).rstrip("*"))


def covers(entry: str, sought: str) -> bool:
    """Return whether an entry fits whatever a group's letters begin: a stranger to both, as often as could matter."""
    pattern, letters = bracketless(entry), lowered(sought).rstrip("*")
    return sought.endswith("*") and all(
        fnmatch.fnmatchcase(letters + "\0" * times, pattern) for times in range(len(entry) + 2)
    )


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the specification by which the rule grants what no operation of today proves."""

    sentence: str
    holds: Callable[[Listed, str], bool]


CLAUSES = (
    Clause(
        "An Action that begins with a group's letters grants something of the group, whatever follows.",
        lambda statement, sought: (
            statement.element == "Action" and any(begins(entry, sought) for entry in statement.entries)
        ),
    ),
    Clause(
        "A NotAction exempts a group only by an entry that covers it, not by naming each of its operations of today.",
        lambda statement, sought: (
            statement.element == "NotAction"
            and sought.endswith("*")
            and of_today(sought) <= frozenset[str]().union(*map(fitting, statement.entries))
            and not any(covers(entry, sought) for entry in statement.entries)
        ),
    ),
)


def added(statement: Listed) -> dict[str, Clause]:
    """Return the permissions that a clause adds to what a listing grants, or grants as well."""
    return {sought: clause for clause in CLAUSES for sought in SOUGHT if clause.holds(statement, sought)}


# --- why an engine differs from a listing ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Misreading:
    """What an engine gets wrong, and how to write an entry, or a whole list of them, so that it does not."""

    sentence: str
    mended: Callable[[str], str] = str
    mended_list: Callable[[tuple[str, ...]], tuple[str, ...]] = tuple


CASE = Misreading("moto compares upper and lower case as written.", lowered)
MISREADINGS: Mapping[str, tuple[Misreading, ...]] = {
    "moto": (
        CASE,
        Misreading(
            "moto leaves the other characters of a regular expression what they are in one.",
            lambda entry: re.sub(r"[^\w*?]", lambda found: re.escape(found[0]), entry),
        ),
        Misreading(
            "moto leaves `?` in a regular expression, where it makes the character before it optional.",
            lambda entry: entry.replace("?", "."),
        ),
    ),
    "policyuniverse": (
        Misreading("policyuniverse takes brackets for a set of characters.", lambda entry: entry.replace("[", "[[]")),
        Misreading(
            "policyuniverse expands `?` only where there is a `*` too.",
            lambda entry: entry if "*" in entry else entry.replace("?", "[!*]"),
        ),
        Misreading(
            "policyuniverse lowers characters beyond ASCII, and a Kelvin sign becomes a k.",
            lambda entry: "".join(character if character.isascii() else "\0" for character in entry),
        ),
        Misreading(
            "policyuniverse takes an empty NotAction for none at all.",
            mended_list=lambda entries: entries or ("no:Such",),
        ),
    ),
}


@cache
def asked(engine: str, statement: Listed, mended: tuple[Misreading, ...] = ()) -> frozenset[str]:
    """Ask an engine about a statement whose entries are written so that it does not misread them in these ways."""
    entries = statement.entries
    for misreading in mended:
        entries = misreading.mended_list(tuple(map(misreading.mended, entries)))
    written = Listed(statement.element, entries)
    if engine == "moto":
        return by_moto(written, as_written=CASE not in mended)
    return by_policyuniverse(written)


def misread(engine: str, statement: Listed, sought: str, *, expected: bool) -> tuple[Misreading, ...] | None:
    """Return the fewest misreadings without which the engine agrees about a permission; None if there are none."""
    known = MISREADINGS[engine]
    for chosen in chain.from_iterable(combinations(known, size) for size in range(len(known) + 1)):
        if (sought in asked(engine, statement, chosen)) == expected:
            return chosen
    return None


# --- the corpus ------------------------------------------------------------------------------------------------------

NAMES = (
    KMS_ACTIONS
    if THOROUGH
    else ("kms:Encrypt", "kms:Decrypt", "kms:CreateGrant", "kms:DeleteAlias", "kms:PutKeyPolicy", "kms:ReEncrypt")
)


def variants(action: str) -> Iterator[str]:
    """Write an action in every way that could make a difference: other cases, and wildcards at each of its places."""
    yield from (action, action.lower(), action.upper(), action.swapcase(), f" {action}", f"{action} ")
    yield from (f"{action}Tomorrow", f"{action}?", f"{action}*", f"?{action}", action.replace(":", "."))
    for place, letter in enumerate(action):
        before, after = action[:place], action[place + 1 :]
        yield from (f"{before}*", f"*{letter}{after}", f"{before}*{after}", f"{before}?{after}")
        yield from (f"*{action[place : place + 3]}*", f"{before}{letter.swapcase()}*", f"{before}[{letter}]{after}")
        yield from (f"{before}??*{after}", f"{before}[{letter}]*")


@cache
def corpus() -> tuple[Listed, ...]:
    """List statements of one entry, of three in a row, and of whole groups, as Action and as NotAction."""
    others = (*DUTY_ENTRIES, *OPEN_ENTRIES, *OTHER_ENTRIES)
    entries = tuple(dict.fromkeys(chain(others, *map(variants, NAMES))))
    rows = tuple(entries[start : start + 3] for start in range(0, len(entries), 5))
    groups = tuple(tuple(sorted(of_today(sought))) for sought in SOUGHT)
    whole = [(), *((entry,) for entry in entries), *rows, *groups, *(group[1:] for group in groups)]
    return tuple(Listed(element, chosen) for element in ("Action", "NotAction") for chosen in whole)


def collected() -> tuple[Listed, ...]:
    """List the Allow statements of key policies from public repositories."""
    policies = [entry["policy"] for entry in json.loads(COLLECTION.read_text(encoding="utf-8"))]
    statements = chain.from_iterable(as_list(policy["Statement"]) for policy in policies)
    return tuple(
        Listed(element, tuple(as_list(statement[element])))
        for statement in statements
        for element in ("Action", "NotAction")
        if element in statement and statement["Effect"] == "Allow"
    )


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- the comparisons -------------------------------------------------------------------------------------------------


def test_the_rule_s_permissions_are_those_that_are_sought() -> None:
    assert tuple(permission.name for permission in PERMISSIONS) == SOUGHT


def test_the_rule_grants_what_a_listing_does_and_what_two_clauses_add() -> None:
    needed: set[Clause] = set()
    wrong = []
    for statement in corpus():
        listed, by_clause = by_listing(statement), added(statement)
        needed.update(clause for sought, clause in by_clause.items() if sought not in listed)
        wrong += [] if by_the_rule(statement) == listed | by_clause.keys() else [statement]
    assert wrong == []
    assert needed == set(CLAUSES)


def opens_all(statement: Listed) -> bool:
    """Return whether a statement has every action of KMS, a stranger to all its entries too, however long its name."""
    strangers = ["kms:" + "\0" * length for length in range(1, max(map(len, statement.entries), default=0) + 2)]
    if statement.element == "Action":
        return any(
            all(fnmatch.fnmatchcase(name, bracketless(entry)) for name in strangers) for entry in statement.entries
        )
    # An entry can fit something that begins with `kms:` exactly if one of its own beginnings fits that.
    beginnings = (bracketless(entry[:end]) for entry in statement.entries for end in range(len(entry) + 1))
    return not any(fnmatch.fnmatchcase("kms:", beginning) for beginning in beginnings)


def test_the_rule_finds_all_actions_open_where_every_stranger_is_among_them() -> None:
    found = {statement: Statement.parse(statement.content(), 1).opens_every_action for statement in corpus()}
    assert [statement for statement, opens in found.items() if opens != opens_all(statement)] == []
    assert {(statement.element, opens) for statement, opens in found.items()} == {
        ("Action", True),
        ("Action", False),
        ("NotAction", True),
        ("NotAction", False),
    }


@pytest.mark.parametrize("engine", MISREADINGS)
def test_an_engine_of_others_agrees_but_for_what_it_misreads(engine: str) -> None:
    needed: set[Misreading] = set()
    unexplained = []
    for statement in corpus():
        theirs, listed = asked(engine, statement), by_listing(statement)
        for sought in theirs ^ listed:
            misreadings = misread(engine, statement, sought, expected=sought in listed)
            needed.update(misreadings or ())
            unexplained += [] if misreadings else [(statement, sought)]
    assert unexplained == []
    assert needed == set(MISREADINGS[engine])


@pytest.mark.parametrize("engine", MISREADINGS)
def test_the_rule_grants_what_an_engine_does_that_misreads_nothing_and_what_two_clauses_add(engine: str) -> None:
    wrong = []
    as_written = 0
    for statement in corpus():
        theirs = asked(engine, statement, MISREADINGS[engine])
        wrong += [] if by_the_rule(statement) == theirs | added(statement).keys() else [statement]
        as_written += by_the_rule(statement) == asked(engine, statement)
    assert wrong == []
    assert as_written > len(corpus()) / 2


@pytest.mark.skipif(not COLLECTION.is_file(), reason="the collection lies beside the project's own checkout")
def test_all_agree_about_the_statements_of_real_policies() -> None:
    statements = collected()
    assert len(statements) > 150
    differing = [
        (statement, engine)
        for statement in statements
        for engine in MISREADINGS
        if not by_the_rule(statement) == by_listing(statement) == asked(engine, statement)
    ]
    assert differing == []
