"""How long a call is tried, and that many throttled calls do not use up one another's retries."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from botocore.config import Config

from least_privilege.clients import client_config
from tests.aws.fault_layer import Call, Plan
from tests.faults.matrix import LIST_ALIASES, OUTCOMES, THROTTLED, THROTTLED_FIVE_TIMES, Row
from tests.faults.plans import EVERY_KMS_OPERATION
from tests.faults.world import FROM_KMS, World


def never(_call: Call) -> None:
    """Delete no key, since none of the plans here does."""


def plan(operation: str, fault: str) -> Plan:
    """Return the plan of a row of the matrix."""
    return Row(operation, fault, FROM_KMS, 1, OUTCOMES[operation][fault]).plan(never)


def in_mode(mode: str) -> Callable[[int], Config]:
    """Return the rule's settings for its clients, but with this mode of retries."""
    retries = {"mode": mode, "total_max_attempts": 8}
    return lambda connections: client_config(connections).merge(Config(retries=retries))  # type: ignore[arg-type]


def test_threads_that_shared_a_budget_of_retries_would_leave_keys_without_an_answer(world: World) -> None:
    # With the rule's own mode the same plan costs no answer: it is a row of the matrix, and of its sample.
    with patch("least_privilege.clients.client_config", in_mode("standard")):
        run = world.invoke(world.event(FROM_KMS), plan(EVERY_KMS_OPERATION, THROTTLED_FIVE_TIMES))
    assert "ThrottlingException" in run.message


def test_a_call_that_is_throttled_for_good_is_tried_eight_times_over_a_minute(world: World) -> None:
    with patch("botocore.retryhandler.random.random", return_value=0.5):
        run = world.invoke(world.event(FROM_KMS), plan(LIST_ALIASES, THROTTLED))
    assert "kms:ListAliases" in run.message
    assert [call.refused for call in world.layer.faulted] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert world.time.slept == [0.5, 1, 2, 4, 8, 16, 32]


def test_a_call_that_hangs_is_given_up_long_before_lambda_s_longest_time() -> None:
    settings = client_config(16)
    longest_back_off = sum(2**attempt for attempt in range(7))
    assert 8 * settings.read_timeout + longest_back_off < 300  # type: ignore[attr-defined]
    assert settings.connect_timeout <= settings.read_timeout  # type: ignore[attr-defined]
