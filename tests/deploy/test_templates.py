from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]

import AWSConfigRuleKMS
from least_privilege.event import MESSAGE_TYPES
from least_privilege.parameters import PARAMETERS, RuleParameters
from tests.deploy.templates import (
    FUNCTION_ROLE_ARN,
    MEMBER_ROLE,
    ORGANIZATION,
    RULE,
    TEMPLATES,
    allowed_actions,
    read,
    resources,
    statements,
)

TRIGGERS = [
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
    "ScheduledNotification",
]
EVERY_RULE_PARAMETER = {
    "AdminUserId": "AROAOTTER*,AIDAOTTER",
    "CMKWhitelist": "Otter*, alias/Sea*",
    "ReadKeysFrom": "KMS",
    "ReportResourceAs": "KeyId",
    "SeparateDutiesBy": "User",
    "StrictSeparationOfDuties": "true",
}
ALARMS = ("ErrorAlarm", "FailureAlarm", "OverdueAlarm", "ThrottleAlarm")
SAME_RESOURCES = (*ALARMS, "FailureDestination", "FailureQueue", "Function", "LogGroup")


def input_parameters(path: Path, **given: str) -> dict[str, str]:
    properties = resources(path, **given)["Rule"]["Properties"]
    if path == RULE:
        return dict(properties["InputParameters"])
    return dict(json.loads(properties["OrganizationCustomRuleMetadata"]["InputParameters"]))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.name))
