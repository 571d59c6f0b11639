"""AWS as botocore's stubs, for answers that the emulator cannot give. Each request is checked, none is left over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from tests.aws.stubbed import SERVICES, StubbedAws


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
