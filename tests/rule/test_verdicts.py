from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.emulator.events import rule_event, scheduled_notification
from least_privilege.annotation import OUT_OF_SCOPE_SENTENCE, annotate, scenario_of
from least_privilege.event import Request
from least_privilege.evidence import Evidence
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.report import not_applicable
from least_privilege.scenarios import SCENARIOS, Case, Compliance, Verdict, judge
from least_privilege.text import escaped, quoted, shortened

PARAMETERS = RuleParameters.parse({"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*,AIDASEAL"})
STRICT = replace(PARAMETERS, strict=True)

USAGE = ["kms:Encrypt", "kms:Decrypt"]
ADMINISTRATION = ["kms:Create*", "kms:Delete*", "kms:Put*"]
LISTED = "AROAOTTERADMIN:*"
UNLISTED = "AROABADGER:*"


def allow(actions: str | list[str], *user_ids: str, **elements: object) -> dict[str, Any]:
    condition = {"Condition": {"StringLike": {"aws:userId": list(user_ids)}}} if user_ids else {}
    return {"Effect": "Allow", "Action": actions, "Resource": "*", **condition, **elements}


def key(*statements: object, **known: Any) -> Facts:
    return Facts(("alias/testkey",), policy=json.dumps({"Statement": statements}), **known)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([allow("kms:*", LISTED)], "wildcard-policy-action-not-compliant", id="3: kms:*"),
        pytest.param([allow(USAGE)], "no-user-condition-not-compliant", id="usage for everybody"),
        pytest.param([allow(ADMINISTRATION)], "no-user-condition-not-compliant", id="administration for everybody"),
        pytest.param(
            [allow(USAGE, LISTED), allow("kms:CreateGrant")], "no-user-condition-not-compliant", id="a grant for all"
        ),
        pytest.param([allow(USAGE, "AROA*")], "no-user-condition-not-compliant", id="usage for every role"),
        pytest.param(
            [allow([*USAGE, *ADMINISTRATION], UNLISTED)], "no-separation-of-duty-not-compliant", id="4: one statement"
        ),
        pytest.param(
            [allow("kms:Decrypt", LISTED), *(allow(action, UNLISTED) for action in ADMINISTRATION)],
            "no-separation-of-duty-not-compliant",
            id="4: several statements",
        ),
        pytest.param(
            [allow(USAGE, LISTED), allow(ADMINISTRATION, LISTED, UNLISTED)],
            "no-separation-of-duty-not-compliant",
            id="4: one of two administrators is not listed",
        ),
        pytest.param([allow(USAGE, UNLISTED)], "separation-of-duty-compliant", id="5: usage alone"),
        pytest.param([allow("kms:Decrypt", UNLISTED)], "separation-of-duty-compliant", id="5: half of usage"),
        pytest.param(
            [allow([*USAGE, "kms:CreateGrant", "kms:Put*"], UNLISTED)],
            "separation-of-duty-compliant",
            id="5: two thirds of administration",
        ),
        pytest.param(
            [allow(USAGE, UNLISTED), allow(["kms:GetKeyPolicy", "kms:ScheduleKeyDeletion"])],
            "separation-of-duty-compliant",
            id="5: what is no duty needs no condition",
        ),
        pytest.param([allow(ADMINISTRATION, LISTED)], "admin-actions-compliant", id="6: one statement"),
        pytest.param(
            [allow(action, LISTED, "AIDASEAL") for action in ADMINISTRATION],
            "admin-actions-compliant",
            id="6: several statements, users covered by different patterns",
        ),
        pytest.param([allow(ADMINISTRATION, UNLISTED)], "admin-role-not-in-whitelist-not-compliant", id="7"),
        pytest.param(
            [allow(ADMINISTRATION, "AROAO*")],
            "admin-role-not-in-whitelist-not-compliant",
            id="7: wider than the whitelist",
        ),
        pytest.param(
            [allow(USAGE, UNLISTED), allow(ADMINISTRATION, LISTED)],
            "admin-role-not-allowed-actions-not-compliant",
            id="8",
        ),
        pytest.param([allow(["kms:Create*", "kms:Put*"], LISTED)], "no-scenario-not-compliant", id="administers half"),
        pytest.param([allow("kms:GetKeyPolicy")], "no-scenario-not-compliant", id="grants no duty"),
        pytest.param([], "no-scenario-not-compliant", id="grants nothing"),
        pytest.param([allow(USAGE, LISTED, Effect="Deny")], "no-scenario-not-compliant", id="denies only"),
        pytest.param(
            [allow(USAGE, LISTED), allow(ADMINISTRATION, LISTED), allow(ADMINISTRATION, Effect="Deny")],
            "admin-role-not-allowed-actions-not-compliant",
            id="8: a Deny beside it does not help",
        ),
        pytest.param(
            [allow(USAGE, LISTED), {"Effect": "Deny"}], "malformed-policy-not-compliant", id="a Deny without Action"
        ),
    ],
)
def test_a_policy_meets_the_scenario(statements: list[object], expected: str) -> None:
    assert judge(key(*statements), PARAMETERS).scenario.name == expected


