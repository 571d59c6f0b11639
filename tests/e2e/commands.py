"""The commands of the post, their typing errors mended, and what they name."""

from __future__ import annotations

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
    '{"StrictSeparationOfDuties":"","SeparateDutiesBy":"","ReportResourceAs":"","ReadKeysFrom":"","ExecutionRoleName":""}',
]
TEST_LOCAL = ["test-local", "AWSConfigRuleKMS"]
INIT = ["init"]
DEPLOY = ["deploy", "AWSConfigRuleKMS"]
UNDEPLOY = ["undeploy", "AWSConfigRuleKMS", "--force"]

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


def passed_tests(output: str) -> list[str]:
    """Return the names of the tests that `rdk test-local` says have passed."""
    return [line.split(" ")[0] for line in output.splitlines() if line.endswith("... ok")]
