from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from AWSConfigRuleKMS import lambda_handler
from dev.demo.example_keys import EXAMPLE_KEYS, USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import (
    POST_PARAMETERS,
    alias_item,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from least_privilege.account import Account
from least_privilege.clients import AbandonedError
from least_privilege.deadline import Deadline
from least_privilege.items import recorded_key
from least_privilege.key import Facts, Key, UnrecordedKey
from least_privilege.parameters import RuleParameters
from least_privilege.reading import ReadKey, read_from_config, read_from_kms
from least_privilege.scenarios import judge_key
from least_privilege.text import RuleError
from tests.aws.stubbed import StubbedAws

HISTORY = Path(__file__).parents[3] / "shared" / "recorded-events" / "history-kms-key.json"
FROM_CONFIG = {**POST_PARAMETERS, "ReadKeysFrom": "Config"}
POLICY = json.dumps(USAGE_ONLY)
PARAMETERS = RuleParameters.parse(POST_PARAMETERS)


def scheduled(parameters: dict[str, str]) -> dict[str, Any]:
    return rule_event(scheduled_notification(now()), parameters)


def item(key_id: str = "key-1", policy: object = json.dumps(POLICY), **fields: object) -> Any:
    return {
        "resourceId": key_id,
        "configurationItemStatus": "OK",
        "configuration": json.dumps({"keyId": key_id, "keyManager": "CUSTOMER", "keyState": "Enabled"}),
        "supplementaryConfiguration": {"KeyRotationStatus": "false", "Policy": policy},
        **fields,
    }


# Without `keyState` an item lacks the state, whatever it says of `enabled`.
RECORDED_STATES: list[tuple[dict[str, object], str | None]] = [
    ({"keyState": "Enabled", "enabled": True}, "Enabled"),
    ({"keyState": "Enabled", "enabled": False}, "Disabled"),
    ({"keyState": "Enabled", "enabled": None}, "Enabled"),
    ({"keyState": "Enabled", "enabled": "false"}, "Enabled"),
    ({"keyState": "Disabled", "enabled": True}, "Disabled"),
    ({"keyState": "PendingDeletion", "enabled": False}, "PendingDeletion"),
    ({"enabled": False}, None),
    ({"enabled": True}, None),
    ({}, None),
]


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param(item(), Facts(("alias/a",), "CUSTOMER", "Enabled", POLICY), id="text in text"),
        pytest.param(item(policy=POLICY), Facts(("alias/a",), policy=POLICY), id="text"),
        pytest.param(
            item(configurationItemStatus="ResourceDiscovered", recordingFrequency="CONTINUOUS"),
            Facts(("alias/a",), policy=POLICY),
            id="discovered",
        ),
        pytest.param(
            item(configuration='{"keyManager": "AWS", "keyState": "PendingDeletion"}'),
            Facts(("alias/a",), "AWS", "PendingDeletion", POLICY),
            id="manager and state",
        ),
        *(
            pytest.param(
                item(configuration=json.dumps({"keyManager": "CUSTOMER", **metadata})),
                Facts(("alias/a",), state=state, policy=POLICY) if state else None,
                id=f"recorded with {metadata}",
            )
            for metadata, state in RECORDED_STATES
        ),
        pytest.param(item(policy='"not a policy"'), Facts(("alias/a",), policy="not a policy"), id="malformed"),
        pytest.param(item(configurationItemStatus="ResourceDeleted"), None, id="deleted"),
        pytest.param(item(configurationItemStatus=None), None, id="no status"),
        pytest.param(item(recordingFrequency="DAILY"), None, id="recorded daily"),
        pytest.param(item(resourceId=None), None, id="no id"),
        pytest.param(item(configuration=None), None, id="no configuration"),
        pytest.param(item(configuration="[]"), None, id="list for a configuration"),
        pytest.param(item(configuration="{"), None, id="broken configuration"),
        pytest.param(item(configuration="[" * 100_000), None, id="configuration nested too deeply"),
        pytest.param(item(configuration='{"keyState": "Enabled"}'), None, id="no manager"),
        pytest.param(item(policy=None), None, id="no policy"),
        pytest.param(item(policy=""), None, id="blank policy"),
        pytest.param(item(policy="{"), None, id="broken policy text"),
        pytest.param(item(policy='""'), None, id="blank policy in text"),
        pytest.param(item(policy="7"), None, id="number for a policy"),
        pytest.param(item(supplementaryConfiguration=None), None, id="no supplementary configuration"),
    ],
)
def test_an_item_tells(recorded: Any, expected: Facts | None) -> None:
    key = recorded_key(recorded, {"key-1": ("alias/a",)})
    assert key == (Key("key-1", expected) if expected else None)


