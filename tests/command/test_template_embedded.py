"""Templates in templates: judged where they are written out, named where they are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kms_rule.findings import ExitCode
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
    positions,
    reasons,
    remarks,
    scenarios,
    statement,
    write,
)
from tests.command.templates import get_att, judged, key, sub

STACK_SET = "AWS::CloudFormation::StackSet"


def stack_set(body: Any, **more: Any) -> Json:
    return {"Type": STACK_SET, "Properties": {"StackSetName": "keys", "TemplateBody": body, **more}}


def template(**resources: Any) -> Json:
    return {"Resources": resources}


IN_YAML = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties: {Enabled: true}\n"
BODIES: dict[str, Any] = {
    "object": template(Key=key(KeyPolicy=EVERYTHING_OPEN)),
    "JSON text": json.dumps(template(Key=key(KeyPolicy=EVERYTHING_OPEN))),
    "JSON text with a comma too many": json.dumps(template(Key=key(KeyPolicy=EVERYTHING_OPEN)))[:-1] + ",}",
    "YAML text": IN_YAML,
    "within another": template(Inner=stack_set(json.dumps(template(Inner=stack_set(IN_YAML))))),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_the_template_of_a_stack_set_is_judged(tmp_path: Path, body: Any) -> None:
    findings = judged(tmp_path, {"Keys": stack_set(body), "Own": key(KeyPolicy=USERS_MAY_USE)})
    assert scenarios(findings) == {"Own": SEPARATED, "Key": OPEN}
    assert findings.judged[1].place.resource in {"Keys.Key", "Keys.Inner.Inner.Key"}
    assert (findings.unjudged, findings.remarks) == ([], [])


def test_a_key_in_a_text_is_found_at_the_stack_set_and_one_in_an_object_where_it_is(tmp_path: Path) -> None:
    text = json.dumps(template(Text=stack_set(BODIES["JSON text"]), Object=stack_set(BODIES["object"])), indent=1)
    findings = checked(write(tmp_path, "template.json", text))
    lines = [text.splitlines()[line - 1].strip() for line, _ in positions(findings)]
    assert lines[0].startswith('"Text"')
    assert lines[1] == "{"


LATE = {"Ref": "Users"}
TAKEN = {"Parameters": {"Users": {"Type": "String", "Default": "AROAUSER1:*"}}}
INNER = {**TAKEN, **template(Key=key(KeyPolicy=policy(statement(USAGE, LATE))))}
GIVEN: list[tuple[Json, str]] = [
    ({}, SEPARATED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": "AROAUSER2:*"}]}, SEPARATED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": "*"}]}, UNLIMITED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": {"Ref": "Outer"}}]}, UNLIMITED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": get_att("Role", "RoleId")}]}, UNLIMITED),
    ({"Parameters": [{"ParameterKey": "Others", "ParameterValue": "*"}, "odd", {}]}, SEPARATED),
    ({"Parameters": LATE}, UNLIMITED),
    ({"Parameters": [LATE]}, UNLIMITED),
    ({"Parameters": [{"ParameterKey": LATE, "ParameterValue": "*"}]}, UNLIMITED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": {"Ref": "Assumed"}}]}, SEPARATED),
    ({"Parameters": [{"ParameterKey": "Users", "ParameterValue": {"Ref": "Compared"}}]}, UNLIMITED),
    ({"StackInstancesGroup": LATE}, UNLIMITED),
    ({"StackInstancesGroup": [{"ParameterOverrides": LATE}]}, UNLIMITED),
    (
        {"StackInstancesGroup": [{"ParameterOverrides": [{"ParameterKey": "Users", "ParameterValue": "AROAX1:*"}]}]},
        UNLIMITED,
    ),
]


OUTER: Json = {
    "Parameters": {"Assumed": {"Type": "String", "Default": "AROAUSER1:*"}, "Compared": {"Type": "String"}},
    "Conditions": {"Known": {"Fn::Equals": [{"Ref": "Compared"}, "AROAUSER1:*"]}},
}


@pytest.mark.parametrize(("more", "scenario"), GIVEN, ids=str)
def test_a_stack_set_gives_its_template_values(tmp_path: Path, more: Json, scenario: str) -> None:
    findings = judged(tmp_path, {"Keys": stack_set(INNER, **more)}, **OUTER)
    assert scenarios(findings) == {"Key": scenario}


def test_what_a_stack_set_gives_rests_on_a_default_is_told(tmp_path: Path) -> None:
    given: Json = {"Parameters": [{"ParameterKey": "Users", "ParameterValue": {"Ref": "Assumed"}}]}
    [remark] = judged(tmp_path, {"Keys": stack_set(INNER, **given)}, **OUTER).remarks
    assert 'The parameter Assumed is judged with its default, "AROAUSER1:*"' in remark


UNKNOWN_GIVEN: list[Json] = [
    {"Parameters": [{"ParameterKey": "Stage", "ParameterValue": {"Ref": "Compared"}}]},
    {"StackInstancesGroup": [{"ParameterOverrides": [{"ParameterKey": "Stage", "ParameterValue": "prod"}]}]},
]


@pytest.mark.parametrize("more", UNKNOWN_GIVEN, ids=str)
@pytest.mark.parametrize(
    "user_id",
    [
        {"Fn::If": ["IsProd", "*", "AROAUSER1:*"]},
        {"Fn::FindInMap": ["Users", {"Ref": "Stage"}, "Id"]},
        {"Fn::If": ["IsProd", {"Fn::FindInMap": ["Users", {"Ref": "Stage"}, "Id"]}, "AROAUSER1:*"]},
    ],
    ids=str,
)
def test_a_value_that_a_stack_set_leaves_unknown_may_be_what_its_template_compares_it_with(
    tmp_path: Path, more: Json, user_id: Any
) -> None:
    inner = {
        "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Mappings": {"Users": {"prod": {"Id": "*"}, "dev": {"Id": "AROAUSER1:*"}}},
        **template(Key=key(KeyPolicy=policy(statement(USAGE, user_id)))),
    }
    assert scenarios(judged(tmp_path, {"Keys": stack_set(inner, **more)}, **OUTER)) == {"Key": UNLIMITED}


def test_a_value_that_the_outer_template_does_not_know_may_be_anything(tmp_path: Path) -> None:
    inner = {**TAKEN, **template(Key=key(KeyPolicy=policy(statement(USAGE, sub("AROAUSER1:${Users}")))))}
    for value, scenario in ((LATE, UNLIMITED), ("alice", SEPARATED)):
        given = [{"ParameterKey": "Users", "ParameterValue": value}]
        assert scenarios(judged(tmp_path, {"Keys": stack_set(inner, Parameters=given)})) == {"Key": scenario}


NOT_READ: list[tuple[Any, str]] = [
    (sub("${Body}"), "The template that it deploys has no Resources, or is known only at deployment"),
    ({"Fn::Transform": {"Name": "AWS::Include"}, "Resources": {}}, "The template that it deploys has no Resources"),
    ({"Resources": LATE["Ref"]}, "The template that it deploys has no Resources"),
    ("Description: a", "The template that it deploys has no Resources"),
    (5, "The template that it deploys has no Resources"),
    ("\ud800", "It is not YAML that CloudFormation reads ('utf-8' codec can't encode character"),
    ("a: [", "It is not YAML that CloudFormation reads (did not find expected node content): correct it."),
    ('{"Resources": {"A": {}, "A": {}}}', 'Its JSON is ambiguous ("A" stands twice in one object): correct it.'),
]


@pytest.mark.parametrize(("body", "reason"), NOT_READ, ids=lambda value: str(value)[:50])
def test_a_template_that_cannot_be_read_is_told_at_its_stack_set(tmp_path: Path, body: Any, reason: str) -> None:
    findings = judged(tmp_path, {"Keys": stack_set(body), "Own": key(KeyPolicy=USERS_MAY_USE)})
    assert scenarios(findings) == {"Own": SEPARATED}
    assert reasons(findings)["Keys"].startswith(reason)
    assert findings.exit_code == ExitCode.INCOMPLETE


def test_stack_sets_in_stack_sets_are_followed_up_to_a_limit(tmp_path: Path) -> None:
    body = template(Key=key())
    for _ in range(7):
        body = template(S=stack_set(body))
    assert reasons(judged(tmp_path, body["Resources"])) == {
        "S.S.S.S.S.S": "Its template deploys others more than 5 deep: check them by themselves."
    }


NAMED: list[tuple[Any, str]] = [
    ("AWS::CloudFormation::Stack", "Nested stacks are not followed: check their templates too."),
    (
        "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
        "Products of Service Catalog are not followed: check their templates too.",
    ),
    ("AWS::Serverless::Application", "Serverless applications are not followed: check their templates too."),
    ("Example::KMS::Keys::MODULE", "Modules are not followed, and may make keys: check what they become too."),
    (STACK_SET, "Stack sets whose template stands elsewhere are not followed: check their templates too."),
    (["AWS::KMS::Key"], "The type of a resource is not a text, so it may be a module that makes keys: check what it "),
    ({"Fn::Rain::Module": "a.yaml"}, "The type of a resource is not a text, so it may be a module that makes keys: "),
    (5, "The type of a resource is not a text, so it may be a module that makes keys: check what it becomes too."),
]


@pytest.mark.parametrize(("kind", "sentence"), NAMED, ids=str)
def test_what_may_make_keys_elsewhere_is_named_once(tmp_path: Path, kind: Any, sentence: str) -> None:
    resource = {"Type": kind, "Properties": {"TemplateURL": "./kms.yaml"}}
    findings = judged(tmp_path, {"Key": key(KeyPolicy=USERS_MAY_USE), "A": resource, "B": resource})
    assert scenarios(findings) == {"Key": SEPARATED}
    [remark] = findings.remarks
    assert remark.startswith(f"{tmp_path}/template.json: {sentence}")
    assert findings.exit_code == ExitCode.COMPLIANT


def test_a_resource_without_a_type_is_no_module(tmp_path: Path) -> None:
    findings = judged(tmp_path, {"Key": key(KeyPolicy=USERS_MAY_USE), "A": {}, "B": {"Type": None}})
    assert findings.remarks == []


def test_the_short_form_of_a_module_in_yaml_is_no_key_and_the_others_are_judged(tmp_path: Path) -> None:
    text = 'Resources:\n  A: {Type: !Rain::Module "a.yaml"}\n  Key: {Type: AWS::KMS::Key}\n'
    findings = checked(write(tmp_path, "template.yaml", text))
    assert scenarios(findings) == {"Key": OPEN}
    assert remarks(findings) == ["It has no key policy, so KMS gives it the default one."]
    assert "may be a module that makes keys" in findings.remarks[0]
