"""Key policies collected from public repositories, judged through the handler. They are not part of this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from AWSConfigRuleKMSPolicy import Duty, KeyPolicy
from kms_rule.emulator import EmulatedAccount
from kms_rule.events import now, rule_event, scheduled_notification

COLLECTION = Path(__file__).parents[3] / "shared" / "real-policies.json"

pytestmark = pytest.mark.skipif(
    not COLLECTION.is_file(), reason="the collection lies beside the project's own checkout"
)


@pytest.fixture
def collected(account: EmulatedAccount) -> dict[str, Any]:
    """The policies by the id of the key that has each."""
    del account
    kms = boto3.client("kms")
    policies = [entry["policy"] for entry in json.loads(COLLECTION.read_text(encoding="utf-8"))]
    return {kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]: policy for policy in policies}


def test_each_real_policy_gets_one_answer_that_holds_for_any_policy(collected: dict[str, Any]) -> None:
    evaluations = lambda_handler(rule_event(scheduled_notification(now())), {})
    assert sorted(item["ComplianceResourceId"] for item in evaluations) == sorted(collected)
    for item in evaluations:
        annotation = item["Annotation"]
        assert 1 <= len(annotation) <= 256
        assert item["ComplianceResourceId"] in annotation
        if item["ComplianceType"] == "COMPLIANT":
            policy = KeyPolicy.parse(collected[item["ComplianceResourceId"]])
            assert not policy.opening_every_action()
            assert policy.granting(*Duty)
            assert not policy.granting_without_user_condition()