@pytest.mark.parametrize(
    ("statements", "lax", "strict"),
    [
        ([allow(USAGE, UNLISTED)], 5, 5),
        ([allow([*USAGE, "kms:CreateGrant"], UNLISTED)], 5, 4),
        ([allow([*USAGE, "kms:CreateGrant"], LISTED)], 5, 8),
        ([allow("kms:CreateGrant", LISTED)], None, None),
        ([allow(ADMINISTRATION, LISTED)], 6, 6),
        ([allow(ADMINISTRATION, UNLISTED)], 7, 7),
    ],
)
def test_strict_separation_counts_any_administration_beside_usage(
    statements: list[object], lax: int | None, strict: int | None
) -> None:
    numbers = [judge(key(*statements), parameters).scenario.number for parameters in (PARAMETERS, STRICT)]
    assert numbers == [lax, strict]


@pytest.mark.parametrize(
    ("fields", "scenario", "annotation"),
    [
        (
            {"manager": "AWS", "state": "Disabled"},
            "aws-managed-key-not-applicable",
            "Key alias/testkey is managed by AWS, so its key policy is not judged: nothing to do",
        ),
        ({"state": "Disabled"}, "disabled-cmk-not-applicable", "CMK alias/testkey is disabled [scenario 1]"),
        (
            {"state": "PendingDeletion", "aliases": ("alias/Otter",)},
            "disabled-cmk-not-applicable",
            "CMK alias/testkey is disabled [key state PendingDeletion; scenario 1]",
        ),
        (
            {"aliases": ("alias/testkey", "alias/Otter-1"), "policy": None},
            "whitelisted-cmk-compliant",
            "CMK alias/testkey is in whitelist for CMK Key Policy check [scenario 2: alias/Otter-1 matches Otter*]",
        ),
        (
            {"policy": None, "denied": ("kms:GetKeyPolicy",)},
            "key-policy-denied-not-compliant",
            "Key Policy for alias/testkey cannot be read: allow kms:GetKeyPolicy to the rule's role, in the key policy "
            "or through the account's root",
        ),
        (
            {"policy": None, "denied": ("kms:DescribeKey", "kms:GetKeyPolicy")},
            "key-policy-denied-not-compliant",
            "Key Policy for alias/testkey cannot be read: allow kms:GetKeyPolicy to the rule's role, in the key policy "
            "or through the account's root [kms:DescribeKey is missing, key taken for enabled]",
        ),
        (
            {"policy": "[]"},
            "malformed-policy-not-compliant",
            "Key Policy for alias/testkey is malformed, correct it [it is no JSON object]",
        ),
        (
            {"policy": "[]", "denied": ("kms:DescribeKey",)},
            "malformed-policy-not-compliant",
            "Key Policy for alias/testkey is malformed, correct it [kms:DescribeKey is missing, key taken for enabled; "
            "it is no JSON object]",
        ),
        (
            {"policy": json.dumps({"Statement": allow(USAGE, LISTED)}), "denied": ("kms:DescribeKey",)},
            "separation-of-duty-compliant",
            "in Key Policy for alias/testkey, statement does have separation of duties and CMK is not whitelisted "
            "[kms:DescribeKey is missing, key taken for enabled; scenario 5: usage by statement 1 (kms:Encrypt, "
            "kms:Decrypt)]",
        ),
        (
            {"policy": json.dumps({"Statement": allow(["kms:Put*", "kms:Create*"], LISTED)})},
            "no-scenario-not-compliant",
            "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or "
            "administration to named users [no usage, and administration lacks kms:Delete*]",
        ),
        (
            {"policy": json.dumps({"Statement": allow("kms:Put*", LISTED)})},
            "no-scenario-not-compliant",
            "Key Policy for alias/testkey does not have the permissions defined in the scenarios: grant usage or "
            "administration to named users [no usage, and administration lacks kms:Create*, kms:Delete*]",
        ),
        (
            {"policy": json.dumps({"Statement": allow(USAGE, "AROA*", Sid="Everybody")})},
            "no-user-condition-not-compliant",
            "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId "
            '["Everybody" (kms:Encrypt, kms:Decrypt), whose aws:userId "AROA*" limits nobody]',
        ),
        (
            {"policy": json.dumps({"Statement": allow("kms:Decrypt", LISTED, "AIDA*", "AROA*")})},
            "no-user-condition-not-compliant",
            "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId "
            '[statement 1 (kms:Decrypt), whose aws:userId "AIDA*" limits nobody]',
        ),
        (
            {"policy": json.dumps({"Statement": [allow("kms:Decrypt"), allow("kms:Encrypt", Sid="Two")]})},
            "no-user-condition-not-compliant",
            "in Key Policy for alias/testkey, statement does not limit its users: add StringLike on aws:userId "
            '[statement 1 (kms:Decrypt), "Two" (kms:Encrypt)]',
        ),
        (
            {"policy": json.dumps({"Statement": [allow("kms:*"), allow("KMS:*", Sid="Two")]})},
            "wildcard-policy-action-not-compliant",
            "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted "
            '[scenario 3: statement 1 (kms:*), "Two" (KMS:*)]',
        ),
        (
            {"policy": json.dumps({"Statement": [{"Effect": "Allow", "NotAction": ["s3:*", "ec2:*"]}]})},
            "wildcard-policy-action-not-compliant",
            "in Key Policy for alias/testkey, statement does have open KMS permissions and CMK is not whitelisted "
            "[scenario 3: statement 1 (NotAction s3:*, ec2:*)]",
        ),
    ],
)
def test_an_annotation_says_what_decided(fields: dict[str, Any], scenario: str, annotation: str) -> None:
    verdict = judge(replace(key(), **fields), PARAMETERS)
    assert (verdict.scenario.name, annotate(verdict, "alias/testkey")) == (scenario, annotation)


