"""Small templates that would cause endless work: each ends in one sentence, and the other keys are judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kms_rule.sources.budget import Budget, BudgetError
from tests.command.checking import (
    EVERYTHING_OPEN,
    OPEN,
    SEPARATED,
    UNLIMITED,
    USAGE,
    USERS_MAY_USE,
    Json,
    checked,
    policy,
    reasons,
    scenarios,
    statement,
    write,
)
from tests.command.templates import NO_VALUE, alias, if_, judged, key, sub

TOO_MANY_WAYS = "It may turn out in more ways than can be judged"
TOO_LARGE = "bytes and is not judged, since KMS takes 32,768 bytes at most: shorten it."
TOO_DEEP = "It is nested more than 100 deep: write it flatter."


def used_by(user_id: Any) -> Json:
    return key(KeyPolicy=policy(statement(USAGE, user_id)))


def nested(value: Any, depth: int, around: Any) -> Any:
    for _ in range(depth):
        value = around(value)
    return value


def twenty_times(value: Any) -> Json:
    return {"Fn::Sub": ["${x}" * 20, {"x": value}]}


ALLOWED = {f"P{n}": {"Type": "String", "AllowedValues": [f"AROAUSER{each}:*" for each in range(30)]} for n in range(30)}
HOSTILE: dict[str, tuple[Json, Json, str]] = {
    "Sub within Sub": (used_by(nested("a", 7, twenty_times)), {}, TOO_MANY_WAYS),
    "a long default used often": (
        used_by([{"Ref": "P"}] * 2_000),
        {"Parameters": {"P": {"Type": "String", "Default": "AROAUSER" * 10_000}}},
        TOO_LARGE,
    ),
    "a policy that is long": (used_by([f"AROAUSER{n}*a*" for n in range(20_000)]), {}, TOO_LARGE),
    "many parameters": (used_by([{"Ref": name} for name in ALLOWED]), {"Parameters": ALLOWED}, TOO_MANY_WAYS),
    "braces that do not close": (used_by(sub("${" * 100_000)), {}, TOO_LARGE),
    "references that do not close": (used_by("{{resolve:" * 20_000), {}, TOO_LARGE),
}


@pytest.mark.parametrize(("hostile", "more", "reason"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_key_that_would_take_too_much_is_told_and_the_others_are_judged(
    tmp_path: Path, hostile: Json, more: Json, reason: str
) -> None:
    findings = judged(tmp_path, {"Hostile": hostile, "Good": key(KeyPolicy=USERS_MAY_USE)}, **more)
    assert scenarios(findings) == {"Good": SEPARATED}
    assert reason in reasons(findings)["Hostile"]
    assert [*reasons(findings)] == ["Hostile"]


IN_A_CIRCLE = {"Fn::Equals": [{"Fn::If": ["Circle", "a", "b"]}, "a"]}
MULTIPLYING = {
    "Self": {"Fn::Or": [{"Condition": "Self"}] * 10},
    "Circle": {"Fn::Or": [IN_A_CIRCLE] * 10},
    "C39": {"Fn::And": [{"Condition": "C38"}] * 10},
    **{f"C{n}": {"Fn::And": [{"Condition": f"C{n - 1}"}] * 10} for n in range(1, 39)},
}


@pytest.mark.parametrize("name", ["Self", "Circle", "C39"])
def test_conditions_that_multiply_are_asked_once(tmp_path: Path, name: str) -> None:
    resources = {"Key": key(KeyPolicy=if_(name, USERS_MAY_USE, EVERYTHING_OPEN))}
    findings = judged(tmp_path, resources, Conditions=MULTIPLYING)
    assert (scenarios(findings), findings.unjudged) == ({"Key": OPEN}, [])


def test_once_a_template_has_taken_too_much_one_finding_says_so_for_the_rest(tmp_path: Path) -> None:
    branches = [if_(f"C{n}", statement(USAGE, "AROAUSER1:*"), NO_VALUE) for n in range(40)]
    hostile = key(KeyPolicy=policy(*branches))
    findings = judged(tmp_path, {"Good": key(KeyPolicy=USERS_MAY_USE), **{f"K{n}": hostile for n in range(100)}})
    assert scenarios(findings) == {"Good": SEPARATED}
    *first, last = findings.unjudged
    assert len(first) < len(findings.unjudged) < 50
    assert all(each.reason.startswith(TOO_MANY_WAYS) for each in first)
    assert last.reason.startswith("There is too much to work out in this template, so the rest of it is not judged")
    assert last.place.resource == ""


def test_a_key_with_more_aliases_than_kms_takes_is_not_judged(tmp_path: Path) -> None:
    aliases = {f"A{n}": alias(f"alias/a{n}", {"Ref": "Key"}) for n in range(501)}
    findings = judged(tmp_path, {"Key": key(), **aliases})
    assert reasons(findings) == {"Key": "It may have 501 aliases, more than KMS takes for a key: name fewer."}


def test_a_template_is_read_up_to_a_depth_and_number_of_values(tmp_path: Path) -> None:
    deep = nested("a", 80, lambda value: [value])
    assert scenarios(judged(tmp_path, {"Key": used_by(deep)}))
    for depth in (110, 250):
        name = write(tmp_path, "deep.json", {"Resources": {"Key": used_by(nested("a", depth, lambda value: [value]))}})
        assert reasons(checked(name)) == {"deep.json": TOO_DEEP}
    many = write(tmp_path, "many.json", '{"Resources": {"Key": [' + "1," * 260_000 + "1]}}")
    assert reasons(checked(many)) == {"many.json": "It is larger than 250,000 values: split it."}


def test_a_policy_as_text_that_is_nested_deeply_is_judged_by_what_it_grants(tmp_path: Path) -> None:
    for depth in (90, 250, 480):
        text = json.dumps(policy(statement(USAGE, nested("a", depth, lambda value: [value]), Sid="${Sid}")))
        findings = judged(tmp_path, {"Key": key(KeyPolicy=sub(text)), "Open": key()})
        assert scenarios(findings) == {"Key": UNLIMITED, "Open": OPEN}


def test_a_budget_counts_what_its_parts_spend() -> None:
    whole = Budget(10, "whole")
    part = Budget(8, "part", whole)
    part.spend(8)
    with pytest.raises(BudgetError, match="part"):
        part.spend()
    assert (part.is_spent, whole.is_spent) == (True, False)
    with pytest.raises(BudgetError, match="whole"):
        Budget(8, "part", whole).spend(2)
    assert whole.is_spent
