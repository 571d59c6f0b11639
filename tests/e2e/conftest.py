"""What the end-to-end tests share: an emulated account for the tests of one module that build on each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from dev.emulator.account import EmulatedAccount


@pytest.fixture(scope="module")
def shared_account(request: pytest.FixtureRequest) -> Iterator[EmulatedAccount]:
    """An account that is empty when the first test of a module asks for it, and has AWS's own policies.

    `rdk init` attaches some of those; moto loads them only if asked to when it starts.
    """
    served: EmulatedAccount = request.getfixturevalue("_served_account")
    with patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"):
        served.reset()
        yield served
    served.reset()


@pytest.fixture
def no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away whatever would lead a command to an account, emulated or not."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