@pytest.mark.parametrize(
    ("statements", "brackets"),
    [
        (1, '["Long name of a statement 1" (kms:Encrypt, kms:Decrypt)]'),
        (3, '["Long name of a statement 1", "Long name of a statement 2", "Long name of a statement 3"]'),
        (12, "[statements 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]"),
        (99, "[99 statements]"),
    ],
)
def test_the_more_statements_decide_the_shorter_they_are_named(statements: int, brackets: str) -> None:
    policy = [allow(USAGE, Sid=f"Long name of a statement {number}") for number in range(1, statements + 1)]
    annotation = annotate(judge(key(*policy), PARAMETERS), "alias/testkey")
    assert annotation.endswith(f"add StringLike on aws:userId {brackets}")


OPEN = key(allow(["kms:*", "KMS:*"], Sid="Everything for everybody"))
MIXED = key(allow("kms:Decrypt", LISTED, Sid="A"), allow(ADMINISTRATION, "AROABADGER:*", "AROASKUNK:*", Sid="B"))
NOT_COVERED = 'scenario 4: Admin_User_Id does not cover "AROABADGER:*"'


@pytest.mark.parametrize(
    ("facts", "length", "brackets"),
    [
        (OPEN, 113, ' [scenario 3: "Everything for everybody" (kms:*, KMS:*)]'),
        (OPEN, 114, ' [scenario 3: "Everything for everybody"]'),
        (OPEN, 128, ' [scenario 3: "Everything for everybody"]'),
        (OPEN, 129, " [scenario 3: statement 1]"),
        (OPEN, 143, " [scenario 3: statement 1]"),
        (OPEN, 144, " [scenario 3]"),
        (OPEN, 156, " [scenario 3]"),
        (OPEN, 157, ""),
        (
            MIXED,
            19,
            f' [{NOT_COVERED}; usage by "A" (kms:Decrypt); administration by "B" (kms:Create*, kms:Delete*, kms:Put*)]',
        ),
        (MIXED, 20, f' [{NOT_COVERED}; usage by "A"; administration by "B"]'),
        (MIXED, 70, f' [{NOT_COVERED}; usage by "A"; administration by "B"]'),
        (MIXED, 71, f" [{NOT_COVERED}]"),
        (MIXED, 107, f" [{NOT_COVERED}]"),
        (MIXED, 108, ' [scenario 4: usage by "A"; administration by "B"]'),
        (MIXED, 116, " [scenario 4]"),
        (MIXED, 153, ""),
    ],
)
def test_the_longer_the_id_the_shorter_is_what_decided(facts: Facts, length: int, brackets: str) -> None:
    annotation = annotate(judge(facts, PARAMETERS), "a" * length)
    assert annotation.partition("CMK is not whitelisted")[2] == brackets
    assert "a" * length in annotation


