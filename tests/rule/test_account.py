from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoRegionError,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    alias_item,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)
from least_privilege.account import Account
from least_privilege.errors import reason_of
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.reading import ReadKey, read_key
from least_privilege.scenarios import Compliance
from least_privilege.text import RuleError
from tests.aws.stubbed import StubbedAws

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


def expect_keys(aws: StubbedAws, *key_ids: str, aliases: tuple[tuple[str, str], ...] = ()) -> None:
    listed = [{"AliasName": name, "TargetKeyId": key_id} for name, key_id in aliases]
    keys = [{"KeyId": key_id} for key_id in key_ids]
    aws.kms.add_response("list_keys", {"Keys": keys, "Truncated": False}, {"Limit": 1000})
    aws.kms.add_response("list_aliases", {"Aliases": listed, "Truncated": False}, {"Limit": 100})


def expect_description(aws: StubbedAws, key_id: str, **metadata: str) -> None:
    described = {"KeyMetadata": {"KeyId": key_id, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **metadata}}
    aws.kms.add_response("describe_key", described, {"KeyId": key_id})


def expect_policy(aws: StubbedAws, key_id: str) -> None:
    aws.kms.add_response("get_key_policy", POLICY, {"KeyId": key_id, "PolicyName": "default"})


def expect_report(aws: StubbedAws, *expected: tuple[str, str]) -> None:
    def check(evaluations: list[dict[str, str]]) -> bool:
        return [(item["ComplianceResourceId"], item["ComplianceType"]) for item in evaluations] == list(expected)

    aws.config.add_response(
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


def test_keys_and_aliases_of_every_page_are_read(aws: StubbedAws) -> None:
    alias = {"AliasName": "alias/a", "TargetKeyId": "key-1"}
    second = {"AliasName": "alias/b", "TargetKeyId": "key-2"}
    unused = {"AliasName": "alias/aws/s3"}
    pages: list[dict[str, Any]] = [
        {"Keys": [{"KeyId": "key-1"}], "Truncated": True, "NextMarker": "n"},
        {"Keys": [{"KeyId": "key-2"}]},
    ]
    aws.kms.add_response("list_keys", pages[0], {"Limit": 1000})
    aws.kms.add_response("list_keys", pages[1], {"Limit": 1000, "Marker": "n"})
    aws.kms.add_response("list_aliases", {"Aliases": [alias], "Truncated": True, "NextMarker": "m"}, {"Limit": 100})
    aws.kms.add_response("list_aliases", {"Aliases": [second, unused]}, {"Limit": 100, "Marker": "m"})
    expect_description(aws, "key-1", KeyState="Disabled")
    expect_description(aws, "key-2", KeyState="Disabled")
    expect_report(aws, ("alias/a", "NOT_APPLICABLE"), ("alias/b", "NOT_APPLICABLE"))
    lambda_handler(SCHEDULED, HERE)


def test_an_aws_alias_spares_every_call_for_its_key(aws: StubbedAws) -> None:
    expect_keys(aws, "key-1", aliases=(("alias/aws/ebs", "key-1"),))
    expect_report(aws, ("alias/aws/ebs", "NOT_APPLICABLE"))
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
    aws: StubbedAws, alias: str, metadata: dict[str, str], compliance: str
) -> None:
    expect_keys(aws, "key-1", aliases=((alias, "key-1"),))
    expect_description(aws, "key-1", **metadata)
    expect_report(aws, (alias, compliance))
    lambda_handler(SCHEDULED, {})


def test_a_change_costs_the_calls_for_its_key_alone(aws: StubbedAws) -> None:
    aws.kms.add_response("list_aliases", {"Aliases": []}, {"KeyId": "key-1", "Limit": 100})
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_report(aws, ("key-1", "COMPLIANT"))
    lambda_handler(changed("key-1"), {})


