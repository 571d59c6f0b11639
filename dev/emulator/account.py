"""An emulated AWS account: moto's server on a free loopback port, and an environment that leads every client to it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from unittest.mock import patch

import boto3
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key, KmsBackend
from moto.kms.policy_validator import validate_policy
from moto.server import ThreadedMotoServer

import dev.emulator.stack  # noqa: F401 - makes moto's CloudFormation know AWS::Config::ConfigRule
from dev.emulator.calls import Place
from dev.emulator.config import EmulatedConfig

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
RECORDINGS = "recordings-of-aws-config"


@dataclass(frozen=True, slots=True)
class EmulatedAccount:
    """An account that moto plays: `endpoint` is where its AWS answers, over HTTP; `config` is its AWS Config."""

    endpoint: str
    config: EmulatedConfig
    id: str = DEFAULT_ACCOUNT_ID
    region: str = REGION

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead a client to this account, wherever it would otherwise look."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }

    @property
    def _kms(self) -> KmsBackend:
        return get_backend("kms")[self.id][self.region]

    def key(self, key_id: str) -> Key:
        """Return moto's own object for a key, to set what no call of KMS can, such as a state it passes through."""
        return self._kms.keys[key_id]

    def add_aws_managed_key(self, service: str) -> str:
        """Create the key that AWS manages for `service` with its alias, as AWS does by itself; return its id."""
        key = self._kms.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
        key.key_manager = "AWS"
        self._kms.create_alias(key.id, f"alias/aws/{service}")
        return key.id

    def start_recording(self) -> None:
        """Make AWS Config record from now on, with the recorder and delivery channel that it needs for that."""
        config, s3 = boto3.client("config"), boto3.client("s3")
        s3.create_bucket(Bucket=RECORDINGS)
        role = f"arn:aws:iam::{self.id}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
        config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role})
        config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": RECORDINGS})
        config.start_configuration_recorder(ConfigurationRecorderName="default")

    def reset(self) -> None:
        """Empty the account, and every other one on the server."""
        # Any backend that is reset takes all others of moto with it.
        get_backend("kms").reset()
        self.config.reset()


@contextmanager
def emulated_account() -> Iterator[EmulatedAccount]:
    """Serve an empty AWS account until the block ends; in it, every boto3 client reaches that account and no other."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(LOOPBACK, 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    config = EmulatedConfig(Place(DEFAULT_ACCOUNT_ID, REGION))
    account = EmulatedAccount(f"http://{LOOPBACK}:{port}", config)
    with (
        patch.dict(os.environ),
        patch("moto.kms.responses.validate_policy", _validate_policy),
        config.install(),
    ):
        # What is left of the person's own settings could lead a client to a real account.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(account.environment)
        boto3.setup_default_session()
        try:
            yield account
        finally:
            server.stop()
            # A session keeps the credentials and the endpoint that it was made with.
            boto3.DEFAULT_SESSION = None


def _validate_policy(key: Key, action: str) -> None:
    """Let moto look for a denial only in a policy that it can read: of another it makes an internal error."""
    try:
        policy = json.loads(key.policy)
    except ValueError:
        return
    content = policy.get("Statement") if isinstance(policy, dict) else None
    statements = content if isinstance(content, list) else [content]
    readable = copy(key)
    readable.policy = json.dumps({"Statement": [item for item in statements if isinstance(item, dict)]})
    validate_policy(readable, action)