OTHER = allow("kms:GetKeyPolicy")


@pytest.mark.parametrize(
    ("decided", "statements"),
    [
        (replace(key(allow("kms:*")), manager="AWS"), []),
        (replace(key(allow("kms:*")), aliases=("alias/Otter",)), []),
        (key(OTHER, allow("kms:*"), OTHER, allow("KMS:*")), [2, 4]),
        (key(OTHER, allow(USAGE), allow(USAGE, LISTED), allow(ADMINISTRATION)), [2, 4]),
        (key(OTHER, allow(USAGE, LISTED)), [2]),
        (key(OTHER, allow(USAGE, LISTED), allow(ADMINISTRATION, UNLISTED)), [2, 3]),
        (key(allow(ADMINISTRATION, UNLISTED), OTHER), [1]),
        (key(OTHER, allow("kms:Put*", LISTED)), [2]),
        (replace(key(), policy="[]"), []),
    ],
)
def test_a_verdict_points_to_the_statements_that_decided(decided: Facts, statements: list[int]) -> None:
    assert [statement.number for statement in judge(decided, PARAMETERS).evidence.statements] == statements


def test_a_verdict_with_nothing_more_to_say_is_its_sentence() -> None:
    assert annotate(Verdict(SCENARIOS[0], Evidence()), "a").endswith("not judged: nothing to do")


def test_a_policy_that_is_not_there_grants_nothing() -> None:
    assert judge(Facts(), PARAMETERS).scenario.name == "no-scenario-not-compliant"


def test_a_policy_that_cannot_be_read_has_no_duty() -> None:
    duties = Case(replace(key(), policy="[]"), PARAMETERS).duties
    assert (duties.has_usage, duties.has_administration, duties.users_are_whitelisted) == (False, False, False)


def test_a_long_id_gives_way_in_its_middle() -> None:
    annotation = annotate(judge(key(allow(USAGE, LISTED)), PARAMETERS), "alias/" + "a" * 120 + "b" * 124)
    assert len(annotation) == 256
    assert annotation.startswith("in Key Policy for alias/aaaa")
    assert "aaa...bbb" in annotation
    assert annotation.endswith("bbb, statement does have separation of duties and CMK is not whitelisted")


def test_a_missing_permission_is_named_however_long_the_id() -> None:
    denied = replace(key(allow(USAGE, LISTED)), denied=("kms:DescribeKey",))
    annotation = annotate(judge(denied, PARAMETERS), "alias/" + "a" * 250)
    assert annotation.endswith("[kms:DescribeKey is missing, key taken for enabled]")
    assert len(annotation) == 256


@pytest.mark.parametrize("sid", ["two\nlines", "right\u202eleft", "nul\x00", "\ud800", "é"])
def test_a_name_cannot_break_the_line_of_an_annotation(sid: str) -> None:
    annotation = annotate(judge(key(allow("kms:*", Sid=sid)), PARAMETERS), "alias/testkey")
    assert annotation.isascii()
    assert annotation.isprintable()