def test_a_changed_key_with_more_aliases_than_a_page_has_is_reported_under_them_all(aws: StubbedAws) -> None:
    first, second = ([{"AliasName": f"alias/{name}", "TargetKeyId": "key-1"}] for name in "ab")
    asked = {"KeyId": "key-1", "Limit": 100}
    for _ in range(2):
        aws.kms.add_response("list_aliases", {"Aliases": first, "Truncated": True, "NextMarker": "m"}, asked)
    aws.kms.add_response("list_aliases", {"Aliases": second}, {**asked, "Marker": "m"})
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_report(aws, ("alias/a", "COMPLIANT"), ("alias/b", "COMPLIANT"))
    lambda_handler(changed("key-1"), {})


def test_a_key_that_goes_while_it_is_read_is_left_out(aws: StubbedAws) -> None:
    expect_keys(aws, "gone-1", "gone-2", "key-1")
    aws.kms.add_client_error("describe_key", "NotFoundException")
    expect_description(aws, "gone-2")
    aws.kms.add_client_error("get_key_policy", "NotFoundException")
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_report(aws, ("key-1", "COMPLIANT"))
    lambda_handler(SCHEDULED, {})


def test_a_changed_key_that_is_gone_is_reported_nowhere(aws: StubbedAws) -> None:
    aws.kms.add_client_error("list_aliases", "NotFoundException")
    assert lambda_handler(changed("key-1"), {}) == []


def test_a_deleted_alias_no_longer_whitelists_its_key_even_if_kms_still_lists_it(aws: StubbedAws) -> None:
    aliases = [{"AliasName": "alias/Otter", "TargetKeyId": "key-1"}]
    aws.kms.add_response("list_aliases", {"Aliases": aliases}, {"KeyId": "key-1", "Limit": 100})
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_report(aws, ("alias/Otter", "NOT_APPLICABLE"), ("key-1", "COMPLIANT"))
    item = alias_item("alias/Otter", "key-1", TIME, "ResourceDeleted")
    lambda_handler(rule_event(change_notification(item)), {})


MOVED = rule_event(
    change_notification(
        alias_item("alias/Otter", "key-1", TIME),
        {"changedProperties": {"Configuration.TargetKeyId": {"previousValue": "key-2", "updatedValue": "key-1"}}},
    )
)


def expect_aliases_of(aws: StubbedAws, key_id: str, *names: str) -> None:
    listed = [{"AliasName": name, "TargetKeyId": key_id} for name in names]
    aws.kms.add_response("list_aliases", {"Aliases": listed}, {"KeyId": key_id, "Limit": 100})


def test_an_alias_that_moved_no_longer_whitelists_its_former_key_even_if_kms_still_lists_it(aws: StubbedAws) -> None:
    expect_aliases_of(aws, "key-1", "alias/Otter")
    expect_description(aws, "key-1")
    expect_report(aws, ("alias/Otter", "COMPLIANT"))
    expect_aliases_of(aws, "key-2", "alias/Otter", "alias/b")
    expect_description(aws, "key-2")
    aws.kms.add_client_error("get_key_policy", "AccessDeniedException")
    expect_report(aws, ("alias/b", "NON_COMPLIANT"))
    lambda_handler(MOVED, {})


def test_of_two_changed_keys_the_first_costs_the_second_no_answer(aws: StubbedAws) -> None:
    aws.kms.add_client_error("list_aliases", "ThrottlingException", "Rate exceeded")
    expect_aliases_of(aws, "key-2")
    expect_description(aws, "key-2")
    expect_policy(aws, "key-2")
    expect_report(aws, ("key-2", "COMPLIANT"))
    with pytest.raises(RuleError) as raised:
        lambda_handler(MOVED, {})
    assert str(raised.value).startswith(
        "The evaluation is incomplete: 1 of 2 keys are judged; no answer for key-1, first because of kms:ListAliases "
        "of key key-1 failed with the function's own role: re-evaluate the rule once the cause is gone "
        "(ThrottlingException: Rate exceeded). All other keys are reported; "
    )


