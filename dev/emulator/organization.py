"""An organization in the emulated account's server: keys in many accounts and Regions, and an aggregator of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import boto3
from moto.backends import get_backend
from moto.kms.models import KmsBackend

from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place

AGGREGATOR = "organization"
ROLE = "arn:aws:iam::111122223333:role/AggregatorRole"


def kms_at(place: Place) -> KmsBackend:
    """Return moto's own AWS KMS of an account and Region."""
    backend: KmsBackend = get_backend("kms")[place.account_id][place.region]
    return backend


def config_at(place: Place) -> Any:
    """Return a client of AWS Config with the role of the rule in an account, and in a Region."""
    role = f"arn:aws:iam::{place.account_id}:role/Rule"
    credentials = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="rule")["Credentials"]
    return boto3.client(
        "config",
        place.region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def add_key(
    place: Place, policy: Mapping[str, Any] | None, aliases: Iterable[str] = (), *, enabled: bool = True
) -> str:
    """Create a key with this policy, or that which KMS gives to a new key, and these aliases; return its id."""
    kms = kms_at(place)
    text = None if policy is None else json.dumps(policy)
    key = kms.create_key(text, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    for alias in aliases:
        kms.create_alias(key.id, alias)
    if not enabled:
        kms.disable_key(key.id)
    key_id: str = key.id
    return key_id


def add_aggregator(account: EmulatedAccount, accounts: Sequence[str], regions: Sequence[str]) -> None:
    """Make an aggregator of the organization that these accounts are, and of all Regions, which these are."""
    aggregation = account.config.aggregation
    aggregation.organization[:] = accounts
    aggregation.regions[:] = regions
    boto3.client("config").put_configuration_aggregator(
        ConfigurationAggregatorName=AGGREGATOR,
        OrganizationAggregationSource={"RoleArn": ROLE, "AllAwsRegions": True},
    )
