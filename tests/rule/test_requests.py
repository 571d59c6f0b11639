from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.emulator.events import alias_item, change_notification, key_item, rule_event, scheduled_notification
from least_privilege.event import Request, Scope
from least_privilege.text import RuleError

TIME = "2026-01-13T19:12:27.681Z"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY_ID = "9999abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:us-east-1:123456789012:key/{KEY_ID}"
RECORDED_EVENTS = Path(__file__).parents[3] / "shared" / "recorded-events"

SCHEDULED = scheduled_notification(TIME)
CHANGED = change_notification(key_item(KEY_ID, TIME))


def moved(property_name: str, previous: object) -> dict[str, Any]:
    return {"changedProperties": {property_name: {"previousValue": previous, "updatedValue": None}}}


@pytest.mark.parametrize(
    ("invoking_event", "expected"),
    [
        pytest.param(SCHEDULED, Scope(TIME, every_key=True), id="schedule"),
        pytest.param(CHANGED, Scope(TIME, key_ids=(KEY_ID,), item=key_item(KEY_ID, TIME)), id="change"),
        pytest.param(
            {key: value for key, value in CHANGED.items() if key != "notificationCreationTime"},
            Scope(TIME, key_ids=(KEY_ID,), item=key_item(KEY_ID, TIME)),
            id="change without notificationCreationTime",
        ),
        pytest.param(
            {
                "messageType": "OversizedConfigurationItemChangeNotification",
                "configurationItemSummary": key_item(KEY_ID, TIME),
            },
            Scope(TIME, key_ids=(KEY_ID,)),
            id="oversized",
        ),
        *(
            pytest.param(
                change_notification(key_item(KEY_ID, TIME, status)),
                Scope(TIME, out_of_scope=(KEY_ID,)),
                id=f"key {status}",
            )
            for status in ("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded")
        ),
        pytest.param(
            change_notification(key_item(KEY_ID, TIME, "ResourceDiscovered")),
            Scope(TIME, key_ids=(KEY_ID,), item=key_item(KEY_ID, TIME, "ResourceDiscovered")),
            id="discovered",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ID, TIME)),
            Scope(TIME, key_ids=(KEY_ID,), alias="alias/a", target=KEY_ID),
            id="alias",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ARN, TIME)),
            Scope(TIME, key_ids=(KEY_ID,), alias="alias/a", target=KEY_ID),
            id="alias that names its key by ARN",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ID, TIME), moved("Configuration.TargetKeyId", OTHER_KEY_ID)),
            Scope(TIME, key_ids=(KEY_ID, OTHER_KEY_ID), alias="alias/a", target=KEY_ID),
            id="alias that moved",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ID, TIME), moved("Configuration.TargetKeyId", KEY_ID)),
            Scope(TIME, key_ids=(KEY_ID,), alias="alias/a", target=KEY_ID),
            id="alias that moved to where it was",
        ),
        pytest.param(
            change_notification(
                {**alias_item("alias/a", None, TIME), "configuration": {"aliasName": "alias/a", "targetKeyId": KEY_ID}},
                moved("Configuration.targetKeyId", OTHER_KEY_ID),
            ),
            Scope(TIME, key_ids=(KEY_ID, OTHER_KEY_ID), alias="alias/a", target=KEY_ID),
            id="alias in AWS Config's older spelling",
        ),
        pytest.param(
            change_notification(
                alias_item("alias/a", None, TIME, "ResourceDeleted"),
                moved("Configuration", {"AliasName": "alias/a", "TargetKeyId": KEY_ID}),
            ),
            Scope(TIME, key_ids=(KEY_ID,), out_of_scope=("alias/a",), alias="alias/a"),
            id="deleted alias whose key the difference names",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", None, TIME, "ResourceDeleted"), {"changedProperties": None}),
            Scope(TIME, out_of_scope=("alias/a",), alias="alias/a"),
            id="deleted alias whose key nothing names",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ID, TIME), moved("Configuration.AliasName", "alias/b")),
            Scope(TIME, key_ids=(KEY_ID,), alias="alias/a", target=KEY_ID),
            id="difference about something else",
        ),
        pytest.param(
            change_notification(
                {**alias_item("alias/a", None, TIME, "ResourceDeleted"), "resourceName": None, "resourceId": "12"}
            ),
            Scope(TIME, out_of_scope=("alias/a",), alias="alias/a"),
            id="deleted alias named by its ARN alone",
        ),
        pytest.param(
            change_notification(alias_item("alias/a", KEY_ID, TIME, "ResourceNotRecorded")),
            Scope(TIME, key_ids=(KEY_ID,), out_of_scope=("alias/a",), alias="alias/a", target=KEY_ID),
            id="alias that is not recorded any more",
        ),
        pytest.param(
            change_notification({**alias_item("alias/a", KEY_ID, TIME), "resourceName": None, "resourceId": None}),
            Scope(TIME, key_ids=(KEY_ID,), alias="alias/a", target=KEY_ID),
            id="alias named by its configuration alone",
        ),
        pytest.param(
            change_notification({**alias_item("alias/a", None, TIME, "ResourceDeleted"), "resourceName": "x/alias/b"}),
            Scope(TIME, out_of_scope=("alias/a",), alias="alias/a"),
            id="alias named by its resource id",
        ),
        pytest.param(
            change_notification(alias_item("alias/aws/ebs", None, TIME)),
            Scope(TIME, alias="alias/aws/ebs"),
            id="AWS alias without key",
        ),
    ],
)
def test_an_event_asks_for(invoking_event: dict[str, Any], expected: Scope) -> None:
    assert Request.from_event(rule_event(invoking_event)).scope == expected