def test_an_alias_that_moves_while_aliases_are_listed_is_that_of_the_key_listed_last(aws: StubbedAws) -> None:
    expect_keys(
        aws,
        "key-1",
        "key-2",
        aliases=(("alias/a", "key-1"), ("alias/Otter", "key-1"), ("alias/b", "key-2"), ("alias/Otter", "key-2")),
    )
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_description(aws, "key-2")
    expect_report(aws, ("alias/a", "COMPLIANT"), ("alias/Otter", "COMPLIANT"), ("alias/b", "COMPLIANT"))
    annotations = {item["ComplianceResourceId"]: item["Annotation"] for item in lambda_handler(SCHEDULED, {})}
    assert ["in whitelist" in annotations[name] for name in ("alias/a", "alias/Otter", "alias/b")] == [
        False,
        True,
        True,
    ]


def test_denials_are_answers(aws: StubbedAws) -> None:
    expect_keys(aws, "key-1", "key-2", "key-3")
    aws.kms.add_client_error("describe_key", "AccessDeniedException")
    expect_policy(aws, "key-1")
    aws.kms.add_client_error("describe_key", "AccessDeniedException")
    aws.kms.add_client_error("get_key_policy", "AccessDeniedException")
    expect_description(aws, "key-3")
    aws.kms.add_client_error("get_key_policy", "AccessDeniedException")
    expect_report(aws, ("key-1", "COMPLIANT"), ("key-2", "NON_COMPLIANT"), ("key-3", "NON_COMPLIANT"))
    annotations = [item["Annotation"] for item in lambda_handler(SCHEDULED, {})]
    assert ["kms:DescribeKey" in annotation for annotation in annotations] == [True, True, False]
    assert ["kms:GetKeyPolicy" in annotation for annotation in annotations] == [False, True, True]


def test_a_key_that_cannot_be_read_is_named_after_the_others_are_reported(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture
) -> None:
    expect_keys(aws, "slow-1", "slow-2", "slow-3", "key-1")
    aws.kms.add_client_error("describe_key", "ThrottlingException", "Rate exceeded")
    aws.kms.add_client_error("describe_key", "KMSInternalException")
    expect_description(aws, "slow-3")
    aws.kms.add_client_error("get_key_policy", "DependencyTimeoutException")
    expect_description(aws, "key-1")
    expect_policy(aws, "key-1")
    expect_report(aws, ("key-1", "COMPLIANT"))
    with pytest.raises(RuleError, match=r"slow-1, slow-2, slow-3, .*ThrottlingException: Rate exceeded") as raised:
        lambda_handler(SCHEDULED, {})
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "Key slow-1 could not be read: ThrottlingException: Rate exceeded",
        "Key slow-2 could not be read: KMSInternalException: ",
        "Key slow-3 could not be read: DependencyTimeoutException: ",
        str(raised.value),
    ]


