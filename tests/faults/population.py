"""The keys of the account that the faults meet, what the rule says of each, and what AWS Config held of them before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from unittest.mock import patch

from moto.backends import get_backend
from moto.kms.models import KmsBackend

from dev.demo.example_keys import (
    ADMINISTRATION,
    LISTED_ADMINISTRATOR,
    UNLISTED_ADMINISTRATOR,
    USAGE,
    USAGE_ONLY,
    USER,
    policy,
    statement,
)
from dev.emulator.account import EmulatedAccount

KEY_TYPE = "AWS::KMS::Key"
COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"
MOST_ALIASES_OF_A_KEY = 50

USED = json.dumps(USAGE_ONLY)
ADMINISTERED = json.dumps(policy(statement("Administer", ADMINISTRATION, LISTED_ADMINISTRATOR)))
MIXED = json.dumps(
    policy(statement("Administer", ADMINISTRATION, UNLISTED_ADMINISTRATOR), statement("Use", USAGE, USER))
)
OPEN = json.dumps(policy({"Sid": "Open", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}))
UNDESCRIBED = json.dumps(
    policy(
        {"Sid": "Hide", "Effect": "Deny", "Action": ["kms:DescribeKey"], "Resource": "*"},
        statement("Use", USAGE, USER),
    )
)

type Resource = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PopulatedKey:
    """A key: its number makes its id, and `compliance` is what a run that nothing disturbs says of it."""

    number: int
    aliases: tuple[str, ...]
    policy: str
    compliance: str
    state: str = "Enabled"
    manager: str = "CUSTOMER"
    recorded: bool = True

    @property
    def id(self) -> str:
        """The key id."""
        return f"{self.number:08d}-feed-4bad-8cab-0123456789ab"

    @property
    def reported_ids(self) -> tuple[str, ...]:
        """The resource ids that the key is reported under."""
        return self.aliases or (self.id,)


def many_aliases(name: str) -> tuple[str, ...]:
    """Return as many aliases as KMS allows a key, all of them whitelisted."""
    return tuple(f"alias/Otter-{name}-{number}" for number in range(MOST_ALIASES_OF_A_KEY))


CHANGED = PopulatedKey(1, ("alias/customers", "alias/customers-eu"), USED, COMPLIANT)
POLICY_DENIED = PopulatedKey(2, ("alias/denied",), USED, NON_COMPLIANT, recorded=False)
KEYS = (
    CHANGED,
    POLICY_DENIED,
    PopulatedKey(3, ("alias/payments",), USED, COMPLIANT),
    PopulatedKey(4, (), USED, COMPLIANT),
    PopulatedKey(5, ("alias/archive",), ADMINISTERED, COMPLIANT),
    PopulatedKey(6, ("alias/open",), OPEN, NON_COMPLIANT),
    PopulatedKey(7, (), OPEN, NON_COMPLIANT),
    PopulatedKey(8, ("alias/orders", "alias/orders-eu", "alias/orders-us"), MIXED, NON_COMPLIANT),
    PopulatedKey(9, ("alias/retired",), USED, NOT_APPLICABLE, state="Disabled"),
    PopulatedKey(10, (), OPEN, NOT_APPLICABLE, state="PendingImport"),
    PopulatedKey(11, ("alias/Otter-EBS", "alias/volumes"), OPEN, COMPLIANT),
    PopulatedKey(12, many_aliases("a"), OPEN, COMPLIANT),
    PopulatedKey(13, many_aliases("b"), OPEN, COMPLIANT),
    PopulatedKey(14, ("alias/undescribed",), UNDESCRIBED, COMPLIANT, recorded=False),
    PopulatedKey(15, ("alias/malformed",), "no policy", NON_COMPLIANT),
    PopulatedKey(16, (), '{"Statement": 7}', NON_COMPLIANT, recorded=False),
    PopulatedKey(17, ("alias/aws/ebs",), OPEN, NOT_APPLICABLE, manager="AWS"),
    PopulatedKey(18, (), OPEN, NOT_APPLICABLE, manager="AWS"),
    PopulatedKey(19, ("alias/unrecorded",), USED, COMPLIANT, recorded=False),
    PopulatedKey(20, ("alias/unrecorded-open",), OPEN, NON_COMPLIANT, recorded=False),
    PopulatedKey(21, ("alias/unrecorded-retired",), USED, NOT_APPLICABLE, state="Disabled", recorded=False),
    PopulatedKey(22, (), ADMINISTERED, COMPLIANT, recorded=False),
    PopulatedKey(23, ("alias/unrecorded-too",), USED, COMPLIANT, recorded=False),
    PopulatedKey(24, ("alias/unrecorded-mixed",), MIXED, NON_COMPLIANT, recorded=False),
)
KEY_BY_ID: Mapping[str, PopulatedKey] = {key.id: key for key in KEYS}

# What AWS Config holds of keys and aliases that are gone.
STALE: tuple[Resource, ...] = (
    (KEY_TYPE, "alias/gone"),
    (KEY_TYPE, "alias/renamed"),
    (KEY_TYPE, "99999999-feed-4bad-8cab-0123456789ab"),
    ("AWS::KMS::Alias", "alias/gone"),
    ("AWS::::Account", "123456789012"),
)


def resources_of(*keys: PopulatedKey) -> set[Resource]:
    """Return what these keys are reported as."""
    return {(KEY_TYPE, reported_id) for key in keys for reported_id in key.reported_ids}


def backend(account: EmulatedAccount) -> KmsBackend:
    """Return moto's own AWS KMS, to do at once what its clients need many calls for."""
    return get_backend("kms")[account.id][account.region]


def populate(account: EmulatedAccount) -> None:
    """Make the account's keys just these, whatever there was before, and AWS Config's record of them."""
    kms = backend(account)
    kms.keys.clear()
    for key in KEYS:
        add(account, key)
    account.config.items.clear()
    account.config.items.update({key.id: None for key in KEYS if not key.recorded})


def add(account: EmulatedAccount, key: PopulatedKey) -> None:
    """Create a key of the account."""
    kms = backend(account)
    # moto makes a key pair for every key, used or not, which takes longer than all else.
    with (
        patch("moto.kms.models.generate_private_key"),
        patch("moto.kms.models.generate_key_id", return_value=key.id),
    ):
        created = kms.create_key(key.policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    created.key_state, created.key_manager = key.state, key.manager
    created.enabled = key.state == "Enabled"
    for alias in key.aliases:
        kms.create_alias(key.id, alias)
