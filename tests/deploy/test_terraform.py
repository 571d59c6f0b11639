"""The Terraform modules, with the real Terraform: formatted, valid, tested, applied, and the same as the templates."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.emulator.account import EmulatedAccount
from dev.emulator.deployment import ConfigService, deployed_function, package_of
from dev.emulator.events import RULE_NAME
from kms_rule.rule_package import zipped_rule
from tests.deploy.routes import DIFFERENCES, Deployed, given_in_files, of_plan, of_state, of_template, variable
from tests.deploy.templates import FUNCTION_ROLE_ARN, MEMBER_ROLE, RULE, read, resources
from tests.deploy.terraform import EXAMPLE, MEMBER_ROLE_MODULE, RULE_MODULE, Terraform, what_is_missing

pytestmark = [
    pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing()),
    pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning"),
]
FOLDERS = (RULE_MODULE, MEMBER_ROLE_MODULE, EXAMPLE)
ADMINISTRATORS = "AROAOTTER*"
NOT_KEPT_BY_THE_EMULATOR = {
    "aws_lambda_function.rule.logging_config.log_format": "moto does not keep it; the plan with every parameter has it",
    "aws_lambda_function.rule.logging_config.log_group": "moto does not keep it; the plan with every parameter has it",
}
EVERY_PARAMETER = {
    "AdminUserId": "AROAOTTER*,AIDAOTTER",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:otters",
    "Architecture": "arm64",
    "CMKWhitelist": "Otter*, alias/Sea*",
    "ExecutionRoleName": "rdk/config-role",
    "LogFormat": "JSON",
    "LogRetentionInDays": "30",
    "LoggingLevel": "DEBUG",
    "MemorySize": "1769",
    "ReadKeysFrom": "Config",
    "ReaderThreads": "8",
    "ReportResourceAs": "KeyId",
    "ReservedConcurrency": "10",
    "ScheduleFrequency": "Six_Hours",
    "SeparateDutiesBy": "User",
    "StrictSeparationOfDuties": "true",
    "Timeout": "900",
    "WatchAliases": "true",
}


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    prepared = Terraform.in_folder(tmp_path_factory.mktemp("terraform"))
    for module in FOLDERS:
        prepared.run(module, "init", "-input=false")
    return prepared


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "rule.zip"
    path.write_bytes(zipped_rule())
    return path


@dataclass(frozen=True)
class Applying:
    """The module rule on its way to an account."""

    account: EmulatedAccount
    terraform: Terraform
    variables: dict[str, str]
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def applying(_served_account: EmulatedAccount, terraform: Terraform, package: Path) -> Iterator[Applying]:
    """A deployment that has begun; it takes half a minute, most of which the provider waits for the queue."""
    _served_account.reset()
    variables = {"package_file": str(package), "admin_user_id": ADMINISTRATORS, "cmk_whitelist": "Otter*"}
    given = [f"-var={name}={value}" for name, value in variables.items()]
    with terraform.start(RULE_MODULE, "apply", "-input=false", "-auto-approve", *given) as process:
        yield Applying(_served_account, terraform, variables, process)
        process.terminate()


# --- what needs no account; meanwhile the module is applied ----------------------------------------------------------


@pytest.mark.usefixtures("applying")
def test_every_file_is_formatted(terraform: Terraform) -> None:
    assert terraform.run(RULE_MODULE, "fmt", "-check", "-diff", "-recursive", str(terraform.path(EXAMPLE).parent)) == ""


@pytest.mark.usefixtures("applying")
def test_the_example_with_both_modules_is_valid(terraform: Terraform) -> None:
    assert terraform.run(EXAMPLE, "validate").strip() == "Success! The configuration is valid."


@pytest.mark.parametrize("module", [RULE_MODULE, MEMBER_ROLE_MODULE], ids=lambda path: str(path.name))
def test_its_own_tests_pass(terraform: Terraform, module: Path) -> None:
    assert ", 0 failed." in terraform.run(module, "test")


@pytest.fixture(scope="module")
def example(applying: Applying, package: Path) -> dict[str, Any]:
    """The plan of the example, made while the module is applied."""
    return applying.terraform.plan(EXAMPLE, {"package_file": str(package), "admin_user_id": ADMINISTRATORS})


@pytest.fixture(scope="module")
def every_parameter(applying: Applying, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plan of the rule with every parameter, made in another folder while the module is applied."""
    elsewhere = Terraform.in_folder(tmp_path_factory.mktemp("every-parameter"))
    elsewhere.run(RULE_MODULE, "init", "-input=false")
    given = {variable(name): value for name, value in EVERY_PARAMETER.items()}
    return elsewhere.plan(RULE_MODULE, applying.variables | given)


