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

from dev.demo.demonstration import create_key
from dev.demo.example_keys import EXAMPLE_KEYS
from dev.emulator.account import EmulatedAccount, emulated_account
from dev.emulator.calls import Place
from dev.emulator.events import now
from dev.emulator.organization import add_aggregator, add_key, config_at
from least_privilege.report import evaluation
from least_privilege.scenarios import Compliance
from tests.docs.pages import PROJECT

BUCKET = "rule-packages"
# An account in which the organization's rule has run.
MEMBER = Place("111122223333", "us-east-1")
USERS = "AROAUSERS0001:*"


def policy(users: object) -> dict[str, object]:
    """Make a key policy that is compliant if `users` are some."""
    statement = {
        "Sid": "Use",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "*",
        "Condition": {"StringLike": {"aws:userId": users}},
    }
    return {"Version": "2012-10-17", "Statement": statement}


TEMPLATE = {
    "Parameters": {"Users": {"Type": "String", "Default": USERS}},
    "Resources": {"OrdersKey": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy({"Ref": "Users"})}}},
}
# What the pages say that a person has beside the project.
FILES: Mapping[str, object] = {
    "key.json": policy(USERS),
    "policies/orders.json": policy(USERS),
    "template.yaml": TEMPLATE,
    "templates/orders.yaml": TEMPLATE,
    "production.json": {"Users": "AROAUSERS0002:*"},
    "kms-rule-parameters.json": {"Admin_User_Id": "AROAADMIN0001:*"},
}
# Version 1 of the AWS CLI looks for queues in AWS itself where only the environment names an endpoint.
COMMANDS = {
    "kms-rule": f'{shlex.quote(sys.executable)} -m kms_rule "$@"',
    "aws": f'{shlex.quote(str(Path(sys.executable).with_name("aws")))} --endpoint-url "$AWS_ENDPOINT_URL" "$@"',
}


@pytest.fixture(scope="module")
def account() -> Iterator[EmulatedAccount]:
    """An account with the demonstration's keys, whose AWS Config records, an aggregator, and a bucket for packages."""
    # `rdk init` attaches policies of AWS's own, which moto has only if it is asked to.
    with (
        patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"),
        patch("moto.kms.models.generate_private_key"),
        emulated_account() as served,
    ):
        served.reset()
        served.start_recording()
        for key in EXAMPLE_KEYS:
            create_key(key)
        add_aggregator(served, [served.id, MEMBER.account_id], [served.region])
        report_in_member(served)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield served


def report_in_member(account: EmulatedAccount) -> None:
    """Give the member a key and an alias, and the organization's rule the result that it has for them."""
    add_key(MEMBER, policy(USERS), ["alias/orders"])
    rule = "OrgConfigRule-AWSConfigRuleKMS-e5f6a7b8"
    account.config.add_rule(rule, place=MEMBER)
    sentence = "in Key Policy for alias/orders, statement does have separation of duties and CMK is not whitelisted"
    config_at(MEMBER).put_evaluations(
        Evaluations=[evaluation("AWS::KMS::Key", "alias/orders", Compliance.COMPLIANT, sentence, now())],
        ResultToken=account.config.issue_token(rule, MEMBER),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git has of the project with the package built, beside which a person has files of their own."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, copy / name)
    for name, content in FILES.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(json.dumps(content))
    subprocess.run([sys.executable, "-m", "kms_rule", "package"], cwd=copy, check=True, capture_output=True)
    return copy


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with commands that stand in for others of the same names."""
    found = tmp_path_factory.mktemp("bin")
    for name, command in COMMANDS.items():
        (found / name).write_text(f"#!/bin/sh\nexec {command}\n")
        (found / name).chmod(0o755)
    return found


@pytest.fixture(scope="module")
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
