"""A rule deployed to the emulated account by the real `rdk`, and AWS Config's side of running what was deployed."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.backends import get_backend

from dev.emulator.account import EmulatedAccount
from dev.emulator.events import (
    RULE_NAME,
    Json,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from dev.emulator.lambda_runtime import DeployedFunction, RunningFunction, running
from kms_rule import RULE_FOLDER

PROJECT = RULE_FOLDER.parent
RDK = Path(sys.executable).with_name("rdk")
FUNCTION_NAME = f"RDK-Rule-Function-{RULE_NAME}"
DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


class DeploymentError(Exception):
    """Raised when the rule could not be deployed to the emulated account; the message is what `rdk` printed."""


def rdk(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `rdk` in `folder`, the parent of rule directories, with `settings` added to the environment.

    Whatever it returned, the caller gets its output and exit code, both as RDK left them.
    """
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            # This environment's path file would put the project's own modules before those of the folder.
            "PYTHONPATH": str(folder.resolve() / RULE_NAME),
            # RDK zips to a file of a fixed name there, and two runs at a time would mix up their packages.
            "TMPDIR": scratch,
            **settings,
        }
        return subprocess.run(  # noqa: S603 - runs RDK, which stands beside this interpreter
            [RDK, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


def copy_rule(parent: Path) -> Path:
    """Copy the rule's folder into `parent` for RDK, which leaves its package there, and return the copy."""
    return shutil.copytree(RULE_FOLDER, parent / RULE_NAME, ignore=shutil.ignore_patterns("__pycache__", "*.zip"))


def create_code_bucket(account: EmulatedAccount) -> None:
    """Create the bucket to which `rdk deploy` uploads packages, as `rdk init` does."""
    boto3.client("s3").create_bucket(Bucket=f"config-rule-code-bucket-{account.id}-{account.region}")


def stack_status() -> str:
    """Return how the stack of the rule is, as AWS CloudFormation says; RDK ends with 0 after a failed one too."""
    [stack] = boto3.client("cloudformation").describe_stacks(StackName=RULE_NAME)["Stacks"]
    return stack["StackStatus"]


def deploy(account: EmulatedAccount) -> str:
    """Deploy the rule with `rdk deploy` and return what it printed; raises `DeploymentError` where that failed."""
    create_code_bucket(account)
    with tempfile.TemporaryDirectory() as parent:
        copy_rule(Path(parent))
        result = rdk("deploy", RULE_NAME, folder=Path(parent))
    if result.returncode != 0 or stack_status() not in DEPLOYED:
        raise DeploymentError(f"rdk deploy failed: {result.stdout}{result.stderr}")
    return result.stdout


def package_of(account: EmulatedAccount, function_name: str = FUNCTION_NAME) -> bytes:
    """Return the package of a deployed function, from wherever it was uploaded."""
    package: bytes = get_backend("lambda")[account.id][account.region].get_function(function_name).code_bytes
    return package


@contextmanager
def deployed_function(
    account: EmulatedAccount, function_name: str = FUNCTION_NAME, log_format: str = "Text"
) -> Iterator[RunningFunction]:
    """Run the package of a deployed function, unpacked into an empty folder, until the block ends.

    It logs in the `log_format` (Text or JSON), which moto does not keep of a function.
    """
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=function_name)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(package_of(account, function_name))).extractall(folder)
        function = DeployedFunction(
            folder=Path(folder),
            handler=configuration["Handler"],
            arn=configuration["FunctionArn"],
            memory_megabytes=configuration["MemorySize"],
            timeout_seconds=configuration["Timeout"],
            environment={
                **configuration.get("Environment", {}).get("Variables", {}),
                "AWS_LAMBDA_LOG_FORMAT": log_format,
            },
        )
        with running(function) as waiting:
            yield waiting


class ConfigService:
    """AWS Config as it invokes a deployed rule: with the rule's own parameters, and a token that takes results."""

    def __init__(self, account: EmulatedAccount, function: RunningFunction, rule_name: str = RULE_NAME) -> None:
        """Invoke `function` for the rule, from now on also when the account's rule is re-evaluated."""
        self._account = account
        self._function = function
        self._rule_name = rule_name
        account.config.on_evaluation = lambda _name: self.re_evaluate()

    def event(self, invoking_event: Json, **fields: object) -> Json:
        """Make the event for an invoking event, with the parameters that the rule has in AWS Config now."""
        [rule] = boto3.client("config").describe_config_rules(ConfigRuleNames=[self._rule_name])["ConfigRules"]
        parameters: Mapping[str, Any] = json.loads(rule["InputParameters"])
        token = self._account.config.issue_token(self._rule_name)
        return rule_event(invoking_event, parameters, resultToken=token, configRuleName=self._rule_name, **fields)

    def schedule(self) -> object:
        """Send the scheduled event."""
        return self._function.invoke(self.event(scheduled_notification(now())))

    def change(self, key_id: str) -> object:
        """Send the event of a key that changed."""
        return self._function.invoke(self.event(change_notification(key_item(key_id, now()))))

    def re_evaluate(self) -> None:
        """Send what "Re-evaluate" leads to for a rule with all triggers: the scheduled event, and one for each key."""
        self.schedule()
        for page in boto3.client("kms").get_paginator("list_keys").paginate():
            for key in page["Keys"]:
                self.change(key["KeyId"])

    def results(self) -> list[dict[str, str]]:
        """Return what the compliance dashboard shows: id, type, compliance and annotation of each result."""
        pages = (
            boto3.client("config")
            .get_paginator("get_compliance_details_by_config_rule")
            .paginate(ConfigRuleName=self._rule_name)
        )
        return [
            {
                "ComplianceResourceId": qualifier["ResourceId"],
                "ComplianceResourceType": qualifier["ResourceType"],
                "ComplianceType": result["ComplianceType"],
                "Annotation": result.get("Annotation", ""),
            }
            for page in pages
            for result in page["EvaluationResults"]
            for qualifier in [result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]]
        ]
