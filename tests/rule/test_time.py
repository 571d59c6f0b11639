"""Lambda's time: what a run does that has too little of it. Time here passes with what the run has done."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from unittest.mock import patch

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import (
    POST_PARAMETERS,
    RULE_NAME,
    alias_item,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from least_privilege.account import Account
from least_privilege.parameters import RuleParameters
from least_privilege.reading import NEXT_KEYS, Found, read_key, rotate_to
from least_privilege.report import evaluation
from least_privilege.scenarios import Compliance
from least_privilege.text import RuleError
from tests.rule.conftest import context_until, end_of_threads

KEYS = 12
PLENTY = 60.0
# Too little to begin with a key, where one has been seen to take very long; enough to report.
LITTLE = 9.0
TOO_LITTLE = 1.2
NONE = 0.0

MORE_TIME = (
    "Raise the function's timeout (rdk deploy --lambda-timeout, 900 seconds at most) or its memory, or set "
    "ReadKeysFrom to Config"
)

type Left = Callable[[], float]


def context(seconds_left: Left) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: int(seconds_left() * 1000))


@pytest.fixture
def keys(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Twelve keys, read one after the other, of which no more than two are read ahead; one result is stale."""
    monkeypatch.setenv("READER_THREADS", "1")
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_JOB", 1)
    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", 2)
    monkeypatch.setattr("secrets.randbelow", lambda _most: 0)
    kms = boto3.client("kms")
    with patch("moto.kms.models.generate_private_key"):
        ids = [kms.create_key(Policy=json.dumps(USAGE_ONLY))["KeyMetadata"]["KeyId"] for _ in range(KEYS)]
    account.config.add_rule(RULE_NAME)
    boto3.client("config").put_evaluations(
        Evaluations=[evaluation("AWS::KMS::Key", "alias/gone", Compliance.COMPLIANT, "of an earlier run", now())],
        ResultToken=account.config.issue_token(RULE_NAME),
    )
    NEXT_KEYS.clear()
    yield ids
    end_of_threads()
    NEXT_KEYS.clear()


def scheduled(account: EmulatedAccount, **parameters: str) -> dict[str, object]:
    return rule_event(
        scheduled_notification(now()),
        {**POST_PARAMETERS, **parameters},
        resultToken=account.config.issue_token(RULE_NAME),
    )


def held(account: EmulatedAccount) -> set[str]:
    del account
    pages = boto3.client("config").get_paginator("get_compliance_details_by_config_rule")
    return {
        result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]
        for page in pages.paginate(ConfigRuleName=RULE_NAME)
        for result in page["EvaluationResults"]
    }


def calls_of(account: EmulatedAccount, operation: str) -> list[str]:
    return [call.parameters["KeyId"] for call in account.config.calls if str(call) == operation]


def after_reading(account: EmulatedAccount, keys: int) -> Left:
    """Leave little time once so many more policies have been asked for."""
    enough = len(calls_of(account, "kms:GetKeyPolicy")) + keys
    return lambda: PLENTY if len(calls_of(account, "kms:GetKeyPolicy")) < enough else LITTLE


def test_without_time_no_key_is_begun_and_the_error_says_what_to_raise(
    account: EmulatedAccount, keys: list[str]
) -> None:
    with pytest.raises(RuleError) as raised:
        lambda_handler(scheduled(account), context(lambda: TOO_LITTLE))
    assert str(raised.value) == (
        f"The evaluation is incomplete: 0 of 12 keys are judged; not judged are {', '.join(keys)}. The time ran low. "
        f"{MORE_TIME}. All other keys are reported; Lambda runs the same event again, or re-evaluate the rule once the "
        "cause is gone."
    )
    assert calls_of(account, "kms:DescribeKey") == []


def test_a_run_whose_time_runs_low_reports_what_it_has_and_takes_nothing_back(
    account: EmulatedAccount, keys: list[str]
) -> None:
    with pytest.raises(RuleError, match=r"incomplete: (\d+) of 12 keys are judged") as raised:
        lambda_handler(scheduled(account), context(after_reading(account, 5)))
    reported = held(account) & set(keys)
    assert 5 <= len(reported) <= 5 + 2
    assert f"{len(reported)} of 12 keys" in str(raised.value)
    assert set(re.findall(r"[0-9a-f-]{36}", str(raised.value))) == set(keys) - reported
    assert "alias/gone" in held(account)


def test_a_run_that_has_time_takes_back(account: EmulatedAccount, keys: list[str]) -> None:
    lambda_handler(scheduled(account), context(lambda: PLENTY))
    assert held(account) == set(keys)