@pytest.mark.parametrize(
    ("aliases", "out_of_scope", "report_as", "expected"),
    [
        (("alias/a", "alias/b"), (), "Alias", ("alias/a", "alias/b")),
        (("alias/a", "alias/b"), ("alias/a",), "Alias", ("alias/b",)),
        (("alias/a",), ("alias/a",), "Alias", ("key-1",)),
        (("alias/a", "alias/b"), (), "KeyId", ("key-1",)),
        ((), (), "Alias", ("key-1",)),
    ],
)
def test_a_verdict_is_reported_under(
    aliases: tuple[str, ...], out_of_scope: tuple[str, ...], report_as: str, expected: tuple[str, ...]
) -> None:
    parameters = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*", "ReportResourceAs": report_as})
    assert Key("key-1", Facts(aliases)).reported_ids(parameters, out_of_scope) == expected


@pytest.mark.parametrize(
    ("length", "annotation"),
    [
        (1, "Key or alias a is deleted, or no longer in the rule's scope"),
        (198, f"Key or alias {'a' * 198} is deleted, or no longer in the rule's scope"),
        (199, f"Key or alias {'a' * 98}...{'a' * 97} is deleted, or no longer in the rule's scope"),
    ],
)
def test_of_what_is_out_of_scope_as_much_of_the_id_is_shown_as_there_is_room(length: int, annotation: str) -> None:
    request = Request.from_event(rule_event(scheduled_notification("2026-01-13T19:12:27.681Z")))
    reported = not_applicable("AWS::KMS::Key", "a" * length, OUT_OF_SCOPE_SENTENCE, request)
    assert reported["Annotation"] == annotation


def test_an_annotation_holds_whatever_state_kms_invents() -> None:
    annotation = annotate(judge(Facts(state="X" * 300), PARAMETERS), "alias/" + "a" * 250)
    assert len(annotation) <= 256
    assert annotation.startswith("CMK alias/aaaa")


def test_a_long_reason_leaves_room_for_the_id() -> None:
    broken = replace(key(), policy='{"' + "x" * 500 + '": 1, "' + "x" * 500 + '": 2}', denied=("kms:DescribeKey",))
    annotation = annotate(judge(broken, PARAMETERS), "alias/" + "a" * 250)
    assert annotation.startswith("Key Policy for alias/aaaa")
    assert "kms:DescribeKey is missing" in annotation
    assert "twice in one object]" in annotation
    assert len(annotation) == 256


STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny", "allow"]),
        "Action": st.lists(st.sampled_from([*USAGE, *ADMINISTRATION, "kms:*", "kms:CreateGrant", "kms:Sign"])),
    },
    optional={
        "Sid": st.text(max_size=300),
        "Condition": st.sampled_from(
            [{"StringLike": {"aws:userId": user_id}} for user_id in (LISTED, UNLISTED, "*", "AROABEAVER" * 30)]
        ),
    },
)
KEYS = st.builds(
    Facts,
    aliases=st.lists(st.text(max_size=10)).map(tuple),
    manager=st.sampled_from(["CUSTOMER", "CUSTOMER", "AWS"]),
    state=st.sampled_from(["Enabled", "Enabled", "Disabled", "PendingImport"]),
    policy=st.one_of(
        st.none(),
        st.text(),
        st.builds(lambda statements: json.dumps({"Statement": statements}), st.lists(STATEMENTS, max_size=20)),
    ),
    denied=st.sampled_from([(), ("kms:DescribeKey",), ("kms:GetKeyPolicy",), ("kms:DescribeKey", "kms:GetKeyPolicy")]),
)


@given(KEYS, st.text(min_size=1, max_size=300), st.sampled_from([PARAMETERS, STRICT]))
def test_every_key_gets_an_annotation_that_aws_config_takes(
    anything: Facts, reported_id: str, parameters: RuleParameters
) -> None:
    annotation = annotate(judge(anything, parameters), reported_id)
    assert 1 <= len(annotation) <= 256
    assert annotation.isascii()
    assert annotation.isprintable()


@given(KEYS, st.from_regex(r"alias/[a-zA-Z0-9/_-]{1,250}", fullmatch=True), st.sampled_from([PARAMETERS, STRICT]))
def test_every_annotation_tells_its_scenario(anything: Facts, reported_id: str, parameters: RuleParameters) -> None:
    verdict = judge(anything, parameters)
    assert scenario_of(annotate(verdict, reported_id), verdict.compliance) is verdict.scenario


# What somebody may write who wants another scenario to be told of.
FORGED_MARKS = [
    "a [scenario 4]",
    "a; scenario 4]",
    "a; scenario 4: b",
    "[scenario 4]",
    '" [scenario 4]',
]