@pytest.mark.parametrize(
    ("fields", "account_id", "taken"),
    [
        ({}, "123456789012", True),
        ({"resourceType": "AWS::KMS::Key", "accountId": "123456789012"}, "123456789012", True),
        ({"awsAccountId": "123456789012"}, "123456789012", True),
        ({"accountId": "123456789012"}, "", True),
        ({"resourceType": "AWS::KMS::Alias"}, "123456789012", False),
        ({"resourceType": "AWS::S3::Bucket"}, "", False),
        ({"resourceType": None}, "", False),
        ({"accountId": "999999999999"}, "123456789012", False),
        ({"awsAccountId": "999999999999"}, "123456789012", False),
    ],
)
def test_an_item_of_another_type_or_account_tells_nothing(
    fields: dict[str, Any], account_id: str, *, taken: bool
) -> None:
    assert (recorded_key(item(**fields), {}, account_id) is not None) is taken


@pytest.mark.skipif(not HISTORY.is_file(), reason="the recorded events lie beside the project's own checkout")
def test_a_recorded_item_is_read() -> None:
    [recorded] = json.loads(HISTORY.read_text(encoding="utf-8"))["configurationItems"]
    key = recorded_key(recorded, {})
    assert key
    assert (key.id, key.facts.manager, key.facts.state) == (
        "b7a563db-8243-49ad-911b-70cadadf3fe1",
        "CUSTOMER",
        "Enabled",
    )
    assert isinstance(key.facts.policy, str)
    assert json.loads(key.facts.policy)["Id"] == "Key policy created by CloudTrail"


@pytest.fixture
def populated(account: EmulatedAccount) -> EmulatedAccount:
    """The example keys, one that AWS manages, and as many of another kind that there are several pages of keys."""
    with patch("moto.kms.models.generate_private_key"):
        for example in EXAMPLE_KEYS:
            create(json.dumps(example.policy) if example.policy else None, example.aliases, enabled=example.enabled)
        for number in range(240):
            create(POLICY, (f"alias/more/{number}",))
    account.add_aws_managed_key("ebs")
    return account


def create(policy: str | None, aliases: tuple[str, ...], *, enabled: bool = True) -> str:
    kms = boto3.client("kms")
    key_id = kms.create_key(**({"Policy": policy} if policy else {}))["KeyMetadata"]["KeyId"]  # type: ignore[arg-type]
    for alias in aliases:
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    if not enabled:
        kms.disable_key(KeyId=key_id)
    return key_id


def results_without_time(evaluations: list[Any]) -> list[dict[str, str]]:
    return [{**evaluation, "OrderingTimestamp": ""} for evaluation in evaluations]


def calls_of(account: EmulatedAccount, parameters: dict[str, str]) -> tuple[list[dict[str, str]], dict[str, int]]:
    """Run the handler, and return its evaluations and how often it called each operation."""
    account.config.calls.clear()
    evaluations = lambda_handler(scheduled(parameters), {})
    return results_without_time(evaluations), dict(Counter(map(str, account.config.calls)))


