"""Rules, evaluations on demand, the record of calls, and what installing changes."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.config.responses import ConfigResponse
from moto.core.responses import BaseResponse
from moto.kms.responses import KmsResponse

from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Call, Place
from dev.emulator.config import EmulatedConfig

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_kms import KMSClient

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}

RESULT: Any = {
    "ComplianceResourceType": "AWS::KMS::Key",
    "ComplianceResourceId": "a",
    "ComplianceType": "COMPLIANT",
    "OrderingTimestamp": 0,
}


def create_function() -> str:
    role = boto3.client("iam").create_role(RoleName="rule", AssumeRolePolicyDocument=json.dumps(TRUST))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("rule.py", "")
    function = boto3.client("lambda").create_function(
        FunctionName="rule",
        Runtime="python3.13",
        Handler="rule.lambda_handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
    )
    return function["FunctionArn"]


# Rules.


def test_an_added_rule_is_described_like_any_other(emulated: EmulatedConfig, config: ConfigServiceClient) -> None:
    emulated.add_rule("Added", {"Admin_User_Id": "AROAOTTER*"})
    [rule] = config.describe_config_rules(ConfigRuleNames=["Added"])["ConfigRules"]
    assert rule["ConfigRuleArn"].startswith("arn:aws:config:us-east-1:123456789012:config-rule/config-rule-")
    assert rule["ConfigRuleState"] == "ACTIVE"
    assert json.loads(rule["InputParameters"]) == {"Admin_User_Id": "AROAOTTER*"}
    assert rule["Source"] == {
        "Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": "arn:aws:lambda:us-east-1:123456789012:function:Added",
        "SourceDetails": [
            {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"},
            {"EventSource": "aws.config", "MessageType": "OversizedConfigurationItemChangeNotification"},
            {
                "EventSource": "aws.config",
                "MessageType": "ScheduledNotification",
                "MaximumExecutionFrequency": "TwentyFour_Hours",
            },
        ],
    }


def test_a_rule_of_a_real_function_has_tokens_and_results_too(
    emulated: EmulatedConfig, config: ConfigServiceClient
) -> None:
    source: Any = {
        "Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": create_function(),
        "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ScheduledNotification"}],
    }
    config.put_config_rule(ConfigRule={"ConfigRuleName": "Put", "Source": source})
    token = emulated.issue_token("Put")
    config.put_evaluations(Evaluations=[RESULT], ResultToken=token)
    assert len(config.get_compliance_details_by_config_rule(ConfigRuleName="Put")["EvaluationResults"]) == 1


# Evaluations on demand.


def test_an_evaluation_on_demand_is_recorded_and_called_back(
    emulated: EmulatedConfig, config: ConfigServiceClient, kms: KMSClient, rule: str
) -> None:
    called: list[str] = []

    def evaluate(name: str) -> None:
        kms.list_keys()
        called.append(name)

    emulated.add_rule("Other")
    emulated.on_evaluation = evaluate
    config.start_config_rules_evaluation(ConfigRuleNames=[rule, "Other"])
    assert called == emulated.evaluations == [rule, "Other"]


def test_an_evaluation_needs_no_callback(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    config.start_config_rules_evaluation(ConfigRuleNames=[rule])
    assert emulated.evaluations == [rule]


def test_a_failed_evaluation_is_logged_and_kept_from_the_client(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_name: str) -> None:
        raise RuntimeError("the function failed")

    emulated.on_evaluation = fail
    config.start_config_rules_evaluation(ConfigRuleNames=[rule])
    assert f"The evaluation of {rule} failed" in caplog.text
    assert "the function failed" in caplog.text


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["KeyPolicies", "Unknown"], "NoSuchConfigRuleException"),
        (["KeyPolicies"] * 26, "ValidationException"),
        ([], "ValidationException"),
        (None, "InvalidParameterValueException"),
    ],
)
def test_an_evaluation_that_cannot_be_starts_nothing(
    emulated: EmulatedConfig, config: ConfigServiceClient, names: list[str] | None, code: str
) -> None:
    asked: dict[str, Any] = {"ConfigRuleNames": names} if names is not None else {}
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        config.start_config_rules_evaluation(**asked)
    assert emulated.evaluations == []


def test_25_rules_are_evaluated_at_once(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    config.start_config_rules_evaluation(ConfigRuleNames=[rule] * 25)
    assert len(emulated.evaluations) == 25


# The record of calls.


def test_calls_are_recorded_with_their_parameters(
    emulated: EmulatedConfig, config: ConfigServiceClient, kms: KMSClient, rule: str
) -> None:
    key = kms.create_key(Description="An otter's.")["KeyMetadata"]["KeyId"]
    kms.get_key_policy(KeyId=key, PolicyName="default")
    config.describe_config_rules(ConfigRuleNames=[rule])
    config.put_evaluations(Evaluations=[RESULT], ResultToken="TESTMODE", TestMode=True)
    result = RESULT | {"OrderingTimestamp": datetime(1970, 1, 1)}  # noqa: DTZ001 - moto's times have no zone
    assert emulated.calls == [
        Call(emulated.home, "kms", "CreateKey", {"Description": "An otter's."}),
        Call(emulated.home, "kms", "GetKeyPolicy", {"KeyId": key, "PolicyName": "default"}),
        Call(emulated.home, "config", "DescribeConfigRules", {"ConfigRuleNames": [rule]}),
        Call(
            emulated.home,
            "config",
            "PutEvaluations",
            {"Evaluations": [result], "ResultToken": "TESTMODE", "TestMode": True},
        ),
    ]


def test_calls_of_every_protocol_and_place_are_recorded(emulated: EmulatedConfig) -> None:
    role: Any = {"RoleArn": "arn:aws:iam::111122223333:role/r", "RoleSessionName": "rule"}
    boto3.client("sts", "eu-west-1").assume_role(**role)
    boto3.client("lambda").list_functions(MaxItems=7)
    boto3.client("s3").create_bucket(Bucket="otters")
    boto3.client("s3").put_object(Bucket="otters", Key="river/bank.txt", Body=b"wet")
    *calls, put = emulated.calls
    assert calls == [
        Call(Place(emulated.home.account_id, "eu-west-1"), "sts", "AssumeRole", role),
        Call(emulated.home, "lambda", "ListFunctions", {"MaxItems": 7}),
        Call(emulated.home, "s3", "CreateBucket", {"Bucket": "otters"}),
    ]
    assert str(put) == "s3:PutObject"
    assert put.parameters.items() >= {"Bucket": "otters", "Key": "river/bank.txt", "Body": b"wet"}.items()


def test_refused_calls_are_recorded_too(emulated: EmulatedConfig, config: ConfigServiceClient, kms: KMSClient) -> None:
    with pytest.raises(ClientError):
        kms.describe_key(KeyId="unknown")
    with pytest.raises(ClientError):
        config.put_evaluations(ResultToken="unknown", Evaluations=[])
    assert [str(call) for call in emulated.calls] == ["kms:DescribeKey", "config:PutEvaluations"]
    assert emulated.calls[0].parameters == {"KeyId": "unknown"}


# Installing and emptying.


def test_moto_is_as_it_was_when_the_block_has_ended(account: EmulatedAccount) -> None:
    before = [dict(vars(response_class)) for response_class in (BaseResponse, ConfigResponse, KmsResponse)]
    config = EmulatedConfig(Place(account.id, account.region))
    with config.install() as installed:
        assert installed is config
        boto3.client("kms").list_keys()
    assert [dict(vars(response_class)) for response_class in (BaseResponse, ConfigResponse, KmsResponse)] == before
    boto3.client("kms").list_keys()
    assert [str(call) for call in config.calls] == ["kms:ListKeys"]


def test_of_two_installed_the_later_answers_and_both_record(
    emulated: EmulatedConfig, config: ConfigServiceClient, kms: KMSClient, rule: str
) -> None:
    keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3)]
    emulated.reset()
    later = EmulatedConfig(emulated.home)
    with later.install():
        pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
        config.put_evaluations(Evaluations=[RESULT], ResultToken=later.issue_token(rule))
    assert [key["KeyId"] for page in pages for key in page["Keys"]] == keys
    assert [str(call) for call in later.calls] == ["kms:ListKeys", "kms:ListKeys", "config:PutEvaluations"]
    assert emulated.calls == later.calls
    assert config.get_compliance_details_by_config_rule(ConfigRuleName=rule)["EvaluationResults"] == []


def test_reset_forgets_everything(
    emulated: EmulatedConfig, config: ConfigServiceClient, kms: KMSClient, rule: str
) -> None:
    called: list[str] = []
    emulated.on_evaluation = called.append
    token = emulated.issue_token(rule)
    config.put_evaluations(Evaluations=[RESULT], ResultToken=token)
    config.start_config_rules_evaluation(ConfigRuleNames=[rule])
    marker = kms.list_aliases(Limit=1)["NextMarker"]
    emulated.refuse("a")

    emulated.reset()
    assert (emulated.calls, emulated.evaluations) == ([], [])
    assert config.get_compliance_details_by_config_rule(ConfigRuleName=rule)["EvaluationResults"] == []
    with pytest.raises(config.exceptions.InvalidResultTokenException):
        config.put_evaluations(Evaluations=[RESULT], ResultToken=token)
    with pytest.raises(kms.exceptions.InvalidMarkerException):
        kms.list_aliases(Limit=1, Marker=marker)
    config.start_config_rules_evaluation(ConfigRuleNames=[rule])
    assert called == [rule]
    put = config.put_evaluations(Evaluations=[RESULT], ResultToken=emulated.issue_token(rule))
    assert put["FailedEvaluations"] == []