def test_a_key_whose_connection_breaks_is_named(aws: StubbedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_parameters: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://kms.example")

    expect_keys(aws, "key-1")
    monkeypatch.setattr(aws.kms.client, "describe_key", unreachable)
    with pytest.raises(RuleError, match=r"key-1, .*EndpointConnectionError"):
        lambda_handler(SCHEDULED, {})


def test_of_very_many_keys_without_answer_the_first_hundred_are_named(aws: StubbedAws) -> None:
    key_ids = [f"key-{number}" for number in range(103)]
    expect_keys(aws, *key_ids)
    for _ in key_ids:
        aws.kms.add_client_error("describe_key", "KMSInternalException")
    with pytest.raises(RuleError, match="key-99 and 3 more"):
        lambda_handler(SCHEDULED, {})


def test_a_key_that_is_listed_twice_is_reported_once(aws: StubbedAws) -> None:
    expect_keys(aws, "key-1", "key-1", aliases=(("alias/a", "key-1"), ("alias/a", "key-1")))
    expect_description(aws, "key-1", KeyState="Disabled")
    expect_report(aws, ("alias/a", "NOT_APPLICABLE"))
    lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(("operation", "missing"), [("describe_key", "KeyMetadata"), ("get_key_policy", "Policy")])
def test_a_key_that_something_else_than_kms_answered_is_named(aws: StubbedAws, operation: str, missing: str) -> None:
    expect_keys(aws, "key-1", "key-2")
    if operation == "get_key_policy":
        expect_description(aws, "key-1")
    aws.kms.add_response(operation, {})
    expect_description(aws, "key-2", KeyState="Disabled")
    expect_report(aws, ("key-2", "NOT_APPLICABLE"))
    with pytest.raises(RuleError, match=f"key-1, .*answered without {missing}"):
        lambda_handler(SCHEDULED, {})


def test_a_list_that_something_else_than_kms_answered_raises(aws: StubbedAws) -> None:
    aws.kms.add_response("list_keys", {})
    with pytest.raises(RuleError, match="AWS answered without Keys: look for a proxy"):
        lambda_handler(SCHEDULED, {})


def test_metadata_without_manager_and_state_are_those_of_an_enabled_customer_managed_key(aws: StubbedAws) -> None:
    expect_keys(aws, "key-1")
    aws.kms.add_response("describe_key", {"KeyMetadata": {"KeyId": "key-1"}})
    expect_policy(aws, "key-1")
    expect_report(aws, ("key-1", "COMPLIANT"))
    lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(
    ("metadata", "state"),
    [
        ({}, "Enabled"),
        ({"Enabled": True}, "Enabled"),
        ({"Enabled": False}, "Disabled"),
        ({"Enabled": True, "KeyState": "Enabled"}, "Enabled"),
        ({"Enabled": False, "KeyState": "Enabled"}, "Disabled"),
        ({"Enabled": True, "KeyState": "Disabled"}, "Disabled"),
        ({"Enabled": False, "KeyState": "PendingDeletion"}, "PendingDeletion"),
        ({"Enabled": False, "KeyState": "Unavailable"}, "Unavailable"),
    ],
)
def test_metadata_tell_the_state_in_two_ways_and_that_it_is_not_enabled_is_believed(
    aws: StubbedAws, metadata: dict[str, Any], state: str
) -> None:
    aws.kms.add_response("describe_key", {"KeyMetadata": {"KeyId": "key-1", **metadata}}, {"KeyId": "key-1"})
    account = Account(aws.kms.client, aws.config.client, "a role")  # type: ignore[arg-type]
    assert account.described("key-1", ("alias/a",)) == Key("key-1", Facts(("alias/a",), "CUSTOMER", state))


@pytest.mark.parametrize("metadata", [{"Enabled": False}, {"Enabled": False, "KeyState": "Enabled"}])
def test_a_key_that_is_not_enabled_is_reported_as_disabled(aws: StubbedAws, metadata: dict[str, Any]) -> None:
    expect_keys(aws, "key-1")
    aws.kms.add_response("describe_key", {"KeyMetadata": {"KeyId": "key-1", **metadata}})
    expect_report(aws, ("key-1", "NOT_APPLICABLE"))
    [evaluation] = lambda_handler(SCHEDULED, {})
    assert evaluation["Annotation"] == "CMK key-1 is disabled [scenario 1]"


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_denial_has_either_code(aws: StubbedAws, code: str) -> None:
    expect_keys(aws, "key-1")
    expect_description(aws, "key-1")
    aws.kms.add_client_error("get_key_policy", code)
    expect_report(aws, ("key-1", "NON_COMPLIANT"))
    lambda_handler(SCHEDULED, {})


def test_one_aws_alias_among_others_proves_who_manages_the_key(aws: StubbedAws) -> None:
    expect_keys(aws, "key-1", aliases=(("alias/a", "key-1"), ("alias/aws/ebs", "key-1")))
    expect_report(aws, ("alias/a", "NOT_APPLICABLE"), ("alias/aws/ebs", "NOT_APPLICABLE"))
    lambda_handler(SCHEDULED, {})


def test_an_alias_that_left_the_scope_still_whitelists_its_key(aws: StubbedAws) -> None:
    aliases = [{"AliasName": "alias/Otter", "TargetKeyId": "key-1"}]
    aws.kms.add_response("list_aliases", {"Aliases": aliases})
    expect_description(aws, "key-1")
    expect_report(aws, ("alias/Otter", "NOT_APPLICABLE"), ("key-1", "COMPLIANT"))
    item = alias_item("alias/Otter", "key-1", TIME)
    lambda_handler(rule_event(change_notification(item), eventLeftScope=True), {})


@pytest.mark.parametrize(
    "error",
    [
        HTTPClientError(error="Invalid header value b'the-token\\n'"),
        ProxyConnectionError(proxy_url="https://user:the-token@proxy.example"),
    ],
)
def test_what_an_http_client_says_of_a_request_is_not_repeated(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(**_parameters: object) -> None:
        raise error

    expect_keys(aws, "key-1")
    monkeypatch.setattr(aws.kms.client, "describe_key", fail)
    with pytest.raises(RuleError, match=f"key-1, .*{type(error).__name__}") as raised:
        lambda_handler(SCHEDULED, {})
    assert "the-token" not in caplog.text + str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        ResponseParserError("Unable to parse response: 'the-token'"),
        UnicodeDecodeError("utf-8", b"the-token\xff", 9, 10, "invalid start byte in the-token"),
    ],
)
def test_an_answer_that_cannot_be_read_is_not_repeated_and_costs_its_own_key_alone(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def unreadable(**_parameters: object) -> None:
        raise error

    expect_keys(aws, "key-1", "key-2", aliases=(("alias/aws/ebs", "key-2"),))
    expect_report(aws, ("alias/aws/ebs", "NOT_APPLICABLE"))
    monkeypatch.setattr(aws.kms.client, "describe_key", unreadable)
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert (
        f"1 of 2 keys are judged; no answer for key-1, first because of {type(error).__name__}: the answer cannot be "
        f"read, look for a proxy between the function and AWS. "
    ) in str(raised.value)
    assert "the-token" not in caplog.text + str(raised.value)


@pytest.mark.parametrize(
    "error",
    [ResponseParserError("the-token"), UnicodeDecodeError("utf-8", b"the-token\xff", 9, 10, "the-token")],
)
def test_a_list_that_cannot_be_read_is_not_repeated(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def unreadable(_operation: str) -> None:
        raise error

    monkeypatch.setattr(aws.kms.client, "get_paginator", unreadable)
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value) == (
        f"kms:ListKeys failed with the function's own role: re-evaluate the rule once the cause is gone "
        f"({type(error).__name__}: the answer cannot be read, look for a proxy between the function and AWS)."
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a" * 150, "(token)"),
        ("Z" * 150, "(token)"),
        ("09+/=_%-" * 19, "(token)"),
        (f"token aZ{'0' * 200}, expired", "token (token), expired"),
        ("a" * 149, "a" * 149),
    ],
)
def test_what_may_be_a_token_is_left_out_of_what_aws_says(aws: StubbedAws, message: str, shown: str) -> None:
    aws.kms.add_client_error("list_keys", "", message)
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value).endswith(f"(: {shown}).")


