"""AWS as botocore's stubs, for answers that the emulator cannot give. Each request is checked, none is left over."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from AWSConfigRuleKMS import IDLE_EVALUATORS
from dev.emulator.events import ACCOUNT_ID
from tests.aws.stubbed import SERVICES, StubbedAws
from tests.rule.counting_aws import OWN_KEY, CountingAws


@pytest.fixture
def aws(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubbedAws]:
    stubs = StubbedAws()
    # Stubs answer in a fixed order, so keys are read in the order of the list.
    monkeypatch.setenv("READER_THREADS", "1")
    monkeypatch.setattr("secrets.randbelow", lambda _most: 0)
    with ExitStack() as active:
        for service in SERVICES:
            active.enter_context(getattr(stubs, service))
        active.enter_context(patch("boto3.client", side_effect=stubs.client))
        yield stubs
    for service in SERVICES:
        getattr(stubs, service).assert_no_pending_responses()
    # To the rule, a call that nobody expected is one more failure of AWS, which it logs.
    messages = [record.getMessage() for record in caplog.get_records("call")]
    assert [message for message in messages if "response stub for" in message] == []


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingAws]:
    """AWS over HTTP, as a function that was just started finds it: with its role's credentials in the environment."""
    aws = CountingAws()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with aws.serving():
        settings = {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": OWN_KEY,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
        # A connection that breaks is tried again at once.
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
        yield aws
        end_of_threads()


def context_until(reached: threading.Event) -> SimpleNamespace:
    """Make the context of an invocation whose time is up once that is reached, as its handler learns."""
    asked = count()

    def left() -> int:
        handler_waits = threading.current_thread() is threading.main_thread() and next(asked) > 0
        return 0 if handler_waits and reached.wait(30) else 60_000

    return SimpleNamespace(
        invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:rule", get_remaining_time_in_millis=left
    )


def end_of_threads() -> None:
    """Wait for the threads that the handler left behind, whose calls would be counted with those of the next test."""
    # Twice, since that of the evaluation may begin a reader in its last moment.
    for _ in range(2):
        for thread in rule_threads():
            thread.join(30)
    assert rule_threads() == []


def rule_threads() -> list[threading.Thread]:
    """Return the threads in which the rule is at work; one waits for the next invocation besides."""
    idle = {thread for evaluator in IDLE_EVALUATORS for thread in evaluator._threads}  # noqa: SLF001 - nothing else tells
    at_work = (thread for thread in threading.enumerate() if thread not in idle)
    return [thread for thread in at_work if thread.name.startswith(("evaluation", "reader"))]
