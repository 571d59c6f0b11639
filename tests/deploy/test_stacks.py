"""The templates as stacks on the emulator, which leaves out the alarms and the failure destination."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.emulator.account import EmulatedAccount
from kms_rule.rule_package import code_sha256, zipped_rule
from kms_rule.sources.aggregator.report import is_called
from least_privilege.parameters import RuleParameters
from tests.deploy.templates import FUNCTION_ROLE_ARN, MEMBER_ROLE, NEEDED, ORGANIZATION, RULE, parameters, resources

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")
FUNCTION = "AWSConfigRuleKMS"
STACK = "kms-key-policies"


@pytest.fixture
def package(account: EmulatedAccount) -> bytes:
    """The package, uploaded to where the stacks look for it."""
    assert account.region == "us-east-1"
    content = zipped_rule()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=NEEDED["CodeBucket"])
    s3.put_object(Bucket=NEEDED["CodeBucket"], Key=NEEDED["CodeKey"], Body=content)
    return content


@contextmanager
def stack(path: Path, **given: str) -> Iterator[dict[str, str]]:
    """Make a stack, hand its outputs over, and delete it."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(**stack_arguments(path, **given))
    try:
        yield outputs()
    finally:
        cloudformation.delete_stack(StackName=STACK)


def stack_arguments(path: Path, **given: str) -> dict[str, Any]:
    return {
        "StackName": STACK,
        "TemplateBody": path.read_text("utf-8"),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters(path, **given).items()
        ],
    }