@pytest.mark.parametrize("source", ["KMS", "Config"])
def test_over_repeated_runs_every_key_has_its_turn(account: EmulatedAccount, keys: list[str], source: str) -> None:
    account.start_recording()
    # What AWS Config has not recorded must not be left to a time that never comes.
    account.config.items.update(dict.fromkeys(keys))
    event = scheduled(account, ReadKeysFrom=source)
    runs = 0
    while held(account) < {*keys, "alias/gone"}:
        runs += 1
        with pytest.raises(RuleError, match="of 12 keys are judged"):
            lambda_handler(event, context(after_reading(account, 4)))
    assert runs <= 3
    lambda_handler(event, context(lambda: PLENTY))
    assert held(account) == set(keys)


def test_a_run_begins_with_the_keys_that_the_one_before_did_not_come_to(
    account: EmulatedAccount, keys: list[str]
) -> None:
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(after_reading(account, 5)))
    done = len(calls_of(account, "kms:GetKeyPolicy"))
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(after_reading(account, 3)))
    assert calls_of(account, "kms:GetKeyPolicy")[done] == keys[done]


def test_what_hangs_is_named_and_all_else_is_reported(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("READER_THREADS", "2")
    released = threading.Event()

    def hanging(account: Account, parameters: RuleParameters, key_id: str, aliases: tuple[str, ...]) -> Found:
        if key_id == keys[3]:
            released.wait(30)
        return read_key(account, parameters, key_id, aliases)

    monkeypatch.setattr("least_privilege.reading.read_key", hanging)
    with pytest.raises(RuleError, match=r"11 of 12 keys are judged; no answer for (\S+), first because of AWS had not"):
        lambda_handler(scheduled(account), context(lambda: PLENTY if len(caplog.messages) < KEYS - 1 else NONE))
    released.set()
    assert held(account) == {*keys, "alias/gone"} - {keys[3]}


def test_a_call_that_eats_the_time_ends_in_a_sentence(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    released = threading.Event()

    def hanging(_self: Account) -> Iterator[str]:
        released.wait(30)
        return iter(keys)

    monkeypatch.setattr(Account, "key_ids", hanging)
    with pytest.raises(RuleError) as raised:
        lambda_handler(scheduled(account), context(lambda: NONE))
    released.set()
    end_of_threads()
    assert str(raised.value) == (f"The time is up, and AWS has not answered: 0 of 0 keys are judged. {MORE_TIME}.")
    # What is left of the run says and does nothing more, since that would fall into another invocation.
    assert caplog.messages == [str(raised.value)]
    assert NEXT_KEYS == {}


@pytest.mark.usefixtures("keys")
def test_what_is_set_already_is_not_advised(account: EmulatedAccount) -> None:
    advice = MORE_TIME.removesuffix(", or set ReadKeysFrom to Config")
    with pytest.raises(RuleError) as raised:
        lambda_handler(scheduled(account, ReadKeysFrom="Config"), context(lambda: TOO_LITTLE))
    assert f"The time ran low. {advice}. All other" in str(raised.value)


@pytest.mark.parametrize("field", ["accountId", "configRuleName"])
def test_what_a_run_did_not_come_to_is_no_matter_of_another_rule_or_account(
    account: EmulatedAccount, keys: list[str], field: str
) -> None:
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(after_reading(account, 3)))
    done = len(calls_of(account, "kms:GetKeyPolicy"))
    with pytest.raises(RuleError):
        lambda_handler({**scheduled(account), field: "another"}, context(after_reading(account, 3)))
    assert calls_of(account, "kms:GetKeyPolicy")[done] == keys[0]
    assert len(NEXT_KEYS) == 2


def test_what_was_not_sent_when_the_time_is_up_is_named(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released, reached = threading.Event(), threading.Event()

    def hanging(_self: Account, _key_id: str) -> tuple[str, ...]:
        reached.set()
        released.wait(30)
        return ()

    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    monkeypatch.setattr(Account, "aliases_of", hanging)
    item = alias_item("alias/otter", keys[0], now(), "ResourceDeleted")
    token = account.config.issue_token(RULE_NAME)

    with pytest.raises(RuleError) as raised:
        lambda_handler(rule_event(change_notification(item), resultToken=token), context_until(reached))
    released.set()
    end_of_threads()
    assert str(raised.value).startswith(
        f"The time is up, and AWS has not answered: 0 of 1 keys are judged; not judged are {keys[0]}; AWS Config did "
        f"not take the evaluations of alias/otter. Raise the function's timeout"
    )
    assert caplog.messages[1:] == [
        str(raised.value),
        f"No answer for these keys, which were not begun: {keys[0]}",
    ]
    assert held(account) == {"alias/gone"}


def test_a_run_that_an_error_ends_leaves_its_keys_to_the_next(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Account.put_evaluations

    def refuse(*_arguments: object) -> None:
        raise RuleError("The token is invalid.")

    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 2)
    monkeypatch.setattr(Account, "put_evaluations", refuse)
    with pytest.raises(RuleError, match=r"^The token is invalid\. \d of 12 keys are judged; not judged are "):
        lambda_handler(scheduled(account), context(lambda: PLENTY))
    monkeypatch.setattr(Account, "put_evaluations", put)
    [next_key] = NEXT_KEYS.values()
    done = len(calls_of(account, "kms:GetKeyPolicy"))
    lambda_handler(scheduled(account), context(lambda: PLENTY))
    assert calls_of(account, "kms:GetKeyPolicy")[done] == next_key
    assert next_key != keys[0]


def test_keys_without_a_turn_are_logged_before_the_handler_ends(
    account: EmulatedAccount, keys: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """By itself, since the evaluation's own thread may outlive it, into the invocation of another account."""
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(lambda: TOO_LITTLE))
    [told] = [record for record in caplog.records if record.getMessage().startswith("No answer for these keys")]
    assert told.getMessage().endswith(": " + ", ".join(keys))
    assert told.thread == threading.get_ident()


@pytest.mark.parametrize(
    ("method", "said"), [("aliases", r" 0 of 12 keys are judged; not judged are .*"), ("key_ids", "")]
)
def test_a_run_that_cannot_list_the_keys_leaves_the_next_key_to_the_next(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch, method: str, said: str
) -> None:
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(after_reading(account, 5)))
    [next_key] = NEXT_KEYS.values()
    assert next_key != keys[0]

    def refuse(_self: Account) -> None:
        raise RuleError("The list cannot be read.")

    monkeypatch.setattr(Account, method, refuse)
    with pytest.raises(RuleError, match=rf"^The list cannot be read\.{said}$"):
        lambda_handler(scheduled(account), context(lambda: PLENTY))
    assert list(NEXT_KEYS.values()) == [next_key]


def test_keys_that_wait_are_not_read_once_a_run_has_failed(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, refused = list[str](), threading.Event(), threading.Event()

    def blocking(account: Account, parameters: RuleParameters, key_id: str, aliases: tuple[str, ...]) -> Found:
        begun.append(key_id)
        if len(begun) > 1:
            released.wait(30)
        return read_key(account, parameters, key_id, aliases)

    def refuse(*_arguments: object) -> None:
        refused.set()
        raise RuleError("The token is invalid.")

    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", 400)
    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 1)
    monkeypatch.setattr("least_privilege.reading.read_key", blocking)
    monkeypatch.setattr(Account, "put_evaluations", refuse)
    with pytest.raises(RuleError, match=r"^The token is invalid\."):
        lambda_handler(scheduled(account), context(lambda: TOO_LITTLE if refused.is_set() else PLENTY))
    released.set()
    end_of_threads()
    assert begun == keys[: len(begun)]
    assert len(begun) <= 2


def test_a_call_that_fails_after_the_time_is_up_is_told_to_nobody(
    account: EmulatedAccount, keys: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reached, released = threading.Event(), threading.Event()

    def refuse_late(*_arguments: object) -> None:
        reached.set()
        released.wait(30)
        raise RuleError("The token is invalid.")

    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    monkeypatch.setattr(Account, "put_evaluations", refuse_late)
    item = key_item(keys[0], now(), "ResourceDeleted")
    token = account.config.issue_token(RULE_NAME)
    with pytest.raises(RuleError) as raised:
        lambda_handler(rule_event(change_notification(item), resultToken=token), context_until(reached))
    released.set()
    end_of_threads()
    assert f"did not take the evaluations of {keys[0]}. " in str(raised.value)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [str(raised.value)]


def test_nothing_is_retracted_in_a_hurry(account: EmulatedAccount, keys: list[str]) -> None:
    def listing() -> bool:
        return any(call.operation == "GetComplianceDetailsByConfigRule" for call in account.config.calls)

    with pytest.raises(RuleError) as raised:
        lambda_handler(scheduled(account), context(lambda: NONE if listing() else PLENTY))
    assert str(raised.value) == (
        f"The time ran low before results for what is gone were retracted. {MORE_TIME}. 12 of 12 keys are judged."
    )
    assert held(account) == {*keys, "alias/gone"}


@pytest.mark.parametrize(
    ("keys", "first", "expected"),
    [
        ([], "", []),
        (["a", "b", "c"], "", ["a", "b", "c"]),
        (["a", "b", "c"], "b", ["b", "c", "a"]),
        (["a", "b", "c"], "gone", ["a", "b", "c"]),
    ],
)
def test_keys_in_turn(keys: list[str], first: str, expected: list[str]) -> None:
    assert rotate_to(first, keys) == expected


def test_of_many_keys_a_fresh_start_begins_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda most: most - 2)
    keys = list(map(str, range(401)))
    assert rotate_to("", keys) == ["399", "400", *keys[:399]]
    assert rotate_to("7", keys)[0] == "7"
