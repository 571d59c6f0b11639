"""AWS as botocore's stubs, for answers that the emulator cannot give. Each request is checked, none is left over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.stub import Stubber

SERVICES = ("kms", "config", "sts")
# One for all tests, since a session reads the services' models only once.
SESSION = boto3.Session("none", "none", region_name="us-east-1")


class Body(BytesIO):
    """The body of an answer, as urllib3 hands it to botocore."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class StubbedAws:
    """A stub for each service that the rule calls; `clients` are the arguments of each client that was made."""

    def __init__(self) -> None:
        self.kms = Stubber(SESSION.client("kms"))
        self.config = Stubber(SESSION.client("config"))
        self.sts = Stubber(SESSION.client("sts"))
        self.clients: list[tuple[str, dict[str, object]]] = []
        self.settings: list[Any] = []

    def client(self, service: str, config: object = None, **credentials: object) -> object:
        self.clients.append((service, credentials))
        self.settings.append(config)
        stub: Stubber = getattr(self, service)
        return stub.client


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
