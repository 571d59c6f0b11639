"""What holds of every event and every account, whatever is in them. Each law is the docstring of its test."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import alias_item, change_notification, key_item, rule_event, scheduled_notification
from least_privilege.event import Request
from least_privilege.parameters import RuleParameters
from least_privilege.text import RuleError, escaped
from tests.policy.strategies import (
    ANY_JSON,
    EVENTS,
    GOOD_EVENTS,
    HOSTILE_NAMES,
    HOSTILE_TEXT,
    HOSTILE_TEXTS,
    KEY_IDS,
    LISTS_IN_LISTS,
    NESTED,
    ODD_PARAMETERS,
    PARAMETERS,
    POLICY_TEXTS,
    SCHEDULES,
    Json,
    events_with,
    law,
    nested,
)
from tests.rule.scripted_aws import Clients, ScriptedAws, ScriptedKey, everything_logged, forged

# The sentence that names every parameter, beside a value and a name of 60 characters each.
LONGEST_SENTENCE = 500
TIME = "2026-01-13T19:12:27.681Z"
SCHEDULED = rule_event(scheduled_notification(TIME))
# Nearly as deep as Python reads JSON, which goes less deep before 3.13.
DEEP = nested(LISTS_IN_LISTS, 9_000 if sys.version_info >= (3, 13) else 1_400)
TOO_DEEP = nested(LISTS_IN_LISTS, 100_000)


@pytest.fixture(scope="module")
def clients() -> Clients:
    return Clients()


def assert_one_sentence(error: RuleError) -> None:
    sentence = str(error)
    assert len(sentence) < LONGEST_SENTENCE
    assert sentence.endswith(".")
    assert sentence.isascii()
    assert sentence.isprintable()


def odd_alias(field: str, value: object) -> Json:
    return {**alias_item("alias/testkey", "key-1", TIME), field: value}


# --- the event -----------------------------------------------------------------------------------------------------


@law(200)
@given(EVENTS)
@example(None)
@example({})
@example({**SCHEDULED, "ruleParameters": DEEP})
@example({**SCHEDULED, "ruleParameters": TOO_DEEP})
@example({**SCHEDULED, "ruleParameters": f'{{"Admin_User_Id": {DEEP}}}'})
@example({**SCHEDULED, "ruleParameters": '{"Admin_User_Id": "\\ud800\\n"}'})
@example({**SCHEDULED, "ruleParameters": '{"Admin_User_Id": ' + "1" * 5_000 + "}"})
@example({**SCHEDULED, "invokingEvent": DEEP})
@example({**SCHEDULED, "invokingEvent": TOO_DEEP})
@example({**SCHEDULED, "invokingEvent": f'{{"messageType": {DEEP}}}'})
@example({**SCHEDULED, "invokingEvent": "[1e999, NaN]"})
@example(rule_event(change_notification({**key_item("key-1", TIME), "resourceType": HOSTILE_TEXTS[-1]})))
@example(rule_event(change_notification(odd_alias("configuration", {"AliasName": 5, "TargetKeyId": ["key-1"]}))))
@example(rule_event(change_notification(odd_alias("resourceId", {}), {"changedProperties": {"Configuration": 5}})))
@example(
    rule_event(
        change_notification(
            odd_alias("configuration", []),
            {"changedProperties": {"Configuration.TargetKeyId": {"previousValue": {"a": 1}}}},
        )
    )
)
def test_an_event_is_a_request_or_one_sentence_says_why_not(event: Any) -> None:
    """`Request.from_event` gives a request or raises `RuleError` with one short line, and raises nothing else."""
    assert_request_or_one_sentence(event)


def assert_request_or_one_sentence(event: Any) -> None:
    try:
        request = Request.from_event(event)
    except RuleError as error:
        assert_one_sentence(error)
    else:
        assert request.result_token
        assert request.parameters.administrators


DEEPLY_NESTED_FIELDS: list[Json] = [
    json.loads(DEEP),
    *({**SCHEDULED, field: json.loads(DEEP)} for field in (*SCHEDULED, "executionRoleArn", "accountId")),
    *(
        rule_event(change_notification({**key_item("key-1", TIME), field: json.loads(DEEP)}))
        for field in key_item("key-1", TIME)
    ),
]


@pytest.mark.parametrize("event", DEEPLY_NESTED_FIELDS, ids=range(len(DEEPLY_NESTED_FIELDS)))
def test_a_deeply_nested_field_is_ignored_or_refused(event: Any) -> None:
    assert_request_or_one_sentence(event)


@law(30)
@given(NESTED, st.sampled_from(["ruleParameters", "invokingEvent"]))
def test_however_deep_its_json_an_event_is_refused(content: str, field: str) -> None:
    """An event whose parameters or invoking event are nested JSON, however deep, is a `RuleError` about that field."""
    with pytest.raises(RuleError, match=f"{field}|parameter|messageType"):
        Request.from_event({**SCHEDULED, field: content})


@law(80)
@given(PARAMETERS | ODD_PARAMETERS.filter(lambda given: isinstance(given, dict)))
@example({"Admin_User_Id": "," * 1_000})
@example({"Admin_User_Id": 5})
@example({"Admin_User_Id": "AROAOTTER*", "CMK_Whitelist": ["Otter*"]})
@example({"Admin_User_Id": "\u2003AROAOTTER*\u2003", "CMK_Whitelist": "alias/alias/Otter"})
def test_parameters_are_read_or_one_sentence_says_why_not(parameters: Json) -> None:
    """`RuleParameters.parse` gives parameters that can be asked, or raises `RuleError`, and raises nothing else."""
    try:
        read = RuleParameters.parse(parameters)
    except RuleError as error:
        assert_one_sentence(error)
    else:
        assert all(isinstance(value, str) for value in parameters.values())
        assert read.administrators
        assert read.whitelisting([]) is None
        read.whitelisting(HOSTILE_TEXTS)


# In UTC these lie before the year 1 and after the year 9999, where no date of Python's can.
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_calendar_is_refused(clients: Clients, time: str) -> None:
    with clients.playing(ScriptedAws((ScriptedKey("key-1"),))), pytest.raises(RuleError, match="ISO 8601"):
        lambda_handler(rule_event(scheduled_notification(time)), {})


# --- the account ---------------------------------------------------------------------------------------------------

CODES = ("AccessDeniedException", "NotFoundException", "ThrottlingException", "KMSInternalException", "ExpiredToken")
FAILURES = st.tuples(st.sampled_from(CODES) | HOSTILE_TEXT, HOSTILE_TEXT)
OPERATIONS = ("ListKeys", "ListAliases", "PutEvaluations", "GetComplianceDetailsByConfigRule", "BatchGetResourceConfig")


def failing(*operations: str) -> st.SearchStrategy[dict[str, tuple[str, str]]]:
    """Draw operations that fail, mostly none, and what they fail with."""
    nothing: st.SearchStrategy[dict[str, tuple[str, str]]] = st.just({})
    return nothing | nothing | st.dictionaries(st.sampled_from(operations), FAILURES, max_size=1)


SCRIPTED_KEYS = st.builds(
    ScriptedKey,
    id=st.sampled_from(KEY_IDS) | HOSTILE_NAMES.filter(lambda name: not name.startswith("alias/")),
    aliases=st.lists(HOSTILE_NAMES.map(lambda name: f"alias/{name}"), max_size=2).map(tuple),
    policy=POLICY_TEXTS,
    manager=st.sampled_from(["CUSTOMER", "CUSTOMER", "AWS"]) | HOSTILE_TEXT,
    state=st.sampled_from(["Enabled", "Enabled", "Enabled", "Disabled"]) | HOSTILE_TEXT,
    failures=failing("DescribeKey", "GetKeyPolicy"),
)


def without_shared_names(keys: list[ScriptedKey]) -> tuple[ScriptedKey, ...]:
    """Leave out the keys with an id or an alias that an earlier key has: to KMS names belong to one key."""
    taken: Counter[str] = Counter(name for key in keys for name in {key.id, *key.aliases})
    return tuple(
        key
        for key in keys
        if len(set(key.aliases)) == len(key.aliases) and all(taken[name] == 1 for name in (key.id, *key.aliases))
    )


ACCOUNTS = st.builds(
    ScriptedAws,
    keys=(st.lists(SCRIPTED_KEYS, min_size=1, max_size=4) | st.just([])).map(without_shared_names),
    held=st.lists(HOSTILE_NAMES, max_size=2).map(tuple),
    failures=failing(*OPERATIONS),
    recording=st.booleans(),
)


def invoke(clients: Clients, event: object, account: ScriptedAws) -> tuple[list[Json] | None, str]:
    """Run the handler; return what it returned, or None and the sentence of its `RuleError`, once logged."""
    with clients.playing(account), everything_logged() as records:
        try:
            returned: Any = lambda_handler(event, {})
        except RuleError as error:
            returned, sentence = None, str(error)
        else:
            sentence = ""
    assert forged(records) == []
    assert not sentence or (records[-1].levelname, records[-1].getMessage()) == ("ERROR", sentence)
    assert sentence.isascii()
    assert sentence.isprintable() or not sentence
    return returned, sentence


@law(80)
@given(st.one_of(EVENTS, GOOD_EVENTS, GOOD_EVENTS), ACCOUNTS)
@example(SCHEDULED, ScriptedAws((ScriptedKey("key-1", policy=DEEP), ScriptedKey("key-2", policy=TOO_DEEP))))
@example(SCHEDULED, ScriptedAws(failures={"ListKeys": ("AccessDenied\n", "x" * 10_000)}))
@example(rule_event(change_notification(key_item("k" * 10_000, TIME))), ScriptedAws())
def test_whatever_happens_the_handler_reports_or_says_why_not(
    clients: Clients, event: Any, account: ScriptedAws
) -> None:
    """`lambda_handler` returns evaluations, or logs and raises a `RuleError` of one line, and raises nothing else.

    What it reports is within AWS Config's limits, unless an event or AWS itself gave an id beyond them.
    """
    returned, _ = invoke(clients, event, account)
    if returned is not None:
        json.dumps(returned)
        assert [item["ComplianceResourceId"] for item in account.reported][: len(returned)] == [
            item["ComplianceResourceId"] for item in returned
        ]
    assert not account.refused or any(len(item["ComplianceResourceId"]) > 768 for item in account.refused)


def reported_under(key: ScriptedKey, parameters: RuleParameters) -> tuple[str, ...]:
    return (key.id,) if parameters.report_key_id or not key.aliases else key.aliases


def vanishes(key: ScriptedKey) -> bool:
    return any(code == "NotFoundException" for code, _ in key.failures.values())


def named(sentence: str, names: Iterable[str]) -> bool:
    return any(escaped(name) in sentence for name in names)


@law(70)
@given(events_with(PARAMETERS, SCHEDULES), ACCOUNTS)
@example(SCHEDULED, ScriptedAws((ScriptedKey("key-1", policy=DEEP), ScriptedKey("key-2", aliases=("alias/\n",)))))
@example(
    SCHEDULED,
    ScriptedAws((ScriptedKey("key-1", failures={"DescribeKey": ("KMSInternalException", "\n")}), ScriptedKey("key-2"))),
)
@example(
    SCHEDULED,
    ScriptedAws(
        (
            ScriptedKey("key-1", failures={"DescribeKey": ("AccessDeniedException", "no")}),
            ScriptedKey("key-2", failures={"GetKeyPolicy": ("AccessDeniedException", "no")}),
        )
    ),
)
def test_every_key_is_reported_once_or_named_in_the_error(clients: Clients, event: Json, account: ScriptedAws) -> None:
    """After a schedule each key has one evaluation under each of its ids, or the error names the key or that id.

    A key that vanishes while it is read may be left out. Where keys, aliases or items cannot be listed at all, the
    error says so instead.
    """
    parameters = Request.from_event(event).parameters
    _, sentence = invoke(clients, event, account)
    if account.failures and not account.reported:
        assert sentence or not account.keys or all(map(vanishes, account.keys))
        return
    reports = Counter(item["ComplianceResourceId"] for item in account.reported)
    for key in account.keys:
        for name in reported_under(key, parameters):
            assert reports[name] == 1 or vanishes(key) or named(sentence, (name, key.id))


@law(25)
@given(GOOD_EVENTS, ACCOUNTS, ANY_JSON)
def test_fields_that_the_rule_does_not_know_change_nothing(
    clients: Clients, event: Json, account: ScriptedAws, odd: Any
) -> None:
    """What else an event carries makes no difference."""
    first = invoke(clients, event, account)
    reported, account.reported = account.reported, []
    assert invoke(clients, {**event, "somethingNew": odd}, account) == first
    assert account.reported == reported