def test_what_aws_says_is_repeated_in_300_characters(aws: StubbedAws) -> None:
    aws.kms.add_client_error("list_keys", "Odd", "ab " * 200)
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    reason = str(raised.value).rpartition("(")[2].removesuffix(").")
    assert (len(reason), reason[:10], "..." in reason) == (300, "Odd: ab ab", True)


def test_an_error_of_aws_is_repeated_on_one_line_and_without_its_traceback(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.kms.add_client_error("list_keys", "InvalidSignatureException", "no match\x1b[31m\nthe-token")
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value).endswith("(InvalidSignatureException: no match\\u001b[31m).")
    assert raised.value.__suppress_context__
    assert "the-token" not in caplog.text


@pytest.mark.parametrize("setting", ["0", "65", "many", "-1", "1.5", "\u00b2"])
def test_a_wrong_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("READER_THREADS", setting)
    with pytest.raises(RuleError, match=r"READER_THREADS is .*: give a whole number from 1 to 64"):
        lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(("setting", "connections"), [("", 16), (" 3 ", 3), ("64", 64)])
def test_a_client_has_a_connection_for_each_thread(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, setting: str, connections: int
) -> None:
    monkeypatch.setenv("READER_THREADS", setting)
    expect_keys(aws)
    lambda_handler(SCHEDULED, {})
    assert {settings.max_pool_connections for settings in aws.settings} == {connections}


