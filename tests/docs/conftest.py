"""A copy of the project and an emulated account, as somebody has them who pastes what a page shows."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest

import dev.emulator.stack  # noqa: F401 - teaches moto's CloudFormation rules of AWS Config
from dev.demo.demonstration import create_key
from dev.demo.example_keys import EXAMPLE_KEYS
from dev.emulator.account import EmulatedAccount, emulated_account
from tests.docs.pages import PROJECT

BUCKET = "rule-packages"
COMPLIANT = {
    "Version": "2012-10-17",
    "Statement": {
        "Sid": "Use",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "*",
        "Condition": {"StringLike": {"aws:userId": "AROAUSERS0001:*"}},
    },
}


@pytest.fixture(scope="session")
def account() -> Iterator[EmulatedAccount]:
    """An account with the demonstration's keys, whose AWS Config records, and a bucket for packages."""
    # `rdk init` attaches policies of AWS's own, which moto has only if it is asked to.
    with patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"), emulated_account() as served:
        served.start_recording()
        for key in EXAMPLE_KEYS:
            create_key(key)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield served


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git has of the project, beside which a person has policies and templates of their own."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, copy / name)
    subprocess.run([sys.executable, "-m", "kms_rule", "package"], cwd=copy, check=True, capture_output=True)
    (copy / "policies").mkdir()
    (copy / "policies" / "orders.json").write_text(json.dumps(COMPLIANT))
    template = {"Resources": {"Orders": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": COMPLIANT}}}}
    (copy / "template.yaml").write_text(json.dumps(template))
    return copy


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command `kms-rule`, which is not installed where the project is worked on."""
    found = tmp_path_factory.mktemp("bin")
    (found / "kms-rule").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m kms_rule "$@"\n')
    (found / "kms-rule").chmod(0o755)
    return found


@pytest.fixture(scope="session")
def terminal(account: EmulatedAccount, folder: Path, commands: Path) -> Mapping[str, str]:
    """The environment of a terminal in that folder."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **plain,
        **account.environment,
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]),
        # This environment's path file would put the project's own modules before those of the folder.
        "PYTHONPATH": os.pathsep.join([str(folder / "AWSConfigRuleKMS"), str(folder)]),
        "TMPDIR": str(folder.parent),
    }
