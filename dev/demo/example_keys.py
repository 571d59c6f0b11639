"""Keys for the demonstration: what each is called, its policy, and what it is there to show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LISTED_ADMINISTRATOR = "AROAOTTERADMIN:*"
UNLISTED_ADMINISTRATOR = "AROABADGERADMIN:*"
USER = "AROABEAVERUSER:*"

USAGE = ("kms:Encrypt", "kms:Decrypt")
ADMINISTRATION = ("kms:Create*", "kms:Delete*", "kms:Put*")

type Policy = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExampleKey:
    """One key of the demonstration; `policy` None leaves it with the policy that KMS gives to a new key."""

    shows: str
    aliases: tuple[str, ...]
    policy: Policy | None = None
    enabled: bool = True


def statement(sid: str, actions: Sequence[str], user_id: str) -> Policy:
    """Make a statement that allows `actions` to callers whose user id is like `user_id`."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": list(actions),
        "Resource": "*",
        "Condition": {"StringLike": {"aws:userId": user_id}},
    }


def policy(*statements: Policy) -> Policy:
    """Make a key policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def readable(content: Policy) -> Policy:
    """Add to a policy the statement with which the post lets the rule read it."""
    reading = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:GetKeyPolicy",
        "Resource": "*",
    }
    return {**content, "Statement": [*content["Statement"], reading]}


def post_policy() -> Policy:
    """Return the policy of `alias/SecurityOtterCMK` as the post prints it."""
    content: Policy = json.loads((Path(__file__).parent / "security-otter-cmk.json").read_text(encoding="utf-8"))
    return content


USAGE_ONLY = policy(statement("Allow use of the key", USAGE, USER))

EXAMPLE_KEYS = (
    ExampleKey("scenario 1, a disabled key", ("alias/retired",), enabled=False),
    ExampleKey("scenario 2, the post's whitelisted key", ("alias/Otter-EBS",)),
    ExampleKey("scenario 3, the policy that KMS gives to a new key", ("alias/default-policy",)),
    ExampleKey(
        "scenario 4, usage and administration, administrators not listed",
        ("alias/orders",),
        policy(
            statement("Administer", ADMINISTRATION, UNLISTED_ADMINISTRATOR),
            statement("Use", USAGE, USER),
        ),
    ),
    ExampleKey("scenario 5, usage alone", ("alias/payments",), USAGE_ONLY),
    ExampleKey(
        "scenario 6, administration alone, administrators listed",
        ("alias/archive",),
        policy(statement("Administer", ADMINISTRATION, LISTED_ADMINISTRATOR)),
    ),
    ExampleKey(
        "scenario 7, administration alone, administrators not listed",
        ("alias/backup",),
        policy(statement("Administer", ADMINISTRATION, UNLISTED_ADMINISTRATOR)),
    ),
    ExampleKey(
        "scenario 8, usage and administration, administrators listed",
        ("alias/reports",),
        policy(
            statement("Administer", ADMINISTRATION, LISTED_ADMINISTRATOR),
            statement("Use", USAGE, USER),
        ),
    ),
    ExampleKey("the post's key, whose statements lack a user condition", ("alias/SecurityOtterCMK",), post_policy()),
    ExampleKey("a compliant policy that also lets the rule read it", ("alias/readable",), readable(USAGE_ONLY)),
    ExampleKey("a key without an alias", (), USAGE_ONLY),
    ExampleKey("a key with two aliases", ("alias/customers", "alias/customers-eu"), USAGE_ONLY),
)
