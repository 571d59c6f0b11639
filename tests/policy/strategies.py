"""The generators of hostile input: policies, keys, parameters and events; well-formed, odd, and broken.

`make test` takes the same cases each time, few enough for every change. A thorough run takes so many times more, other
ones each time, and the larger one of each exhaustive model:

    HOSTILE_CASES=50 .venv/bin/pytest tests/policy tests/rule -k "laws or cost or engines or hostile"
"""

from __future__ import annotations

import json
import os
import string
from collections.abc import Callable, Iterable
from typing import Any

import botocore.session
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

type Json = dict[str, Any]
type Texts = st.SearchStrategy[str]

TIMES_THE_CASES = float(os.environ.get("HOSTILE_CASES", "1"))
THOROUGH = TIMES_THE_CASES > 1

LARGEST_POLICY = 32 * 1024


def law(cases: int) -> settings:
    """Settings of a law that so many cases are to hold to: the machine's speed decides nothing."""
    return settings(
        max_examples=max(1, round(cases * TIMES_THE_CASES)),
        deadline=None,
        derandomize=not THOROUGH,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


# --- texts ---------------------------------------------------------------------------------------------------------

# What could forge a line, turn the reading direction, end a text early, or be no character at all.
HOSTILE_TEXTS = (
    "two\nlines",
    "return\rover",
    "\r\nINFO forged",
    "next\x85line",
    "line\u2028separator\u2029paragraph",
    "nul\x00",
    "escape\x1b[31mred\x1b[0m",
    "bell\a\b\t\v\f\x7f",
    "right\u202eleft\u2066isolated",
    "mark\u200f\u200e\u061c",
    "zero\u200bwidth\ufeff",
    "lone\ud800surrogate\udfff",
    "otter \N{OTTER}",
    "combining e\u0301\u0336",
    "%s %(message)s {id} {0}",
    '"quoted" \\backslash\\ \'',
    "long" * 2_500,
    "\n" * 10_000,
)
ANY_TEXT: Texts = st.text(st.characters(), max_size=20)
HOSTILE_TEXT: Texts = st.sampled_from(HOSTILE_TEXTS) | ANY_TEXT
HOSTILE_NAMES: Texts = HOSTILE_TEXT.filter(bool)
ANY_JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | HOSTILE_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def string_or_list(values: Texts, most: int = 3) -> st.SearchStrategy[Any]:
    """Draw one value by itself, or a list of some."""
    return values | st.lists(values, max_size=most)


@st.composite
def recased(draw: st.DrawFn, text: str) -> str:
    """Change the case of some ASCII letters; AWS knows no other ones."""
    chosen = draw(st.integers(0, 2 ** len(text) - 1))
    return "".join(
        character.swapcase() if character.isascii() and chosen >> place & 1 else character
        for place, character in enumerate(text)
    )


@st.composite
def widened(draw: st.DrawFn, pattern: str) -> str:
    """Put a `*` where a stretch of the pattern is, which may be empty, or a `?` where one character is."""
    start = draw(st.integers(0, len(pattern)))
    end = draw(st.integers(start, len(pattern)))
    if end == start + 1 and pattern[start] != "*" and draw(st.booleans()):
        return f"{pattern[:start]}?{pattern[end:]}"
    return f"{pattern[:start]}*{pattern[end:]}"


# --- statements ----------------------------------------------------------------------------------------------------

# Every operation of KMS that botocore knows, as an action is written.
KMS_ACTIONS = tuple(
    sorted(f"kms:{name}" for name in botocore.session.get_session().get_service_model("kms").operation_names)
)
DUTY_ENTRIES = ("kms:Encrypt", "kms:Decrypt", "kms:Create*", "kms:Delete*", "kms:Put*", "kms:CreateGrant", "kms:De*")
OPEN_ENTRIES = ("kms:*", "*", "k*", "kms:?*", "kms:**")
OTHER_ENTRIES = (
    "s3:*",
    "s3:GetObject",
    "kms:ReEncrypt*",
    "kms:CreateSomethingNew",
    "kms:*SomethingNew",
    "kms:FooBar",
    "kms:",
    "",
    "kms:[ED]ncrypt",
)
# Those with a character that no action has: a policy with one of them is malformed.
ODD_ENTRIES = ("kms:Encrypt ", "\N{KELVIN SIGN}ms:Encrypt", " kms:*", "kms:Put*\n")
PLAIN_ENTRIES: Texts = st.one_of(
    st.sampled_from(DUTY_ENTRIES), st.sampled_from(KMS_ACTIONS), st.sampled_from(OTHER_ENTRIES)
)
ENTRIES: Texts = st.one_of(
    st.sampled_from(DUTY_ENTRIES),
    PLAIN_ENTRIES,
    PLAIN_ENTRIES.flatmap(recased),
    PLAIN_ENTRIES.flatmap(widened),
    PLAIN_ENTRIES.flatmap(widened).flatmap(widened),
    st.sampled_from(OPEN_ENTRIES),
    st.text(st.characters(min_codepoint=ord("!"), max_codepoint=ord("~")), max_size=20),
)

COVERED_IDS = ("AROAOTTERADMIN:*", "AROAOTTER?", "AROAOTTER*", "AIDASEAL")
OTHER_IDS = ("AROABADGER:*", "AROAO*", "AIDASEALS", "AROABEAVER:${*}", "aroaotter1")
ANYBODY = ("*", "AROA*", "?????*", "${aws:userid}", "", " ")
USER_IDS: Texts = st.one_of(
    st.sampled_from(COVERED_IDS), st.sampled_from(COVERED_IDS + OTHER_IDS), st.sampled_from(OTHER_IDS)
)
ODD_USER_IDS: st.SearchStrategy[Any] = st.one_of(
    string_or_list(st.sampled_from(ANYBODY) | USER_IDS), string_or_list(HOSTILE_TEXT), ANY_JSON
)
USER_KEY = "aws:userId"
USER_OPERATORS = tuple(
    f"{qualifier}{operator}"
    for qualifier in ("", "ForAnyValue:")
    for operator in ("StringLike", "StringEquals", "StringEqualsIgnoreCase")
)
OTHER_OPERATORS = (
    *(f"{operator}IfExists" for operator in USER_OPERATORS),
    *("StringNotLike", "StringNotEquals", "StringNotEqualsIgnoreCase", "ForAllValues:StringLike"),
    *("ForAllValues:StringEquals", "ForAnyValue:StringNotLike", "ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"),
    *("NumericEquals", "NumericLessThan", "NumericGreaterThanEquals", "DateEquals", "DateGreaterThan", "Bool"),
    *("BinaryEquals", "IpAddress", "NotIpAddress", "Null", "StringLike ", "String Like", ""),
)
OTHER_KEYS = ("aws:username", "kms:CallerAccount", "aws:PrincipalArn", "aws:userId ", "userid", "")

LIMITS: st.SearchStrategy[Any] = st.builds(
    lambda operator, ids: {operator: {USER_KEY: ids}},
    st.sampled_from(USER_OPERATORS[:1] * 6 + USER_OPERATORS),
    USER_IDS | st.lists(USER_IDS, min_size=1, max_size=3),
)
LOWER_CASE = {ord(letter): letter.lower() for letter in string.ascii_uppercase}


def names_apart(content: object) -> bool:
    """Return whether no two names of an object, at any depth, are the same but for their case in ASCII."""
    if isinstance(content, list):
        return all(map(names_apart, content))
    if not isinstance(content, dict):
        return True
    names = {str(name).translate(LOWER_CASE) for name in content}
    return len(names) == len(content) and all(map(names_apart, content.values()))


ANY_CONDITIONS: st.SearchStrategy[Any] = st.dictionaries(
    (st.sampled_from(USER_OPERATORS) | st.sampled_from(OTHER_OPERATORS)).flatmap(recased),
    st.dictionaries(
        st.just(USER_KEY).flatmap(recased) | st.sampled_from(OTHER_KEYS),
        string_or_list(USER_IDS) | ODD_USER_IDS,
        max_size=2,
    ),
    max_size=3,
)
CONDITIONS = ANY_CONDITIONS.filter(names_apart)
UNREAD: dict[str, st.SearchStrategy[Any]] = {
    "Sid": HOSTILE_TEXT | ANY_JSON,
    "Principal": ANY_JSON,
    "Resource": st.sampled_from(["*", []]),
}


def with_effect(effect: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Draw well-formed statements with this effect, most of which limit their users."""
    conditions = st.one_of(LIMITS, LIMITS, LIMITS, CONDITIONS)
    entries = st.lists(st.sampled_from(DUTY_ENTRIES), max_size=3) | string_or_list(ENTRIES)
    return st.one_of(
        st.fixed_dictionaries({"Effect": effect, "Action": entries, "Condition": conditions}, optional=UNREAD),
        st.fixed_dictionaries({"Effect": effect, "Action": entries}, optional={"Condition": conditions, **UNREAD}),
        st.fixed_dictionaries(
            {"Effect": effect, "NotAction": string_or_list(ENTRIES, 5)}, optional={"Condition": conditions, **UNREAD}
        ),
    )


# Of mere chance hardly any policy meets a scenario, so many statements are what a careful author writes.
ROLES = (
    ["kms:Encrypt", "kms:Decrypt"],
    "kms:Decrypt",
    ["kms:Create*", "kms:Delete*", "kms:Put*"],
    ["kms:C*", "kms:P*"],
    "kms:Delete*",
    ["kms:CreateGrant"],
    "kms:PutKeyPolicy",
    "kms:Describe*",
)
CAREFUL: st.SearchStrategy[Json] = st.builds(
    lambda actions, ids: {"Effect": "Allow", "Action": actions, "Condition": {"StringLike": {USER_KEY: ids}}},
    st.sampled_from(ROLES),
    st.sampled_from(COVERED_IDS) | st.sampled_from(COVERED_IDS) | USER_IDS,
)
ALLOWS = st.one_of(CAREFUL, CAREFUL, with_effect(st.just("Allow")))
DENIES = with_effect(st.just("Deny"))
WELL_FORMED = st.one_of(ALLOWS, ALLOWS, DENIES)
ODD_EFFECTS = ("allow", "ALLOW", "Allow ", "", None, ["Allow"], True)
ODD_PAIRS = (
    {"Principal": "*", "NotPrincipal": "*"},
    {"Resource": "*", "NotResource": []},
    {"Action": "kms:Encrypt", "NotAction": "kms:*"},
)
ODD_STATEMENTS: st.SearchStrategy[Any] = st.one_of(
    ANY_JSON,
    st.builds(
        lambda statement, element, odd: {**statement, element: odd},
        WELL_FORMED,
        st.sampled_from(["Action", "NotAction", "Condition", "Effect", "action", "Sid", "NotPrincipal", "NotResource"]),
        ANY_JSON,
    ),
    st.builds(
        lambda statement, odd: {**statement, **odd},
        WELL_FORMED,
        st.one_of(
            st.sampled_from(ODD_EFFECTS).map(lambda effect: {"Effect": effect}),
            st.sampled_from(ODD_PAIRS),
            st.sampled_from(ODD_ENTRIES).map(lambda entry: {"Action": ["kms:Encrypt", entry]}),
            ANY_CONDITIONS.map(lambda condition: {"Condition": {**condition, "Null": {"a": "true", "A": "true"}}}),
        ),
    ),
    st.builds(
        lambda statement, element: {name: value for name, value in statement.items() if name != element},
        WELL_FORMED,
        st.sampled_from(["Action", "NotAction", "Effect"]),
    ),
)
SEVERAL_STATEMENTS: st.SearchStrategy[list[Any]] = st.one_of(
    st.lists(CAREFUL, min_size=1, max_size=4), st.lists(WELL_FORMED, min_size=1, max_size=4), st.just([])
)
ANY_STATEMENTS: st.SearchStrategy[list[Any]] = st.one_of(
    SEVERAL_STATEMENTS, SEVERAL_STATEMENTS, st.lists(WELL_FORMED | ODD_STATEMENTS, max_size=4)
)


# --- policies ------------------------------------------------------------------------------------------------------


def policy_text(statements: object) -> str:
    """Write a policy with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def nested(shape: tuple[str, str, str], depth: int) -> str:
    """Write JSON that is nested so deep; its shape is what opens, what lies in the innermost, and what closes."""
    opening, innermost, closing = shape
    return opening * depth + innermost + closing * depth


LISTS_IN_LISTS = ("[", "", "]")


NESTED: Texts = st.builds(
    nested,
    st.sampled_from([LISTS_IN_LISTS, ('{"a":', "1", "}"), ("[", "", ""), ('[{"Statement":', "[]", "}]")]),
    st.sampled_from([10, 500, 990, 1_100, 3_000, 9_000]) | st.integers(0, 16_000),
)
NESTED_IN_POLICIES: Texts = st.builds(
    str.replace,
    st.sampled_from(
        [
            "HERE",
            '{"Statement": HERE}',
            '{"Statement": [HERE]}',
            '{"Statement": {"Effect": "Allow", "Action": HERE}}',
            '{"Statement": {"Effect": HERE, "Action": "kms:Encrypt", "Sid": HERE}}',
            '{"Statement": {"Effect": "Allow", "Action": "kms:Encrypt", "Condition": HERE}}',
            '{"Statement": {"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": HERE}}}',
            '{"Statement": {"Effect": "Allow", "Action": "kms:*", "Condition": {"StringLike": {"aws:userId": HERE}}}}',
            '{"Statement": {"Effect": "Allow", "Action": "kms:Put*", "Condition": '
            '{"StringLike": {"aws:userId": HERE}}}}',
        ]
    ),
    st.just("HERE"),
    NESTED,
)


def filled(unit: str, size: int = LARGEST_POLICY) -> str:
    """Repeat a text as often as so many characters hold."""
    return (unit * (size // max(1, len(unit))))[:size]


@st.composite
def large_policies(draw: st.DrawFn) -> str:
    """Write a policy of about 32 KB: one thing repeated wherever things can be repeated."""
    entry = draw(st.sampled_from(["*a", "*?", "kms:*", "a", "?", "*", "\u4e00", "${*}", "${", '"', "\ud800"]) | ENTRIES)
    long = filled(entry or "a", draw(st.integers(1, LARGEST_POLICY - 300)))
    many = [f"{entry}{number:x}" for number in range(2_000)]
    statement = draw(
        st.sampled_from(
            [
                {"Effect": "Allow", "Action": long},
                {"Effect": "Allow", "Action": f"kms:{long}", "Condition": {"StringLike": {USER_KEY: "AROAOTTER*"}}},
                {"Effect": "Allow", "NotAction": [long]},
                {"Effect": "Allow", "Action": many},
                {"Effect": "Allow", "NotAction": many, "Sid": long[:5_000]},
                {"Effect": "Allow", "Action": "kms:Put*", "Condition": {"StringLike": {USER_KEY: f"AROAOTTER{long}"}}},
                {"Effect": "Allow", "Action": "kms:Put*", "Condition": {"StringLike": {USER_KEY: many}}},
                {"Effect": "Allow", "Action": "kms:Put*", "Sid": long},
            ]
        )
    )
    return policy_text([statement] * draw(st.sampled_from([1, 1, 2])))


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Cut a text off, or put a stretch of something else into it."""
    start = draw(st.integers(0, len(text)))
    if draw(st.booleans()):
        return text[:start]
    end = draw(st.integers(start, min(start + 3, len(text))))
    inserted = draw(st.sampled_from(["", '"', "{", "}", "[", "]", ",", ":", "\\", "NaN", "1e999", "\x00"]) | ANY_TEXT)
    return f"{text[:start]}{inserted}{text[end:]}"


POLICIES: Texts = st.builds(policy_text, ANY_STATEMENTS | WELL_FORMED | ANY_JSON)
POLICY_TEXTS: Texts = st.one_of(
    POLICIES,
    POLICIES,
    POLICIES.flatmap(damaged),
    ANY_JSON.map(json.dumps),
    ANY_TEXT,
    NESTED_IN_POLICIES,
    st.builds(filled, st.sampled_from(["[", "{", '{"a":', "1", "-", '"', "\\u", "[1,", " ", "\ud800", "1e9"])),
)


# --- parameters, aliases, events -----------------------------------------------------------------------------------

LISTS: Texts = st.lists(
    st.sampled_from(["AROAOTTER*", "AIDASEAL", "*", "?*", "Otter*", "alias/Otter", " ", "*a*a*a*", "${*}"]) | ANY_TEXT,
    max_size=3,
).map(",".join)
CHOSEN: dict[str, Texts] = {
    "CMK_Whitelist": LISTS,
    "StrictSeparationOfDuties": st.sampled_from(["true", "false", ""]),
    "SeparateDutiesBy": st.sampled_from(["Policy", "User", ""]),
    "ReportResourceAs": st.sampled_from(["Alias", "KeyId", " "]),
    "ReadKeysFrom": st.sampled_from(["KMS", "Config"]),
}
NEEDED: dict[str, Texts] = {"Admin_User_Id": LISTS.map(lambda entries: f"AROAOTTER*,{entries}")}
PARAMETERS: st.SearchStrategy[Json] = st.fixed_dictionaries(NEEDED, optional=CHOSEN)
ODD_PARAMETERS: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        lambda parameters, name, value: {**parameters, name: value},
        PARAMETERS,
        st.sampled_from([*CHOSEN, *NEEDED, "ExecutionRoleName"]) | HOSTILE_TEXT,
        ANY_JSON,
    ),
    ANY_JSON,
)
TIMES: Texts = st.sampled_from(["2026-01-13T19:12:27.681Z", "2026-01-13T19:12:27", "2026-01-13T19:12:27+0200"])
# The first and the last moments that a date can name, which no time in UTC may lie beyond.
EDGES_OF_TIME = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")
ODD_TIMES: st.SearchStrategy[Any] = st.one_of(
    TIMES,
    st.sampled_from([*EDGES_OF_TIME, "2026-01-13", "2026-01-13T24:00:00Z", "2026-02-30T10:00:00Z"]),
    st.datetimes().map(lambda time: time.isoformat()),
    TIMES.flatmap(damaged),
    ANY_JSON,
)
KEY_IDS = ("key-1", "key-2", "1234abcd-12ab-34cd-56ef-1234567890ab")
ALIAS_NAMES = ("alias/testkey", "alias/Otter-1", "alias/aws/ebs", "alias/")
RESOURCE_NAMES: Texts = st.sampled_from(KEY_IDS + ALIAS_NAMES) | HOSTILE_TEXT
STATUSES: Texts = st.sampled_from(["OK", "ResourceDiscovered", "ResourceDeleted", "ResourceNotRecorded", ""])


def with_odd_fields(
    content: st.SearchStrategy[Json], names: Iterable[str], odd: st.SearchStrategy[Any] = ANY_JSON
) -> st.SearchStrategy[Json]:
    """Draw these objects; in some, one of the named fields is odd or missing."""
    fields = st.sampled_from(sorted(names))
    return st.one_of(
        content,
        content,
        st.builds(lambda given, name, value: {**given, name: value}, content, fields, odd),
        st.builds(lambda given, name: {key: given[key] for key in given if key != name}, content, fields),
    )


CONFIGURATIONS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("AliasName", "aliasName", "TargetKeyId", "targetKeyId"), RESOURCE_NAMES | ANY_JSON)
)
ITEMS = with_odd_fields(
    st.fixed_dictionaries(
        {
            "resourceType": st.sampled_from(["AWS::KMS::Key", "AWS::KMS::Alias"]),
            "resourceId": RESOURCE_NAMES,
            "resourceName": RESOURCE_NAMES | st.none(),
            "configurationItemCaptureTime": TIMES,
            "configurationItemStatus": STATUSES,
            "configuration": CONFIGURATIONS | st.none(),
        },
        optional={"ARN": RESOURCE_NAMES.map(lambda name: f"arn:aws:kms:us-east-1:123456789012:{name}")},
    ),
    ["resourceType", "resourceId", "configurationItemStatus", "configuration", "ARN"],
) | st.builds(
    lambda time: {"resourceType": "AWS::KMS::Key", "resourceId": "k", "configurationItemCaptureTime": time}, ODD_TIMES
)
DIFFERENCES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.builds(
        lambda name, change: {"changedProperties": {name: change}},
        st.sampled_from(["Configuration", "Configuration.TargetKeyId", "Configuration.targetKeyId"]),
        st.fixed_dictionaries({"previousValue": RESOURCE_NAMES | CONFIGURATIONS | ANY_JSON}) | ANY_JSON,
    ),
    ANY_JSON,
)
SCHEDULES: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"messageType": st.just("ScheduledNotification"), "notificationCreationTime": TIMES}
)
CHANGES: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "messageType": st.just("ConfigurationItemChangeNotification"),
        "configurationItem": ITEMS,
        "configurationItemDiff": DIFFERENCES,
    }
)
INVOKING_EVENTS = st.one_of(
    with_odd_fields(SCHEDULES, ["messageType", "notificationCreationTime"], ODD_TIMES),
    with_odd_fields(CHANGES, ["messageType", "configurationItem", "configurationItemDiff"]),
    st.fixed_dictionaries(
        {
            "messageType": st.just("OversizedConfigurationItemChangeNotification"),
            "configurationItemSummary": ITEMS,
        }
    ),
)
ROLE_ARN = "arn:aws:iam::123456789012:role/config-role"
EVENT_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "eventLeftScope": st.booleans(),
    "executionRoleArn": st.just(ROLE_ARN) | HOSTILE_TEXT,
    "accountId": st.just("123456789012") | HOSTILE_TEXT,
    "evaluationMode": st.sampled_from(["DETECTIVE", ""]),
}


def events_with(
    parameters: st.SearchStrategy[Any],
    invoking_events: st.SearchStrategy[Any],
    write: Callable[[object], str] = json.dumps,
) -> st.SearchStrategy[Json]:
    """Draw the events of AWS Config with these parameters and invoking events, which an event holds as text."""
    return st.fixed_dictionaries(
        {
            "ruleParameters": parameters.map(write),
            "invokingEvent": invoking_events.map(write),
            "resultToken": st.just("TESTMODE") | HOSTILE_NAMES,
            "configRuleName": st.just("AWSConfigRuleKMS") | HOSTILE_NAMES,
        },
        optional=EVENT_FIELDS,
    )


GOOD_EVENTS = events_with(PARAMETERS, INVOKING_EVENTS)
EVENTS: st.SearchStrategy[Any] = st.one_of(
    GOOD_EVENTS,
    with_odd_fields(GOOD_EVENTS, ["ruleParameters", "invokingEvent", "resultToken", "configRuleName", *EVENT_FIELDS]),
    with_odd_fields(GOOD_EVENTS, ["ruleParameters", "invokingEvent"], NESTED | ANY_TEXT),
    events_with(ODD_PARAMETERS, INVOKING_EVENTS),
    events_with(PARAMETERS, INVOKING_EVENTS | ANY_JSON).flatmap(
        lambda event: damaged(event["invokingEvent"]).map(lambda text: {**event, "invokingEvent": text})
    ),
    ANY_JSON,
)
