"""What a template leaves open where duties are separated by user: the resources that a service acts for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kms_rule.findings import Findings
from least_privilege.parameters import RuleParameters
from tests.command.checking import (
    SEPARATED,
    UNLIMITED,
    USAGE,
    Json,
    checked,
    policy,
    reasons,
    remarks,
    scenarios,
    write,
)

GIVEN = {"Admin_User_Id": "AROAOTTER*"}
BY_POLICY = RuleParameters.parse(GIVEN)
BY_USER = RuleParameters.parse({**GIVEN, "SeparateDutiesBy": "User"})
ACCOUNT = {"Ref": "AWS::AccountId"}
TAKEN = "AWS::AccountId in statement 1 is taken for 111122223333: the verdict is the same for any other account."


def known(source: str, key: str) -> str:
    return f"{source}, the {key} in statement 1, is known only at deployment: its known characters alone decide."


def anything(source: str, key: str) -> str:
    return f"{source}, the {key} in statement 1, is known only at deployment: it may be any text, and limit nobody."


def for_a_service(condition: Json, actions: Any = USAGE) -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "logs.amazonaws.com"},
        "Action": actions,
        "Resource": "*",
        "Condition": condition,
    }


def judged(folder: Path, key_policy: Any, parameters: RuleParameters = BY_USER) -> Findings:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy}}
    return checked(write(folder, "template.json", {"Resources": {"Key": key}}), parameters=parameters)


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


LOG_GROUP = "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:a"
FILLED_IN = "arn:aws:logs:<Ref AWS::Region>:111122223333:log-group:a"
SOURCES: list[tuple[Json, str, list[str]]] = [
    # the account of the stack
    ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, SEPARATED, [TAKEN]),
    ({"StringEquals": {"aws:SourceAccount": [ACCOUNT, "444455556666"]}}, SEPARATED, [TAKEN]),
    ({"StringEquals": {"AWS:sourceaccount": sub("${AWS::AccountId}")}}, SEPARATED, [TAKEN]),
    (
        {"ArnLike": {"aws:SourceArn": sub("arn:aws:logs:*:${AWS::AccountId}:*")}},
        SEPARATED,
        [TAKEN],
    ),
    ({"ArnLike": {"aws:SourceArn": sub(LOG_GROUP)}}, SEPARATED, [TAKEN, known(FILLED_IN, "aws:SourceArn")]),
    (
        {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": sub(LOG_GROUP)}},
        SEPARATED,
        [TAKEN, known(FILLED_IN, "kms:EncryptionContext:aws:logs:arn")],
    ),
    # what else is unknown does not count by itself
    (
        {"ArnLike": {"aws:SourceArn": {"Fn::GetAtt": "Trail.Arn"}}},
        UNLIMITED,
        [anything("<GetAtt Trail.Arn>", "aws:SourceArn")],
    ),
    (
        {"StringEquals": {"aws:SourceAccount": {"Ref": "Account"}}},
        UNLIMITED,
        [anything("<Ref Account>", "aws:SourceAccount")],
    ),
    ({"StringEquals": {"aws:SourceOrgID": {"Ref": "Org"}}}, UNLIMITED, [anything("<Ref Org>", "aws:SourceOrgID")]),
    (
        {"ArnLike": {"aws:SourceArn": sub("arn:aws:logs:eu-west-1:111122223333:log-group:${Name}")}},
        UNLIMITED,
        [anything("arn:aws:logs:eu-west-1:111122223333:log-group:<Ref Name>", "aws:SourceArn")],
    ),
    # nor does the account where no account is wanted
    ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, UNLIMITED, []),
    ({"StringEquals": {"aws:SourceOrgID": ACCOUNT}}, UNLIMITED, [TAKEN]),
    ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, UNLIMITED, [TAKEN]),
    # nothing is unknown
    ({"StringEquals": {"aws:SourceAccount": "444455556666"}}, SEPARATED, []),
]


@pytest.mark.parametrize(("condition", "scenario", "expected"), SOURCES, ids=str)
def test_what_limits_a_service_to_its_own_resources_is_judged_by_what_is_known(
    tmp_path: Path, condition: Json, scenario: str, expected: list[str]
) -> None:
    findings = judged(tmp_path, policy(for_a_service(condition)))
    assert scenarios(findings) == {"Key": scenario}
    assert remarks(findings) == expected


def test_a_policy_as_text_is_judged_alike(tmp_path: Path) -> None:
    text = json.dumps(policy(for_a_service({"ArnLike": {"aws:SourceArn": LOG_GROUP}})))
    findings = judged(tmp_path, sub(text))
    assert scenarios(findings) == {"Key": SEPARATED}
    assert remarks(findings) == [TAKEN, known(FILLED_IN, "aws:SourceArn")]


def test_by_policy_none_of_it_decides_and_nothing_is_said(tmp_path: Path) -> None:
    findings = judged(tmp_path, policy(for_a_service({"StringEquals": {"aws:SourceAccount": ACCOUNT}})), BY_POLICY)
    assert scenarios(findings) == {"Key": UNLIMITED}
    assert remarks(findings) == []


def test_whether_only_services_may_make_grants_has_to_be_known(tmp_path: Path) -> None:
    condition = {"Bool": {"kms:GrantIsForAWSResource": {"Ref": "ForServices"}}}
    content = policy(for_a_service(condition, "kms:CreateGrant"))
    assert reasons(judged(tmp_path, content))["Key"] == (
        "Its key policy cannot be judged, since kms:GrantIsForAWSResource in the Condition of statement 1 is known "
        "only at deployment (<Ref ForServices>): write it out, or check what is deployed with kms-rule "
        "scan."
    )
    assert scenarios(judged(tmp_path, content, BY_POLICY)) == {"Key": UNLIMITED}
