"""Policy documents that Terraform reads when a plan is applied, and modules: real plans, and what is wrong with others.

The files in `terraform/late/` and `terraform/changes/` are what Terraform itself wrote; `main.tf` beside them says of
what.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kms_rule.sources.terraform.documents import document_of
from kms_rule.sources.terraform.plan_resources import Module, Resource
from least_privilege.scenarios import Compliance
from tests.command.checking import (
    NONE,
    SEPARATED,
    UNLIMITED,
    Json,
    checked,
    reasons,
    scenarios,
    write,
)
from tests.command.real_plans import LATE, PLANS, Expected, said_of

DOCUMENT = "data.aws_iam_policy_document.a"
SEPARATION_FAILS = "no-separation-of-duty-not-compliant"


@pytest.mark.parametrize(("file", "expected"), PLANS)
def test_real_plans_are_judged_by_what_they_tell(file: Path, expected: Expected) -> None:
    assert said_of(str(file)) == expected


def test_what_is_known_of_a_late_policy_is_said() -> None:
    by_address = {finding.place.resource: finding for finding in checked(str(LATE / "plan.json")).judged}
    assert by_address["module.vault.aws_kms_key.this"].remarks == (
        "Its policy is that of data.aws_iam_policy_document.role, which Terraform reads when the plan is applied.",
    )
    assert "<aws_iam_role.app.arn>" in str(by_address["aws_kms_key.role"].policy)


REASONS = {
    "action": "the Action of statement 1 is known only at deployment (<aws_iam_role.app.unique_id>)",
    "chained": "and data.aws_iam_policy_document.role.json in it is known only then",
    'each["a"]': "The policy of aws_kms_key.each[_a_] is known only after the plan is applied",
    "encoded": "The policy of aws_kms_key.encoded is known only after the plan is applied",
    "one_user": "Its policy limits who may use it by <aws_iam_role.app.unique_id>, which is known only after the plan "
    "is applied, and a plan does not tell what else stands in that value: apply what makes it first (-target), plan "
    "again, and check that.",
    "every_user": "Its policy limits who may use it by <aws_iam_role.app.unique_id>",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items(), ids=REASONS)
def test_what_is_not_known_and_decides_is_named(name: str, reason: str) -> None:
    assert reason in reasons(checked(str(LATE / "plan.json")))[f"aws_kms_key.{name}"].replace('"', "_")


def known_documents() -> dict[str, Json]:
    prior = json.loads((LATE / "plan.json").read_text("utf-8"))["prior_state"]["values"]["root_module"]
    return {resource["name"]: resource for resource in prior["resources"]}


def comparable(value: Any) -> Any:
    """The provider writes a list of one text as that text, and others in an order of its own."""
    if isinstance(value, dict):
        return {name: comparable(member) for name, member in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sorted(value)
    return [comparable(each) for each in value] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ["plain", "taking_in"])
def test_a_document_becomes_the_policy_that_the_provider_makes_of_it(name: str) -> None:
    resource = known_documents()[name]
    theirs = json.loads(resource["values"]["json"])
    theirs.pop("Id", None)
    ours = document_of(Resource(resource, Module(), {"after_unknown": {"json": True}}))
    assert comparable(ours) == comparable(theirs)


# ---------------------------------------------------------------------------------------------------------------------
# Documents made here, in the same form
# ---------------------------------------------------------------------------------------------------------------------

USE: Json = {
    "sid": "Use",
    "effect": None,
    "actions": ["kms:Decrypt", "kms:Encrypt"],
    "condition": [{"test": "StringLike", "variable": "aws:userId", "values": ["AROAUSER1234:*"]}],
    "principals": [{"type": "AWS", "identifiers": [None]}],
    "not_principals": [],
}


def planned(statements: Any, unknown: Any = None, **arguments: Any) -> Json:
    """A plan with one key, whose policy is a document with these arguments that is read when the plan is applied."""
    key = {"address": "aws_kms_key.k", "mode": "managed", "type": "aws_kms_key", "name": "k", "values": {}}
    document = {"address": DOCUMENT, "mode": "data", "type": "aws_iam_policy_document", "name": "a"}
    unknown_of_document = {"json": True, "statement": unknown, **arguments.pop("late", {})}
    references = {"policy": {"references": [f"{DOCUMENT}.json", DOCUMENT]}}
    return {
        "format_version": "1.2",
        "planned_values": {
            "root_module": {"resources": [key, {**document, "values": {"statement": statements, **arguments}}]}
        },
        "resource_changes": [
            {"address": "aws_kms_key.k", "change": {"actions": ["create"], "after_unknown": {"policy": True}}},
            {"address": DOCUMENT, "change": {"actions": ["read"], "after_unknown": unknown_of_document}},
        ],
        "configuration": {"root_module": {"resources": [{"address": "aws_kms_key.k", "expressions": references}]}},
    }


def use(**changes: Any) -> Json:
    return {**copy.deepcopy(USE), **changes}


def condition(*values: Any, test: Any = "StringLike", variable: Any = "aws:userId") -> Json:
    return {"test": test, "variable": variable, "values": [*values]}


# Each row: the arguments, what of the statements is unknown, and the scenario, or a part of why it is not judged.
DOCUMENTS: list[tuple[Json, Any, str]] = [
    ({"statement": [use()]}, [{"principals": [{"identifiers": [True]}]}], SEPARATED),
    ({"statement": [use()]}, None, SEPARATED),
    ({"statement": [use(condition=[])]}, None, UNLIMITED),
    ({"statement": [use(condition=[condition("&{aws:userid}")])]}, None, UNLIMITED),
    ({"statement": [use(condition=[condition("AROAUSER1234:*"), condition("*")])]}, None, UNLIMITED),
    ({"statement": [use(effect="Deny")]}, None, NONE),
    ({"statement": []}, None, "malformed-policy-not-compliant"),
    # A user id that is not known, in each of the ways in which a plan says so.
    ({"statement": [use(condition=[condition(None)])]}, [{"condition": [{"values": [True]}]}], "limits who may use it"),
    ({"statement": [use(condition=[condition(None)])]}, None, "limits who may use it"),
    (
        {"statement": [use(condition=[{"test": "StringLike", "variable": "aws:userId"}])]},
        [{"condition": [{"values": True}]}],
        "limits who may use it",
    ),
    # It does not matter who may not use it, nor whom an ineffective condition names.
    ({"statement": [use(effect="Deny", condition=[condition(None)]), use(sid="Other")]}, None, SEPARATED),
    ({"statement": [use(condition=[condition(None, test="StringNotLike")])]}, None, UNLIMITED),
    ({"statement": [use(condition=[condition(None), condition("*")])]}, None, UNLIMITED),
    ({"statement": [use(actions=["kms:Get*"], condition=[condition(None)]), use(sid="Other")]}, None, SEPARATED),
    # What decides is not known.
    ({"statement": [use()]}, True, "a value known after apply in it is known only then"),
    ({"statement": [use(), None]}, [{}, True], "a value known after apply in it is known only then"),
    ({"statement": [use(condition=[None])]}, [{"condition": [True]}], "the key of a condition in it is known only"),
    ({"statement": [use()]}, [{"effect": True}], "the Effect of statement 1"),
    ({"statement": [use()]}, [{"actions": True}], "the Action of statement 1"),
    ({"statement": [use(actions=["kms:Encrypt", None])]}, [{"actions": [False, True]}], "the Action of statement 1"),
    ({"statement": [use()]}, [{"condition": True}], "in it is known only then"),
    ({"statement": [use()]}, [{"principals": True}], "in it is known only then"),
    ({"statement": [use()]}, [{"condition": [{"test": True}]}], "the key of a condition in it is known only then"),
    ({"statement": [use()]}, [{"condition": [{"variable": True}]}], "the key of a condition in it is known only then"),
    ({"statement": [use()], "late": {"source_policy_documents": [True]}}, None, "in it is known only then"),
    ({"statement": [use()], "late": {"override_policy_documents": True}}, None, "in it is known only then"),
    ({"statement": [use()], "late": {"source_json": True}}, None, "source_json in it is known only then"),
    ({"statement": [use()], "override_json": "{}"}, None, "override_json in it is known only then"),
    ({"statement": [use()], "late": {"json": False}}, None, "all in it is known only then"),
    # What it takes in.
    ({"statement": [use()], "override_policy_documents": ['{"Statement": []}', "", None]}, None, SEPARATED),
    (
        {
            "statement": [use(condition=[])],
            "override_policy_documents": [
                json.dumps({"Statement": [{"Sid": "Use", "Effect": "Deny", "Action": "s3:*"}]})
            ],
        },
        None,
        NONE,
    ),
    (
        {"statement": [use()], "override_policy_documents": ['{"Statement": []}']},
        [{"sid": True}],
        "a sid in it is",
    ),
    ({"statement": [use()]}, [{"sid": True}], SEPARATED),
    ({"statement": [use()], "source_policy_documents": ["{"]}, None, "takes in a document that is not"),
    ({"statement": [use()], "source_policy_documents": ['{"Statement": {}}']}, None, "takes in a document that is not"),
    (
        {"statement": [use()], "source_policy_documents": ['{"Statement": [1]}']},
        None,
        "takes in a document that is not",
    ),
    ({"statement": [use()], "source_policy_documents": ["[" * 100_000]}, None, "takes in a document that is not"),
    ({"statement": [use()], "source_policy_documents": [[]]}, None, SEPARATED),
    ({"statement": [use()], "source_policy_documents": [[1]]}, None, "takes in a document that is not"),
]


@pytest.mark.parametrize(("arguments", "unknown", "said"), DOCUMENTS, ids=lambda value: str(value)[:60])
def test_a_document_is_judged_by_its_known_parts(tmp_path: Path, arguments: Json, unknown: Any, said: str) -> None:
    given = copy.deepcopy(arguments)
    findings = checked(write(tmp_path, "plan.json", planned(given.pop("statement"), unknown, **given)))
    found = scenarios(findings).get("aws_kms_key.k") or reasons(findings)["aws_kms_key.k"]
    assert said in found


VALUES = ["*", "", "AROAUSER1234", "AROAUSER1234:*", "AROAOTTER1:x", "*AROAUSER1234", "${aws:userid}"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "make",
    [
        lambda value: [use(condition=[condition(value)])],
        lambda value: [use(condition=[condition("AROAUSER1234:*", value)])],
        lambda value: [use(), use(sid="B", actions=["kms:Put*"], condition=[condition(value)])],
        lambda value: [use(), use(sid="B", effect="Deny", condition=[condition(value)])],
        lambda value: [use(), use(sid="B", actions=["kms:List*"], condition=[condition(value)])],
        lambda value: [use(actions=["kms:Create*", "kms:Delete*", "kms:Put*"], condition=[condition(value)])],
        lambda value: [use(condition=[condition("AROAUSER1234:*"), condition(value, variable="kms:ViaService")])],
    ],
    ids=["one", "second", "put", "deny", "list", "administer", "other-key"],
)
def test_no_value_of_what_is_unknown_turns_compliant_into_anything_else(
    tmp_path: Path, make: Callable[[str | None], list[Json]], value: str
) -> None:
    unknown = checked(write(tmp_path, "plan.json", planned(make(None))))
    filled_in = checked(write(tmp_path, "filled.json", planned(make(value))))
    [known] = filled_in.judged
    if unknown.judged and unknown.judged[0].compliance is Compliance.COMPLIANT:
        assert known.compliance is Compliance.COMPLIANT


@pytest.mark.parametrize(("blocks", "named"), [(2, "<var.a>"), (1, "<a value known after apply>")])
def test_an_unknown_user_id_is_named_by_its_expression_where_the_blocks_can_be_told_apart(
    tmp_path: Path, blocks: int, named: str
) -> None:
    content = planned([use(condition=[condition(None)]), use(sid="B")])
    expressions = [{"condition": [{"values": {"references": [f"var.{name}"]}}]} for name in "ab"]
    configured = {"address": DOCUMENT, "expressions": {"statement": expressions[:blocks]}}
    content["configuration"]["root_module"]["resources"].append(configured)
    findings = checked(write(tmp_path, "plan.json", content))
    assert f"limits who may use it by {named}, which" in reasons(findings)["aws_kms_key.k"]


def test_nothing_of_a_document_with_a_sensitive_part_is_shown(tmp_path: Path) -> None:
    content = planned([use(sid="Hush")], [{"principals": [{"identifiers": [True]}]}])
    content["resource_changes"][1]["change"]["after_sensitive"] = {"statement": [{"sid": True}]}
    findings = checked(write(tmp_path, "plan.json", content))
    assert scenarios(findings) == {"aws_kms_key.k": SEPARATED}
    assert "Hush" not in repr(findings)


@pytest.mark.parametrize(
    "references",
    [
        [f"{DOCUMENT}.json", DOCUMENT, "data.aws_iam_policy_document.b.json", "data.aws_iam_policy_document.b"],
        [f"{DOCUMENT}.json", DOCUMENT, "local.b"],
        [f"{DOCUMENT}.statement", DOCUMENT],
        ["data.aws_iam_policy_document.none.json", "data.aws_iam_policy_document.none"],
        ["aws_kms_key.k.arn", "aws_kms_key.k"],
        [],
    ],
    ids=str,
)
def test_a_policy_that_is_not_one_document_alone_is_not_judged(tmp_path: Path, references: list[str]) -> None:
    content = planned([use()])
    content["configuration"]["root_module"]["resources"][0]["expressions"]["policy"]["references"] = references
    findings = checked(write(tmp_path, "plan.json", content))
    assert "The policy of aws_kms_key.k is known only after" in reasons(findings)["aws_kms_key.k"]