@pytest.mark.parametrize("mark", FORGED_MARKS)
@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda mark: key(allow(USAGE, Sid=mark)), id="the name of a statement"),
        pytest.param(lambda mark: key(allow([f"kms:Create*{mark}", *USAGE])), id="the first action"),
        pytest.param(lambda mark: key(allow([*USAGE, f"kms:Create*{mark}"])), id="a later action"),
        pytest.param(lambda mark: key(allow("kms:*", LISTED, Sid=mark)), id="the name of an opening statement"),
        pytest.param(lambda mark: key(allow(USAGE, f"*{mark}")), id="a weak user id"),
        pytest.param(lambda mark: key(allow(ADMINISTRATION, f"AROABADGER:{mark}")), id="a user id"),
        pytest.param(
            lambda mark: Facts(policy=f"{{{json.dumps(mark)}: 1, {json.dumps(mark)}: 2}}"),
            id="a name that is there twice",
        ),
    ],
)
def test_no_name_that_a_policy_gives_tells_of_another_scenario(told: Callable[[str], Facts], mark: str) -> None:
    verdict = judge(told(mark), PARAMETERS)
    assert verdict.scenario.number != 4
    assert scenario_of(annotate(verdict, "alias/testkey"), verdict.compliance) is verdict.scenario


@pytest.mark.parametrize(
    "annotation", ["", "CMK alias/a is in whitelist", "Key alias/a is fine [scenario 9]", "Key alias/a is fine"]
)
def test_words_of_another_rule_tell_no_scenario(annotation: str) -> None:
    assert [scenario_of(annotation, compliance) for compliance in Compliance] == [None] * len(Compliance)


def test_the_post_s_scenarios_are_numbered_in_its_order() -> None:
    assert {scenario.number: scenario.name for scenario in SCENARIOS if scenario.number} == {
        1: "disabled-cmk-not-applicable",
        2: "whitelisted-cmk-compliant",
        3: "wildcard-policy-action-not-compliant",
        4: "no-separation-of-duty-not-compliant",
        5: "separation-of-duty-compliant",
        6: "admin-actions-compliant",
        7: "admin-role-not-in-whitelist-not-compliant",
        8: "admin-role-not-allowed-actions-not-compliant",
    }


SHORTENED = [
    ("", 5, ""),
    ("abcde", 5, "abcde"),
    ("abcdef", 5, "a...f"),
    ("abcdefg", 6, "ab...g"),
    ("abcdefgh", 7, "ab...gh"),
    ("a" * 20 + "b" * 20, 20, "a" * 9 + "..." + "b" * 8),
]


@pytest.mark.parametrize(("text", "longest", "expected"), SHORTENED)
def test_a_text_is_shortened_in_its_middle(text: str, longest: int, expected: str) -> None:
    assert shortened(text, longest) == expected


ESCAPED = [
    ("alias/a", "alias/a"),
    ('a "quoted" \\ text', 'a "quoted" \\ text'),
    ("two\nlines", r"two\nlines"),
    ("\u00e9", r"\u00e9"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), ESCAPED)
def test_only_what_is_not_printable_ascii_is_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected


QUOTED: list[tuple[object, str]] = [
    ("a", '"a"'),
    (None, "null"),
    ({"a": [1, True]}, '{"a": [1, true]}'),
    (frozenset(), '"frozenset()"'),
    ("\u202e", r'"\u202e"'),
    ("x" * 58, '"' + "x" * 58 + '"'),
    ("x" * 59, '"' + "x" * 28 + "..." + "x" * 27 + '"'),
]


@pytest.mark.parametrize(("value", "expected"), QUOTED)
def test_a_value_from_outside_is_quoted_in_60_characters(value: object, expected: str) -> None:
    assert quoted(value) == expected


def test_a_reason_for_a_malformed_policy_has_100_characters() -> None:
    name = "x" * 200
    annotation = annotate(judge(replace(key(), policy=f'{{"{name}": 1, "{name}": 2}}'), PARAMETERS), "alias/a")
    assert annotation.endswith(f'[it has "{"x" * 41}...{"x" * 27}" twice in one object]')
    assert len(annotation.partition("[")[2]) == 101
