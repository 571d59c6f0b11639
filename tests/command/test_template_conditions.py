"""Which branches of a template are judged: those that its conditions leave possible, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kms_rule.commands.check import check
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from tests.command.checking import (
    EVERYTHING_OPEN,
    OPEN,
    PARAMETERS,
    SEPARATED,
    UNLIMITED,
    USAGE,
    USERS_MAY_USE,
    WHITELISTED,
    Json,
    policy,
    reasons,
    remarks,
    scenarios,
    statement,
    write,
)
from tests.command.templates import NO_VALUE, alias, if_, judged, key

STAGE = {"Ref": "Stage"}
ACCOUNT = {"Ref": "AWS::AccountId"}


def equals(one: Any, other: Any) -> Json:
    return {"Fn::Equals": [one, other]}


def not_(condition: Any) -> Json:
    return {"Fn::Not": [condition]}


def named(name: str) -> Json:
    return {"Condition": name}


def stages(**more: Any) -> Json:
    return {"Stage": {"Type": "String", **more}}


# The key is open where A holds and B does not.
ONLY_A = if_("A", if_("B", USERS_MAY_USE, EVERYTHING_OPEN), USERS_MAY_USE)
PROD = equals(STAGE, "prod")
BRANCHES: list[tuple[Json, Json, str]] = [
    # nothing is known of either
    ({"A": PROD, "B": equals({"Ref": "Other"}, "prod")}, {}, OPEN),
    ({"A": equals(STAGE, "prod"), "B": equals(STAGE, "dev")}, {}, OPEN),
    ({}, {}, OPEN),
    # one follows from the other
    ({"A": PROD, "B": PROD}, {}, SEPARATED),
    ({"A": PROD, "B": named("A")}, {}, SEPARATED),
    ({"A": PROD, "B": not_(not_(named("A")))}, {}, SEPARATED),
    ({"A": PROD, "B": equals("prod", STAGE)}, {}, SEPARATED),
    ({"A": PROD, "B": not_(equals(STAGE, "dev"))}, {}, SEPARATED),
    ({"A": PROD, "B": {"Fn::Or": [named("A"), equals(STAGE, "dev")]}}, {}, SEPARATED),
    ({"A": {"Fn::And": [named("B"), equals({"Ref": "X"}, "1")]}, "B": PROD}, {}, SEPARATED),
    ({"A": {"Fn::And": [PROD, equals({"Ref": "X"}, "1")]}, "B": equals({"Ref": "X"}, 1)}, {}, SEPARATED),
    ({"A": {"Fn::Or": [PROD, equals({"Ref": "X"}, "1")]}, "B": PROD}, {}, OPEN),
    ({"A": equals(ACCOUNT, "111122223333"), "B": not_(equals(ACCOUNT, "444455556666"))}, {}, SEPARATED),
    # the same comparison of what is not known comes out the same
    ({"A": equals({"Ref": "Y"}, {"Ref": "X"}), "B": equals({"Ref": "X"}, {"Ref": "Y"})}, {}, SEPARATED),
    ({"A": equals({"Ref": "Y"}, {"Ref": "X"}), "B": equals({"Ref": "X"}, {"Ref": "Z"})}, {}, OPEN),
    ({"A": equals(STAGE, {"Ref": "X"}), "B": equals(STAGE, {"Ref": "X"})}, {}, SEPARATED),
    ({"A": not_(equals(STAGE, STAGE)), "B": PROD}, {}, SEPARATED),
    # known values
    ({"A": equals("a", "b"), "B": PROD}, {}, SEPARATED),
    ({"A": equals("a", "a"), "B": equals("a", "b")}, {}, OPEN),
    ({"A": equals([1, True][1], "true"), "B": equals(1, "1")}, {}, SEPARATED),
    # allowed values are all that there are
    ({"A": PROD, "B": PROD}, stages(AllowedValues=["dev", "test"]), SEPARATED),
    ({"A": PROD, "B": equals("a", "b")}, stages(AllowedValues=["dev", "test"]), SEPARATED),
    ({"A": PROD, "B": equals("a", "b")}, stages(AllowedValues=["dev", "prod"]), OPEN),
    ({"A": not_(PROD), "B": equals(STAGE, "dev")}, stages(AllowedValues=["dev", "prod"]), SEPARATED),
    # a default may be another value, as far as the template asks for others
    ({"A": PROD, "B": equals("a", "b")}, stages(Default="dev"), OPEN),
    ({"A": not_(PROD), "B": equals("a", "b")}, stages(Default="prod"), OPEN),
    # a condition that CloudFormation refuses may hold or not
    ({"A": named("A"), "B": PROD}, {}, OPEN),
    ({"A": "true", "B": PROD}, {}, OPEN),
    ({"A": {"Fn::Equals": [1]}, "B": PROD}, {}, OPEN),
    ({"A": {"Fn::And": [{"Fn::Equals": [1]}, {"Fn::And": []}]}, "B": PROD}, {}, OPEN),
    ({"A": not_(["x", "y"]), "B": PROD}, {}, OPEN),
]


@pytest.mark.parametrize(("conditions", "parameters", "scenario"), BRANCHES, ids=lambda value: str(value)[:70])
def test_branches_that_the_conditions_exclude_are_not_judged(
    tmp_path: Path, conditions: Json, parameters: Json, scenario: str
) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=ONLY_A)}, Conditions=conditions, Parameters=parameters)
    assert scenarios(findings) == {"Key": scenario}
    assert findings.unjudged == []


def test_the_worst_branch_names_what_it_depends_on(tmp_path: Path) -> None:
    conditions = {"A": not_(PROD), "B": equals(STAGE, "dev"), "C": equals({"Ref": "X"}, {"Ref": "Y"})}
    resources = {"Key": key(KeyPolicy=ONLY_A), "Other": key(KeyPolicy=if_("C", {}, USERS_MAY_USE))}
    findings = judged(tmp_path, resources, Conditions=conditions)
    assert [remark.rpartition(", where ")[2] for remark in remarks(findings)] == [
        "Stage is something else.",
        "<Ref X> = <Ref Y> is true.",
    ]


def test_a_key_and_an_alias_under_opposite_conditions_do_not_go_together(tmp_path: Path) -> None:
    conditions = {"A": PROD, "B": not_(named("A"))}
    whitelisted = alias("alias/Otter", {"Ref": "Key"}, Condition="B")
    resources = {"Key": {**key(), "Condition": "A"}, "Alias": whitelisted}
    assert scenarios(judged(tmp_path, resources, Conditions=conditions)) == {"Key": OPEN}
    resources["Alias"]["Condition"] = "A"
    assert scenarios(judged(tmp_path, resources, Conditions=conditions)) == {"alias/Otter": WHITELISTED}


def test_both_statements_of_opposite_conditions_are_never_judged_together(tmp_path: Path) -> None:
    conditions = {"IsProd": equals(ACCOUNT, "111122223333"), "IsNotProd": not_(named("IsProd"))}
    use = statement(USAGE, "AROABEAVER:*")
    either = policy(if_("IsProd", use, NO_VALUE), if_("IsNotProd", use, NO_VALUE))
    findings = judged(tmp_path, {"Key": key(KeyPolicy=either)}, Conditions=conditions)
    assert scenarios(findings) == {"Key": SEPARATED}


def test_a_value_that_a_map_does_not_know_is_none_that_is_deployed(tmp_path: Path) -> None:
    region = {"Ref": "AWS::Region"}
    by_region: Json = {"Mappings": {"Users": {"eu-west-1": {"Id": "AROAUSER1:*"}, "us-east-1": {"Id": "*"}}}}
    looked_up = policy(statement(USAGE, {"Fn::FindInMap": ["Users", region, "Id"]}))
    resources = {"Key": key(KeyPolicy=if_("InUs", USERS_MAY_USE, looked_up))}
    findings = judged(tmp_path, resources, Conditions={"InUs": equals(region, "us-east-1")}, **by_region)
    assert scenarios(findings) == {"Key": SEPARATED}


def first_of(name: str) -> Json:
    return {"Fn::Select": [0, {"Ref": name}]}


def contains(value: str) -> Json:
    return {"Fn::Contains": [{"Ref": "List"}, value]}


COMPARED_LISTS = {
    "One": {"Type": "CommaDelimitedList", "Default": "a,b"},
    "Other": {"Type": "CommaDelimitedList", "Default": "c"},
}
# Each row: conditions of which nobody knows whether they go together, and the value that is `*` where they do not.
UNRELATED: dict[str, tuple[Json, Any]] = {
    "functions that only look alike": (
        {"A": equals(first_of("List"), "x"), "B": equals(first_of("Others"), "x")},
        if_("A", if_("B", "AROAUSER1:*", "*"), "AROAUSER1:*"),
    ),
    "such functions beside each other": (
        {"A": equals(first_of("List"), first_of("Others"))},
        if_("A", "AROAUSER1:*", "*"),
    ),
    "lists": ({"A": equals({"Ref": "One"}, {"Ref": "Other"})}, if_("A", "AROAUSER1:*", "*")),
    "parts of one condition": (
        {"A": {"Fn::Or": [not_(contains("a")), contains("b")]}},
        if_("A", "AROAUSER1:*", "*"),
    ),
}


@pytest.mark.parametrize(("conditions", "user_id"), UNRELATED.values(), ids=list(UNRELATED))
def test_what_only_looks_alike_is_not_taken_for_the_same(tmp_path: Path, conditions: Json, user_id: Any) -> None:
    resources = {"Key": key(KeyPolicy=policy(statement(USAGE, user_id)))}
    findings = judged(tmp_path, resources, Conditions=conditions, Parameters=COMPARED_LISTS)
    assert scenarios(findings) == {"Key": UNLIMITED}


def test_keys_of_a_map_that_only_look_alike_are_not_taken_for_the_same(tmp_path: Path) -> None:
    found = [{"Fn::FindInMap": ["Users", first_of(name), "Id"]} for name in ("List", "Others")]
    mappings = {"Users": {"a": {"Id": "AROA"}, "b": {"Id": "USER1"}}}
    resources = {"Key": key(KeyPolicy=policy(statement(USAGE, {"Fn::Join": ["", [*found, "*"]]})))}
    assert scenarios(judged(tmp_path, resources, Mappings=mappings)) == {"Key": SEPARATED}
    mappings["Users"]["b"]["Id"] = ""
    mappings["Users"]["a"]["Id"] = "AROAUSER1"
    assert scenarios(judged(tmp_path, resources, Mappings=mappings)) == {"Key": UNLIMITED}


def test_many_conditions_on_few_values_are_judged(tmp_path: Path) -> None:
    number = 40
    conditions = {f"C{n}": equals(STAGE, f"stage{n}") for n in range(number)}
    user_ids = [if_(f"C{n}", f"AROAUSER{n}:*", NO_VALUE) for n in range(number)]
    resources = {"Key": key(KeyPolicy=policy(statement(USAGE, "AROAUSER:*", *user_ids)))}
    assert scenarios(judged(tmp_path, resources, Conditions=conditions)) == {"Key": SEPARATED}
    user_ids[7] = if_("C7", "*", NO_VALUE)
    resources = {"Key": key(KeyPolicy=policy(statement(USAGE, "AROAUSER:*", *user_ids)))}
    findings = judged(tmp_path, resources, Conditions=conditions)
    assert scenarios(findings) == {"Key": UNLIMITED}
    assert 'this is the worst verdict, where Stage is "stage7".' in remarks(findings)[0]


def test_a_chain_of_conditions_is_followed_and_an_endless_one_ends(tmp_path: Path) -> None:
    chain = {f"C{n}": named(f"C{n - 1}") for n in range(1, 30)}
    resources = {"Key": key(KeyPolicy=if_("C29", USERS_MAY_USE, EVERYTHING_OPEN))}
    assert scenarios(judged(tmp_path, resources, Conditions={**chain, "C0": equals("a", "a")})) == {"Key": SEPARATED}
    assert scenarios(judged(tmp_path, resources, Conditions={**chain, "C0": named("C29")})) == {"Key": OPEN}


def test_given_values_decide_conditions(tmp_path: Path) -> None:
    content = {
        "Parameters": stages(Default="dev"),
        "Conditions": {"A": PROD},
        "Resources": {"Key": key(KeyPolicy=if_("A", USERS_MAY_USE, EVERYTHING_OPEN))},
    }
    name = write(tmp_path, "template.json", content)
    for value, scenario in (("prod", SEPARATED), ("dev", OPEN)):
        assert scenarios(check([name], PARAMETERS, TemplateInputs({"Stage": value}))) == {"Key": scenario}


def test_a_condition_that_never_holds_leaves_no_key_out_silently(tmp_path: Path) -> None:
    conditions = {"Never": equals("a", "b")}
    findings = judged(tmp_path, {"Key": {**key(), "Condition": "Never"}}, Conditions=conditions)
    assert (scenarios(findings), reasons(findings)) == ({}, {})
    assert findings.remarks[0].endswith(": Key is not made, since the condition Never is false.")
