"""Key policies collected from public repositories, judged through the handler."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import now, rule_event, scheduled_notification
from tests.policy.real_policies import REAL_POLICIES, listed


@pytest.fixture
def collected(account: EmulatedAccount) -> dict[str, Any]:
    """The policies by the id of the key that has each."""
    del account
    kms = boto3.client("kms")
    return {
        kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]: policy for policy in REAL_POLICIES.values()
    }


DUTIES = ("kms:encrypt", "kms:decrypt", "kms:creategrant", "kms:createkey", "kms:deletealias", "kms:putkeypolicy")
ANSWERS_OF_THE_COLLECTION = {
    "statement does not limit its users": 46,
    "statement does have open KMS permissions": 35,
    "does not have the permissions defined in the scenarios": 16,
    "statement does not have separation of duties": 2,
}


def allows_a_duty_to_callers_it_does_not_name(statement: dict[str, Any]) -> bool:
    """The same question as the rule's, asked of the raw JSON with Python's own pattern matching."""
    actions = [action.lower() for action in listed(statement.get("Action", []))]
    if statement["Effect"] != "Allow" or not any(fnmatchcase(duty, entry) for duty in DUTIES for entry in actions):
        return False
    keys = [key.lower() for block in statement.get("Condition", {}).values() for key in block]
    return "aws:userid" not in keys


def test_each_real_policy_gets_one_answer_that_holds_for_any_policy(collected: dict[str, Any]) -> None:
    evaluations = lambda_handler(rule_event(scheduled_notification(now())), {})
    assert sorted(item["ComplianceResourceId"] for item in evaluations) == sorted(collected)
    for item in evaluations:
        resource_id, annotation = item["ComplianceResourceId"], item["Annotation"]
        assert 1 <= len(annotation) <= 256
        assert resource_id in annotation
        if any(map(allows_a_duty_to_callers_it_does_not_name, listed(collected[resource_id]["Statement"]))):
            assert item["ComplianceType"] == "NON_COMPLIANT"


def test_the_collection_is_answered_as_counted(collected: dict[str, Any]) -> None:
    del collected
    annotations = [item["Annotation"] for item in lambda_handler(rule_event(scheduled_notification(now())), {})]
    assert {
        words: sum(words in annotation for annotation in annotations) for words in ANSWERS_OF_THE_COLLECTION
    } == ANSWERS_OF_THE_COLLECTION