def by_id(evaluations: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(evaluations, key=lambda each: each["ComplianceResourceId"])


def test_both_sources_give_the_same_evaluations_and_config_leaves_kms_the_lists(populated: EmulatedAccount) -> None:
    populated.start_recording()
    from_kms, kms_calls = calls_of(populated, dict(POST_PARAMETERS))
    from_config, config_calls = calls_of(populated, FROM_CONFIG)
    assert len(from_kms) == 254
    assert by_id(from_config) == by_id(from_kms)
    customer_managed = len(EXAMPLE_KEYS) + 240
    assert kms_calls == {
        "kms:ListAliases": 3,
        "kms:ListKeys": 1,
        "kms:DescribeKey": customer_managed,
        "kms:GetKeyPolicy": customer_managed - len(["the disabled one", "the whitelisted one"]),
        "config:PutEvaluations": 3,
    }
    assert config_calls == {
        "kms:ListAliases": 3,
        "kms:ListKeys": 1,
        "config:DescribeConfigurationRecorderStatus": 1,
        "config:BatchGetResourceConfig": 3,
        "config:PutEvaluations": 3,
    }


def test_kms_is_asked_only_for_keys_of_which_config_does_not_tell_all(account: EmulatedAccount) -> None:
    key_ids = [create(POLICY, ()) for _ in range(5)]
    account.start_recording()
    changes: list[dict[str, Any] | None] = [None, {"recordingFrequency": "DAILY"}, {"supplementaryConfiguration": {}}]
    account.config.items.update(zip(key_ids, changes, strict=False))
    evaluations, calls = calls_of(account, FROM_CONFIG)
    assert [evaluation["ComplianceType"] for evaluation in evaluations] == ["COMPLIANT"] * 5
    assert (calls["kms:DescribeKey"], calls["kms:GetKeyPolicy"]) == (3, 3)


@pytest.mark.parametrize(("ahead", "jobs"), [(400, [1, 4]), (2, [1, 2, 2])])
def test_keys_of_which_config_does_not_tell_all_are_read_together(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, ahead: int, jobs: list[int]
) -> None:
    read_together: list[int] = []

    def counting(*arguments: Any) -> Any:
        read_together.append(len(arguments[-1]))
        return read_from_kms(*arguments)

    account.start_recording()
    account.config.items.update(dict.fromkeys(create(POLICY, ()) for _ in range(5)))
    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", ahead)
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_BATCH", 5)
    monkeypatch.setattr("least_privilege.reading.read_from_kms", counting)
    lambda_handler(scheduled(FROM_CONFIG), {})
    assert sorted(read_together) == jobs


def test_what_config_has_recorded_decides_until_it_records_anew(account: EmulatedAccount) -> None:
    key_id = create(None, ("alias/a",))
    account.start_recording()
    account.config.items[key_id] = {"supplementaryConfiguration": {"Policy": json.dumps(POLICY)}}
    [evaluation], _ = calls_of(account, FROM_CONFIG)
    assert evaluation["ComplianceType"] == "COMPLIANT"


FROM_THE_ITEM = ["kms:ListAliases", "config:PutEvaluations"]
LIVE = ["kms:ListAliases", "kms:DescribeKey", "kms:GetKeyPolicy", "config:PutEvaluations"]
METADATA = {"keyManager": "CUSTOMER", "keyState": "Enabled", "enabled": True}
OPEN = json.dumps({"Statement": {"Effect": "Allow", "Action": "kms:*"}})


def changed(key_id: str, **fields: object) -> dict[str, Any]:
    """Make the item of a key that, says the item, opens all."""
    whole = {"configuration": METADATA, "supplementaryConfiguration": {"Policy": OPEN}}
    return {**key_item(key_id, now()), **whole, **fields}


@pytest.mark.parametrize(
    ("fields", "calls"),
    [
        pytest.param({}, FROM_THE_ITEM, id="all there"),
        pytest.param({"configurationItemStatus": "ResourceDiscovered"}, FROM_THE_ITEM, id="discovered"),
        pytest.param({"recordingFrequency": "CONTINUOUS"}, FROM_THE_ITEM, id="recorded continuously"),
        pytest.param({"awsAccountId": None, "accountId": "123456789012"}, FROM_THE_ITEM, id="as the API says it"),
        pytest.param({"configuration": json.dumps(METADATA)}, FROM_THE_ITEM, id="configuration in a text"),
        pytest.param({"recordingFrequency": "DAILY"}, LIVE, id="recorded daily"),
        pytest.param({"configurationItemStatus": "Odd"}, LIVE, id="unknown status"),
        pytest.param({"configuration": {**METADATA, "keyState": None}}, LIVE, id="no state"),
        pytest.param({"configuration": {**METADATA, "keyManager": None}}, LIVE, id="no manager"),
        pytest.param({"supplementaryConfiguration": {}}, LIVE, id="no policy"),
        pytest.param({"supplementaryConfiguration": {"Policy": ""}}, LIVE, id="blank policy"),
        pytest.param({"awsAccountId": "999999999999"}, LIVE, id="another account's"),
    ],
)
def test_a_change_is_judged_from_its_own_item_or_else_live(
    account: EmulatedAccount, fields: dict[str, object], calls: list[str]
) -> None:
    key_id = create(POLICY, ("alias/a",))
    account.config.calls.clear()
    [evaluation] = lambda_handler(rule_event(change_notification(changed(key_id, **fields)), FROM_CONFIG), {})
    expected = "NON_COMPLIANT" if calls == FROM_THE_ITEM else "COMPLIANT"
    assert (evaluation["ComplianceResourceId"], evaluation["ComplianceType"]) == ("alias/a", expected)
    assert list(map(str, account.config.calls)) == calls


def test_a_change_is_read_live_without_config_and_where_the_event_has_no_item(account: EmulatedAccount) -> None:
    item = changed(create(POLICY, ()))
    oversized = {"messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": item}
    for event in (rule_event(change_notification(item)), rule_event(oversized, FROM_CONFIG)):
        account.config.calls.clear()
        [evaluation] = lambda_handler(event, {})
        assert evaluation["ComplianceType"] == "COMPLIANT"
        assert list(map(str, account.config.calls)) == LIVE


def test_what_an_item_says_is_judged_with_the_aliases_that_kms_has_now(account: EmulatedAccount) -> None:
    item = changed(create(POLICY, ("alias/Otter",)))
    disabled = changed(create(POLICY, ("alias/b",)), configuration={**METADATA, "enabled": False})
    gone = changed("1234abcd-12ab-34cd-56ef-1234567890ab")
    evaluations = [
        (evaluation["ComplianceResourceId"], evaluation["ComplianceType"])
        for each in (item, disabled, gone)
        for evaluation in lambda_handler(rule_event(change_notification(each), FROM_CONFIG), {})
    ]
    assert evaluations == [("alias/Otter", "COMPLIANT"), ("alias/b", "NOT_APPLICABLE")]
    del account


def test_without_a_running_recorder_all_keys_are_read_from_kms_and_the_log_says_so(
    account: EmulatedAccount, caplog: pytest.LogCaptureFixture
) -> None:
    create(POLICY, ())
    _, calls = calls_of(account, FROM_CONFIG)
    assert "config:BatchGetResourceConfig" not in calls
    assert calls["kms:GetKeyPolicy"] == 1
    assert "AWS Config has no recorder, so all keys are read from KMS." in caplog.messages


def test_of_two_changed_keys_the_first_is_reported_before_the_second_is_read(account: EmulatedAccount) -> None:
    key_id, former = create(POLICY, ("alias/a",)), create(POLICY, ())
    account.config.calls.clear()
    difference = {"changedProperties": {"Configuration.TargetKeyId": {"previousValue": former, "updatedValue": key_id}}}
    lambda_handler(rule_event(change_notification(alias_item("alias/a", key_id, now()), difference)), {})
    read_and_reported = ["kms:ListAliases", "kms:DescribeKey", "kms:GetKeyPolicy", "config:PutEvaluations"]
    assert list(map(str, account.config.calls)) == [*read_and_reported, *read_and_reported]


def test_keys_that_config_leaves_unprocessed_are_asked_for_again(account: EmulatedAccount) -> None:
    key_ids = [create(POLICY, ()) for _ in range(3)]
    account.start_recording()
    account.config.unprocessed.update({key_ids[0]: 2, key_ids[1]: 99})
    evaluations, calls = calls_of(account, FROM_CONFIG)
    assert [evaluation["ComplianceType"] for evaluation in evaluations] == ["COMPLIANT"] * 3
    assert calls["config:BatchGetResourceConfig"] == 3
    assert calls["kms:GetKeyPolicy"] == 1


def read(key: Key) -> ReadKey:
    return ReadKey(key, judge_key(key.facts, PARAMETERS))


def test_items_that_arrived_before_a_failure_are_kept(aws: StubbedAws) -> None:
    aws.config.add_response(
        "batch_get_resource_config",
        {
            "baseConfigurationItems": [item()],
            "unprocessedResourceKeys": [{"resourceType": "AWS::KMS::Key", "resourceId": "key-2"}],
        },
    )
    aws.config.add_client_error("batch_get_resource_config", "InternalServerError", http_status_code=500)
    account = Account(boto3.client("kms"), boto3.client("config"), "a role")
    found = read_from_config(account, {}, PARAMETERS, Deadline(), ["key-1", "key-2"])
    assert found == [read(Key("key-1", Facts(policy=POLICY))), UnrecordedKey("key-2")]


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="https://config.example"), ResponseParserError("no")])
def test_a_call_of_config_that_fails_after_the_end_is_told_to_nobody(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(**_request: object) -> None:
        stopped.set()
        raise error

    stopped = Event()
    monkeypatch.setattr(aws.config.client, "batch_get_resource_config", fail)
    account = Account(boto3.client("kms"), boto3.client("config"), "a role", stopped=stopped)
    with pytest.raises(AbandonedError):
        account.recorded(["key-1"], {})
    assert caplog.messages == []


def test_an_item_of_a_key_that_was_not_asked_for_is_not_taken(aws: StubbedAws) -> None:
    aws.config.add_response("batch_get_resource_config", {"baseConfigurationItems": [item("key-9"), item("key-1")]})
    account = Account(boto3.client("kms"), boto3.client("config"), "a role")
    assert set(account.recorded(["key-1", "key-2"], {})) == {"key-1"}


@pytest.mark.usefixtures("aws")
def test_config_is_not_asked_for_keys_that_their_alias_proves_to_be_aws_s() -> None:
    account = Account(boto3.client("kms"), boto3.client("config"), "a role")
    found = read_from_config(account, {"key-1": ("alias/aws/ebs",)}, PARAMETERS, Deadline(), ["key-1"])
    assert found == [read(Key("key-1", Facts(("alias/aws/ebs",), manager="AWS")))]


def test_keys_of_aws_and_of_customers_are_told_in_one_answer(aws: StubbedAws) -> None:
    asked = [{"resourceType": "AWS::KMS::Key", "resourceId": "key-2"}]
    answer = {"baseConfigurationItems": [item("key-2")]}
    aws.config.add_response("batch_get_resource_config", answer, {"resourceKeys": asked})
    account = Account(boto3.client("kms"), boto3.client("config"), "a role")
    found = read_from_config(account, {"key-1": ("alias/aws/ebs",)}, PARAMETERS, Deadline(), ["key-1", "key-2"])
    assert found == [
        read(Key("key-1", Facts(("alias/aws/ebs",), manager="AWS"))),
        read(Key("key-2", Facts(policy=POLICY))),
    ]


RECORDING = {"name": "default", "recording": True}


def expect_lists_and_recorder(aws: StubbedAws, recorders: list[dict[str, Any]]) -> None:
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": "key-1"}]})
    aws.kms.add_response("list_aliases", {"Aliases": []})
    aws.config.add_response("describe_configuration_recorder_status", {"ConfigurationRecordersStatus": recorders})


NO_RECORDER = "AWS Config has no recorder"
NOT_RECORDING = "AWS Config's recorder is not recording"
FAILED = "AWS Config's recorder says that it failed"


@pytest.mark.parametrize(
    ("recorders", "problem"),
    [
        ([], NO_RECORDER),
        ([{"name": "default", "recording": False}], NOT_RECORDING),
        ([{"name": "default"}], NOT_RECORDING),
        ([{"recording": False, "lastStatus": "Success"}], NOT_RECORDING),
        ([{"recording": False, "lastStatus": "Failure"}], NOT_RECORDING),
        ([{"recording": True, "lastStatus": "Failure"}], FAILED),
        ([{"recording": True, "lastStatus": "FAILURE"}], FAILED),
        ([{"recording": True, "lastStatus": "failure"}, {"recording": False, "lastStatus": "Success"}], FAILED),
        ([{"recording": True, "lastStatus": "Failure"}, {"recording": True, "lastStatus": "Success"}], ""),
        ([{"recording": True, "lastStatus": "Success"}], ""),
        ([{"recording": True, "lastStatus": "SUCCESS"}], ""),
        ([{"recording": True, "lastStatus": "Pending"}], ""),
        ([{"recording": True, "lastStatus": "NotApplicable"}], ""),
        ([{"recording": True}], ""),
    ],
)
def test_a_recorder_that_does_not_record(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture, recorders: list[dict[str, Any]], problem: str
) -> None:
    expect_lists_and_recorder(aws, recorders)
    if not problem:
        aws.config.add_response("batch_get_resource_config", {})
    aws.kms.add_client_error("describe_key", "NotFoundException")
    assert lambda_handler(scheduled(FROM_CONFIG), {}) == []
    assert caplog.messages == ([f"{problem}, so all keys are read from KMS."] if problem else [])


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDeniedException", 400, "allow it to the function's own role"),
        ("ExpiredTokenException", 400, "re-evaluate the rule once the cause is gone"),
        ("Odd", 499, "re-evaluate the rule once the cause is gone"),
    ],
)
def test_a_config_that_refuses_its_items_raises(aws: StubbedAws, code: str, status: int, advice: str) -> None:
    expect_lists_and_recorder(aws, [{"recording": True}])
    aws.config.add_client_error("batch_get_resource_config", code, http_status_code=status)
    with pytest.raises(RuleError, match=f"config:BatchGetResourceConfig failed .*: {advice}"):
        lambda_handler(scheduled(FROM_CONFIG), {})


