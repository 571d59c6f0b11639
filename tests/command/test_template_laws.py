"""The law of what is known only at deployment: no value of it makes a compliant key one that is not compliant."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from kms_rule.commands.check import findings_on
from kms_rule.findings import Finding
from kms_rule.sources import detect
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from kms_rule.sources.contents import Contents, DefinedKey
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Compliance
from tests.command.checking import ADMINISTRATION, USAGE, Json, policy, statement
from tests.command.templates import alias, get_att, if_, key, sub
from tests.command.test_check_laws import law

NAMES = ("P", "Q")
BY = [
    RuleParameters.parse({"CMK_Whitelist": "Otter*", "Admin_User_Id": administrators, "SeparateDutiesBy": by})
    for by in ("Policy", "User")
    for administrators in ("AROAOTTER*", "*")
]
A_ROLES_ID = get_att("Role", "RoleId")
# What may stand for the id of a role; everything else may be any text.
IDS = ["AROAOTTER1", "AROAUSER1", "AROA1"]
TEXTS = """
* ? ${aws:userid} AROA* A AROAOTTER1:* AROAUSER1:* AROAUSER1 kms:* kms:Put* s3:* 1:* o-otter true false prod dev
111122223333 aws Allow Deny
"""
VALUES = st.sampled_from(["", " ", *TEXTS.split()])
PARTS = st.sampled_from([*({"Ref": name} for name in NAMES), A_ROLES_ID])
KNOWN = st.sampled_from(["AROAOTTER1:*", "AROAOTTER2:*", "AROAUSER1:*", "A*"])
SUBSTITUTED = ("${P}:*", "AROAOTTER${P}", "*${Q}", "${Role.RoleId}:*", "${AWS::AccountId}")
USER_IDS = (
    KNOWN
    | PARTS
    | st.sampled_from([*map(sub, SUBSTITUTED)])
    | st.builds(lambda *parts: {"Fn::Join": [":", [*parts]]}, PARTS, KNOWN)
    | st.builds(lambda part: {"Fn::Select": [0, {"Fn::Split": [",", part]}]}, PARTS | KNOWN)
    | st.builds(lambda name, user_id: {"Fn::If": [name, user_id, "AROAUSER2:*"]}, st.sampled_from("CD"), PARTS | KNOWN)
    | st.builds(lambda key_of_map: {"Fn::FindInMap": ["Map", key_of_map, "Id"]}, st.just("prod") | PARTS)
)
ARNS = ("${AWS::Region}:${AWS::AccountId}:a", "${P}:111122223333:${Q}", "*:111122223333:a")
SOURCES = st.sampled_from(
    [
        "111122223333",
        {"Ref": "AWS::AccountId"},
        {"Ref": "P"},
        sub("o-${P}"),
        *(sub(f"arn:aws:x:{arn}") for arn in ARNS),
    ]
)
ON_USER_IDS = st.fixed_dictionaries({"aws:userId": USER_IDS | st.lists(USER_IDS, min_size=1, max_size=2)})
CONDITIONS = st.fixed_dictionaries({"StringLike": ON_USER_IDS}) | st.fixed_dictionaries(
    {},
    optional={
        "StringLike": ON_USER_IDS,
        "ArnLike": st.dictionaries(
            st.sampled_from(["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID"]), SOURCES, min_size=1, max_size=1
        ),
        "Bool": st.fixed_dictionaries({"kms:GrantIsForAWSResource": st.sampled_from(["true", {"Ref": "P"}])}),
    },
)
ACTIONS = st.sampled_from(
    [*[USAGE, ADMINISTRATION] * 4, ["kms:CreateGrant"], ["kms:Sign", "kms:List*"], {"Ref": "P"}, [sub("kms:${Q}")]]
)
PRINCIPALS = st.sampled_from(["*", {"Service": "logs.amazonaws.com"}, {"Service": sub("${P}.a")}, {"Ref": "Q"}])
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from([*["Allow"] * 9, "Deny", {"Ref": "P"}]),
        "Principal": PRINCIPALS,
        "Action": ACTIONS,
        "Condition": CONDITIONS,
    },
    optional={"Sid": PARTS, "Resource": PARTS},
)
DEFINITIONS = st.fixed_dictionaries(
    {"Type": st.just("String")}, optional={"AllowedValues": st.lists(VALUES, min_size=1, max_size=3), "Default": VALUES}
)
TEMPLATES = st.fixed_dictionaries(
    {
        "Parameters": st.fixed_dictionaries(dict.fromkeys(NAMES, DEFINITIONS)),
        "Conditions": st.just({"C": {"Fn::Equals": [{"Ref": "P"}, "prod"]}, "D": {"Fn::Not": [{"Condition": "C"}]}}),
        "Mappings": st.just({"Map": {"prod": {"Id": "AROAUSER1:*"}, "dev": {"Id": "*"}}}),
        "Statement": st.lists(
            STATEMENTS
            | STATEMENTS
            | st.builds(if_, st.sampled_from("CD"), STATEMENTS, st.just({"Ref": "AWS::NoValue"})),
            min_size=1,
            max_size=2,
        ),
        "Alias": st.sampled_from([None, None, None, "alias/a", sub("alias/${P}"), sub("alias/Otter-${Q}")]),
        "Enabled": st.sampled_from([True, True, {"Ref": "Q"}]),
    }
)


def written(parts: Json) -> Json:
    resources = {
        "Role": {"Type": "AWS::IAM::Role"},
        "Key": key(KeyPolicy=policy(*parts["Statement"]), Enabled=parts["Enabled"]),
    }
    if parts["Alias"]:
        resources["Alias"] = alias(parts["Alias"], {"Ref": "Key"})
    return {**{name: parts[name] for name in ("Parameters", "Conditions", "Mappings")}, "Resources": resources}


def finding_on(template: Json, parameters: RuleParameters, values: dict[str, str]) -> Finding | None:
    contents = detect.read(json.dumps(template), "template.json", parameters, TemplateInputs(values))
    assert isinstance(contents, Contents)
    [found] = contents.keys
    return findings_on(found, parameters)[0] if isinstance(found, DefinedKey) else None


def with_id(value: Any, role_id: str) -> Any:
    """The template with an id in the place of what is known to be one."""
    if value == A_ROLES_ID:
        return role_id
    if isinstance(value, dict):
        return {name: with_id(member, role_id) for name, member in value.items()}
    if isinstance(value, list):
        return [with_id(member, role_id) for member in value]
    return value.replace("${Role.RoleId}", role_id) if isinstance(value, str) else value


def compliant_with(user_id: Any, *, actions: Any = USAGE, **definition: Any) -> Json:
    return {
        "Parameters": {name: {"Type": "String", **definition} for name in NAMES},
        "Conditions": {},
        "Mappings": {},
        "Statement": [statement(actions, user_id)],
        "Alias": None,
        "Enabled": True,
    }


def deployed(name: str, value: str, definition: Json, finding: Finding) -> str:
    """The value of a parameter that the verdict is about: one that is allowed, or the default that a remark names."""
    if any(f"The parameter {name} is judged with its default" in remark for remark in finding.remarks):
        return str(definition["Default"])
    allowed = definition.get("AllowedValues", [value])
    return str(value if value in allowed else allowed[len(value) % len(allowed)])


@settings(law, max_examples=600)
@given(TEMPLATES, st.sampled_from(BY), st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), st.sampled_from(IDS))
@example(compliant_with(A_ROLES_ID), BY[0], {"P": "", "Q": ""}, "AROAUSER1")
@example(compliant_with(A_ROLES_ID, actions=ADMINISTRATION), BY[1], {"P": "", "Q": ""}, "AROAUSER1")
@example(compliant_with(sub("AROAOTTER${P}")), BY[0], {"P": "${aws:userid}", "Q": ""}, "AROAUSER1")
@example(compliant_with({"Ref": "P"}, AllowedValues=["AROAUSER1:*"]), BY[0], {"P": "AROAUSER1:*", "Q": ""}, "AROAX")
@example(
    compliant_with({"Ref": "P"}, AllowedValues=["AROAUSER1:*", "*"]), BY[0], {"P": "*", "Q": "AROAUSER1:*"}, "AROAX"
)
def test_no_value_of_what_is_unknown_makes_a_compliant_key_one_that_is_not(
    parts: Json, parameters: RuleParameters, values: dict[str, str], role_id: str
) -> None:
    """Excepted are values that the template does not allow, or KMS not, and other ones than a default that is named."""
    template = written(parts)
    unknown = finding_on(template, parameters, {})
    if unknown is None or unknown.compliance is not Compliance.COMPLIANT:
        return
    values = {name: deployed(name, values[name], template["Parameters"][name], unknown) for name in NAMES}
    known = finding_on(with_id(template, role_id), parameters, values)
    if known is None or any("KMS takes no alias of that name" in remark for remark in known.remarks):
        return
    event(known.scenario.name)
    assert known.compliance is not Compliance.NON_COMPLIANT
