"""The line that a scheduled run prints for CloudWatch: of which runs, what it says, and that it is in the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import RULE_NAME, change_notification, key_item, now, rule_event, scheduled_notification
from least_privilege.account import Account
from least_privilege.metrics import UNITS
from least_privilege.text import RuleError
from tests.rule.conftest import context_until, end_of_threads

# Written after Amazon CloudWatch User Guide, "Specification: Embedded metric format".
FORMAT = {
    "type": "object",
    "required": ["_aws", *UNITS, "FunctionName"],
    "properties": {
        **{name: {"type": "number"} for name in UNITS},
        "FunctionName": {"type": "string", "minLength": 1, "maxLength": 1024},
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 10**12},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": {"const": "AWSConfigRuleKMS"},
                            "Dimensions": {"const": [["FunctionName"]]},
                            "Metrics": {"const": [{"Name": name, "Unit": unit} for name, unit in UNITS.items()]},
                        },
                    },
                },
            },
        },
    },
}
PLENTY, NONE = 300.0, 0.0


def context(seconds_left: Callable[[], float] = lambda: PLENTY) -> SimpleNamespace:
    return SimpleNamespace(
        function_name="otter",
        get_remaining_time_in_millis=lambda: int(seconds_left() * 1000),
        invoked_function_arn=None,
    )


@pytest.fixture
def keys(account: EmulatedAccount) -> list[str]:
    """One key that is whitelisted, one with a policy that limits nobody, one that is disabled."""
    kms = boto3.client("kms")
    ids = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3)]
    kms.create_alias(AliasName="alias/Otter-1", TargetKeyId=ids[0])
    kms.disable_key(KeyId=ids[2])
    account.config.add_rule(RULE_NAME)
    return ids


def scheduled(account: EmulatedAccount, **fields: object) -> dict[str, object]:
    token = account.config.issue_token(RULE_NAME)
    return {**rule_event(scheduled_notification(now()), resultToken=token), "accountId": account.id, **fields}


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    [line] = printed(capsys)
    found: dict[str, Any] = json.loads(line)
    Draft7Validator(FORMAT).validate(found)
    return found


def said_of(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in UNITS if not name.startswith("Seconds")}


@pytest.mark.usefixtures("keys")
def test_a_complete_run_counts_its_keys_by_compliance(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    lambda_handler(scheduled(account), context())
    found = metrics(capsys)
    assert said_of(found) == {
        "Complete": 1,
        "CompliantKeys": 1,
        "NonCompliantKeys": 1,
        "NotApplicableKeys": 1,
        "KeysWithoutAnswer": 0,
        "LostEvaluations": 0,
    }
    assert (found["FunctionName"], found["AccountId"], found["RuleName"]) == ("otter", account.id, RULE_NAME)
    assert (0 < found["Seconds"] < PLENTY, found["SecondsLeft"]) == (True, PLENTY)


@pytest.mark.usefixtures("keys")
def test_a_run_without_time_says_which_keys_had_no_answer(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context(lambda: 1.0))
    found = said_of(metrics(capsys))
    assert (found["Complete"], found["KeysWithoutAnswer"], found["NonCompliantKeys"]) == (0, 3, 0)


@pytest.mark.usefixtures("keys")
def test_keys_whose_aliases_are_not_listed_in_time_had_no_answer(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, released = Event(), Event()

    def hang(_self: Account) -> dict[str, tuple[str, ...]]:
        listing.set()
        released.wait(30)
        return {}

    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    monkeypatch.setattr(Account, "aliases", hang)
    until = context_until(listing)
    until.function_name = "otter"
    with pytest.raises(RuleError, match="AWS has not answered: 0 of 3 keys are judged; not judged are "):
        lambda_handler(scheduled(account, accountId=None), until)
    released.set()
    end_of_threads()
    found = said_of(metrics(capsys))
    assert (found["Complete"], found["KeysWithoutAnswer"]) == (0, 3)


def test_a_run_whose_evaluations_are_refused_says_how_many(
    account: EmulatedAccount, keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    account.config.refuse(keys[1])
    with pytest.raises(RuleError):
        lambda_handler(scheduled(account), context())
    found = said_of(metrics(capsys))
    assert (found["Complete"], found["LostEvaluations"], found["NonCompliantKeys"]) == (0, 1, 1)


@pytest.mark.usefixtures("keys")
def test_a_run_that_aws_does_not_answer_says_so_once(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached, released = Event(), Event()

    def hanging(_self: Account) -> Iterator[str]:
        reached.set()
        released.wait(30)
        return iter(())

    until = context_until(reached)
    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    monkeypatch.setattr(Account, "key_ids", hanging)
    with pytest.raises(RuleError, match="AWS has not answered"):
        lambda_handler(scheduled(account), context(lambda: until.get_remaining_time_in_millis() / 1000))
    released.set()
    end_of_threads()
    found = metrics(capsys)
    assert (found["Complete"], found["SecondsLeft"]) == (0, NONE)


def changed(account: EmulatedAccount) -> dict[str, object]:
    [key_id] = [page["KeyId"] for page in boto3.client("kms").list_keys(Limit=1)["Keys"]]
    token = account.config.issue_token(RULE_NAME)
    return dict(rule_event(change_notification(key_item(key_id, now())), resultToken=token))


@pytest.mark.parametrize(
    ("event", "invoked_with"),
    [
        pytest.param(changed, context(), id="a change"),
        pytest.param(lambda _account: rule_event(scheduled_notification(now())), context(), id="RDK's dry run"),
        pytest.param(scheduled, None, id="no Lambda"),
        pytest.param(lambda account: scheduled(account, ruleParameters="{"), context(), id="bad parameters"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_any_other_run_prints_nothing(
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    event: Callable[[EmulatedAccount], dict[str, object]],
    invoked_with: object,
) -> None:
    with suppress(RuleError):
        lambda_handler(event(account), invoked_with)
    assert printed(capsys) == []


@pytest.mark.usefixtures("keys")
def test_it_is_printed_whatever_is_logged(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGGING_LEVEL", "ERROR")
    lambda_handler(scheduled(account), context())
    assert metrics(capsys)["Complete"] == 1


@pytest.mark.usefixtures("keys")
def test_nothing_in_an_event_forges_a_line_or_leaks_its_token(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    event = scheduled(account, configRuleName='a"\n{"_aws": {}}')
    with suppress(RuleError):
        lambda_handler(event, context())
    found = metrics(capsys)
    assert found["RuleName"] == event["configRuleName"]
    assert str(event["resultToken"]) not in json.dumps(found)


def test_a_run_that_nothing_ends_has_no_time_left_to_tell(
    account: EmulatedAccount, keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys
    lambda_handler(scheduled(account), SimpleNamespace(function_name="otter"))
    [line] = printed(capsys)
    found = json.loads(line)
    assert "SecondsLeft" not in found
    assert "SecondsLeft" not in [metric["Name"] for metric in found["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
