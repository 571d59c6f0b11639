"""The real `rdk` command, without an AWS account: it creates the rule's parameters and runs the rule's tests."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dev.emulator.deployment import PROJECT, copy_rule, rdk
from kms_rule import RULE_FOLDER
from tests.e2e.commands import CREATE, TEST_LOCAL, TEST_NAMES, passed_tests

DEPLOYING = PROJECT / "docs" / "deploying.md"


@pytest.mark.usefixtures("no_aws_settings")
def test_rdk_test_local_runs_the_ten_tests_of_the_post() -> None:
    result = rdk(*TEST_LOCAL, folder=PROJECT)
    assert (passed_tests(result.stderr), result.returncode) == (TEST_NAMES, 0), result.stdout + result.stderr
    assert "<unittest.runner.TextTestResult run=10 errors=0 failures=0>" in result.stdout
    assert result.stderr.rstrip().endswith("OK")


@pytest.mark.usefixtures("no_aws_settings")
def test_rdk_test_local_tests_the_folder_that_it_is_given(tmp_path: Path) -> None:
    module = copy_rule(tmp_path) / "least_privilege" / "scenarios.py"
    text = module.read_text(encoding="utf-8")
    assert "CMK {id} is disabled" in text
    module.write_text(text.replace("CMK {id} is disabled", "CMK {id} sleeps"), encoding="utf-8")
    result = rdk(*TEST_LOCAL, folder=tmp_path)
    failed = [name for name in TEST_NAMES if name not in passed_tests(result.stderr)]
    assert (failed, result.returncode) == (["test_scenario_1_disabled_status"], 1), result.stdout + result.stderr


@pytest.mark.usefixtures("no_aws_settings")
def test_the_committed_parameters_are_what_rdk_creates(tmp_path: Path) -> None:
    result = rdk(*CREATE, folder=tmp_path, AWS_DEFAULT_REGION="us-east-1")
    assert result.returncode == 0, result.stdout + result.stderr
    created, committed = (
        json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
        for folder in (tmp_path / "AWSConfigRuleKMS", RULE_FOLDER)
    )
    assert committed == created


def test_the_guide_gives_the_command_that_created_them() -> None:
    _, _, rest = DEPLOYING.read_text(encoding="utf-8").partition("\n    rdk create ")
    command, _, _ = rest.partition("\n\n")
    assert shlex.split(command.replace("\\\n", "")) == CREATE[1:]