def test_cfn_lint_finds_nothing(path: Path) -> None:
    assert [str(match) for match in lint(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
class TestTheFunction:
    def test_is_the_handler_on_the_runtime_that_the_rule_is_written_for(self, path: Path) -> None:
        function = resources(path)["Function"]["Properties"]
        module, handler = function["Handler"].split(".")
        assert (module, hasattr(AWSConfigRuleKMS, handler)) == (AWSConfigRuleKMS.__name__, True)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["x86_64"])
        chosen = resources(path, Runtime="python3.14", Architecture="arm64")["Function"]["Properties"]
        assert (chosen["Runtime"], chosen["Architectures"]) == ("python3.14", ["arm64"])

    def test_has_the_code_memory_time_and_logging_that_the_parameters_say(self, path: Path) -> None:
        made = resources(path, MemorySize="1769", Timeout="900", LoggingLevel="DEBUG", LogRetentionInDays="30")
        function = made["Function"]["Properties"]
        assert function["Code"] == {"S3Bucket": "otter-packages", "S3Key": "AWSConfigRuleKMS/1.zip"}
        assert (function["MemorySize"], function["Timeout"]) == ("1769", "900")
        assert function["Environment"] == {"Variables": {"LOGGING_LEVEL": "DEBUG", "READER_THREADS": 16}}
        assert function["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/AWSConfigRuleKMS"}
        assert made["LogGroup"]["Properties"] == {
            "LogGroupName": "/aws/lambda/AWSConfigRuleKMS",
            "RetentionInDays": "30",
        }

    def test_logs_json_if_asked(self, path: Path) -> None:
        function = resources(path, LogFormat="JSON")["Function"]["Properties"]
        assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/AWSConfigRuleKMS"}

    def test_reserves_concurrency_only_if_asked(self, path: Path) -> None:
        assert "ReservedConcurrentExecutions" not in resources(path)["Function"]["Properties"]
        reserved = resources(path, ReservedConcurrency="10")["Function"]["Properties"]
        assert reserved["ReservedConcurrentExecutions"] == "10"

    def test_has_its_failed_events_kept_in_an_encrypted_queue(self, path: Path) -> None:
        made = resources(path)
        destination = made["FailureDestination"]["Properties"]
        assert destination["FunctionName"] == "AWSConfigRuleKMS"
        assert destination["DestinationConfig"] == {"OnFailure": {"Destination": "FailureQueue.Arn"}}
        assert made["FailureQueue"]["Properties"]["SqsManagedSseEnabled"] is True

    def test_tells_a_topic_of_every_alarm_if_there_is_one(self, path: Path) -> None:
        topic = "arn:aws:sns:us-east-1:123456789012:otters"
        silent, heard = resources(path), resources(path, AlarmTopicArn=topic)
        assert sorted(name for name in silent if name.endswith("Alarm")) == sorted(ALARMS)
        for name in ALARMS:
            assert "AlarmActions" not in silent[name]["Properties"]
            assert heard[name]["Properties"]["AlarmActions"] == [topic]

    def test_has_a_role_whose_name_is_known_beforehand_and_fits(self, path: Path) -> None:
        longest_region = max(
            (name for partition in boto3.Session().get_available_partitions() for name in regions(partition)), key=len
        )
        longest_rule_name = read(path)["Parameters"]["RuleName"]["MaxLength"]
        assert resources(path)["FunctionRole"]["Properties"]["RoleName"] == "AWSConfigRuleKMS-us-east-1"
        assert longest_rule_name + len("-") + len(longest_region) <= 64


def regions(partition: str) -> list[str]:
    return boto3.Session().get_available_regions("lambda", partition)


class TestTheRule:
    def test_of_one_account_has_three_triggers(self) -> None:
        source = resources(RULE, ScheduleFrequency="Six_Hours")["Rule"]["Properties"]["Source"]
        assert (source["Owner"], source["SourceIdentifier"]) == ("CUSTOM_LAMBDA", "Function.Arn")
        assert source["SourceDetails"] == [
            {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"},
            {"EventSource": "aws.config", "MessageType": "OversizedConfigurationItemChangeNotification"},
            {
                "EventSource": "aws.config",
                "MessageType": "ScheduledNotification",
                "MaximumExecutionFrequency": "Six_Hours",
            },
        ]

    def test_of_an_organization_has_the_same_three(self) -> None:
        rule = resources(ORGANIZATION, ScheduleFrequency="Six_Hours")["Rule"]["Properties"]
        metadata = rule["OrganizationCustomRuleMetadata"]
        assert metadata["OrganizationConfigRuleTriggerTypes"] == TRIGGERS
        assert metadata["MaximumExecutionFrequency"] == "Six_Hours"
        assert metadata["LambdaFunctionArn"] == "Function.Arn"

    def test_has_the_triggers_that_the_handler_knows(self) -> None:
        assert sorted(TRIGGERS) == sorted(MESSAGE_TYPES)

    @pytest.mark.parametrize(
        ("watched", "types"),
        [("false", ["AWS::KMS::Key"]), ("true", ["AWS::KMS::Key", "AWS::KMS::Alias"])],
    )
    def test_is_about_keys_and_if_wanted_aliases(self, watched: str, types: list[str]) -> None:
        rule = resources(RULE, WatchAliases=watched)["Rule"]["Properties"]
        assert rule["Scope"] == {"ComplianceResourceTypes": types}
        rule = resources(ORGANIZATION, WatchAliases=watched)["Rule"]["Properties"]
        assert rule["OrganizationCustomRuleMetadata"]["ResourceTypesScope"] == types

    def test_judges_only_what_exists(self) -> None:
        assert resources(RULE)["Rule"]["Properties"]["EvaluationModes"] == [{"Mode": "DETECTIVE"}]

    @pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
    def test_is_made_when_it_can_run_and_fail_visibly(self, path: Path) -> None:
        assert resources(path)["Rule"]["DependsOn"] == ["Permission", "FailureDestination"]

    def test_of_an_organization_waits_for_the_member_role_of_its_own_account(self) -> None:
        _, names = read(ORGANIZATION)["Resources"]["Rule"]["Properties"]["OrganizationCustomRuleMetadata"][
            "InputParameters"
        ]["Fn::Sub"]
        assert names["ExecutionRoleName"]["Fn::If"][:2] == ["MakesMemberRole", {"Ref": "MemberRole"}]

    @pytest.mark.parametrize(
        ("given", "excluded"),
        [
            ("", None),
            ("111122223333", ["111122223333"]),
            ("111122223333,444455556666", ["111122223333", "444455556666"]),
        ],
    )
    def test_of_an_organization_leaves_accounts_out(self, given: str, excluded: list[str] | None) -> None:
        rule = resources(ORGANIZATION, ExcludedAccounts=given)["Rule"]["Properties"]
        assert rule.get("ExcludedAccounts") == excluded


class TestTheRuleParameters:
    def test_are_all_those_of_the_handler(self) -> None:
        given = input_parameters(RULE, **EVERY_RULE_PARAMETER, ExecutionRoleName="rdk/config-role")
        assert given == {
            "CMK_Whitelist": "Otter*, alias/Sea*",
            "Admin_User_Id": "AROAOTTER*,AIDAOTTER",
            "StrictSeparationOfDuties": "true",
            "SeparateDutiesBy": "User",
            "ReportResourceAs": "KeyId",
            "ReadKeysFrom": "KMS",
            "ExecutionRoleName": "rdk/config-role",
        }
        assert tuple(given) == tuple(PARAMETERS)

    @pytest.mark.parametrize("here", ["true", "false"])
    def test_are_the_same_for_an_organization_with_the_member_role(self, here: str) -> None:
        given = input_parameters(ORGANIZATION, **EVERY_RULE_PARAMETER, MemberRoleName="Otter", MemberRoleHere=here)
        assert given == input_parameters(RULE, **EVERY_RULE_PARAMETER, ExecutionRoleName="Otter")

    def test_are_left_out_where_they_are_blank(self) -> None:
        chosen = ["StrictSeparationOfDuties", "SeparateDutiesBy", "ReportResourceAs", "ReadKeysFrom"]
        assert list(input_parameters(RULE)) == ["Admin_User_Id", *chosen]
        assert list(input_parameters(ORGANIZATION)) == ["Admin_User_Id", *chosen, "ExecutionRoleName"]

    @pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
    def test_are_understood_by_the_handler(self, path: Path) -> None:
        for given in ({}, EVERY_RULE_PARAMETER):
            assert RuleParameters.parse(input_parameters(path, **given))

    @pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
    def test_offer_the_choices_of_the_handler_and_its_defaults(self, path: Path) -> None:
        declared = read(path)["Parameters"]
        for row in PARAMETERS.values():
            if row.choices:
                assert sorted(declared[row.name]["AllowedValues"]) == sorted(row.choices)
                assert declared[row.name]["Default"] == row.choices[0]

    @pytest.mark.parametrize(
        ("name", "refused", "taken"),
        [
            ("AdminUserId", ["", " ", ",", " , ", 'A"B', "A\\B"], ["AROAOTTER*", " AIDA , AROA:* ", "*"]),
            ("CMKWhitelist", [" ", 'A"B', "A\\B"], ["", "Otter*", "alias/Otter*, Sea?"]),
            ("ExecutionRoleName", [" ", "/role", "arn:aws:iam::111122223333:role/x", "a b"], ["", "role", "rdk/role"]),
            ("MemberRoleName", ["", "rdk/role", "a b"], ["AWSConfigRuleKMSMember"]),
            ("ExcludedAccounts", ["11112222333", "a"], ["", "111122223333"]),
            ("RuleName", ["", "otter rule"], ["Otter_Rule-1"]),
            ("ReservedConcurrency", ["0", "-1", "ten"], ["", "1", "100"]),
        ],
    )
    def test_are_refused_before_aws_config_would_refuse_them(
        self, name: str, refused: list[str], taken: list[str]
    ) -> None:
        declared = [template["Parameters"][name] for template in map(read, TEMPLATES) if name in template["Parameters"]]
        assert declared
        for parameter in declared:
            pattern = re.compile(parameter["AllowedPattern"])
            assert [value for value in refused if pattern.fullmatch(value)] == []
            assert [value for value in taken if not pattern.fullmatch(value)] == []


OWN_LOGS = ("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/AWSConfigRuleKMS:*",)
OF_THE_FUNCTION: Mapping[str, tuple[str, ...]] = {
    "logs:CreateLogStream": OWN_LOGS,
    "logs:PutLogEvents": OWN_LOGS,
    "sqs:SendMessage": ("FailureQueue.Arn",),
}


def of_a_reader(region: str) -> dict[str, tuple[str, ...]]:
    return {
        "kms:ListKeys": ("*",),
        "kms:ListAliases": ("*",),
        "kms:DescribeKey": (f"arn:aws:kms:{region}:123456789012:key/*",),
        "kms:GetKeyPolicy": (f"arn:aws:kms:{region}:123456789012:key/*",),
        "config:PutEvaluations": ("*",),
        "config:BatchGetResourceConfig": ("*",),
        "config:DescribeConfigurationRecorderStatus": ("*",),
        "config:GetComplianceDetailsByConfigRule": (f"arn:aws:config:{region}:123456789012:config-rule/*",),
    }


class TestLeastPrivilege:
    def test_of_the_function_in_one_account(self) -> None:
        assert allowed_actions(RULE) == {**OF_THE_FUNCTION, **of_a_reader("us-east-1")}

    @pytest.mark.parametrize("name", ["config-role", "rdk/config-role"])
    def test_of_the_function_that_assumes_a_role(self, name: str) -> None:
        assumed = (f"arn:aws:iam::123456789012:role/{name}",)
        assert allowed_actions(RULE, ExecutionRoleName=name) == {**OF_THE_FUNCTION, "sts:AssumeRole": assumed}

    def test_of_the_function_of_an_organization(self) -> None:
        assumed = ("arn:aws:iam::*:role/AWSConfigRuleKMSMember",)
        assert allowed_actions(ORGANIZATION) == {**OF_THE_FUNCTION, "sts:AssumeRole": assumed}

    def test_of_the_function_of_an_organization_ends_at_its_border(self) -> None:
        (assumption,) = (item for item in statements(ORGANIZATION) if item["Action"] == "sts:AssumeRole")
        assert assumption["Condition"] == {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}

    @pytest.mark.parametrize("path", [ORGANIZATION, MEMBER_ROLE], ids=lambda path: str(path.name))
    def test_of_the_member_role(self, path: Path) -> None:
        assert allowed_actions(path, "MemberRole") == of_a_reader("*")

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.name))
    def test_names_every_action_in_full(self, path: Path) -> None:
        made = resources(path)
        roles = [name for name, resource in made.items() if resource["Type"] == "AWS::IAM::Role"]
        assert roles
        for role in roles:
            assert [
                action for action in allowed_actions(path, role) if not re.fullmatch(r"[a-z]+:[A-Za-z]+", action)
            ] == []
            assert "ManagedPolicyArns" not in made[role]["Properties"]