@pytest.mark.parametrize(("operation", "action"), [("list_aliases", "kms:ListAliases"), ("list_keys", "kms:ListKeys")])
def test_what_cannot_be_listed_raises(aws: StubbedAws, operation: str, action: str) -> None:
    if operation == "list_aliases":
        aws.kms.add_response("list_keys", {"Keys": []})
    aws.kms.add_client_error(operation, "AccessDeniedException", "no policy allows it")
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value) == (
        f"{action} failed with the function's own role: allow it to the function's own role "
        f"(AccessDeniedException: no policy allows it)."
    )


def test_aliases_of_a_changed_key_that_cannot_be_listed_raise(aws: StubbedAws) -> None:
    aws.kms.add_client_error("list_aliases", "ThrottlingException")
    with pytest.raises(RuleError, match="kms:ListAliases of key key-1 failed"):
        lambda_handler(changed("key-1"), {})


def test_without_a_region_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_settings: object) -> None:
        raise NoRegionError

    monkeypatch.setattr("boto3.client", fail)
    no_region = "NoRegionError: You must specify a region."
    later = "re-evaluate the rule once the cause is gone"
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value) == (
        f"creating the clients of KMS and AWS Config failed with the function's own role: {later} ({no_region})."
    )
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, SOMEWHERE_ELSE)
    role_arn = SCHEDULED["executionRoleArn"]
    assert str(raised.value) == (
        f"creating the client of STS for {role_arn} failed with the function's own role: {later} ({no_region})."
    )


CREDENTIALS = {
    "AccessKeyId": "ASIAEXAMPLEEXAMPLE",
    "SecretAccessKey": "the-secret",
    "SessionToken": "the-token",
    "Expiration": "2026-01-13T20:12:27Z",
}