UNNAMED: dict[str, object] = {"configuration": None, "resourceName": None, "resourceId": None, "ARN": None}
OLD_NAME, NEW_NAME, ID, IN_ARN = "alias/old-name", "alias/name", "alias/id", "alias/team:alias/a"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"configuration": {"AliasName": NEW_NAME}}, NEW_NAME),
        ({"configuration": {"aliasName": NEW_NAME}}, NEW_NAME),
        ({"resourceName": OLD_NAME}, OLD_NAME),
        ({"resourceId": ID}, ID),
        ({"ARN": f"arn:aws:kms:us-east-1:123456789012:{IN_ARN}"}, IN_ARN),
        ({"configuration": {"AliasName": NEW_NAME}, "resourceName": OLD_NAME, "resourceId": ID}, NEW_NAME),
        ({"configuration": {"AliasName": 7}, "resourceName": OLD_NAME, "resourceId": ID}, OLD_NAME),
        ({"configuration": [NEW_NAME], "resourceName": "name", "resourceId": ID}, ID),
        ({"resourceId": "1234abcd", "ARN": f"arn:aws:kms:us-east-1:123456789012:{IN_ARN}"}, IN_ARN),
    ],
)
def test_an_alias_is_named_by_the_first_part_of_its_item_that_does(fields: dict[str, object], name: str) -> None:
    item = {**alias_item("alias/a", None, TIME, "ResourceDeleted"), **UNNAMED, **fields}
    assert Request.from_event(rule_event(change_notification(item))).scope.out_of_scope == (name,)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (key_item(KEY_ID, TIME), Scope(TIME, out_of_scope=(KEY_ID,))),
        (
            alias_item("alias/a", KEY_ID, TIME),
            Scope(TIME, key_ids=(KEY_ID,), out_of_scope=("alias/a",), alias="alias/a", target=KEY_ID),
        ),
    ],
)
def test_what_left_the_scope_is_out_of_it(item: dict[str, Any], expected: Scope) -> None:
    event = rule_event(change_notification(item), eventLeftScope=True)
    assert Request.from_event(event).scope == expected


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (None, ["The event", "NoneType"]),
        ([], ["The event", "list"]),
        (rule_event(SCHEDULED, ruleParameters=None), ["Admin_User_Id", "null"]),
        (rule_event(SCHEDULED, ruleParameters="{"), ["ruleParameters", "not JSON", '"{"']),
        (rule_event(SCHEDULED, ruleParameters="[]"), ["ruleParameters", "[]"]),
        (rule_event(SCHEDULED, ruleParameters="[" * 100_000), ["ruleParameters", "not JSON"]),
        (rule_event(SCHEDULED, ruleParameters={}), ["ruleParameters", "{}"]),
        (rule_event(SCHEDULED, invokingEvent=None), ["invokingEvent", "AWS Config"]),
        (rule_event(SCHEDULED, invokingEvent="nonsense\n"), ["invokingEvent", "not JSON"]),
        (rule_event(SCHEDULED, invokingEvent='"text"'), ["invokingEvent", '"text"']),
        (rule_event({}), ["messageType", "null", "ScheduledNotification"]),
        (rule_event({"messageType": ["a"]}), ["messageType", '["a"]']),
        (
            rule_event({"messageType": "ConfigurationSnapshotDeliveryCompleted"}),
            ["messageType", "ConfigurationSnapshotDeliveryCompleted"],
        ),
        (rule_event({"messageType": "ScheduledNotification"}), ["notificationCreationTime"]),
        *(
            (rule_event(scheduled_notification(time)), ["notificationCreationTime", f'"{time}"'])
            for time in ("yesterday", "2026-01-13", "2026-W03-2T10:00:00Z", "2026-02-31T10:00:00Z")
        ),
        (
            rule_event(scheduled_notification("2026-01-13T10:00:00.0000000\u0662Z")),
            ["notificationCreationTime", '"2026-01-13T10:00:00.0000000\\u0662Z"'],
        ),
        (rule_event({"messageType": "ConfigurationItemChangeNotification"}), ["configurationItem", "null"]),
        (
            rule_event({"messageType": "OversizedConfigurationItemChangeNotification"}),
            ["configurationItemSummary", "null"],
        ),
        (
            rule_event(change_notification({**key_item("i-0", TIME), "resourceType": "AWS::EC2::Instance"})),
            ["AWS::EC2::Instance", "AWS::KMS::Key"],
        ),
        (rule_event(change_notification({**key_item("i-0", TIME), "resourceType": {}})), ["{}", "AWS::KMS::Key"]),
        (rule_event(change_notification({**key_item("", TIME)})), ["resourceId"]),
        (rule_event(change_notification(alias_item("alias/a", None, TIME))), ["alias/a", "which key"]),
        (
            rule_event(
                change_notification(
                    {**alias_item("a", None, TIME, "ResourceDeleted"), "resourceName": None, "ARN": "arn"}
                )
            ),
            ["AWS::KMS::Alias", "does not name"],
        ),
        (rule_event(SCHEDULED, evaluationMode="PROACTIVE"), ["evaluationMode", "PROACTIVE", "DETECTIVE"]),
        (rule_event(SCHEDULED, resultToken=None), ["resultToken"]),
        (rule_event(SCHEDULED, configRuleName=None), ["configRuleName"]),
    ],
)
def test_a_wrong_event_is_explained_in_one_sentence(event: object, words: list[str]) -> None:
    with pytest.raises(RuleError) as raised:
        Request.from_event(event)
    sentence = str(raised.value)
    assert [word for word in words if word not in sentence] == []
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 500