def outputs() -> dict[str, str]:
    (described,) = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert described["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def policies(role: str) -> dict[str, Any]:
    iam = boto3.client("iam")
    documents = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    # moto keeps the policies of a stack's role as Python writes a dictionary; AWS would hand back an object.
    return {name: ast.literal_eval(str(document)) for name, document in documents.items()}


def policies_in_template(path: Path, role: str = "FunctionRole", **given: str) -> dict[str, Any]:
    made = resources(path, **given)[role]["Properties"]["Policies"]
    queue = f"arn:aws:sqs:us-east-1:123456789012:{FUNCTION}-failures"
    text = json.dumps({policy["PolicyName"]: policy["PolicyDocument"] for policy in made})
    return dict(json.loads(text.replace("FailureQueue.Arn", queue)))


class TestRule:
    @pytest.mark.usefixtures("package")
    def test_makes_the_function_that_its_parameters_describe(self) -> None:
        with stack(RULE, MemorySize="1769", Timeout="900", LoggingLevel="DEBUG") as made:
            function = boto3.client("lambda").get_function_configuration(FunctionName=made["FunctionName"])
        assert function["FunctionName"] == FUNCTION
        assert (function["MemorySize"], function["Timeout"]) == (1769, 900)
        assert (function["Handler"], function["Runtime"]) == ("AWSConfigRuleKMS.lambda_handler", "python3.13")
        assert function["Environment"] == {"Variables": {"LOGGING_LEVEL": "DEBUG", "READER_THREADS": 16}}
        assert function["Role"] == FUNCTION_ROLE_ARN == made["FunctionRoleArn"]

    def test_runs_the_package(self, package: bytes) -> None:
        with stack(RULE):
            function = boto3.client("lambda").get_function_configuration(FunctionName=FUNCTION)
        assert function["CodeSha256"] == code_sha256(package)

    @pytest.mark.usefixtures("package")
    def test_gives_the_role_the_policies_of_the_template_and_no_other(self) -> None:
        with stack(RULE) as made:
            role = made["FunctionRoleArn"].rpartition("/")[2]
            given = policies(role)
            attached = boto3.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert given == policies_in_template(RULE)
        assert sorted(given) == ["LogAndKeepFailures", "ReadKeysAndReport"]
        assert attached == []

    @pytest.mark.usefixtures("package")
    def test_lets_the_function_assume_a_role_instead(self) -> None:
        with stack(RULE, ExecutionRoleName="rdk/config-role"):
            given = policies("AWSConfigRuleKMS-us-east-1")
        assert given == policies_in_template(RULE, ExecutionRoleName="rdk/config-role")
        assert sorted(given) == ["AssumeExecutionRole", "LogAndKeepFailures"]

    @pytest.mark.usefixtures("package")
    def test_lets_aws_config_invoke_the_function_for_this_account_only(self) -> None:
        with stack(RULE):
            policy = boto3.client("lambda").get_policy(FunctionName=FUNCTION)["Policy"]
        assert '"Service": "config.amazonaws.com"' in policy
        assert '"AWS:SourceAccount": "123456789012"' in policy

    @pytest.mark.usefixtures("package")
    def test_keeps_logs_for_a_while_and_failures_encrypted(self) -> None:
        with stack(RULE, LogRetentionInDays="30") as made:
            (group,) = boto3.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
            attributes = boto3.client("sqs").get_queue_attributes(
                QueueUrl=made["FailureQueueUrl"], AttributeNames=["SqsManagedSseEnabled", "MessageRetentionPeriod"]
            )["Attributes"]
        assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/AWSConfigRuleKMS", 30)
        assert attributes == {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": "1209600"}

    @pytest.mark.usefixtures("package")
    def test_is_updated_in_place(self) -> None:
        with stack(RULE) as made:
            boto3.client("cloudformation").update_stack(**stack_arguments(RULE, MemorySize="1024", Timeout="60"))
            updated = outputs()
            function = boto3.client("lambda").get_function_configuration(FunctionName=FUNCTION)
        assert (function["MemorySize"], function["Timeout"]) == (1024, 60)
        assert updated == made

    @pytest.mark.usefixtures("package")
    def test_leaves_nothing_behind(self) -> None:
        before = names_of_what_exists()
        with stack(RULE):
            boto3.client("cloudformation").update_stack(**stack_arguments(RULE, LogRetentionInDays="30"))
            assert len(names_of_what_exists()) == len(before) + 4
        assert names_of_what_exists() == before


def names_of_what_exists() -> list[str]:
    return [
        *(function["FunctionArn"] for function in boto3.client("lambda").list_functions()["Functions"]),
        *(role["Arn"] for role in boto3.client("iam").list_roles()["Roles"]),
        *(group["arn"] for group in boto3.client("logs").describe_log_groups()["logGroups"]),
        *boto3.client("sqs").list_queues().get("QueueUrls", []),
    ]


@pytest.mark.usefixtures("account")
def test_member_role_reads_keys_and_trusts_the_function() -> None:
    with stack(MEMBER_ROLE) as made:
        given = policies("AWSConfigRuleKMSMember")
        role = boto3.client("iam").get_role(RoleName="AWSConfigRuleKMSMember")["Role"]
    assert made["MemberRoleArn"] == role["Arn"] == "arn:aws:iam::123456789012:role/AWSConfigRuleKMSMember"
    assert given == policies_in_template(MEMBER_ROLE, "MemberRole")
    assert (
        role["AssumeRolePolicyDocument"]
        == resources(MEMBER_ROLE)["MemberRole"]["Properties"]["AssumeRolePolicyDocument"]
    )


@pytest.mark.usefixtures("package")
def test_organization_makes_the_function_and_a_member_role_that_trusts_it() -> None:
    with stack(ORGANIZATION) as made:
        given = policies("AWSConfigRuleKMS-us-east-1")
        reading = policies("AWSConfigRuleKMSMember")
        member: Any = boto3.client("iam").get_role(RoleName="AWSConfigRuleKMSMember")["Role"]
        function = boto3.client("lambda").get_function_configuration(FunctionName=made["FunctionName"])
        (rule,) = boto3.client("config").describe_config_rules()["ConfigRules"]
    assert is_called(rule["ConfigRuleName"], FUNCTION)
    assert RuleParameters.parse(json.loads(rule["InputParameters"])).execution_role_name == "AWSConfigRuleKMSMember"
    assert function["Role"] == FUNCTION_ROLE_ARN == made["FunctionRoleArn"]
    assert given == policies_in_template(ORGANIZATION)
    assert reading == policies_in_template(MEMBER_ROLE, "MemberRole")
    (statement,) = member["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": FUNCTION_ROLE_ARN}}