def expect_assumed(aws: StubbedAws, role_arn: str) -> None:
    aws.sts.add_response(
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
def test_the_assumed_role_reads_and_reports(
    aws: StubbedAws, fields: dict[str, str], context: object, role_arn: str
) -> None:
    expect_assumed(aws, role_arn)
    expect_keys(aws)
    lambda_handler({**SCHEDULED, **fields}, context)
    assumed = {
        "aws_access_key_id": "ASIAEXAMPLEEXAMPLE",
        "aws_secret_access_key": "the-secret",
        "aws_session_token": "the-token",
    }
    assert aws.clients == [("sts", {}), ("kms", assumed), ("config", assumed)]
    assert [settings.max_pool_connections for settings in aws.settings] == [1, 1, 1]
    assert {settings.read_timeout for settings in aws.settings} == {10}


def test_the_named_role_is_assumed_where_the_event_names_no_account(aws: StubbedAws) -> None:
    expect_assumed(aws, f"arn:aws:iam::{ACCOUNT_ID}:role/member")
    expect_keys(aws)
    parameters = json.dumps({**POST_PARAMETERS, "ExecutionRoleName": "member"})
    lambda_handler({**SCHEDULED, "ruleParameters": parameters, "accountId": None}, HERE)
    assert [service for service, _ in aws.clients] == ["sts", "kms", "config"]


REASONS: list[tuple[Exception, str]] = [
    (ClientError({}, "DescribeKey"), ": "),
    (ClientError({"Error": {}}, "DescribeKey"), ": "),
    (ClientError({"Error": {"Code": "Odd"}}, "DescribeKey"), "Odd: "),
    (ClientError({"Error": {"Code": "Odd", "Message": "It rains"}}, "DescribeKey"), "Odd: It rains"),
    (ReadTimeoutError(endpoint_url="https://kms.example"), "ReadTimeoutError: https://kms.example"),
    (HTTPClientError(error="the-token"), "HTTPClientError: "),
    (NoRegionError(), "NoRegionError: You must specify a region."),
    (KeyError("the-token"), "KeyError: the answer cannot be read, look for a proxy between the function and AWS"),
]


@pytest.mark.parametrize(("error", "reason"), REASONS)
def test_the_reason_of_a_failure(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_key_of_aws_needs_no_call(aws: StubbedAws) -> None:
    account = Account(aws.kms.client, aws.config.client, "a role")  # type: ignore[arg-type]
    read = read_key(account, RuleParameters.parse(POST_PARAMETERS), "key-1", ("alias/aws/ebs",))
    assert isinstance(read, ReadKey)
    assert read.key == Key("key-1", Facts(("alias/aws/ebs",), manager="AWS"))
    assert read.verdict
    assert read.verdict.compliance is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize("context", [HERE, {}, None, SimpleNamespace(), SimpleNamespace(invoked_function_arn="here")])
def test_in_its_own_account_the_function_works_with_its_own_role(aws: StubbedAws, context: object) -> None:
    expect_keys(aws)
    lambda_handler(SCHEDULED, context)
    assert aws.clients == [("kms", {}), ("config", {})]


@pytest.mark.parametrize("account_id", [None, ""])
def test_an_event_that_names_no_account_is_of_the_function_s_own(aws: StubbedAws, account_id: str | None) -> None:
    expect_keys(aws)
    lambda_handler({**SCHEDULED, "accountId": account_id}, HERE)
    assert aws.clients == [("kms", {}), ("config", {})]


def test_a_refused_role_is_explained_without_credentials(aws: StubbedAws, caplog: pytest.LogCaptureFixture) -> None:
    aws.sts.add_client_error(
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
        ({"executionRoleArn": f"arn:\u00e4ws:iam::{ACCOUNT_ID}:role/a"}, ["arn:\\u00e4ws", "is unknown"]),
    ],
)
def test_without_a_role_of_the_event_s_account_nothing_is_judged(
    aws: StubbedAws, fields: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(RuleError) as raised:
        lambda_handler({**SCHEDULED, **fields}, SOMEWHERE_ELSE)
    assert [word for word in words if word not in str(raised.value)] == []
    assert aws.clients == []


NO_ROLE = "so the role to assume in account {account} is unknown: invoke the function through AWS Config."
OTHER_ACCOUNT = "whose keys it is to read: invoke the function through AWS Config."

ROLE_SENTENCES = [
    ({"executionRoleArn": None}, f'The event\'s executionRoleArn is "", {NO_ROLE.format(account=f'"{ACCOUNT_ID}"')}'),
    (
        {"executionRoleArn": "arn:aws:iam::9:role/a"},
        f'The role "arn:aws:iam::9:role/a" is not of the event\'s account "{ACCOUNT_ID}", {OTHER_ACCOUNT}',
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), ROLE_SENTENCES)
def test_the_sentence_about_a_wrong_role(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(RuleError) as raised:
        lambda_handler({**SCHEDULED, **fields}, SOMEWHERE_ELSE)
    assert str(raised.value) == sentence


def test_the_sentence_about_a_refused_role(aws: StubbedAws) -> None:
    aws.sts.add_client_error("assume_role", "AccessDenied", "no")
    role_arn = f"arn:aws:iam::{ACCOUNT_ID}:role/a"
    with pytest.raises(RuleError) as raised:
        lambda_handler({**SCHEDULED, "executionRoleArn": role_arn}, SOMEWHERE_ELSE)
    assert str(raised.value) == (
        f"The role {role_arn} cannot be assumed: its trust policy must allow sts:AssumeRole to the function's role, "
        "whose own policy must allow it too; the recorder's service-linked role never can be, so name another in "
        "ExecutionRoleName (AccessDenied: no)."
    )


def test_the_sentence_about_a_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_THREADS", "many")
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert str(raised.value) == 'READER_THREADS is "many": give a whole number from 1 to 64.'
