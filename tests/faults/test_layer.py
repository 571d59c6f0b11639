"""The layer itself: faults reach a client as what they play, plans can be replayed, and the search finds secrets."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)

from tests.aws.fault_layer import (
    Call,
    Fault,
    cut_short,
    dropped,
    dropped_after,
    foreign_page,
    hanging,
    let_pass,
    refusal,
)
from tests.faults.plans import EVERY_KMS_OPERATION, SeededPlan, Strike
from tests.faults.population import CHANGED, KEYS
from tests.faults.world import CREDENTIALS, FROM_KMS, World

ONE_ATTEMPT = Config(retries={"mode": "legacy", "total_max_attempts": 1})
THROTTLING = refusal("ThrottlingException", "Rate exceeded")


def throttling(seed: int) -> SeededPlan:
    """Return a plan that throttles three calls of ten."""
    return SeededPlan(seed, EVERY_KMS_OPERATION, "throttled", Strike(THROTTLING, share_of_calls=0.3))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (THROTTLING, ClientError),
        (dropped, ConnectionClosedError),
        (dropped_after, ConnectionClosedError),
        (hanging, ReadTimeoutError),
    ],
)
def test_a_fault_reaches_the_client_as_what_it_plays(world: World, fault: Fault, error: type[Exception]) -> None:
    world.layer.begin(lambda _call: fault)
    with pytest.raises(error):
        boto3.client("kms", config=ONE_ATTEMPT).describe_key(KeyId=CHANGED.id)


@pytest.mark.parametrize("fault", [cut_short, foreign_page])
def test_an_answer_that_is_none_of_aws_s_has_nothing_in_it(world: World, fault: Fault) -> None:
    world.layer.begin(lambda _call: fault)
    assert boto3.client("kms", config=ONE_ATTEMPT).describe_key(KeyId=CHANGED.id).keys() == {"ResponseMetadata"}


@pytest.mark.parametrize(("fault", "reached"), [(dropped, 0), (dropped_after, 1), (hanging, 0), (cut_short, 1)])
def test_the_account_does_what_is_asked_only_where_the_fault_lets_it(world: World, fault: Fault, reached: int) -> None:
    world.layer.begin(lambda _call: fault)
    client = boto3.client("kms", config=ONE_ATTEMPT)
    with suppress(ConnectionClosedError, ReadTimeoutError):
        client.disable_key(KeyId=CHANGED.id)
    calls = list(map(str, world.account.config.calls))
    assert calls.count("kms:DisableKey") == reached


def test_threads_that_race_are_struck_alike_every_time(world: World) -> None:
    struck = []
    for _ in range(2):
        world.restore()
        world.invoke(world.event(FROM_KMS), throttling(seed=2))
        struck.append(Counter(world.layer.faulted))
    assert struck[0] == struck[1]
    assert len(struck[0]) > 10


def test_a_decision_depends_on_the_seed_and_the_question_alone() -> None:
    calls = [
        Call("kms:DescribeKey", key.id, served, refused) for key in KEYS for served in (0, 1) for refused in (0, 1)
    ]
    decided = {seed: [throttling(seed)(call) for call in calls] for seed in range(5)}
    assert all(decided[seed][::-1] == [throttling(seed)(call) for call in reversed(calls)] for seed in range(5))
    assert len({tuple(map(bool, decisions)) for decisions in decided.values()}) == 5
    assert all(0.2 < sum(map(bool, decisions)) / len(calls) < 0.4 for decisions in decided.values())


def test_a_plan_strikes_what_it_says_and_nothing_else() -> None:
    strike = Strike(THROTTLING, attempts=2, spared=1)
    plan = SeededPlan(1, "kms:ListKeys", "throttled", strike)
    asked = [(served, refused) for served in range(3) for refused in range(4)]
    struck = [(served, refused) for served, refused in asked if plan(Call("kms:ListKeys", "", served, refused))]
    assert struck == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert plan(Call("kms:ListAliases", "", 1, 0)) is None
    assert str(plan) == "kms:ListKeys, throttled, seed 1"


def test_an_error_offers_the_session_token_and_the_search_finds_it(world: World) -> None:
    world.layer.begin(lambda _call: THROTTLING)
    with pytest.raises(ClientError) as raised:
        boto3.client("kms", config=ONE_ATTEMPT).list_keys()
    assert world.secrets_in(str(raised.value)) == [CREDENTIALS["AWS_SESSION_TOKEN"]]


def test_the_search_knows_the_result_tokens_and_the_secrets_of_an_assumed_role(world: World) -> None:
    token = world.event(FROM_KMS)["resultToken"]
    world.layer.begin(let_pass)
    answer = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/any", RoleSessionName="any")
    secrets = {token, answer["Credentials"]["SecretAccessKey"], answer["Credentials"]["SessionToken"]}
    assert set(world.secrets_in(" ".join(secrets))) == secrets