class TestTrust:
    @pytest.mark.parametrize("path", [RULE, ORGANIZATION], ids=lambda path: str(path.name))
    def test_of_the_functions_role_is_in_lambda(self, path: Path) -> None:
        (statement,) = resources(path)["FunctionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}

    def test_of_the_member_role_is_in_the_functions_role_only(self) -> None:
        in_europe = "arn:aws:iam::123456789012:role/AWSConfigRuleKMS-eu-west-1"
        given = f"{FUNCTION_ROLE_ARN},{in_europe}"
        role = resources(MEMBER_ROLE, FunctionRoleArns=given)["MemberRole"]["Properties"]
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"ArnEquals": {"aws:PrincipalArn": [FUNCTION_ROLE_ARN, in_europe]}},
            }
        ]

    def test_is_for_the_account_of_the_function_whatever_the_account_of_the_stack(self) -> None:
        given = "arn:aws:iam::999988887777:role/AWSConfigRuleKMS-us-east-1"
        role = resources(MEMBER_ROLE, FunctionRoleArns=given)["MemberRole"]["Properties"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"AWS": "arn:aws:iam::999988887777:root"}

    def test_of_the_member_role_beside_the_function_is_the_same(self) -> None:
        beside = resources(ORGANIZATION)["MemberRole"]["Properties"]
        elsewhere = resources(MEMBER_ROLE)["MemberRole"]["Properties"]
        (statement,) = beside["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": "FunctionRole.Arn"}}
        statement["Condition"] = {"ArnEquals": {"aws:PrincipalArn": [FUNCTION_ROLE_ARN]}}
        assert beside == elsewhere

    def test_leaves_the_member_role_to_a_stackset_if_asked(self) -> None:
        assert "MemberRole" not in resources(ORGANIZATION, MemberRoleHere="false")

    def test_in_aws_config_is_narrowed_to_the_account(self) -> None:
        assert resources(RULE)["Permission"]["Properties"] == {
            "FunctionName": "Function.Arn",
            "Action": "lambda:InvokeFunction",
            "Principal": "config.amazonaws.com",
            "SourceAccount": "123456789012",
        }

    def test_in_aws_config_is_for_every_account_of_an_organization(self) -> None:
        assert resources(ORGANIZATION)["Permission"]["Properties"] == {
            "FunctionName": "Function.Arn",
            "Action": "lambda:InvokeFunction",
            "Principal": "config.amazonaws.com",
        }


