"""The rule's scenarios as `rdk test-local AWSConfigRuleKMS` runs them, without network and without credentials.

To try your own rule, change `RULE_PARAMETERS` and the statements below. KMS and AWS Config are botocore's stubs: each
request is checked against the service's model, and a test fails if one that it expects is not made.
"""

import json
import unittest
from unittest.mock import patch

import boto3
from botocore.stub import ANY, Stubber

import AWSConfigRuleKMS

RULE_PARAMETERS = {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"}

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
CAPTURE_TIME = "2026-01-13T19:12:27.681Z"

USAGE = ["kms:Encrypt", "kms:Decrypt"]
ADMINISTRATION = ["kms:Create*", "kms:Delete*", "kms:Put*"]
WHITELISTED = {"StringLike": {"aws:userId": "AROAOTTERADMIN:*"}}
NOT_WHITELISTED = {"StringLike": {"aws:userId": "AROABADGERADMIN:*"}}


def statement(actions: str | list[str], condition: dict[str, dict[str, str]] | None = None) -> dict[str, object]:
    """Allow these actions, to everybody or under a condition."""
    content: dict[str, object] = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": actions, "Resource": "*"}
    return {**content, "Condition": condition} if condition else content


def changed_key_event() -> dict[str, object]:
    """Make the event that AWS Config sends when the key's configuration has changed."""
    invoking_event = {
        "messageType": "ConfigurationItemChangeNotification",
        "configurationItem": {
            "resourceType": "AWS::KMS::Key",
            "resourceId": KEY_ID,
            "configurationItemStatus": "OK",
            "configurationItemCaptureTime": CAPTURE_TIME,
        },
    }
    return {
        "invokingEvent": json.dumps(invoking_event),
        "ruleParameters": json.dumps(RULE_PARAMETERS),
        "resultToken": "TESTMODE",
        "eventLeftScope": False,
        "executionRoleArn": "arn:aws:iam::111122223333:role/config-role",
        "configRuleName": "AWSConfigRuleKMS",
        "accountId": "111122223333",
    }


class TestKMSKeyPolicy(unittest.TestCase):
    """One key, one change event, one evaluation."""

    def setUp(self) -> None:
        """Stub the two services that the rule calls."""
        session = boto3.Session("none", "none", region_name="us-east-1")
        self.kms = Stubber(session.client("kms"))
        self.config = Stubber(session.client("config"))

    def expect_key(self, alias: str, state: str = "Enabled", manager: str = "CUSTOMER") -> None:
        """Expect the calls that read the key's alias and metadata."""
        self.kms.add_response(
            "list_aliases",
            {"Aliases": [{"AliasName": alias, "TargetKeyId": KEY_ID}], "Truncated": False},
            {"KeyId": KEY_ID, "Limit": 100},
        )
        self.kms.add_response(
            "describe_key",
            {"KeyMetadata": {"KeyId": KEY_ID, "KeyState": state, "KeyManager": manager}},
            {"KeyId": KEY_ID},
        )

    def expect_policy(self, *statements: dict[str, object]) -> None:
        """Expect the call that reads the key's policy."""
        self.kms.add_response(
            "get_key_policy",
            {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})},
            {"KeyId": KEY_ID, "PolicyName": "default"},
        )

    def assert_reported(self, compliance: str, annotation: str, alias: str = "alias/testkey") -> None:
        """Run the rule, and check the one evaluation that it reports and returns."""
        reported = {
            "ComplianceResourceType": "AWS::KMS::Key",
            "ComplianceResourceId": alias,
            "ComplianceType": compliance,
            "Annotation": annotation,
            "OrderingTimestamp": CAPTURE_TIME,
        }
        self.config.add_response(
            "put_evaluations",
            {"FailedEvaluations": []},
            {"Evaluations": ANY, "ResultToken": "TESTMODE", "TestMode": True},
        )
        clients = {"kms": self.kms.client, "config": self.config.client}
        with self.kms, self.config, patch("boto3.client", side_effect=lambda name, **_settings: clients[name]):
            returned = AWSConfigRuleKMS.lambda_handler(changed_key_event(), {})
        self.assertEqual([reported], returned)
        self.kms.assert_no_pending_responses()
        self.config.assert_no_pending_responses()

    def test_is_not_cmk(self) -> None:
        self.expect_key("alias/testkey", manager="AWS")
        self.assert_reported(
            "NOT_APPLICABLE",
            "Key alias/testkey is managed by AWS, so its key policy is not judged: nothing to do",
        )

    def test_scenario_1_disabled_status(self) -> None:
        self.expect_key("alias/testkey", state="Disabled")
        self.assert_reported("NOT_APPLICABLE", "CMK alias/testkey is disabled [scenario 1]")

    def test_scenario_2_cmk_in_whitelist(self) -> None:
        self.expect_key("alias/Otter-EBS")
        self.assert_reported(
            "COMPLIANT",
            "CMK alias/Otter-EBS is in whitelist for CMK Key Policy check [scenario 2: alias/Otter-EBS matches Otter*]",
            alias="alias/Otter-EBS",
        )

    def test_scenario_3_kms_star_in_policy(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement("kms:*", WHITELISTED))
        self.assert_reported(
            "NON_COMPLIANT",
            "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted "
            "[scenario 3: statement 1 (kms:*)]",
        )

    def test_scenario_4_no_sep_of_duty(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement([*USAGE, *ADMINISTRATION], NOT_WHITELISTED))
        self.assert_reported(
            "NON_COMPLIANT",
            "in Key Policy for alias/testkey, statement does not have separation of duties and CMK is not whitelisted "
            '[scenario 4: Admin_User_Id does not cover "AROABADGERADMIN:*"; usage by statement 1; administration by '
            "statement 1]",
        )

    def test_scenario_5_sep_of_duty_actions(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement(USAGE, NOT_WHITELISTED))
        self.assert_reported(
            "COMPLIANT",
            "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted "
            "[scenario 5: usage by statement 1 (kms:Encrypt, kms:Decrypt)]",
        )

    def test_scenario_6_admin_role_in_whitelist_sep_of_duty(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement(ADMINISTRATION, WHITELISTED))
        self.assert_reported(
            "COMPLIANT",
            "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and "
            "user id is whitelisted [scenario 6: administration by statement 1 (kms:Create*, kms:Delete*, kms:Put*)]",
        )

    def test__scenario_7_admin_role_not_in_whitelist_sep_of_duty(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement(ADMINISTRATION, NOT_WHITELISTED))
        self.assert_reported(
            "NON_COMPLIANT",
            "in Key Policy for alias/testkey, statement does have separation of duties, CMK is not whitelisted, and "
            'user id is not whitelisted [scenario 7: Admin_User_Id does not cover "AROABADGERADMIN:*"; administration '
            "by statement 1]",
        )

    def test_scenario_8_admin_role_in_whitelist_no_sep_of_duty(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement(USAGE, WHITELISTED), statement(ADMINISTRATION, WHITELISTED))
        self.assert_reported(
            "NON_COMPLIANT",
            "In Key Policy for alias/testkey, statement does not have separation of duties, CMK is not whitelisted, "
            "and user id is whitelisted [scenario 8: usage by statement 1; administration by statement 2]",
        )

    def test_scenario_no_conditions(self) -> None:
        self.expect_key("alias/testkey")
        self.expect_policy(statement("kms:GetKeyPolicy"), statement(USAGE))
        self.assert_reported(
            "NON_COMPLIANT",
            "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId "
            "[statement 2 (kms:Encrypt, kms:Decrypt)]",
        )


if __name__ == "__main__":
    unittest.main()
