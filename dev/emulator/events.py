"""The events with which AWS Config invokes the rule, in the shape of recorded ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
RULE_NAME = "AWSConfigRuleKMS"
TEST_TOKEN = "TESTMODE"  # noqa: S105 - the word by which RDK's tests ask for a dry run, no secret
POST_PARAMETERS: Mapping[str, str] = {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"}

type Json = dict[str, Any]


def now() -> str:
    """Return the present time as AWS Config writes it, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rule_event(invoking_event: Json, parameters: Mapping[str, str] = POST_PARAMETERS, **fields: object) -> Json:
    """Wrap an invoking event; `fields` replace those of the event itself, and one given as None is left out."""
    account_id = fields.get("accountId") or ACCOUNT_ID
    event = {
        "version": "1.0",
        "invokingEvent": json.dumps(invoking_event),
        "ruleParameters": json.dumps(dict(parameters)),
        "resultToken": TEST_TOKEN,
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{account_id}:role/aws-service-role/config.amazonaws.com/"
        "AWSServiceRoleForConfig",
        "configRuleArn": f"arn:aws:config:{REGION}:{account_id}:config-rule/config-rule-otter1",
        "configRuleName": RULE_NAME,
        "configRuleId": "config-rule-otter1",
        "accountId": account_id,
        "evaluationMode": "DETECTIVE",
    }
    return {name: value for name, value in {**event, **fields}.items() if value is not None}


def scheduled_notification(time: str) -> Json:
    """Make the invoking event of the 24 hours' schedule."""
    return {
        "awsAccountId": ACCOUNT_ID,
        "notificationCreationTime": time,
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }


def change_notification(item: Json, difference: Json | None = None) -> Json:
    """Make the invoking event of a resource whose configuration changed."""
    return {
        "configurationItemDiff": difference,
        "configurationItem": item,
        "notificationCreationTime": item["configurationItemCaptureTime"],
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3",
    }


def key_item(key_id: str, time: str, status: str = "OK") -> Json:
    """Make the configuration item of a key; its state and policy are left out, since the rule asks KMS for them."""
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": time,
        "configurationItemStatus": status,
        "resourceType": "AWS::KMS::Key",
        "resourceId": key_id,
        "resourceName": None,
        "ARN": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{key_id}",
        "awsAccountId": ACCOUNT_ID,
        "awsRegion": REGION,
        "configuration": {"keyId": key_id},
        "supplementaryConfiguration": {},
        "tags": {},
    }


def alias_item(name: str, target_key_id: str | None, time: str, status: str = "OK") -> Json:
    """Make the configuration item of an alias; without a target, the one of an alias that is gone."""
    return {
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": time,
        "configurationItemStatus": status,
        "resourceType": "AWS::KMS::Alias",
        "resourceId": name,
        "resourceName": name,
        "ARN": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{name}",
        "awsAccountId": ACCOUNT_ID,
        "awsRegion": REGION,
        "configuration": {"AliasName": name, "TargetKeyId": target_key_id} if target_key_id else None,
        "supplementaryConfiguration": {},
        "tags": {},
    }
