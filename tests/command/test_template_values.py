"""What a template says of its own values, or is given, is filled in; the worst of several is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kms_rule.cli import main
from kms_rule.commands.check import check
from kms_rule.findings import Findings
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from tests.command.checking import (
    DISABLED,
    OPEN,
    PARAMETERS,
    SEPARATED,
    UNLIMITED,
    USAGE,
    USERS_MAY_USE,
    WHITELISTED,
    Json,
    checked,
    policy,
    reasons,
    remarks,
    scenarios,
    statement,
    write,
)
from tests.command.templates import NO_VALUE, ROLES, alias, get_att, if_, judged, key, sub

USER = "AROAUSER1:*"
P = {"Ref": "P"}
TEXT = {"Type": "String"}


def used_by(user_id: Any) -> Json:
    return {"Key": key(KeyPolicy=policy(statement(USAGE, user_id)))}


def parameter(**more: Any) -> Json:
    return {"Parameters": {"P": {**TEXT, **more}}}


def default(value: Any, **more: Any) -> Json:
    return parameter(Default=value, **more)


IDS_BY_STAGE = {"prod": {"Id": USER, "All": [USER, "*"]}, "dev": {"Id": "*"}, "one": {"Id": USER}}
USERS: Json = {"Mappings": {"Users": IDS_BY_STAGE}}
ONE_USER: Json = {"Mappings": {"Users": {"prod": {"Id": USER}}}}
INCLUDED: Json = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://example/users.json"}}}


def find(*keys: Any) -> Json:
    return {"Fn::FindInMap": ["Users", *keys]}


def select(index: Any, values: Any) -> Json:
    return {"Fn::Select": [index, values]}


def split(delimiter: Any, text: Any) -> Json:
    return {"Fn::Split": [delimiter, text]}


# Each row: the user id of a statement that allows usage, the rest of the template, the scenario.
FILLED_IN: list[tuple[Any, Json, str]] = [
    # defaults
    (P, default("*"), UNLIMITED),
    (P, default(USER), SEPARATED),
    (P, default(""), UNLIMITED),
    (P, default(5), SEPARATED),
    (P, default(["odd"]), UNLIMITED),
    (P, parameter(), UNLIMITED),
    (sub("${P}*"), default(""), UNLIMITED),
    (sub("${P}*"), default("AROA"), UNLIMITED),
    (sub("${P}*"), default("AROAX"), SEPARATED),
    # What such a parameter names in Systems Manager is not known.
    (P, default(USER, Type="AWS::SSM::Parameter::Value<String>"), UNLIMITED),
    # lists
    (P, default(f"{USER}, AROAUSER2:*", Type="CommaDelimitedList"), SEPARATED),
    (P, default(f"{USER}, *", Type="CommaDelimitedList"), UNLIMITED),
    (select(1, P), default(f"*,{USER}", Type="List<String>"), SEPARATED),
    ({"Fn::Join": [":", P]}, default("AROAUSER1, *", Type="CommaDelimitedList"), SEPARATED),
    # allowed values: each of them may be given
    (P, parameter(AllowedValues=["*"]), UNLIMITED),
    (P, parameter(AllowedValues=[USER, "AROAUSER2:*"]), SEPARATED),
    (P, default(USER, AllowedValues=[USER, "*"]), UNLIMITED),
    (P, parameter(AllowedValues=[]), UNLIMITED),
    # mappings
    (find("prod", "Id"), USERS, SEPARATED),
    (find("dev", "Id"), USERS, UNLIMITED),
    (find("prod", "All"), USERS, UNLIMITED),
    (find("test", "Id"), USERS, UNLIMITED),
    (find("prod", "Name"), USERS, UNLIMITED),
    (find("prod"), USERS, UNLIMITED),
    (find(["prod"], "Id"), USERS, UNLIMITED),
    ({"Fn::FindInMap": []}, USERS, UNLIMITED),
    (find(5, "Id"), {"Mappings": {"Users": {"5": {"Id": USER}}}}, SEPARATED),
    ({"Fn::FindInMap": ["Others", "prod", "Id"]}, USERS, UNLIMITED),
    (find("test", "Id", {"DefaultValue": USER}), USERS, SEPARATED),
    (find(P, "Id", {"DefaultValue": "*"}), {**ONE_USER, **parameter()}, UNLIMITED),
    (find(P, "Id", {"DefaultValue": USER}), {**ONE_USER, **parameter()}, SEPARATED),
    (find(P, "Id", {"DefaultValue": "*"}), {**ONE_USER, **default("prod")}, UNLIMITED),
    (find(P, "Id", {"DefaultValue": "*"}), {**ONE_USER, **parameter(AllowedValues=["prod", "dev"])}, UNLIMITED),
    (find(P, "Id", {"DefaultValue": "*"}), {**ONE_USER, **parameter(AllowedValues=["prod"])}, SEPARATED),
    (find("prod", P, {"DefaultValue": "*"}), {**ONE_USER, **parameter()}, UNLIMITED),
    (find({"Ref": "AWS::Region"}, "Id", {"DefaultValue": "*"}), ONE_USER, UNLIMITED),
    (find(sub("${Stage}x"), "Id", {"DefaultValue": "*"}), ONE_USER, UNLIMITED),
    (find(P, "Id"), {"Mappings": {"Users": {**ONE_USER["Mappings"]["Users"], **INCLUDED}}, **parameter()}, UNLIMITED),
    (find("prod", "Id"), {"Mappings": {"Users": {"prod": {"Id": USER, **INCLUDED}}}}, UNLIMITED),
    # dynamic references, wherever their parts come from
    (P, default("{{resolve:ssm:user}}"), UNLIMITED),
    (P, default(f"{USER},{{{{resolve:ssm:user}}}}", Type="CommaDelimitedList"), UNLIMITED),
    (sub("{{resolve:ssm:${AWS::AccountId}}}"), {}, UNLIMITED),
    ({"Fn::Join": ["", ["{{resolve:ssm:", {"Ref": "AWS::AccountId"}, "}}"]]}, {}, UNLIMITED),
    (sub("AROAUSER1{{resolve:ssm:user}}${AWS::AccountId}"), {}, UNLIMITED),
    (sub("AROAUSER1\ue000{{resolve:ssm:${AWS::AccountId}}}"), {}, UNLIMITED),
    (sub("{{resolve:${AWS::AccountId}"), {}, SEPARATED),
    (find(P, "Id"), {**USERS, **parameter(AllowedValues=["prod", "one"])}, SEPARATED),
    (find(P, "Id"), {**USERS, **parameter(AllowedValues=["prod", "dev"])}, UNLIMITED),
    (find(P, "Id"), {**USERS, **default("prod")}, UNLIMITED),
    (find({"Ref": "AWS::Region"}, "Id"), USERS, UNLIMITED),
    (find({"Ref": "AWS::Region"}, "Id"), {"Mappings": {"Users": {"eu-west-1": {"Id": USER}}}}, SEPARATED),
    (find(sub("${Stage}"), "Id"), {"Mappings": {"Users": {"prod": {"Id": USER}}}}, SEPARATED),
    (find(sub("${Stage}"), "Id"), USERS, UNLIMITED),
    # Select and Split
    (select(0, ["*", USER]), {}, UNLIMITED),
    (select("1", ["*", USER]), {}, SEPARATED),
    (select(2, ["*", USER]), {}, UNLIMITED),
    (select(-1, ["*", USER]), {}, UNLIMITED),
    (select(P, [USER, USER]), {}, UNLIMITED),
    (select(0, P), {}, UNLIMITED),
    (select(P, [USER, "*"]), default("0", Type="Number"), SEPARATED),
    (select(0, split(",", f"{USER},*")), {}, SEPARATED),
    (split(",", f"{USER},*"), {}, UNLIMITED),
    (split(",", P), default(f"{USER},AROAUSER2:*"), SEPARATED),
    (split(",", P), {}, UNLIMITED),
    (split("", USER), {}, UNLIMITED),
    ({"Fn::Join": ["", split("|", "AROA|USER1:*")]}, {}, SEPARATED),
    # what else
    (sub("${AWS::AccountId}:*"), {}, SEPARATED),
    (sub("${AWS::Partition}:*"), {}, UNLIMITED),
    ({"Fn::Sub": ["${A}:*", {"A": P}]}, default("AROAUSER1"), SEPARATED),
    ({"Fn::Base64": USER}, {}, UNLIMITED),
    ({"Ref": 1}, {}, UNLIMITED),
]


@pytest.mark.parametrize(("user_id", "more", "scenario"), FILLED_IN, ids=lambda value: str(value)[:60])
def test_what_the_template_says_is_filled_in_and_the_worst_of_it_reported(
    tmp_path: Path, user_id: Any, more: Json, scenario: str
) -> None:
    findings = judged(tmp_path, used_by(user_id), **more)
    assert scenarios(findings) == {"Key": scenario}
    assert findings.unjudged == []


def test_a_verdict_that_rests_on_a_default_names_the_parameter_and_the_option(tmp_path: Path) -> None:
    assert remarks(judged(tmp_path, used_by(P), **default(USER))) == [
        'The parameter P is judged with its default, "AROAUSER1:*": give the value that you deploy with '
        "--template-parameters."
    ]
    secret = judged(tmp_path, used_by(P), **default(USER, NoEcho=True))
    assert secret.judged[0].policy is None
    assert USER not in str(secret.judged)


def test_the_worst_of_several_values_is_named(tmp_path: Path) -> None:
    findings = judged(tmp_path, used_by(find(P, "Id")), **USERS, **parameter(AllowedValues=["prod", "dev"]))
    assert remarks(findings) == [
        'It is judged for every combination of what is not known; this is the worst verdict, where P is "dev".'
    ]


def test_values_that_no_mapping_knows_are_told(tmp_path: Path) -> None:
    findings = judged(tmp_path, used_by(find(P, "Id")), **USERS, **parameter(AllowedValues=["a", "b"]))
    assert reasons(findings)["Key"].startswith("No value of the template's parameters agrees with its mappings")


def given(folder: Path, resources: Json, values: dict[str, str], **more: Any) -> Findings:
    name = write(folder, "template.json", {"Resources": {**ROLES, **resources}, **more})
    return check([name], PARAMETERS, TemplateInputs(values))


IS_PROD = {"Conditions": {"IsProd": {"Fn::Equals": [P, "prod"]}}}
GIVEN: list[tuple[Json, Json, str, str]] = [
    (used_by(P), default("*"), USER, SEPARATED),
    (used_by(P), parameter(AllowedValues=["*", USER]), USER, SEPARATED),
    (used_by(P), default(USER), "*", UNLIMITED),
    (used_by(P), parameter(Type="CommaDelimitedList"), f"{USER},AROAUSER2:*", SEPARATED),
    # The value is a name in Systems Manager.
    (used_by(P), parameter(Type="AWS::SSM::Parameter::Value<String>"), USER, UNLIMITED),
    # What is no parameter of the template is given to another one.
    (used_by(P), {}, USER, UNLIMITED),
    ({"Key": key(KeyPolicy=USERS_MAY_USE, Enabled=P)}, parameter(), "false", DISABLED),
    ({"Key": key(), "A": alias(sub("alias/${P}"), {"Ref": "Key"})}, parameter(), "Otter", WHITELISTED),
    ({"Key": key(KeyPolicy=P)}, parameter(), json.dumps(USERS_MAY_USE), SEPARATED),
    ({"Key": key(KeyPolicy=if_("IsProd", USERS_MAY_USE, NO_VALUE))}, {**parameter(), **IS_PROD}, "prod", SEPARATED),
    ({"Key": key(KeyPolicy=if_("IsProd", USERS_MAY_USE, NO_VALUE))}, {**parameter(), **IS_PROD}, "dev", OPEN),
]


@pytest.mark.parametrize(("resources", "more", "value", "scenario"), GIVEN, ids=lambda value: str(value)[:60])
def test_a_given_value_is_certain(tmp_path: Path, resources: Json, more: Json, value: str, scenario: str) -> None:
    findings = given(tmp_path, resources, {"P": value}, **more)
    assert [*scenarios(findings).values()] == [scenario]
    assert not any("P is" in remark for remark in remarks(findings))


def test_a_key_whose_condition_a_given_value_makes_false_is_not_made(tmp_path: Path) -> None:
    resources = {"Key": {**key(), "Condition": "IsProd"}, "Other": key(KeyPolicy=USERS_MAY_USE)}
    more = {**parameter(), **IS_PROD}
    findings = given(tmp_path, resources, {"P": "dev"}, **more)
    assert scenarios(findings) == {"Other": SEPARATED}
    assert findings.remarks == [f"{tmp_path}/template.json: Key is not made, since the condition IsProd is false."]
    assert scenarios(given(tmp_path, resources, {"P": "prod"}, **more)) == {"Key": OPEN, "Other": SEPARATED}
    assert scenarios(given(tmp_path, resources, {}, **more)) == {"Key": OPEN, "Other": SEPARATED}


def test_the_command_takes_files_with_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = write(tmp_path, "template.json", {"Resources": used_by(P), **parameter()})
    values = write(tmp_path, "values.json", [{"ParameterKey": "P", "ParameterValue": USER}])
    assert main(["check", template]) == 1
    assert main(["check", template, "--template-parameters", values]) == 0
    assert main(["check", template, "--template-parameters", str(tmp_path / "none.json")]) == 2
    assert "cannot be read (No such file or directory): give another file." in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# What templates of the same run export
# ---------------------------------------------------------------------------------------------------------------------


def exporting(name: Any, value: Any, **more: Any) -> Json:
    return {"Resources": ROLES, "Outputs": {"Id": {"Value": value, "Export": {"Name": name}}}, **more}


EXPORTED: list[tuple[Json, str]] = [
    (exporting("user", USER), SEPARATED),
    (exporting("user", "*"), UNLIMITED),
    (exporting("other", USER), UNLIMITED),
    # It stays the id that it is in its own template.
    (exporting("user", get_att("Role", "RoleId")), SEPARATED),
    (exporting("user", get_att("Nobody", "RoleId")), UNLIMITED),
    (exporting("user", P, **default(USER)), SEPARATED),
    (exporting("user", P, **parameter(AllowedValues=[USER, "*"])), UNLIMITED),
    (exporting(sub("${P}er"), USER, **default("us")), SEPARATED),
    (exporting(sub("${P}er"), USER), UNLIMITED),
    ({"Resources": {}, "Outputs": {"A": 1, "B": {"Export": {"Name": "user"}}, "C": {"Value": USER}}}, UNLIMITED),
    ({"Resources": {}, "Outputs": "Export"}, UNLIMITED),
]


@pytest.mark.parametrize(("other", "scenario"), EXPORTED, ids=lambda value: str(value)[:60])
def test_an_import_is_what_another_template_of_the_run_exports(tmp_path: Path, other: Json, scenario: str) -> None:
    importing = write(tmp_path, "b.json", {"Resources": used_by({"Fn::ImportValue": "user"})})
    assert scenarios(checked(importing, write(tmp_path, "a.json", other))) == {"Key": scenario}
    assert scenarios(checked(str(tmp_path))) == {"Key": scenario}
    assert scenarios(checked(importing)) == {"Key": UNLIMITED}


def test_an_import_names_the_file_that_exports_it_and_the_worst_of_several_counts(tmp_path: Path) -> None:
    importing = write(tmp_path, "b.json", {"Resources": used_by({"Fn::ImportValue": "user"})})
    one = write(tmp_path, "one.json", exporting("user", USER))
    assert remarks(checked(importing, one)) == [f"The import user is judged with what {one} exports: {USER}."]
    two = write(tmp_path, "two.yaml", 'Resources: {}\nOutputs: {A: {Value: "*", Export: {Name: user}}}')
    findings = checked(importing, one, two)
    assert scenarios(findings) == {"Key": UNLIMITED}
    assert remarks(findings) == [
        "It is judged for every combination of what is not known; this is the worst verdict, where the import user is "
        '"*".',
        f"The import user is judged with what {one} exports: {USER}.",
        f"The import user is judged with what {two} exports: *.",
    ]


def test_a_broken_file_that_seems_to_export_something_does_not_keep_others_from_being_judged(tmp_path: Path) -> None:
    importing = write(tmp_path, "b.json", {"Resources": used_by({"Fn::ImportValue": "user"})})
    broken = write(tmp_path, "broken.yaml", "Resources: {}\nExport: [")
    findings = checked(importing, write(tmp_path, "a.json", exporting("user", USER)), broken)
    assert scenarios(findings) == {"Key": SEPARATED}
    assert [*reasons(findings)] == ["broken.yaml"]


def test_an_export_that_is_secret_is_not_shown(tmp_path: Path) -> None:
    importing = write(tmp_path, "b.json", {"Resources": used_by({"Fn::ImportValue": "user"})})
    other = {**default(USER, NoEcho=True), "Outputs": {"User": {"Value": P, "Export": {"Name": "user"}}}}
    exporting = write(tmp_path, "a.json", {"Resources": {}, **other})
    [finding] = checked(importing, exporting).judged
    assert finding.scenario.name == SEPARATED
    assert USER not in str(finding)
    assert f"The import user is judged with what {exporting} exports." in finding.remarks


def test_templates_that_import_from_each_other_are_judged(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        content = exporting(name, {"Fn::ImportValue": other})
        write(tmp_path, f"{name}.json", {**content, "Resources": used_by({"Fn::ImportValue": other})})
    assert set(scenarios(checked(str(tmp_path))).values()) == {UNLIMITED}


def test_a_text_of_very_many_unknown_parts_is_named_in_short(tmp_path: Path) -> None:
    many = sub("${P}" * 10_000)
    resources = {"All": key(KeyPolicy=many), "User": key(KeyPolicy=policy(statement(USAGE, sub("${P}" * 200))))}
    findings = judged(tmp_path, resources, **parameter())
    [reason], [remark] = reasons(findings).values(), remarks(findings)
    for sentence in (reason, remark):
        assert "<Ref P><Ref P>" in sentence
        assert len(sentence) < 1_000
