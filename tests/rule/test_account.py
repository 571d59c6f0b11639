from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoRegionError

from AWSConfigRuleKMS import RuleError, lambda_handler
from kms_rule.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    alias_item,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)

TIME = "2026-01-13T19:12:27.681Z"
SCHEDULED = rule_event(scheduled_notification(TIME))
POLICY = {
    "Policy": json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Condition": {"StringLike": {"aws:userId": "AROABEAVER:*"}},
            }
        }
    )
}
SOMEWHERE_ELSE = SimpleNamespace(invoked_function_arn="arn:aws:lambda:us-east-1:999999999999:function:rule")
HERE = SimpleNamespace(invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:rule")


def changed(key_id: str) -> dict[str, Any]:
    return rule_event(change_notification(key_item(key_id, TIME)))


@pytest.fixture
def stubs(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("aws")


def expect_keys(stubs: Any, *key_ids: str, aliases: tuple[tuple[str, str], ...] = ()) -> None:
    listed = [{"AliasName": name, "TargetKeyId": key_id} for name, key_id in aliases]
    stubs.kms.add_response("list_aliases", {"Aliases": listed, "Truncated": False}, {"Limit": 100})
    keys = [{"KeyId": key_id} for key_id in key_ids]
    stubs.kms.add_response("list_keys", {"Keys": keys, "Truncated": False}, {"Limit": 1000})


def expect_description(stubs: Any, key_id: str, **metadata: str) -> None:
    described = {"KeyMetadata": {"KeyId": key_id, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **metadata}}
    stubs.kms.add_response("describe_key", described, {"KeyId": key_id})


def expect_policy(stubs: Any, key_id: str) -> None:
    stubs.kms.add_response("get_key_policy", POLICY, {"KeyId": key_id, "PolicyName": "default"})


def expect_report(stubs: Any, *expected: tuple[str, str]) -> None:
    def check(evaluations: list[dict[str, str]]) -> bool:
        return [(item["ComplianceResourceId"], item["ComplianceType"]) for item in evaluations] == list(expected)

    stubs.config.add_response(
        "put_evaluations",
        {"FailedEvaluations": []},
        {"Evaluations": Matching(check), "ResultToken": "TESTMODE", "TestMode": True},
    )


class Matching:
    def __init__(self, check: Any) -> None:
        self.check = check

    def __eq__(self, other: object) -> bool:
        return bool(self.check(other))

    __hash__ = None  # type: ignore[assignment]


def test_keys_and_aliases_of_every_page_are_read(stubs: Any) -> None:
    alias = {"AliasName": "alias/a", "TargetKeyId": "key-1"}
    second = {"AliasName": "alias/b", "TargetKeyId": "key-2"}
    unused = {"AliasName": "alias/aws/s3"}
    stubs.kms.add_response("list_aliases", {"Aliases": [alias], "Truncated": True, "NextMarker": "m"}, {"Limit": 100})
    stubs.kms.add_response("list_aliases", {"Aliases": [second, unused]}, {"Limit": 100, "Marker": "m"})
    pages = [{"Keys": [{"KeyId": "key-1"}], "Truncated": True, "NextMarker": "n"}, {"Keys": [{"KeyId": "key-2"}]}]
    stubs.kms.add_response("list_keys", pages[0], {"Limit": 1000})
    expect_description(stubs, "key-1", KeyState="Disabled")
    stubs.kms.add_response("list_keys", pages[1], {"Limit": 1000, "Marker": "n"})
    expect_description(stubs, "key-2", KeyState="Disabled")
    expect_report(stubs, ("alias/a", "NOT_APPLICABLE"), ("alias/b", "NOT_APPLICABLE"))
    lambda_handler(SCHEDULED, HERE)


def test_an_aws_alias_spares_every_call_for_its_key(stubs: Any) -> None:
    expect_keys(stubs, "key-1", aliases=(("alias/aws/ebs", "key-1"),))
    expect_report(stubs, ("alias/aws/ebs", "NOT_APPLICABLE"))
    lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(
    ("alias", "metadata", "compliance"),
    [
        ("alias/Otter", {}, "COMPLIANT"),
        ("alias/a", {"KeyState": "Unavailable"}, "NOT_APPLICABLE"),
        ("alias/a", {"KeyManager": "AWS"}, "NOT_APPLICABLE"),
    ],
)
def test_the_policy_is_not_read_where_it_does_not_matter(
    stubs: Any, alias: str, metadata: dict[str, str], compliance: str
) -> None:
    expect_keys(stubs, "key-1", aliases=((alias, "key-1"),))
    expect_description(stubs, "key-1", **metadata)
    expect_report(stubs, (alias, compliance))
    lambda_handler(SCHEDULED, {})


def test_a_change_costs_the_calls_for_its_key_alone(stubs: Any) -> None:
    stubs.kms.add_response("list_aliases", {"Aliases": []}, {"KeyId": "key-1", "Limit": 100})
    expect_description(stubs, "key-1")
    expect_policy(stubs, "key-1")
    expect_report(stubs, ("key-1", "COMPLIANT"))
    lambda_handler(changed("key-1"), {})


def test_a_key_that_goes_while_it_is_read_is_left_out(stubs: Any) -> None:
    expect_keys(stubs, "gone-1", "gone-2", "key-1")
    stubs.kms.add_client_error("describe_key", "NotFoundException")
    expect_description(stubs, "gone-2")
    stubs.kms.add_client_error("get_key_policy", "NotFoundException")
    expect_description(stubs, "key-1")
    expect_policy(stubs, "key-1")
    expect_report(stubs, ("key-1", "COMPLIANT"))
    lambda_handler(SCHEDULED, {})


def test_a_changed_key_that_is_gone_is_reported_nowhere(stubs: Any) -> None:
    stubs.kms.add_client_error("list_aliases", "NotFoundException")
    assert lambda_handler(changed("key-1"), {}) == []


def test_a_deleted_alias_no_longer_whitelists_its_key_even_if_kms_still_lists_it(stubs: Any) -> None:
    aliases = [{"AliasName": "alias/Otter", "TargetKeyId": "key-1"}]
    stubs.kms.add_response("list_aliases", {"Aliases": aliases}, {"KeyId": "key-1", "Limit": 100})
    expect_description(stubs, "key-1")
    expect_policy(stubs, "key-1")
    expect_report(stubs, ("alias/Otter", "NOT_APPLICABLE"), ("key-1", "COMPLIANT"))
    item = alias_item("alias/Otter", "key-1", TIME, "ResourceDeleted")
    lambda_handler(rule_event(change_notification(item)), {})


def test_denials_are_answers(stubs: Any) -> None:
    expect_keys(stubs, "key-1", "key-2", "key-3")
    stubs.kms.add_client_error("describe_key", "AccessDeniedException")
    expect_policy(stubs, "key-1")
    stubs.kms.add_client_error("describe_key", "AccessDeniedException")
    stubs.kms.add_client_error("get_key_policy", "AccessDeniedException")
    expect_description(stubs, "key-3")
    stubs.kms.add_client_error("get_key_policy", "AccessDeniedException")
    expect_report(stubs, ("key-1", "COMPLIANT"), ("key-2", "NON_COMPLIANT"), ("key-3", "NON_COMPLIANT"))
    annotations = [item["Annotation"] for item in lambda_handler(SCHEDULED, {})]
    assert ["kms:DescribeKey" in annotation for annotation in annotations] == [True, True, False]
    assert ["kms:GetKeyPolicy" in annotation for annotation in annotations] == [False, True, True]


def test_a_key_that_cannot_be_read_is_named_after_the_others_are_reported(stubs: Any) -> None:
    expect_keys(stubs, "slow-1", "slow-2", "slow-3", "key-1")
    stubs.kms.add_client_error("describe_key", "ThrottlingException", "Rate exceeded")
    stubs.kms.add_client_error("describe_key", "KMSInternalException")
    expect_description(stubs, "slow-3")
    stubs.kms.add_client_error("get_key_policy", "DependencyTimeoutException")
    expect_description(stubs, "key-1")
    expect_policy(stubs, "key-1")
    expect_report(stubs, ("key-1", "COMPLIANT"))
    with pytest.raises(RuleError, match=r"slow-1, slow-2, slow-3, .*ThrottlingException: Rate exceeded"):
        lambda_handler(SCHEDULED, {})


def test_a_key_whose_connection_breaks_is_named(stubs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_parameters: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://kms.example")

    expect_keys(stubs, "key-1")
    monkeypatch.setattr(stubs.kms.client, "describe_key", unreachable)
    with pytest.raises(RuleError, match=r"key-1, .*EndpointConnectionError"):
        lambda_handler(SCHEDULED, {})


def test_of_very_many_keys_without_answer_the_first_hundred_are_named(stubs: Any) -> None:
    key_ids = [f"key-{number}" for number in range(103)]
    expect_keys(stubs, *key_ids)
    for _ in key_ids:
        stubs.kms.add_client_error("describe_key", "KMSInternalException")
    with pytest.raises(RuleError, match="key-99 and 3 more"):
        lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(("operation", "action"), [("list_aliases", "kms:ListAliases"), ("list_keys", "kms:ListKeys")])
def test_what_cannot_be_listed_raises(stubs: Any, operation: str, action: str) -> None:
    if operation == "list_keys":
        stubs.kms.add_response("list_aliases", {"Aliases": []})
    stubs.kms.add_client_error(operation, "AccessDeniedException", "no policy allows it")
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value) == (
        f"{action} failed with the function's own role: allow it to the function's own role "
        f"(AccessDeniedException: no policy allows it)."
    )


def test_answers_given_before_a_page_fails_are_reported(stubs: Any) -> None:
    stubs.kms.add_response("list_aliases", {"Aliases": []})
    stubs.kms.add_response("list_keys", {"Keys": [{"KeyId": "key-1"}], "Truncated": True, "NextMarker": "n"})
    expect_description(stubs, "key-1", KeyState="Disabled")
    stubs.kms.add_client_error("list_keys", "KMSInternalException")
    expect_report(stubs, ("key-1", "NOT_APPLICABLE"))
    with pytest.raises(RuleError, match="kms:ListKeys failed"):
        lambda_handler(SCHEDULED, {})


def test_aliases_of_a_changed_key_that_cannot_be_listed_raise(stubs: Any) -> None:
    stubs.kms.add_client_error("list_aliases", "ThrottlingException")
    with pytest.raises(RuleError, match="kms:ListAliases of key key-1 failed"):
        lambda_handler(changed("key-1"), {})


def test_without_a_region_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_region(*_arguments: object, **_settings: object) -> None:
        raise NoRegionError

    monkeypatch.setattr("boto3.client", no_region)
    with pytest.raises(RuleError, match=r"clients of KMS and AWS Config failed .*specify a region"):
        lambda_handler(SCHEDULED, {})


CREDENTIALS = {
    "AccessKeyId": "ASIAEXAMPLEEXAMPLE",
    "SecretAccessKey": "the-secret",
    "SessionToken": "the-token",
    "Expiration": "2026-01-13T20:12:27Z",
}


def expect_assumed(stubs: Any, role_arn: str) -> None:
    stubs.sts.add_response(
        "assume_role",
        {"Credentials": CREDENTIALS},
        {"RoleArn": role_arn, "RoleSessionName": "AWSConfigRuleKMS", "DurationSeconds": 900},
    )


@pytest.mark.parametrize(
    ("fields", "context", "role_arn"),
    [
        pytest.param(
            {"ruleParameters": json.dumps({**POST_PARAMETERS, "ExecutionRoleName": "rdk/config-role"})},
            HERE,
            f"arn:aws:iam::{ACCOUNT_ID}:role/rdk/config-role",
            id="named role in the function's own account",
        ),
        pytest.param(
            {"executionRoleArn": f"arn:aws-cn:iam::{ACCOUNT_ID}:role/config-role"},
            SOMEWHERE_ELSE,
            f"arn:aws-cn:iam::{ACCOUNT_ID}:role/config-role",
            id="the recorder's role of another account",
        ),
        pytest.param(
            {"ruleParameters": json.dumps({**POST_PARAMETERS, "ExecutionRoleName": "member"})},
            SOMEWHERE_ELSE,
            f"arn:aws:iam::{ACCOUNT_ID}:role/member",
            id="named role of another account",
        ),
    ],
)
def test_the_assumed_role_reads_and_reports(stubs: Any, fields: dict[str, str], context: object, role_arn: str) -> None:
    expect_assumed(stubs, role_arn)
    expect_keys(stubs)
    lambda_handler({**SCHEDULED, **fields}, context)
    assumed = {
        "aws_access_key_id": "ASIAEXAMPLEEXAMPLE",
        "aws_secret_access_key": "the-secret",
        "aws_session_token": "the-token",
    }
    assert stubs.clients == [("sts", {}), ("kms", assumed), ("config", assumed)]


@pytest.mark.parametrize("context", [HERE, {}, None, SimpleNamespace(), SimpleNamespace(invoked_function_arn="here")])
def test_in_its_own_account_the_function_works_with_its_own_role(stubs: Any, context: object) -> None:
    expect_keys(stubs)
    lambda_handler(SCHEDULED, context)
    assert stubs.clients == [("kms", {}), ("config", {})]


def test_a_refused_role_is_explained_without_credentials(stubs: Any, caplog: pytest.LogCaptureFixture) -> None:
    stubs.sts.add_client_error(
        "assume_role", "AccessDenied", "User: x is not authorized\nCanonical String: x-amz-security-token:the-token"
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, SOMEWHERE_ELSE)
    assert "AWSServiceRoleForConfig cannot be assumed: its trust policy must allow sts:AssumeRole" in str(raised.value)
    assert "ExecutionRoleName" in str(raised.value)
    assert "the-token" not in caplog.text + str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"executionRoleArn": None}, ["executionRoleArn", ACCOUNT_ID]),
        ({"executionRoleArn": "roleArn"}, ["executionRoleArn", '"roleArn"']),
        ({"executionRoleArn": "arn:aws:iam::999999999999:role/config-role"}, ["999999999999", ACCOUNT_ID]),
        ({"executionRoleArn": "arn:aws"}, ["arn:aws"]),
    ],
)
def test_without_a_role_of_the_event_s_account_nothing_is_judged(
    stubs: Any, fields: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(RuleError) as raised:
        lambda_handler({**SCHEDULED, **fields}, SOMEWHERE_ELSE)
    assert [word for word in words if word not in str(raised.value)] == []
    assert stubs.clients == []
