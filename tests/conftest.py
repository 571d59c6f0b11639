"""What the tests share: one emulated AWS account, served over HTTP, emptied before each test that asks for it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from AWSConfigRuleKMS import IDLE_EVALUATORS
from dev.emulator.account import EmulatedAccount, emulated_account
from least_privilege.clients import Pool
from least_privilege.reading import NEXT_KEYS


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The clients that the rule keeps: none as yet, as in a function that Lambda has just started."""
    NEXT_KEYS.clear()
    kept = Pool()
    monkeypatch.setattr("least_privilege.account.POOL", kept)
    yield kept
    for clients in kept._kept.values():  # noqa: SLF001 - no invocation is over for good but in a test
        clients.close()


@pytest.fixture(autouse=True)
def _no_idle_evaluator() -> Iterator[None]:
    """Let no thread of a test's invocations serve another test."""
    yield
    while IDLE_EVALUATORS:
        IDLE_EVALUATORS.pop().shutdown()


# RDK zips the rule's folder as it is, and bytecode does not belong there.
sys.dont_write_bytecode = True
# What is shown depends on how wide a line is, and a shell may have told its own width.
os.environ.pop("COLUMNS", None)
# A shell's background jobs ignore interruptions, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Nothing that a test says may depend on how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def _served_account() -> Iterator[EmulatedAccount]:
    # moto makes an RSA key for every KMS key, which takes most of a test's time and is never used.
    with emulated_account() as served, patch("moto.kms.models.generate_private_key"):
        yield served


@pytest.fixture
def account(_served_account: EmulatedAccount) -> EmulatedAccount:
    """An empty AWS account; boto3's clients reach it without further settings."""
    _served_account.reset()
    return _served_account