class TestOneAccountAndOrganization:
    @pytest.mark.parametrize("name", SAME_RESOURCES)
    def test_have_the_same(self, name: str) -> None:
        assert read(RULE)["Resources"][name] == read(ORGANIZATION)["Resources"][name]

    def test_declare_the_same_parameters(self) -> None:
        of_rule, of_organization = shared_parameters(RULE), shared_parameters(ORGANIZATION)
        assert list(of_rule.items()) == list(of_organization.items())

    def test_have_parameters_of_their_own_by_name(self) -> None:
        of_rule, of_organization = read(RULE)["Parameters"].keys(), read(ORGANIZATION)["Parameters"].keys()
        assert of_rule - of_organization == {"ExecutionRoleName"}
        assert of_organization - of_rule == {"ExcludedAccounts", "MemberRoleHere", "MemberRoleName"}

    def test_have_roles_that_log_and_keep_failures_alike(self) -> None:
        in_rule, in_organization = (
            read(path)["Resources"]["FunctionRole"]["Properties"]["Policies"][0] for path in (RULE, ORGANIZATION)
        )
        assert in_rule == in_organization

    def test_read_with_the_same_statements_but_for_the_region(self) -> None:
        anywhere = json.dumps(statements(MEMBER_ROLE, "MemberRole"))
        policies = resources(RULE)["FunctionRole"]["Properties"]["Policies"]
        (reading,) = (policy for policy in policies if policy["PolicyName"] == "ReadKeysAndReport")
        here = json.dumps(reading["PolicyDocument"]["Statement"])
        assert here == anywhere.replace(":kms:*:", ":kms:us-east-1:").replace(":config:*:", ":config:us-east-1:")


def shared_parameters(path: Path) -> dict[str, Any]:
    common = read(RULE)["Parameters"].keys() & read(ORGANIZATION)["Parameters"].keys()
    return {name: declared for name, declared in read(path)["Parameters"].items() if name in common}
