"""Hostile names, wherever a name can come from: none forges a log line, breaks a report, or changes an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import (
    POST_PARAMETERS,
    alias_item,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)
from least_privilege.parameters import PARAMETERS
from least_privilege.text import RuleError
from tests.policy.strategies import HOSTILE_TEXTS, ROLE_ARN
from tests.rule.scripted_aws import Clients, Json, ScriptedAws, ScriptedKey, everything_logged, forged

TIME = "2026-01-13T19:12:27.681Z"
ALIAS = "alias/testkey"
LIMIT: Json = {"Condition": {"StringLike": {"aws:userId": "AROABADGER:*"}}}
HARMLESS = "harmless"
TOKEN = "a-result-token"  # noqa: S105 - stands for the token of a real event

FITTING_TEXTS = [text for text in HOSTILE_TEXTS if len(text) <= 200]
LONG_TEXTS = [text for text in HOSTILE_TEXTS if len(text) > 768]


@pytest.fixture(scope="module")
def clients() -> Clients:
    return Clients()


def scheduled(parameters: Mapping[str, str] = POST_PARAMETERS, **fields: object) -> Json:
    return rule_event(scheduled_notification(TIME), parameters, **{"resultToken": TOKEN, **fields})


def invoke(clients: Clients, event: Any, aws: ScriptedAws) -> str:
    """Run the handler and check all that it logs; return the sentence of its error, or nothing."""
    with clients.playing(aws), everything_logged() as records:
        try:
            lambda_handler(event, {})
        except RuleError as error:
            sentence = str(error)
        else:
            sentence = ""
    assert forged(records) == []
    assert sentence.isascii()
    assert sentence.isprintable() or not sentence
    return sentence


def answers(aws: ScriptedAws) -> list[tuple[str, str]]:
    """Return id and compliance of what was reported, once its annotations have been checked."""
    for item in aws.reported:
        assert 1 <= len(item["Annotation"]) <= 256
        assert item["Annotation"].isascii()
        assert item["Annotation"].isprintable()
    return [(item["ComplianceResourceId"], item["ComplianceType"]) for item in aws.reported]


# --- what a policy or a key says -------------------------------------------------------------------------------------


def with_statement(**elements: object) -> ScriptedAws:
    actions = {} if "NotAction" in elements else {"Action": "kms:Decrypt"}
    policy = {"Statement": {"Effect": "Allow", **actions, **elements}}
    return ScriptedAws((ScriptedKey("key-1", (ALIAS,), json.dumps(policy)),))


def with_key(**fields: Any) -> ScriptedAws:
    return ScriptedAws((ScriptedKey("key-1", (ALIAS,), **fields),))


def user_id(*values: object) -> Json:
    return {"Condition": {"StringLike": {"aws:userId": values}}}


ADMINISTRATION = ["kms:Create*", "kms:Delete*", "kms:Put*"]
SAYINGS: dict[str, Callable[[str], ScriptedAws]] = {
    "sid of a statement that opens all": lambda text: with_statement(Sid=text, Action="kms:*"),
    "sid of a statement without user condition": lambda text: with_statement(Sid=text),
    "sid of a statement that separates duties": lambda text: with_statement(Sid=text, **LIMIT),
    "action": lambda text: with_statement(Action=[f"kms:Create{text}", "kms:Decrypt"]),
    "action that is none": lambda text: with_statement(Action=[f"\u00e4{text}", "kms:Decrypt"], **LIMIT),
    "exception": lambda text: with_statement(NotAction=[f"s3:{text}"]),
    "user id": lambda text: with_statement(**user_id(f"AROABADGER:{text}")),
    "user id that limits nobody": lambda text: with_statement(**user_id(f"*{text}")),
    "user id that is none": lambda text: with_statement(**user_id([text])),
    "administrator": lambda text: with_statement(Action=ADMINISTRATION, **user_id(f"AROABADGER:{text}")),
    "effect": lambda text: with_statement(Effect=text, **LIMIT),
    "condition operator": lambda text: with_statement(Condition={text: {"aws:userId": "AROABADGER:*"}}),
    "condition key": lambda text: with_statement(Condition={"StringLike": {text: "AROABADGER:*"}}),
    "principal": lambda text: with_statement(Principal={text: text}, **LIMIT),
    "policy": lambda text: with_key(policy=f'{{"{text}'),
    "name that is there twice": lambda text: with_key(policy=f"{{{json.dumps(text)}: 1, {json.dumps(text)}: 2}}"),
    "key state": lambda text: with_key(state=text),
    "key manager": lambda text: with_key(manager=text),
    "denial": lambda text: with_key(failures={"GetKeyPolicy": ("AccessDeniedException", text)}),
}


@pytest.mark.parametrize("place", SAYINGS)
@pytest.mark.parametrize("source", ["KMS", "Config"])
def test_whatever_a_policy_or_a_key_says_its_answer_is_the_same(clients: Clients, place: str, source: str) -> None:
    account, event = SAYINGS[place], scheduled({**POST_PARAMETERS, "ReadKeysFrom": source})
    harmless = account(HARMLESS)
    assert invoke(clients, event, harmless) == ""
    [expected] = answers(harmless)
    # What is read of a key is judged alike, wherever it comes from.
    for text in HOSTILE_TEXTS if source == "KMS" else HOSTILE_TEXTS[::4]:
        aws = account(text)
        assert invoke(clients, event, aws) == ""
        assert answers(aws) == [expected]
        assert expected[0] == ALIAS


# --- what a key or an alias is called --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FITTING_TEXTS, ids=ascii)
def test_a_result_keeps_the_name_that_aws_gave(clients: Clients, text: str) -> None:
    keys = (
        ScriptedKey(f"id {text}"),
        ScriptedKey("key-2", (f"alias/Otter{text}", f"alias/{text}")),
        ScriptedKey("key-3", (f"alias/aws/{text}",)),
    )
    aws = ScriptedAws(keys, held=(f"held {text}", f"alias/{text}"))
    assert invoke(clients, scheduled(), aws) == ""
    assert answers(aws) == [
        (f"id {text}", "NON_COMPLIANT"),
        (f"alias/Otter{text}", "COMPLIANT"),
        (f"alias/{text}", "COMPLIANT"),
        (f"alias/aws/{text}", "NOT_APPLICABLE"),
        (f"held {text}", "NOT_APPLICABLE"),
    ]


CHANGES: dict[str, tuple[Callable[[str], Json], Callable[[str], str], str]] = {
    "changed key": (lambda text: key_item(f"id {text}", TIME), lambda text: f"id {text}", "NON_COMPLIANT"),
    "deleted key": (
        lambda text: key_item(f"gone {text}", TIME, "ResourceDeleted"),
        lambda text: f"gone {text}",
        "NOT_APPLICABLE",
    ),
    "changed alias": (
        lambda text: alias_item(f"alias/{text}", f"id {text}", TIME),
        lambda text: f"id {text}",
        "NON_COMPLIANT",
    ),
    "deleted alias": (
        lambda text: alias_item(f"alias/{text}", None, TIME, "ResourceDeleted"),
        lambda text: f"alias/{text}",
        "NOT_APPLICABLE",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", FITTING_TEXTS, ids=ascii)
def test_a_change_is_reported_under_the_name_that_the_event_gave(clients: Clients, change: str, text: str) -> None:
    item, name, compliance = CHANGES[change]
    aws = ScriptedAws((ScriptedKey(f"id {text}"),))
    event = rule_event(change_notification(item(text)), resultToken=TOKEN)
    assert invoke(clients, event, aws) == ""
    assert answers(aws) == [(name(text), compliance)]


# KMS gives no alias more than 256 characters, so such a name can come only from an event or from AWS Config itself.
@pytest.mark.parametrize("text", LONG_TEXTS, ids=["letters", "lines"])
def test_a_name_that_aws_config_cannot_hold_is_named_in_the_error(clients: Clients, text: str) -> None:
    aws = ScriptedAws((ScriptedKey("key-1", (f"alias/{text}",)),))
    sentence = invoke(clients, scheduled(), aws)
    assert f"alias/{json.dumps(text)[1:-1]}" in sentence
    assert "ValidationException" in sentence
    assert answers(aws) == []


# --- what AWS answers ------------------------------------------------------------------------------------------------

FAILING = ("ListKeys", "ListAliases", "PutEvaluations", "GetComplianceDetailsByConfigRule", "BatchGetResourceConfig")
CODES = ("AccessDeniedException", "ThrottlingException", "InvalidResultTokenException", "ValidationException")


@pytest.mark.parametrize("operation", [*FAILING, "DescribeKey", "GetKeyPolicy", "DescribeConfigurationRecorderStatus"])
def test_an_error_of_aws_is_one_line(clients: Clients, operation: str) -> None:
    source = "Config" if "Config" in operation and operation != FAILING[3] else "KMS"
    event = scheduled({**POST_PARAMETERS, "ReadKeysFrom": source})
    for code, text in zip(cycle((*CODES, HOSTILE_TEXTS[2])), HOSTILE_TEXTS, strict=False):
        aws = ScriptedAws((ScriptedKey("key-1", (ALIAS,)),), failures={operation: (code, text)})
        invoke(clients, event, aws)
        assert {name for name, _ in answers(aws)} <= {ALIAS}


@pytest.mark.parametrize("operation", ["AssumeRole", "ListAliases"])
def test_an_error_about_one_role_or_key_is_one_line(clients: Clients, operation: str) -> None:
    parameters = {**POST_PARAMETERS, "ExecutionRoleName": "config/role"}
    for code, text in zip(cycle((*CODES, HOSTILE_TEXTS[2])), HOSTILE_TEXTS, strict=False):
        event = rule_event(change_notification(key_item(f"id {text}", TIME)), parameters)
        aws = ScriptedAws((ScriptedKey(f"id {text}"),), failures={operation: (code, text)})
        assert invoke(clients, event, aws) != ""


# --- what the event and the environment say --------------------------------------------------------------------------

ITEM_FIELDS = ("resourceType", "resourceId", "configurationItemStatus", "configurationItemCaptureTime")
EVENTS: dict[str, Callable[[str], Json]] = {
    **{
        field: lambda text, field=field: scheduled(**{field: text})  # type: ignore[misc]
        for field in (*scheduled(), "somethingNew")
    },
    **{
        f"parameter {name}": lambda text, name=name: scheduled({**POST_PARAMETERS, name: text})  # type: ignore[misc]
        for name in PARAMETERS
    },
    "name of a parameter": lambda text: scheduled({**POST_PARAMETERS, text: text}),
    "message type": lambda text: rule_event({**scheduled_notification(TIME), "messageType": text}),
    "time": lambda text: rule_event(scheduled_notification(text)),
    **{
        f"item's {field}": lambda text, field=field: rule_event(  # type: ignore[misc]
            change_notification({**key_item("key-1", TIME), field: text})
        )
        for field in ITEM_FIELDS
    },
    "role of another account": lambda text: scheduled(
        {**POST_PARAMETERS, "ExecutionRoleName": "role"}, accountId=text, executionRoleArn=ROLE_ARN
    ),
    "name of an alias without key": lambda text: rule_event(
        change_notification(alias_item(f"alias/{text}", None, TIME))
    ),
}


@pytest.mark.parametrize("place", EVENTS)
def test_an_event_is_answered_or_refused_in_one_line(clients: Clients, place: str) -> None:
    for text in HOSTILE_TEXTS:
        aws = ScriptedAws((ScriptedKey("key-1", (ALIAS,)),))
        sentence = invoke(clients, EVENTS[place](text), aws)
        assert sentence or answers(aws) or place.startswith("item's")


@pytest.mark.parametrize("variable", ["LOGGING_LEVEL", "READER_THREADS"])
def test_a_setting_of_the_function_is_quoted_in_one_line(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    # No environment holds a text with a character of value zero, or half a surrogate pair; a blank one is the default.
    for text in (text for text in HOSTILE_TEXTS if text.strip() and "\0" not in text and "\ud800" not in text):
        with everything_logged() as records, clients.playing(ScriptedAws()), monkeypatch.context() as environment:
            environment.setenv(variable, text)
            with suppress(RuleError):
                lambda_handler(scheduled(), {})
        assert [variable in record.getMessage() for record in records] == [True]
        assert forged(records) == []