THROUGH_CONFIG = "invoke the function through AWS Config."

SENTENCES = [
    ([], f"The event is a list, no JSON object: {THROUGH_CONFIG}"),
    (
        rule_event(SCHEDULED, evaluationMode="PROACTIVE"),
        'The event\'s evaluationMode is "PROACTIVE": this rule judges keys that exist, so deploy it with the '
        "evaluation mode DETECTIVE only.",
    ),
    (
        rule_event(SCHEDULED, ruleParameters=7),
        "The event's ruleParameters is 7: it must be a JSON object written as text.",
    ),
    (
        rule_event(SCHEDULED, invokingEvent="{'"),
        "The event's invokingEvent is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 "
        '(char 1)): "{\'".',
    ),
    (rule_event(SCHEDULED, invokingEvent="7"), f"The event's invokingEvent is 7, no JSON object: {THROUGH_CONFIG}"),
    (rule_event(SCHEDULED, resultToken=""), f"The event has no resultToken: {THROUGH_CONFIG}"),
    (rule_event(SCHEDULED, configRuleName=7), f"The event has a configRuleName that is not text: {THROUGH_CONFIG}"),
    (key_item(KEY_ID, TIME), f"The event has no invokingEvent, so it is not from AWS Config: {THROUGH_CONFIG}"),
    (
        {"detail-type": "Config Rules Compliance Change", "source": "aws.config", "detail": {}},
        f"The event has no invokingEvent, so it is not from AWS Config: {THROUGH_CONFIG}",
    ),
    (
        rule_event(change_notification({**key_item(KEY_ID, TIME), "configurationItemCaptureTime": 1464891720.621})),
        f"The configurationItem has a configurationItemCaptureTime that is not text: {THROUGH_CONFIG}",
    ),
    (
        rule_event({"messageType": "Surprise"}),
        'The messageType of the invokingEvent is "Surprise": trigger the rule by configuration changes or a schedule '
        "only; allowed are ScheduledNotification, ConfigurationItemChangeNotification, "
        "OversizedConfigurationItemChangeNotification.",
    ),
    (
        rule_event({"messageType": "ScheduledNotification"}),
        f"The invokingEvent has no notificationCreationTime: {THROUGH_CONFIG}",
    ),
    (
        rule_event(scheduled_notification("noon")),
        'The invokingEvent has the notificationCreationTime "noon", which is no ISO 8601 date and time.',
    ),
    (
        rule_event({**CHANGED, "configurationItem": None}),
        f"The configurationItem of the invokingEvent is null, no JSON object: {THROUGH_CONFIG}",
    ),
    (
        rule_event(change_notification({**key_item("i-0", TIME), "resourceType": "AWS::EC2::Instance"})),
        'The configurationItem is of type "AWS::EC2::Instance": restrict the rule\'s scope to AWS::KMS::Key and '
        "AWS::KMS::Alias.",
    ),
    (
        rule_event(change_notification({**key_item(KEY_ID, TIME), "configurationItemCaptureTime": None})),
        f"The configurationItem has no configurationItemCaptureTime: {THROUGH_CONFIG}",
    ),
    (
        rule_event(change_notification(key_item("", TIME))),
        f"The configuration item has no resourceId: {THROUGH_CONFIG}",
    ),
    (
        rule_event(change_notification(alias_item("alias/a", None, TIME))),
        'The configuration item of "alias/a" does not say which key the alias points to: wait for the next scheduled '
        "evaluation, or re-evaluate the rule.",
    ),
    (
        rule_event(change_notification({**alias_item("a", None, TIME), "ARN": None})),
        "The configuration item of type AWS::KMS::Alias does not name its alias.",
    ),
]


