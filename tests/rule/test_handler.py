from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import FrozenInstanceError, fields, is_dataclass
from functools import cached_property
from typing import Any

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler, prepare_logging
from AWSConfigRuleKMSPolicy import KeyPolicy, Statement
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import now, rule_event, scheduled_notification
from kms_rule import RULE_FOLDER
from least_privilege.clients import Clients
from least_privilege.pattern import Pattern
from least_privilege.permission import ActionPattern, DutyTable
from least_privilege.progress import Progress
from least_privilege.scenarios import Case
from least_privilege.text import RuleError
from tests.rule.modules import MODULES

SCHEDULED = rule_event(scheduled_notification(now()))


def test_annotations_are_logged_at_info(account: EmulatedAccount, caplog: pytest.LogCaptureFixture) -> None:
    del account
    kms = boto3.client("kms")
    key_id = kms.create_key(Policy=json.dumps(USAGE_ONLY))["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/payments", TargetKeyId=key_id)
    lambda_handler(SCHEDULED, {})
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.INFO] == [
        "in Key Policy for alias/payments, statement does have separation of duties and CMK is not whitelisted "
        '[scenario 5: usage by "Allow use of the key" (kms:Encrypt, kms:Decrypt)]'
    ]


@pytest.mark.parametrize(
    ("setting", "level"), [("", logging.INFO), ("warning", logging.WARNING), (" DEBUG ", logging.DEBUG)]
)
def test_the_level_comes_from_the_environment(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, setting: str, level: int
) -> None:
    del account
    monkeypatch.setenv("LOGGING_LEVEL", setting)
    lambda_handler(SCHEDULED, {})
    assert logging.getLogger("AWSConfigRuleKMS").level == level
    assert not logging.getLogger("botocore").isEnabledFor(logging.DEBUG)


def test_an_unknown_level_is_said_and_does_no_harm(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    del account
    monkeypatch.setenv("LOGGING_LEVEL", "chatty")
    lambda_handler(SCHEDULED, {})
    assert caplog.messages == ['LOGGING_LEVEL is "CHATTY": INFO is used; give DEBUG, INFO, WARNING or ERROR.']


@pytest.fixture
def library(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    logger = logging.getLogger(request.param)
    level = logger.level
    logger.setLevel(logging.NOTSET)
    yield logger
    logger.setLevel(level)


@pytest.mark.parametrize("library", ["boto3", "botocore", "urllib3"], indirect=True)
@pytest.mark.parametrize(("root", "expected"), [(logging.DEBUG, logging.WARNING), (logging.INFO, logging.NOTSET)])
def test_libraries_that_would_log_secrets_are_kept_from_it(
    library: logging.Logger, caplog: pytest.LogCaptureFixture, root: int, expected: int
) -> None:
    caplog.set_level(root)
    prepare_logging()
    assert library.level == expected


def test_a_line_of_the_log_is_the_sentence_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(RuleError) as raised:
        lambda_handler([], None)
    assert capsys.readouterr() == ("", f"{raised.value}\n")


def test_warm_starts_add_no_second_handler(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    del account
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    lambda_handler(SCHEDULED, {})
    lambda_handler(SCHEDULED, {})
    assert len(root.handlers) == 1


def test_an_error_is_logged_and_raised(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuleError) as raised:
        lambda_handler({}, {})
    assert caplog.messages == [str(raised.value)]
    assert caplog.records[0].levelno == logging.ERROR


def test_importing_the_rule_needs_neither_region_nor_credentials_and_calls_nothing() -> None:
    code = (
        "import socket, boto3\n"
        "def refuse(*arguments, **settings): raise AssertionError('called while importing')\n"
        "socket.socket.connect = boto3.client = boto3.Session.__init__ = refuse\n"
        "import AWSConfigRuleKMS, logging\n"
        "assert not logging.getLogger().handlers\n"
    )
    settings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    subprocess.run(  # noqa: S603 - runs this interpreter on the code above
        [sys.executable, "-c", code],
        check=True,
        env={**settings, "HOME": os.devnull, "PYTHONPATH": str(RULE_FOLDER)},
    )


def test_the_rule_needs_none_of_the_stubs_that_lambda_lacks() -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['mypy_boto3_config', 'mypy_boto3_kms', 'mypy_boto3_sts']))\n"
        "import AWSConfigRuleKMS\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(RULE_FOLDER)})  # noqa: S603 - likewise


VALUES = [
    value
    for name in MODULES
    for value in vars(importlib.import_module(name)).values()
    if is_dataclass(value) and isinstance(value, type) and value.__module__ == name
]
# They keep what they have worked out, say how far the run has come, or serve one invocation after the other.
KEEPING = {Case, Statement, KeyPolicy, DutyTable, ActionPattern, Pattern}
CHANGING = {Progress, Clients}


def test_those_that_keep_what_they_have_worked_out_are_the_ones_with_cached_properties() -> None:
    assert {
        kind for kind in VALUES if any(isinstance(each, cached_property) for each in vars(kind).values())
    } == KEEPING


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_values_cannot_be_changed_and_have_no_dictionary_of_their_own(kind: type) -> None:
    value: Any = object.__new__(kind)
    assert hasattr(value, "__dict__") is (kind in KEEPING)
    for field in fields(kind):
        with nullcontext() if kind in CHANGING else pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)
