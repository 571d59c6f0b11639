"""The post from its first command to its last, one after the other: from an empty folder to `rdk undeploy`.

Each step is a fixture that asks for the step before, runs one command of the real `rdk` against the emulated account,
and keeps what the command printed and what there was in the account afterwards. The tests read what was kept.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.demo.demonstration import create_key
from dev.demo.example_keys import ExampleKey
from dev.emulator.account import EmulatedAccount
from dev.emulator.deployment import ConfigService, deployed_function, package_of, rdk, stack_status
from dev.emulator.events import RULE_NAME
from kms_rule import RULE_FOLDER, rule_modules
from tests.e2e.commands import CREATE, DEPLOY, INIT, TEST_LOCAL, TEST_NAMES, UNDEPLOY, passed_tests

MODULES = [*(path.as_posix() for path in rule_modules()), "AWSConfigRuleKMS_test.py"]
CODE_BUCKET = "config-rule-code-bucket-123456789012-us-east-1"
SCENARIO_2 = "CMK {} is in whitelist for CMK Key Policy check"
SCENARIO_3 = "in Key Policy for {}, statement does have open KMS permissions and CMK is not whitelisted"


@dataclass(frozen=True, slots=True)
class Step:
    """What a command of RDK printed, and what there was in the account after it."""

    output: str
    code: int
    rules: list[Any]
    functions: list[Any]
    roles: list[str]


def step(*command: str, folder: Path) -> Step:
    result = rdk(*command, folder=folder)
    return Step(
        output=result.stdout + result.stderr,
        code=result.returncode,
        rules=list(boto3.client("config").describe_config_rules()["ConfigRules"]),
        functions=list(boto3.client("lambda").list_functions()["Functions"]),
        roles=[role["Arn"] for role in boto3.client("iam").list_roles()["Roles"]],
    )


def re_evaluated(account: EmulatedAccount) -> dict[str, tuple[str, str]]:
    """Press Re-evaluate and return the compliance and the sentence, without its details, of each resource."""
    with deployed_function(account) as function:
        config = ConfigService(account, function)
        boto3.client("config").start_config_rules_evaluation(ConfigRuleNames=[RULE_NAME])
        return {
            result["ComplianceResourceId"]: (result["ComplianceType"], result["Annotation"].partition(" [")[0])
            for result in config.results()
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The empty folder in which it all begins."""
    return tmp_path_factory.mktemp("path")


@pytest.fixture(scope="module")
def created(folder: Path, shared_account: EmulatedAccount) -> Step:
    """`rdk create`, in an account with two keys that both have the policy KMS gives to a new key."""
    assert shared_account.region == "us-east-1"
    for alias in ("alias/Otter-EBS", "alias/Badger-EBS"):
        create_key(ExampleKey("a key of the path", (alias,)))
    return step(*CREATE, folder=folder)


@pytest.fixture(scope="module")
def skeletons(folder: Path, created: Step) -> Mapping[str, str]:
    """The files that `rdk create` left, by name, before the project's files replace them."""
    assert created.code == 0, created.output
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / RULE_NAME).iterdir()}


@pytest.fixture(scope="module")
def tested(folder: Path, skeletons: Mapping[str, str]) -> Step:
    """The project's modules put in place of the skeletons and beside them, and `rdk test-local`."""
    assert skeletons
    for name in MODULES:
        target = folder / RULE_NAME / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(RULE_FOLDER / name, target)
    return step(*TEST_LOCAL, folder=folder)


@pytest.fixture(scope="module")
def initialised(folder: Path, tested: Step) -> Step:
    """`rdk init`, which waits for 16 seconds."""
    assert tested.code == 0, tested.output
    return step(*INIT, folder=folder)


@pytest.fixture(scope="module")
def deployed(folder: Path, initialised: Step) -> Step:
    """`rdk deploy`."""
    assert initialised.code == 0, initialised.output
    return step(*DEPLOY, folder=folder)


@pytest.fixture(scope="module")
def first_results(shared_account: EmulatedAccount, deployed: Step) -> Mapping[str, tuple[str, str]]:
    """Re-evaluate, after the first deployment."""
    assert deployed.code == 0, deployed.output
    return re_evaluated(shared_account)


@pytest.fixture(scope="module")
def redeployed(folder: Path, first_results: Mapping[str, tuple[str, str]]) -> Step:
    """Another `CMK_Whitelist` in parameters.json, and `rdk deploy` over the first."""
    assert first_results
    path = folder / RULE_NAME / "parameters.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Otter*", "Badger*", 1), encoding="utf-8")
    return step(*DEPLOY, folder=folder)


@pytest.fixture(scope="module")
def redeployed_package(shared_account: EmulatedAccount, redeployed: Step) -> zipfile.ZipFile:
    """The package of the second deployment, which found the first one's zip in the rule's folder."""
    assert redeployed.code == 0, redeployed.output
    return zipfile.ZipFile(io.BytesIO(package_of(shared_account)))


@pytest.fixture(scope="module")
def second_results(
    shared_account: EmulatedAccount, redeployed_package: zipfile.ZipFile
) -> Mapping[str, tuple[str, str]]:
    """Re-evaluate, after the second deployment."""
    assert redeployed_package
    assert stack_status() == "UPDATE_COMPLETE"
    return re_evaluated(shared_account)


