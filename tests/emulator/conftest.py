"""AWS Config of the emulated account, with one rule, and clients that reach it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config

from dev.emulator.account import EmulatedAccount
from dev.emulator.config import EmulatedConfig

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_kms import KMSClient

# Clients send whatever they are given, so that it is the server that judges it.
UNCHECKED = Config(parameter_validation=False)


@pytest.fixture
def rule() -> str:
    return "KeyPolicies"


@pytest.fixture
def emulated(account: EmulatedAccount, rule: str) -> EmulatedConfig:
    account.config.add_rule(rule)
    return account.config


@pytest.fixture
def config(emulated: EmulatedConfig) -> ConfigServiceClient:
    return boto3.client("config", emulated.home.region, config=UNCHECKED)


@pytest.fixture
def kms(emulated: EmulatedConfig) -> Iterator[KMSClient]:
    # moto makes a key pair for every key, used or not, which takes longer than all else.
    with patch("moto.kms.models.generate_private_key"):
        yield boto3.client("kms", emulated.home.region, config=UNCHECKED)
