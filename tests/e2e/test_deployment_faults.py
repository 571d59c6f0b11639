"""Deployments that fail, and what RDK prints and returns then: the guide says what to look at and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest
from moto.cloudformation.models import Stack

from dev.emulator.account import EmulatedAccount
from dev.emulator.deployment import PROJECT, DeploymentError, copy_rule, create_code_bucket, deploy, rdk, stack_status
from dev.emulator.events import RULE_NAME
from tests.e2e.commands import DEPLOY, UNDEPLOY

GUIDE = (PROJECT / "docs" / "deploying.md").read_text(encoding="utf-8")
REFUSAL = "is in ROLLBACK_COMPLETE state and can not be updated."


@contextmanager
def failing_stacks() -> Iterator[None]:
    """Let AWS CloudFormation roll back each stack that is created, which leaves nothing but the stack's name."""

    def roll_back(stack: Stack) -> None:
        stack.resource_map.delete()
        stack.status = "ROLLBACK_COMPLETE"

    with patch.object(Stack, "mark_creation_complete", roll_back):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder in which RDK works, with the rule's folder in it."""
    return copy_rule(tmp_path).parent


@pytest.fixture
def rolled_back(account: EmulatedAccount, folder: Path) -> str:
    """What RDK printed of a deployment whose stack failed."""
    create_code_bucket(account)
    with failing_stacks():
        result = rdk(*DEPLOY, folder=folder)
    assert stack_status() == "ROLLBACK_COMPLETE"
    assert result.returncode == 0
    return result.stdout


def rules() -> list[str]:
    return [rule["ConfigRuleName"] for rule in boto3.client("config").describe_config_rules()["ConfigRules"]]


@pytest.mark.usefixtures("account")
def test_deploy_without_init_ends_with_an_error_that_says_what_is_missing(folder: Path) -> None:
    result = rdk(*DEPLOY, folder=folder)
    last = result.stderr.rstrip().splitlines()[-1]
    assert result.returncode == 1
    assert "config-rule-code-bucket-123456789012-us-east-1" in last
    assert last.endswith("(NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist")
    assert "`rdk deploy` ends in `NoSuchBucket`" in GUIDE


@pytest.mark.usefixtures("account")
def test_deploy_without_init_leaves_nothing_behind(folder: Path) -> None:
    rdk(*DEPLOY, folder=folder)
    assert rules() == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_the_exit_code_hides_that_the_stack_failed_but_the_output_does_not(rolled_back: str) -> None:
    *_, outcome, last = rolled_back.strip().splitlines()
    assert outcome == f"[us-east-1]: CloudFormation stack operation Rolled Back for {RULE_NAME}."
    assert last == "[us-east-1]: Config deploy complete."
    assert rules() == []
    assert "`rdk deploy` ends with 0 after a failed stack too" in GUIDE


@pytest.mark.usefixtures("rolled_back")
def test_a_second_deploy_over_a_failed_stack_is_refused(folder: Path) -> None:
    result = rdk(*DEPLOY, folder=folder)
    lines = result.stdout.strip().splitlines()
    assert (result.returncode, result.stderr) == (1, "")
    assert "[us-east-1]: Validation Error on CFN" in lines
    assert lines[-1].startswith(
        "[us-east-1]: An error occurred (ValidationError) when calling the UpdateStack operation"
    )
    assert lines[-1].endswith(REFUSAL)
    assert stack_status() == "ROLLBACK_COMPLETE"
    assert rules() == []
    assert f"`… {REFUSAL}`" in GUIDE


@pytest.mark.usefixtures("rolled_back")
def test_after_undeploy_the_rule_can_be_deployed_over_a_failed_stack(folder: Path) -> None:
    assert rdk(*UNDEPLOY, folder=folder).returncode == 0
    result = rdk(*DEPLOY, folder=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert stack_status() == "CREATE_COMPLETE"
    assert rules() == [RULE_NAME]


def test_the_demonstration_does_not_go_on_with_a_failed_stack(account: EmulatedAccount) -> None:
    with failing_stacks(), pytest.raises(DeploymentError, match="operation Rolled Back"):
        deploy(account)