def test_an_error_of_config_that_says_nothing_raises(aws: StubbedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_request: object) -> None:
        raise ClientError({}, "BatchGetResourceConfig")

    expect_lists_and_recorder(aws, [RECORDING])
    monkeypatch.setattr(aws.config.client, "batch_get_resource_config", fail)
    with pytest.raises(RuleError, match=r"config:BatchGetResourceConfig failed .* cause is gone \(: \)\."):
        lambda_handler(scheduled(FROM_CONFIG), {})


def test_a_config_that_tells_of_no_key_has_not_failed(aws: StubbedAws, caplog: pytest.LogCaptureFixture) -> None:
    expect_lists_and_recorder(aws, [RECORDING])
    aws.config.add_response("batch_get_resource_config", {})
    aws.kms.add_client_error("describe_key", "NotFoundException")
    assert lambda_handler(scheduled(FROM_CONFIG), {}) == []
    assert caplog.messages == []


def test_a_config_that_refuses_to_say_whether_it_records_raises_before_all_else(aws: StubbedAws) -> None:
    aws.config.add_client_error("describe_configuration_recorder_status", "AccessDeniedException")
    with pytest.raises(RuleError, match="config:DescribeConfigurationRecorderStatus failed"):
        lambda_handler(scheduled(FROM_CONFIG), {})


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("LimitExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("Throttling", 400),
        ("ThrottlingException", 400),
        ("InternalFailure", 500),
        ("ServiceUnavailable", 503),
        ("Odd", 599),
        ("Odd", 429),
    ],
)
def test_items_that_cannot_be_had_for_a_while_are_read_from_kms(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture, code: str, status: int
) -> None:
    expect_lists_and_recorder(aws, [{"recording": True}])
    aws.config.add_client_error("batch_get_resource_config", code, "Not now", http_status_code=status)
    aws.kms.add_client_error("describe_key", "NotFoundException")
    assert lambda_handler(scheduled(FROM_CONFIG), {}) == []
    assert f"Items of AWS Config could not be read, so KMS is asked: {code}: Not now" in caplog.messages


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://config.example"),
        EndpointConnectionError(endpoint_url="https://config.example"),
        ResponseParserError("cut off"),
    ],
)
def test_a_call_of_config_that_does_not_come_back_costs_no_key_its_answer(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_request: object) -> None:
        raise error

    expect_lists_and_recorder(aws, [RECORDING])
    monkeypatch.setattr(aws.config.client, "batch_get_resource_config", fail)
    aws.kms.add_response("describe_key", {"KeyMetadata": {"KeyId": "key-1", "KeyState": "Disabled"}})
    aws.config.add_response("put_evaluations", {"FailedEvaluations": []})
    [evaluation] = lambda_handler(scheduled(FROM_CONFIG), {})
    assert evaluation["ComplianceType"] == "NOT_APPLICABLE"