@pytest.fixture(scope="module")
def undeployed(folder: Path, second_results: Mapping[str, tuple[str, str]]) -> Step:
    """`rdk undeploy --force`."""
    assert second_results
    return step(*UNDEPLOY, folder=folder)


def test_create_leaves_the_three_files_of_the_post(created: Step, skeletons: Mapping[str, str]) -> None:
    assert "Local Rule files created." in created.output
    assert sorted(skeletons) == ["AWSConfigRuleKMS.py", "AWSConfigRuleKMS_test.py", "parameters.json"]
    assert "def evaluate_compliance" in skeletons["AWSConfigRuleKMS.py"]


def test_test_local_runs_the_project_s_tests_in_the_created_folder(tested: Step) -> None:
    assert (passed_tests(tested.output), tested.code) == (TEST_NAMES, 0), tested.output


def test_init_turns_the_recorder_on_and_makes_the_bucket_alone(initialised: Step) -> None:
    (recorder,) = boto3.client("config").describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert initialised.code == 0, initialised.output
    assert recorder["recording"]
    assert f"Creating Code bucket {CODE_BUCKET}" in initialised.output
    assert (initialised.rules, initialised.functions) == ([], [])


def test_deploy_makes_the_function_with_rdk_s_own_size(deployed: Step) -> None:
    (function,) = deployed.functions
    assert deployed.output.rstrip().endswith("Config deploy complete.")
    assert function["FunctionName"] == "RDK-Rule-Function-AWSConfigRuleKMS"
    assert (function["Handler"], function["Runtime"]) == ("AWSConfigRuleKMS.lambda_handler", "python3.13")
    assert (function["MemorySize"], function["Timeout"]) == (256, 60)


def test_deploy_makes_the_rule_with_its_three_triggers_for_keys(deployed: Step) -> None:
    (rule,) = deployed.rules
    assert rule["ConfigRuleName"] == "AWSConfigRuleKMS"
    assert rule["Scope"] == {"ComplianceResourceTypes": ["AWS::KMS::Key"]}
    assert rule["Source"] == {
        "Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": deployed.functions[0]["FunctionArn"],
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


def test_the_deployed_rule_has_the_parameters_of_the_post_and_no_blank_one(deployed: Step) -> None:
    assert [json.loads(rule["InputParameters"]) for rule in deployed.rules] == [
        {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"}
    ]


def test_re_evaluating_judges_the_keys_by_these_parameters(first_results: Mapping[str, tuple[str, str]]) -> None:
    assert first_results == {
        "alias/Otter-EBS": ("COMPLIANT", SCENARIO_2.format("alias/Otter-EBS")),
        "alias/Badger-EBS": ("NON_COMPLIANT", SCENARIO_3.format("alias/Badger-EBS")),
    }


def test_the_second_deploy_changes_the_rule_in_place(deployed: Step, redeployed: Step) -> None:
    (before,), (after,) = deployed.rules, redeployed.rules
    assert "Updating CloudFormation Stack for AWSConfigRuleKMS" in redeployed.output
    assert json.loads(after["InputParameters"]) == {"CMK_Whitelist": "Badger*", "Admin_User_Id": "AROAOTTER*"}
    assert {**after, "InputParameters": before["InputParameters"]} == before


def test_the_second_package_does_not_hold_the_first(redeployed_package: zipfile.ZipFile, folder: Path) -> None:
    assert (folder / RULE_NAME / f"{RULE_NAME}.zip").is_file()
    assert sorted(redeployed_package.namelist()) == sorted([*MODULES, "least_privilege/", "parameters.json"])


def test_the_rule_judges_by_the_changed_parameter(second_results: Mapping[str, tuple[str, str]]) -> None:
    assert second_results == {
        "alias/Otter-EBS": ("NON_COMPLIANT", SCENARIO_3.format("alias/Otter-EBS")),
        "alias/Badger-EBS": ("COMPLIANT", SCENARIO_2.format("alias/Badger-EBS")),
    }


def test_undeploy_takes_function_rule_and_role_away(redeployed: Step, undeployed: Step) -> None:
    assert undeployed.code == 0, undeployed.output
    assert "Rule removal complete, but local files have been preserved." in undeployed.output
    assert (undeployed.rules, undeployed.functions) == ([], [])
    (gone,) = set(redeployed.roles) - set(undeployed.roles)
    assert gone.startswith("arn:aws:iam::123456789012:role/rdk/AWSConfigRuleKMS-rdkLambdaRole-")


@pytest.mark.usefixtures("undeployed")
def test_undeploy_leaves_the_package_in_the_bucket_and_the_folder(folder: Path) -> None:
    listed = boto3.client("s3").list_objects_v2(Bucket=CODE_BUCKET)["Contents"]
    assert [item["Key"] for item in listed] == ["AWSConfigRuleKMS/AWSConfigRuleKMS.zip"]
    left = [path.relative_to(folder / RULE_NAME) for path in (folder / RULE_NAME).rglob("*") if path.is_file()]
    assert sorted(path.as_posix() for path in left) == sorted([*MODULES, "parameters.json", "AWSConfigRuleKMS.zip"])
