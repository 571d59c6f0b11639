"""The real `rdk` command, without an AWS account: it creates the rule's parameters and runs the rule's tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RDK = Path(sys.executable).with_name("rdk")
TEST_NAMES = [
    "test__scenario_7_admin_role_not_in_whitelist_sep_of_duty",
    "test_is_not_cmk",
    "test_scenario_1_disabled_status",
    "test_scenario_2_cmk_in_whitelist",
    "test_scenario_3_kms_star_in_policy",
    "test_scenario_4_no_sep_of_duty",
    "test_scenario_5_sep_of_duty_actions",
    "test_scenario_6_admin_role_in_whitelist_sep_of_duty",
    "test_scenario_8_admin_role_in_whitelist_no_sep_of_duty",
    "test_scenario_no_conditions",
]
CREATE = [
    "create",
    "AWSConfigRuleKMS",
    "--runtime",
    "python3.13",
    "--resource-types",
    "AWS::KMS::Key",
    "--maximum-frequency",
    "TwentyFour_Hours",
    "--input-parameters",
    '{"CMK_Whitelist":"Otter*","Admin_User_Id":"AROAOTTER*"}',
    "--optional-parameters",
    '{"StrictSeparationOfDuties":"","ReportResourceAs":"","ReadKeysFrom":"","ExecutionRoleName":""}',
]


def rdk(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    without_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(  # noqa: S603 - runs RDK, which stands beside this interpreter
        [RDK, *arguments],
        cwd=folder,
        env={**without_aws, "PYTHONDONTWRITEBYTECODE": "1", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rdk_test_local_runs_the_ten_tests_of_the_post() -> None:
    result = rdk("test-local", "AWSConfigRuleKMS", folder=ROOT)
    ran = [line.split(" ")[0] for line in result.stderr.splitlines() if line.endswith("... ok")]
    assert (ran, result.returncode) == (TEST_NAMES, 0), result.stdout + result.stderr
    assert "<unittest.runner.TextTestResult run=10 errors=0 failures=0>" in result.stdout
    assert result.stderr.rstrip().endswith("OK")


def test_the_committed_parameters_are_what_rdk_creates(tmp_path: Path) -> None:
    result = rdk(*CREATE, folder=tmp_path, AWS_DEFAULT_REGION="us-east-1")
    assert result.returncode == 0, result.stdout + result.stderr
    created, committed = (
        json.loads((folder / "AWSConfigRuleKMS" / "parameters.json").read_text(encoding="utf-8"))
        for folder in (tmp_path, ROOT)
    )
    assert committed == created