@pytest.mark.parametrize(("event", "sentence"), SENTENCES)
def test_the_sentence_about_a_wrong_event(event: object, sentence: str) -> None:
    with pytest.raises(RuleError) as raised:
        Request.from_event(event)
    assert str(raised.value) == sentence


@pytest.fixture
def _in_new_york() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("written", "hour"), [("2026-01-13T19:12:27", 19), ("2026-01-13T19:12:27Z", 19), ("2026-01-13T19:12:27+02:00", 17)]
)
@pytest.mark.usefixtures("_in_new_york")
def test_a_time_without_offset_is_in_utc(written: str, hour: int) -> None:
    assert Scope(written).time.isoformat() == f"2026-01-13T{hour}:12:27+00:00"


def test_a_change_needs_no_rule_name() -> None:
    assert Request.from_event(rule_event(CHANGED, configRuleName=None)).rule_name == ""


def test_an_event_of_before_evaluation_modes_is_read() -> None:
    request = Request.from_event(rule_event(SCHEDULED, evaluationMode=None))
    assert request.scope.every_key


@pytest.mark.skipif(not RECORDED_EVENTS.is_dir(), reason="the recorded events lie beside the project's own checkout")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "create-kms-key.json",
            Scope("2023-07-13T19:12:27.681Z", key_ids=("8dc556cc-000e-4d91-a876-271c1197461a",)),
        ),
        (
            "update-kms-key.json",
            Scope("2023-07-13T19:16:32.023Z", key_ids=("8dc556cc-000e-4d91-a876-271c1197461a",)),
        ),
        (
            "delete-kms-key.json",
            Scope("2023-07-13T19:16:32.023Z", out_of_scope=("8dc556cc-000e-4d91-a876-271c1197461a",)),
        ),
        ("periodic.json", Scope("2016-07-13T21:50:00.373Z", every_key=True)),
    ],
)
def test_recorded_events_are_read(name: str, expected: Scope) -> None:
    event = json.loads((RECORDED_EVENTS / name).read_text(encoding="utf-8"))
    event["ruleParameters"] = '{"Admin_User_Id": "AROAOTTER*"}'
    item = json.loads(event["invokingEvent"]).get("configurationItem") if expected.key_ids else None
    assert Request.from_event(event).scope == replace(expected, item=item)


@pytest.mark.skipif(not RECORDED_EVENTS.is_dir(), reason="the recorded events lie beside the project's own checkout")
def test_a_recorded_event_of_another_resource_type_is_refused() -> None:
    event = json.loads((RECORDED_EVENTS / "oversized.json").read_text(encoding="utf-8"))
    event |= {"ruleParameters": '{"Admin_User_Id": "AROAOTTER*"}', "configRuleName": "a rule"}
    with pytest.raises(RuleError, match="AWS::EC2::Instance"):
        Request.from_event(event)