def test_a_run_that_config_ends_logs_every_key_that_it_did_not_come_to(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_ids = [f"key-{number}" for number in range(250)]
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": key_id} for key_id in key_ids]})
    aws.kms.add_response("list_aliases", {"Aliases": []})
    aws.config.add_response("describe_configuration_recorder_status", {"ConfigurationRecordersStatus": [RECORDING]})
    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", 1)
    aws.config.add_client_error("batch_get_resource_config", "AccessDeniedException")
    with pytest.raises(RuleError, match=r"0 of 250 keys are judged; not judged are key-0, .* key-99 and 150 more\.$"):
        lambda_handler(scheduled(FROM_CONFIG), {})
    named = [message.partition(": ")[2] for message in caplog.messages if "which were not begun" in message]
    assert ", ".join(named).split(", ") == key_ids


def test_config_is_asked_for_a_hundred_keys_at_once(aws: StubbedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    key_ids = [f"key-{number}" for number in range(101)]
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": key_id} for key_id in key_ids]})
    aws.kms.add_response("list_aliases", {"Aliases": []})
    aws.config.add_response("describe_configuration_recorder_status", {"ConfigurationRecordersStatus": [RECORDING]})
    for some in (key_ids[:100], key_ids[100:]):
        asked = [{"resourceType": "AWS::KMS::Key", "resourceId": key_id} for key_id in some]
        items = [item(key_id) for key_id in some]
        aws.config.add_response("batch_get_resource_config", {"baseConfigurationItems": items}, {"resourceKeys": asked})
    # A batch may be reported before the next one is read.
    monkeypatch.setattr(aws.config.client, "put_evaluations", lambda **_request: {"FailedEvaluations": []})
    assert len(lambda_handler(scheduled(FROM_CONFIG), {})) == 101
