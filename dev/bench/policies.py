"""Key policies in realistic variety: 60 shapes of 1 to 4 KB, and the words in them that differ from key to key.

A shape joins who administers the key, who uses it, and which services and guards come with it, in the words of policies
that the AWS documentation and consoles write. It is a text with `MARKS`, which are made of letters and digits alone, so
that JSON text inside JSON text keeps them as they are and a policy of one key is a matter of four replacements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

ACCOUNT_ID = "123456789012"
SHAPES = 60
TEAMS = 300

NUMBER_MARK = "KEYNUMBER"
TEAM_MARK = "TEAMNUMBER"
USER_MARK = "USERIDOFTHEKEY000"
TEAM_USER_MARK = "USERIDOFTHETEAM00"
MARKS = (NUMBER_MARK, TEAM_MARK, USER_MARK, TEAM_USER_MARK)

LOG_GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role"
USE_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
ADMINISTRATION_ACTIONS = (
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
)
SOME_ADMINISTRATION_ACTIONS = ("kms:PutKeyPolicy", "kms:Enable*", "kms:Disable*", "kms:ScheduleKeyDeletion")
USING_PARTS = ("api", "worker", "batch", "export", "restore")

type Statement = Mapping[str, Any]


def allow(
    sid: str, principal: object, action: object, condition: Mapping[str, Mapping[str, object]] | None = None
) -> Statement:
    """Make a statement that allows `action`; without `condition`, to everyone in `principal`."""
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action}
    return {**statement, "Resource": "*", **({"Condition": condition} if condition else {})}


def users(*patterns: str) -> Mapping[str, Mapping[str, object]]:
    """Make the condition that limits a statement to user ids."""
    return {"StringLike": {"aws:userId": patterns[0] if len(patterns) == 1 else list(patterns)}}


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}
ADMINISTRATOR = {"AWS": f"{ROLE}/security/KeyAdministrator"}
KEY_USER = f"AROA{USER_MARK}:*"
TEAM_USER = f"AROA{TEAM_USER_MARK}:*"
CENTRAL_ADMINISTRATORS = "AROAOTTERADMINISTRATO:*"

ADMINISTRATION: Sequence[Statement] = (
    allow("Enable IAM User Permissions", ROOT, "kms:*"),
    allow("Allow access for Key Administrators", ADMINISTRATOR, ADMINISTRATION_ACTIONS, users(CENTRAL_ADMINISTRATORS)),
    allow("Allow access for Key Administrators", ADMINISTRATOR, ADMINISTRATION_ACTIONS),
    allow("Allow the team to administer", ROOT, ADMINISTRATION_ACTIONS, users(TEAM_USER, CENTRAL_ADMINISTRATORS)),
    allow("Allow some administration", ADMINISTRATOR, SOME_ADMINISTRATION_ACTIONS, users(CENTRAL_ADMINISTRATORS)),
    allow("Allow access for auditors", ROOT, ("kms:Describe*", "kms:Get*", "kms:List*")),
)
AUDIT = allow("Allow the Config rule to read", {"AWS": f"{ROLE}/ConfigRule"}, ("kms:DescribeKey", "kms:GetKeyPolicy"))
GRANTS = allow(
    "Allow attachment of persistent resources",
    {"AWS": [f"{ROLE}/team-{TEAM_MARK}/app-{NUMBER_MARK}-deploy", f"{ROLE}/team-{TEAM_MARK}/Operations"]},
    ("kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"),
    {"Bool": {"kms:GrantIsForAWSResource": "true"}, **users(TEAM_USER, KEY_USER, CENTRAL_ADMINISTRATORS)},
)
SERVICES: Sequence[Statement] = (
    allow(
        "Allow CloudTrail to encrypt logs",
        {"Service": "cloudtrail.amazonaws.com"},
        "kms:GenerateDataKey*",
        {
            "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT_ID}:trail/app-{NUMBER_MARK}"},
            "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT_ID}:trail/*"},
        },
    ),
    allow(
        "Allow CloudWatch Logs",
        {"Service": "logs.us-east-1.amazonaws.com"},
        ("kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:Describe*"),
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{LOG_GROUP}:/app/{NUMBER_MARK}/*"}},
    ),
    {
        "Sid": "Deny outside the organization",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"],
        "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    },
    allow(
        "Allow use through the services of the application",
        {"AWS": [f"{ROLE}/team-{TEAM_MARK}/app-{NUMBER_MARK}-reader", f"{ROLE}/team-{TEAM_MARK}/Analytics"]},
        ("kms:GenerateDataKey", "kms:DescribeKey"),
        {
            "StringEquals": {
                "kms:CallerAccount": ACCOUNT_ID,
                "kms:ViaService": ["s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"],
            }
        },
    ),
    {
        "Sid": "Deny deletion without a second factor",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"],
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    },
    allow(
        "Allow the service-linked role of Auto Scaling",
        {"AWS": f"{ROLE}/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"},
        ("kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"),
        {"StringEquals": {"aws:PrincipalAccount": ACCOUNT_ID}},
    ),
)


def usage(shape: int) -> Statement:
    """Make the statement about those who use the key: one to five roles, whose user ids the policy gives or not."""
    roles = [f"{ROLE}/team-{TEAM_MARK}/app-{NUMBER_MARK}-{part}" for part in USING_PARTS[: 1 + shape % 5]]
    limits = (users(KEY_USER), users(KEY_USER, TEAM_USER), users(TEAM_USER), None, users(f"{KEY_USER[:-1]}i-*"))
    return allow("Allow use of the key", {"AWS": roles}, USE_ACTIONS, limits[shape // 6 % 5])


def statements(shape: int) -> list[Statement]:
    """Join the statements of a shape: administration, then usage but for every tenth, then services and guards."""
    services = [SERVICES[(shape + step) % len(SERVICES)] for step in range(1 + shape // 2 % 3)]
    if shape % 10 == 1:
        return [ADMINISTRATION[shape % 6], AUDIT, *SERVICES[2:5]]
    using = [usage(shape), GRANTS] if shape % 3 else [AUDIT, usage(shape)]
    return [ADMINISTRATION[shape % 6], *using, *services]


@cache
def template(shape: int) -> str:
    """Write a shape as KMS returns it: on one line, or laid out as the console stores it."""
    document = {"Version": "2012-10-17", "Id": f"app-{NUMBER_MARK}", "Statement": statements(shape)}
    if shape // 3 % 3 == 0:
        return json.dumps(document, indent=2, separators=(",", " : "))
    return json.dumps(document)


def words(number: int) -> tuple[str, ...]:
    """Return what stands for each of the `MARKS` in the policy of key `number`; a key's team has other keys too."""
    team = number % TEAMS
    return (f"{number:06d}", f"{team:03d}", _user_id(number), _user_id(-1 - team))


def policy_text(number: int) -> str:
    """Return the policy of key `number`."""
    text = template(number % SHAPES)
    for mark, word in zip(MARKS, words(number), strict=True):
        text = text.replace(mark, word)
    return text


def _user_id(number: int) -> str:
    """Make the 17 characters after `AROA` of a role's user id, the same for the same number and for no other."""
    scrambled = (number + 1) * 0x9E3779B97F4A7C15 % 2**64
    return f"{scrambled:017X}"