def test_every_parameter_of_the_template_is_given_another_value(every_parameter: dict[str, Any]) -> None:
    others = {"AdminUserId", "CodeBucket", "CodeKey", "RuleName", "Runtime"}
    declared = read(RULE)["Parameters"]
    assert {
        name for name, row in declared.items() if EVERY_PARAMETER.get(name, row.get("Default")) == row.get("Default")
    } <= others
    assert every_parameter["variables"]["log_format"]["value"] == "JSON"


def test_the_example_plans_the_rule_in_two_regions(example: dict[str, Any]) -> None:
    planned = {module: of_plan(example, module) for module in ("united_states", "europe")}
    assert [module["aws_iam_role.function.name"] for module in planned.values()] == [
        "AWSConfigRuleKMS-us-east-1",
        "AWSConfigRuleKMS-eu-west-1",
    ]
    for module in planned.values():
        parameters = module["aws_config_config_rule.rule.input_parameters"]
        assert parameters["ExecutionRoleName"] == "AWSConfigRuleKMSMember"


def test_both_routes_deploy_the_same_member_role(example: dict[str, Any]) -> None:
    arns = [FUNCTION_ROLE_ARN, FUNCTION_ROLE_ARN.replace("us-east-1", "eu-west-1")]
    by_template = of_template(resources(MEMBER_ROLE, FunctionRoleArns=",".join(arns)))
    by_module = of_plan(example, "member_role")
    # The policy's role is a reference, which a plan of something new does not know.
    by_module["aws_iam_role_policy.read_keys_and_report.role"] = by_module["aws_iam_role.member.name"]
    check_same(by_template, by_module, given_in_files(example, "member_role"), {})


def check_same(by_template: Deployed, by_module: Deployed, given: set[str], explained: Mapping[str, str]) -> None:
    """Check that the module's values are the template's, and that its files give nothing beside them."""
    compared = {path: by_module.get(path) for path in by_template if path not in explained}
    assert compared == {path: value for path, value in by_template.items() if path in compared}
    assert {path for path in given & by_module.keys() if path not in by_template} <= explained.keys()


# --- the account after that ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def applied(applying: Applying) -> Applying:
    printed, _ = applying.process.communicate()
    assert applying.process.returncode == 0, printed
    return applying


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_the_rule_that_terraform_made_runs_and_tells_of_it(applied: Applying, log_format: str) -> None:
    kms = boto3.client("kms")
    if not kms.list_keys()["Keys"]:
        kms.create_alias(AliasName="alias/testkey", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    with deployed_function(applied.account, RULE_NAME, log_format) as function:
        service = ConfigService(applied.account, function)
        service.schedule()
        lines = function.log.splitlines()
    [result] = service.results()
    assert (result["ComplianceResourceId"], result["ComplianceType"]) == ("alias/testkey", "NON_COMPLIANT")
    [metrics] = [json.loads(line) for line in lines if line.startswith('{"_aws"')]
    assert (metrics["FunctionName"], metrics["Complete"], metrics["NonCompliantKeys"]) == (RULE_NAME, 1, 1)
    logged = [json.loads(line) for line in lines if line.startswith("{") and json.loads(line) != metrics]
    assert bool(logged) == (log_format == "JSON")
    assert all("level" in entry for entry in logged)


def test_the_function_has_the_package(applied: Applying, package: Path) -> None:
    assert package_of(applied.account, RULE_NAME) == package.read_bytes()


def test_both_routes_deploy_the_same_rule(applied: Applying) -> None:
    by_template = of_template(resources(RULE, CMKWhitelist="Otter*"))
    by_module = of_state(applied.terraform.state(RULE_MODULE))
    check_same(by_template, by_module, set(), DIFFERENCES | NOT_KEPT_BY_THE_EMULATOR)


def test_both_routes_deploy_the_same_rule_with_every_parameter(
    every_parameter: dict[str, Any], applied: Applying
) -> None:
    # What a plan of something new does not know, such as an ARN, is what it was with the defaults.
    by_module = of_state(applied.terraform.state(RULE_MODULE)) | of_plan(every_parameter)
    by_template = of_template(resources(RULE, **EVERY_PARAMETER))
    check_same(by_template, by_module, given_in_files(every_parameter), DIFFERENCES)


def test_destroying_leaves_nothing(applied: Applying) -> None:
    given = [f"-var={name}={value}" for name, value in applied.variables.items()]
    applied.terraform.run(RULE_MODULE, "destroy", "-input=false", "-auto-approve", *given)
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("config").describe_config_rules()["ConfigRules"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
