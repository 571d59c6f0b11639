"""What it costs at most to judge a hostile policy with `SeparateDutiesBy` = `User`, counted in lines that run.

The law is that of `test_cost.py`: twice the policy has at most twice the lines, and four times the steps. User ids that
were compared one by one, each that uses a key with each that administers it, would break it: they are as many as a
policy holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from least_privilege import permission
from least_privilege.pattern import Pattern, Patterns
from tests.policy.strategies import LARGEST_POLICY, THOROUGH, Json, filled, policy_text
from tests.policy.test_cost import (
    LARGEST_PARAMETER,
    TOLERANCE,
    bound,
    cost_of,
    distinct,
    lines_run,
    parameters,
    patterns,
)

SIZE = LARGEST_POLICY if THOROUGH else LARGEST_POLICY // 8
ADMINISTRATORS = "AROAOTTER*,*a,*b,*c"


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every entry be worked out, as the first policy that has it makes the rule do."""
    monkeypatch.setattr(permission, "_kept_action_pattern", permission.ActionPattern.of)


def allow(actions: object, user_ids: object, operator: str = "StringLike") -> Json:
    return {"Effect": "Allow", "Action": actions, "Condition": {operator: {"aws:userId": user_ids}}}


def separated(users: object, administrators: object, operator: str = "StringLike") -> list[Json]:
    return [allow("kms:Sign", users, operator), allow("kms:TagResource", administrators, operator)]


def meeting_last(size: int) -> list[Json]:
    """Give the last user id of those who use the key to the last of those who administer it."""
    return separated([*distinct("AROAU{}*", size // 2), "AROAZ"], [*distinct("AROAA{}*", size // 2), "AROAZ"])


def each_in_a_statement(size: int) -> list[Json]:
    """Give every user id a statement of its own, which uses the key or administers it."""
    names = distinct("AROAOTTER{}*", size // 6)
    return [allow("kms:Sign" if turn % 2 else "kms:Tag*", name) for turn, name in enumerate(names)]


FAMILIES: Mapping[str, Callable[[int], list[Json]]] = {
    "users by administrators": lambda size: separated(distinct("AROAU{}", size // 2), distinct("AROAA{}", size // 2)),
    "listed ones": lambda size: separated(distinct("AROABADGER{}*", size // 2), distinct("AROAOTTER{}*", size // 2)),
    "stars": lambda size: separated(distinct("AROAU*{}*", size // 2), distinct("AROAA*{}*", size // 2)),
    "stars that go on side by side": lambda size: separated(
        distinct("AROAA*{}*x", size // 2), distinct("AROAA*{}*y", size // 2)
    ),
    "question marks": lambda size: separated(distinct("AROAA{}?????", size // 2), distinct("AROAA?????{}!", size // 2)),
    "in any case": lambda size: separated(
        distinct("AROAU{}*", size // 2), distinct("AROAA{}*", size // 2), "StringEqualsIgnoreCase"
    ),
    "in any case, of one side": lambda size: [
        allow("kms:Sign", distinct("AROAU{}*", size // 2)),
        allow("kms:TagResource", distinct("aroaA{}*", size // 2), "ForAnyValue:StringEqualsIgnoreCase"),
    ],
    "the last two meet": meeting_last,
    "all meet": lambda size: separated(distinct("AROAA*{}*", size // 2), distinct("AROAA*{}*", size // 2)),
    "many users, one administrator": lambda size: separated(distinct("AROAU{}*", size), "AROAA*"),
    "one user, many administrators": lambda size: separated("AROAU*", distinct("AROAA{}*", size)),
    "long ids of stars": lambda size: separated(
        "AROAA" + filled("*!", size // 2) + "x", "AROAA" + filled("*!", size // 2) + "y"
    ),
    "long ids of question marks": lambda size: separated(
        "AROAA" + filled("?", size // 2), "AROAA*" + filled("?", size // 2) + "?????"
    ),
    "long ids of escapes": lambda size: separated(
        "AROAA" + filled("${*}", size // 2) + "x", "AROAA" + filled("${*}", size // 2) + "*y"
    ),
    "a statement each": each_in_a_statement,
    "a long entry of no group": lambda size: [allow("kms:" + filled("X", size), "AROAOTTER:*")],
    "a long entry of stars": lambda size: [allow("kms:" + filled("*X", size), "AROAOTTER:*")],
    "a long entry of both": lambda size: [allow("kms:*" + filled("?*", size), "AROAOTTER:*")],
    "two long entries": lambda size: [allow(["kms:Sign" + filled("?", size // 2), filled("*e", size // 2)], "AROAO:*")],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_policy_costs_at_most_twice_the_lines_and_four_times_the_steps(family: str) -> None:
    given = parameters(ADMINISTRATORS, separate_by="User")
    half, whole = (cost_of(policy_text(FAMILIES[family](size)), given) for size in (SIZE // 2, SIZE))
    assert 1.5 < whole.characters / half.characters < 2.1
    assert whole.lines <= 2 * TOLERANCE * half.lines
    assert whole.steps <= 4 * TOLERANCE * half.steps
    assert whole.lines <= bound(whole.characters, len(given.administrators))


@pytest.mark.parametrize("family", FAMILIES if THOROUGH else ["stars that go on side by side", "in any case"])
def test_the_largest_policy_and_the_longest_parameter_stay_below_the_bound(family: str) -> None:
    given = parameters(patterns("*{}", LARGEST_PARAMETER if THOROUGH else 20), separate_by="User")
    cost = cost_of(policy_text(FAMILIES[family](LARGEST_POLICY if THOROUGH else LARGEST_POLICY // 2)), given)
    assert cost.lines <= bound(cost.characters, len(given.administrators))


@pytest.mark.parametrize("form", ["AROAA{}", "AROAA{}*", "AROAA*{}*", "AROAA?{}?"])
def test_a_pattern_is_compared_with_many_at_the_cost_of_one(form: str) -> None:
    """However many patterns stand side by side, the same lines run where none of them overlaps."""
    other = Pattern.of("AROAB*c*d?e*")
    rows = [Patterns.of(Pattern.of(form.format(number)) for number in range(most)) for most in (1, 1_000)]
    assert [row.overlapping(other) for row in rows] == [(), ()]
    one, thousand = (lines_run(lambda row=row: row.overlapping(other)) for row in rows)  # type: ignore[misc]
    assert 0 < one <= thousand <= one + len(other.symbols)


def test_comparing_one_by_one_would_be_noticed() -> None:
    """The count itself: of each with each there are four times as many when there are twice as many of both."""

    def one_by_one(size: int) -> None:
        users = [Pattern.of(f"AROAU{number}") for number in range(size)]
        administrators = [Pattern.of(f"AROAA{number}") for number in range(size)]
        assert not any(user.overlaps(administrator) for user in users for administrator in administrators)

    ten, twenty = (lines_run(lambda size=size: one_by_one(size)) for size in (10, 20))  # type: ignore[misc]
    assert twenty > 3 * ten
