"""What a key policy grants, to whom, and when it is malformed: a table for each clause of "Reading a key policy"."""

from __future__ import annotations

import json
import string
from dataclasses import FrozenInstanceError
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError, Statement
from least_privilege.condition import Condition, Unknown, UserId
from least_privilege.pattern import Pattern
from least_privilege.permission import BY_POLICY, Duty
from least_privilege.text import quoted

type Json = dict[str, object]

YES = True
NO = False

KILOBYTES_32 = 32 * 1024
ENCRYPT, DECRYPT, CREATE, DELETE, PUT = "kms:Encrypt", "kms:Decrypt", "kms:Create*", "kms:Delete*", "kms:Put*"
ALL_FIVE = {ENCRYPT, DECRYPT, CREATE, DELETE, PUT}
NONE: set[str] = set()

LAW = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def allowing(**elements: object) -> Statement:
    return Statement.parse({"Effect": "Allow", **elements}, 1)


def permission_names(statement: Statement) -> set[str]:
    return {permission.name for permission in statement.permissions}


def policy_of(*statements: Json) -> KeyPolicy:
    return KeyPolicy.parse(json.dumps({"Version": "2012-10-17", "Statement": statements}))


# --- one statement or a list of them -------------------------------------------------------------------------------

ENCRYPTING: Json = {"Sid": "encrypting", "Effect": "Allow", "Action": "kms:Encrypt"}
DECRYPTING: Json = {"Sid": "decrypting", "Effect": "Allow", "Action": "kms:Decrypt"}

STATEMENT_SHAPES = [
    pytest.param(ENCRYPTING, [(1, "encrypting")], id="one object"),
    pytest.param([ENCRYPTING], [(1, "encrypting")], id="a list of one"),
    pytest.param([ENCRYPTING, DECRYPTING], [(1, "encrypting"), (2, "decrypting")], id="a list of two"),
    pytest.param([ENCRYPTING, ENCRYPTING], [(1, "encrypting"), (2, "encrypting")], id="the same twice"),
    pytest.param([], [], id="an empty list"),
]


@pytest.mark.parametrize(("statements", "expected"), STATEMENT_SHAPES)
def test_statements_are_one_object_or_a_list(statements: object, expected: list[tuple[int, str]]) -> None:
    policy = KeyPolicy.parse(json.dumps({"Statement": statements}))
    assert [(statement.number, statement.sid) for statement in policy.statements] == expected


def test_a_policy_is_read_alike_as_text_and_as_parsed_json() -> None:
    content: Json = {"Statement": [ENCRYPTING, {**DECRYPTING, "Condition": {"StringLike": {"aws:userId": ["A", 5]}}}]}
    assert KeyPolicy.parse(json.dumps(content)) == KeyPolicy.parse(content)


READ_VALUES = [
    ("statements", KeyPolicy.parse({"Statement": []})),
    ("actions", allowing(Action="kms:Encrypt")),
    ("granted", BY_POLICY.action_pattern("kms:Encrypt")),
    ("values", Condition.of("StringLike", "aws:userId", "AROAOTTER*")),
    ("pattern", UserId.of("AROAOTTER*")),
    ("text", Unknown("<Administrator>")),
    ("actions", BY_POLICY.permissions[0]),
    ("symbols", Pattern.of("kms:*")),
]


@pytest.mark.parametrize(("field", "value"), READ_VALUES)
def test_what_has_been_read_cannot_be_changed(field: str, value: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, ())


# An entry of a statement is made once for all policies that have it, and keeps what it has worked out. A pattern keeps
# the row of positions that others are compared with, once one is.
MADE_BY_THE_THOUSAND = [
    Condition.of("StringLike", "aws:userId", "AROAOTTER*"),
    UserId.of("AROAOTTER*"),
    Unknown("<Administrator>"),
    BY_POLICY.permissions[0],
]


@pytest.mark.parametrize("value", MADE_BY_THE_THOUSAND, ids=lambda value: type(value).__name__)
def test_what_is_made_by_the_thousand_has_no_dictionary_of_its_own(value: object) -> None:
    assert not hasattr(value, "__dict__")


def test_a_pattern_and_a_permission_show_what_they_were_made_of_and_no_more() -> None:
    assert repr(Pattern.of("a?")) == "Pattern(text='a?', symbols=('a', <Wildcard.ONE: '?'>))"
    assert repr(BY_POLICY.permissions[0]) == (
        "Permission(name='kms:Encrypt', duty=<Duty.USAGE: 'usage'>, actions=('kms:Encrypt',))"
    )


SIDS = [
    pytest.param({"Sid": "Key users"}, "Key users", id="a text"),
    pytest.param({}, "", id="missing"),
    pytest.param({"Sid": 5}, "", id="a number"),
    pytest.param({"Sid": None}, "", id="null"),
]


@pytest.mark.parametrize(("sid", "expected"), SIDS)
def test_a_statement_has_the_sid_that_it_gives_as_text(sid: Json, expected: str) -> None:
    assert allowing(Action="kms:Encrypt", **sid).sid == expected


@pytest.mark.parametrize(("effect", "counts"), [("Allow", YES), ("Deny", NO)])
def test_only_the_effect_allow_counts(effect: str, *, counts: bool) -> None:
    policy = policy_of(named("every action", effect=effect, Action="kms:*", users="AROAOTTER*"))
    assert bool(policy.opening_every_action()) is counts
    assert bool(policy.granting(Duty.USAGE)) is counts
    assert bool(policy.granting(Duty.ADMINISTRATION)) is counts
    assert bool(policy.permissions(Duty.USAGE)) is counts
    assert bool(policy.unlisted_administrators([])) is counts


UNREAD = [
    pytest.param({}, id="neither"),
    pytest.param({"Principal": {"AWS": "111122223333"}, "Resource": "*"}, id="the usual"),
    pytest.param({"Principal": "*", "Resource": "arn:aws:s3:::otters"}, id="another resource"),
    pytest.param({"NotPrincipal": {"AWS": []}, "NotResource": 5}, id="the opposites"),
    pytest.param({"Principal": None, "Resource": [[]]}, id="of wrong types"),
]


@pytest.mark.parametrize("elements", UNREAD)
def test_principal_and_resource_decide_nothing(elements: Json) -> None:
    assert permission_names(allowing(Action="kms:Encrypt", **elements)) == {ENCRYPT}


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_statement_has_the_effect_that_the_policy_gives(effect: str) -> None:
    assert Statement.parse({"Effect": effect, "Action": "kms:*"}, 1).effect == effect


ROLE = "arn:aws:iam::111122223333:role/otter"
PRINCIPALS = [
    # the elements, the principals of kind AWS, and those of kind Service
    ({}, (), ()),
    ({"Principal": "*"}, ("*",), ()),
    ({"Principal": {"AWS": "*"}}, ("*",), ()),
    ({"Principal": {"AWS": ROLE}}, (ROLE,), ()),
    ({"Principal": {"AWS": ["111122223333", ROLE]}}, ("111122223333", ROLE), ()),
    ({"Principal": {"AWS": [], "Service": "ec2.amazonaws.com"}}, (), ("ec2.amazonaws.com",)),
    ({"Principal": {"Service": ["a.amazonaws.com", "b.amazonaws.com"]}}, (), ("a.amazonaws.com", "b.amazonaws.com")),
    ({"Principal": {"AWS": [ROLE, 5, None, {}], "Service": 5}}, (ROLE,), ()),
    ({"Principal": {"aws": ROLE, "service": "ec2.amazonaws.com"}}, (), ()),
    ({"Principal": None}, (), ()),
    ({"Principal": 5}, (), ()),
    ({"NotPrincipal": {"AWS": ROLE}}, (), ()),
]


@pytest.mark.parametrize(("elements", "accounts", "services"), PRINCIPALS)
def test_the_principals_that_a_statement_names_by_kind(
    elements: Json, accounts: tuple[str, ...], services: tuple[str, ...]
) -> None:
    statement = allowing(Action="kms:Encrypt", **elements)
    assert (statement.principals("AWS"), statement.principals("Service")) == (accounts, services)
    assert statement.principals("Federated") == ()


WHAT_KMS_WANTS = [
    # the elements, whether principals are named, and whether resources are
    ({}, NO, NO),
    ({"Principal": "*", "Resource": "*"}, YES, YES),
    ({"Principal": {"Service": "ec2.amazonaws.com"}, "Resource": []}, YES, YES),
    ({"NotPrincipal": {"AWS": ROLE}, "NotResource": "*"}, YES, NO),
    ({"Principal": {}}, NO, NO),
    ({"Principal": ""}, NO, NO),
    ({"Principal": None, "Resource": None}, NO, YES),
    ({"NotPrincipal": {}}, NO, NO),
]


@pytest.mark.parametrize(("elements", "principals", "resources"), WHAT_KMS_WANTS)
def test_whether_a_statement_names_principals_and_resources(
    elements: Json, principals: object, resources: object
) -> None:
    statement = allowing(Action="kms:Encrypt", **elements)
    assert (statement.names_principals, statement.names_resources) == (principals, resources)


# --- Action --------------------------------------------------------------------------------------------------------

GRANTED_BY_ACTION = [
    # one action
    ("kms:Encrypt", {ENCRYPT}),
    ("KMS:encrypt", {ENCRYPT}),
    ("kMs:eNCRYPT", {ENCRYPT}),
    ("kms:Decrypt", {DECRYPT}),
    ("kms:*crypt", {ENCRYPT, DECRYPT}),
    ("kms:?ncrypt", {ENCRYPT}),
    ("kms:??crypt", {ENCRYPT, DECRYPT}),
    ("kms:En*", {ENCRYPT}),
    ("kms:Encrypt*", {ENCRYPT}),
    ("kms:*Encrypt", {ENCRYPT}),
    ("*:Encrypt", {ENCRYPT}),
    ("*ncrypt", {ENCRYPT}),
    ("???:Decrypt", {DECRYPT}),
    ("kms:Encrypt?", NONE),
    ("kms:Encryp", NONE),
    ("kms:Encrypts", NONE),
    ("kms:ReEncrypt*", NONE),
    ("kms:?Encrypt", NONE),
    # a group
    ("kms:Create*", {CREATE}),
    ("kms:Create", {CREATE}),
    ("kms:CreateGrant", {CREATE}),
    ("kms:CreateSomethingNew", {CREATE}),
    ("KMS:cREATEsomethingnew", {CREATE}),
    ("kms:CreateSomething?New", {CREATE}),
    ("kms:C*", {CREATE}),
    ("kms:*Grant", {CREATE}),
    ("kms:*grant*", {CREATE}),
    ("kms:?reateGrant", {CREATE}),
    ("kms:Creat?Key", {CREATE}),
    ("kms:Creat", NONE),
    ("kms:Creat?SomethingNew", NONE),
    ("kms:*SomethingNew", NONE),
    ("kms:xCreateGrant", NONE),
    ("kms:Delete*", {DELETE}),
    ("kms:DeleteAlias", {DELETE}),
    ("kms:DeleteSomethingNew", {DELETE}),
    ("kms:De*", {DECRYPT, DELETE}),
    ("kms:D*", {DECRYPT, DELETE}),
    ("kms:*Material", {DELETE}),
    ("kms:Put*", {PUT}),
    ("kms:PutKeyPolicy", {PUT}),
    ("kms:PutSomethingNew", {PUT}),
    ("kms:P*", {PUT}),
    ("kms:*Policy", {PUT}),
    ("kms:*Alias", {CREATE, DELETE}),
    ("kms:*Store", {CREATE, DELETE}),
    ("kms:*Key*", {CREATE, DELETE, PUT}),
    ("kms:*t*", {ENCRYPT, DECRYPT, CREATE, DELETE, PUT}),
    # all of them
    ("kms:*", ALL_FIVE),
    ("*", ALL_FIVE),
    ("k*", ALL_FIVE),
    # none of them
    ("", NONE),
    ("kms", NONE),
    ("kms:", NONE),
    ("kms:?", NONE),
    ("kms:GetKeyPolicy", NONE),
    ("kms:Describe*", NONE),
    ("kms:ScheduleKeyDeletion", NONE),
    ("s3:*", NONE),
    ("s3:CreateBucket", NONE),
    ("xkms:Encrypt", NONE),
    # lists
    ([], NONE),
    (["kms:Encrypt"], {ENCRYPT}),
    (["kms:Encrypt", "kms:Put*"], {ENCRYPT, PUT}),
    (["s3:GetObject", "kms:CreateGrant", "kms:CreateKey"], {CREATE}),
    (["kms:En*", "kms:De*", "kms:C*", "kms:P*"], ALL_FIVE),
]

HOSTILE_ACTIONS = [
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", NONE, id="eight stars"),
    pytest.param("kms:" + "*t" * (KILOBYTES_32 // 2), NONE, id="32 KB of stars and letters"),
    pytest.param("kms:Encrypt" + "*" * KILOBYTES_32, {ENCRYPT}, id="32 KB of stars"),
    pytest.param("kms:Create" + "?" * KILOBYTES_32, {CREATE}, id="32 KB of question marks"),
    pytest.param(["kms:*a*a*a*a*b"] * 2000 + ["kms:Decrypt"], {DECRYPT}, id="2000 entries and one"),
]


@pytest.mark.parametrize(("action", "expected"), [*GRANTED_BY_ACTION, *HOSTILE_ACTIONS])
def test_what_an_action_grants(action: object, expected: set[str]) -> None:
    assert permission_names(allowing(Action=action)) == expected


OPENING_ACTIONS = [
    ("kms:*", YES),
    ("*", YES),
    ("**", YES),
    ("kms:**", YES),
    ("k*", YES),
    ("K*", YES),
    ("KMS:*", YES),
    ("kms*", YES),
    ("kms:?*", YES),
    ("kms:*?", YES),
    ("kms?*", YES),
    ("*:*", YES),
    ("?ms:*", YES),
    ("?????*", YES),
    (["kms:Encrypt", "*"], YES),
    (["kms:*", "kms:Encrypt"], YES),
    ("kms:D*", NO),
    ("kms:*e*", NO),
    ("kms:*y", NO),
    ("kms:??*", NO),
    ("kms:?", NO),
    ("kms:", NO),
    ("kms", NO),
    ("", NO),
    ("s3:*", NO),
    ([], NO),
    (["kms:Create*", "kms:Delete*", "kms:Put*", "kms:Encrypt", "kms:Decrypt"], NO),
    (["kms:A*", "kms:C*", "kms:D*", "kms:E*", "kms:G*", "kms:I*", "kms:L*", "kms:P*", "kms:R*", "kms:S*"], NO),
    (["kms:?", "kms:??*"], NO),
]

HOSTILE_OPENINGS = [
    pytest.param("kms:" + "*" * KILOBYTES_32, YES, id="32 KB of stars"),
    pytest.param("k" + "*" * 124, YES, id="125 characters"),
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", NO, id="eight stars"),
    pytest.param("kms:" + "*a" * (KILOBYTES_32 // 2), NO, id="32 KB of stars and letters"),
]


@pytest.mark.parametrize(("action", "expected"), [*OPENING_ACTIONS, *HOSTILE_OPENINGS])
def test_whether_an_action_opens_all_kms_actions(action: object, *, expected: bool) -> None:
    assert allowing(Action=action).opens_every_action is expected


# --- NotAction -----------------------------------------------------------------------------------------------------

TODAYS_CREATE_ACTIONS = ["kms:CreateAlias", "kms:CreateCustomKeyStore", "kms:CreateGrant", "kms:CreateKey"]

GRANTED_BY_NOT_ACTION = [
    ("kms:Put*", {CREATE, DELETE, ENCRYPT, DECRYPT}),
    ("KMS:pUT*", {CREATE, DELETE, ENCRYPT, DECRYPT}),
    ("kms:P*", {CREATE, DELETE, ENCRYPT, DECRYPT}),
    ("kms:*crypt", {CREATE, DELETE, PUT}),
    ("kms:D*", {ENCRYPT, CREATE, PUT}),
    ("kms:Encrypt", {DECRYPT, CREATE, DELETE, PUT}),
    ("kms:Create*", {ENCRYPT, DECRYPT, DELETE, PUT}),
    ("*Create*", {ENCRYPT, DECRYPT, DELETE, PUT}),
    (["kms:Create*", "kms:Delete*", "kms:Put*"], {ENCRYPT, DECRYPT}),
    (["kms:Encrypt", "kms:Decrypt"], {CREATE, DELETE, PUT}),
    ("kms:*", NONE),
    ("KMS:*", NONE),
    ("kms:?*", NONE),
    ("*", NONE),
    (["s3:*", "kms:*"], NONE),
    # only a pattern that covers a whole group exempts it
    ("kms:FooBar", ALL_FIVE),
    ("kms:Create", ALL_FIVE),
    ("kms:Create?*", ALL_FIVE),
    (["kms:Create", "kms:Create?*"], ALL_FIVE),
    ("kms:CreateGrant", ALL_FIVE),
    (TODAYS_CREATE_ACTIONS, ALL_FIVE),
    ("kms:PutKeyPolicy", ALL_FIVE),
    ("kms:*t", {CREATE, DELETE, PUT}),
    # what concerns no KMS action exempts none
    ([], ALL_FIVE),
    ("", ALL_FIVE),
    ("s3:*", ALL_FIVE),
]


@pytest.mark.parametrize(("not_action", "expected"), GRANTED_BY_NOT_ACTION)
def test_what_a_not_action_leaves_granted(not_action: object, expected: set[str]) -> None:
    assert permission_names(allowing(NotAction=not_action)) == expected


OPENING_NOT_ACTIONS = [
    ([], YES),
    ("s3:*", YES),
    (["s3:*"], YES),
    (["s3:*", "ec2:*"], YES),
    ("", YES),
    ("kms", YES),
    ("???", YES),
    ("s*", YES),
    ("kms:Put*", NO),
    ("kms:FooBar", NO),
    ("KMS:FooBar", NO),
    ("KMS:*", NO),
    ("kms:", NO),
    ("*", NO),
    ("k*", NO),
    ("????", NO),
    ("*FooBar", NO),
    ("*:ListAliases", NO),
    ("?ms:ListAliases", NO),
    (["s3:*", "kms:FooBar"], NO),
    (TODAYS_CREATE_ACTIONS, NO),
]


@pytest.mark.parametrize(("not_action", "expected"), OPENING_NOT_ACTIONS)
def test_whether_a_not_action_opens_all_kms_actions(not_action: object, *, expected: bool) -> None:
    assert allowing(NotAction=not_action).opens_every_action is expected


# --- duties --------------------------------------------------------------------------------------------------------

DUTIES = [
    ({"Action": "kms:Encrypt"}, {Duty.USAGE}),
    ({"Action": "kms:Decrypt"}, {Duty.USAGE}),
    ({"Action": "kms:CreateGrant"}, {Duty.ADMINISTRATION}),
    ({"Action": "kms:DeleteAlias"}, {Duty.ADMINISTRATION}),
    ({"Action": "kms:PutKeyPolicy"}, {Duty.ADMINISTRATION}),
    ({"Action": "kms:D*"}, {Duty.USAGE, Duty.ADMINISTRATION}),
    ({"Action": "kms:GetKeyPolicy"}, set()),
    ({"Action": []}, set()),
    ({"NotAction": "kms:*crypt"}, {Duty.ADMINISTRATION}),
    ({"NotAction": ["kms:Create*", "kms:Delete*", "kms:Put*"]}, {Duty.USAGE}),
    ({"NotAction": "kms:Put*"}, {Duty.USAGE, Duty.ADMINISTRATION}),
    ({"NotAction": "kms:*"}, set()),
]


@pytest.mark.parametrize(("elements", "expected"), DUTIES)
def test_the_duties_that_a_statement_grants(elements: Json, expected: set[Duty]) -> None:
    statement = allowing(**elements)
    assert {duty for duty in Duty if statement.grants(duty)} == expected


DECIDING_ACTIONS = [
    ({"Action": "KMS:encrypt"}, [Duty.USAGE], ("KMS:encrypt",)),
    ({"Action": "KMS:encrypt"}, [Duty.ADMINISTRATION], ()),
    (
        {"Action": ["kms:Put*", "kms:ListAliases", "kms:En*", "kms:CREATEgrant", "kms:D*"]},
        [Duty.USAGE],
        ("kms:En*", "kms:D*"),
    ),
    (
        {"Action": ["kms:Put*", "kms:ListAliases", "kms:En*", "kms:CREATEgrant", "kms:D*"]},
        [Duty.ADMINISTRATION],
        ("kms:Put*", "kms:CREATEgrant", "kms:D*"),
    ),
    (
        {"Action": ["kms:Put*", "kms:ListAliases", "kms:En*", "kms:CREATEgrant", "kms:D*"]},
        [Duty.USAGE, Duty.ADMINISTRATION],
        ("kms:Put*", "kms:En*", "kms:CREATEgrant", "kms:D*"),
    ),
    ({"Action": ["kms:Encrypt", "K*", "kms:D*", "*"]}, [], ("K*", "*")),
    ({"Action": ["kms:Encrypt"]}, [], ()),
    ({"NotAction": "kms:FooBar"}, [Duty.USAGE], ("NotAction kms:FooBar",)),
    ({"NotAction": ["S3:*", "ec2:*"]}, [], ("NotAction S3:*, ec2:*",)),
    ({"NotAction": []}, [], ("NotAction []",)),
]


@pytest.mark.parametrize(("elements", "duties", "expected"), DECIDING_ACTIONS)
def test_the_actions_that_decided_are_told_as_written(
    elements: Json, duties: list[Duty], expected: tuple[str, ...]
) -> None:
    assert allowing(**elements).deciding_actions(*duties) == expected


GRANTED_BY_ENTRIES = [
    ({"Action": ["kms:En*", "kms:*crypt", "kms:Put*"]}, ENCRYPT, ("kms:En*", "kms:*crypt")),
    ({"Action": ["kms:En*", "kms:*crypt", "kms:Put*"]}, DECRYPT, ("kms:*crypt",)),
    ({"Action": ["kms:En*", "kms:*crypt", "kms:Put*"]}, CREATE, ()),
    ({"Action": "KMS:cREATEgrant"}, CREATE, ("KMS:cREATEgrant",)),
    ({"NotAction": ["S3:*", "ec2:*"]}, CREATE, ("NotAction S3:*, ec2:*",)),
    ({"NotAction": []}, PUT, ("NotAction []",)),
]


@pytest.mark.parametrize(("elements", "name", "expected"), GRANTED_BY_ENTRIES)
def test_the_entries_that_grant_a_permission_are_told_as_written(
    elements: Json, name: str, expected: tuple[str, ...]
) -> None:
    [permission] = [permission for permission in BY_POLICY.permissions if permission.name == name]
    assert allowing(**elements).granting(permission) == expected


def test_an_entry_that_recurs_is_read_once_and_a_long_one_is_not_kept() -> None:
    assert BY_POLICY.action_pattern("kms:" + "*" * 124) is BY_POLICY.action_pattern("kms:" + "*" * 124)
    assert BY_POLICY.action_pattern("kms:" + "*" * 125) is not BY_POLICY.action_pattern("kms:" + "*" * 125)


@pytest.mark.parametrize(("others", "kept"), [(4095, YES), (4096, NO)])
def test_of_the_entries_that_recur_the_last_4096_are_kept(others: int, *, kept: bool) -> None:
    first = BY_POLICY.action_pattern("kms:first")
    for number in range(others):
        BY_POLICY.action_pattern(f"kms:{number}")
    assert (BY_POLICY.action_pattern("kms:first") is first) is kept


# --- the questions that the scenarios ask of a whole policy --------------------------------------------------------


OTTERS = "AROAOTTER*"
HERONS = "AROAHERON*"


def named(sid: str, *, effect: str = "Allow", users: object = None, **elements: object) -> Json:
    condition: Json = {} if users is None else {"Condition": {"StringLike": {"aws:userId": users}}}
    return {"Sid": sid, "Effect": effect, **elements, **condition}


MIXED_POLICY = (
    named("usage", Action=["kms:Encrypt", "kms:Decrypt"], users=OTTERS),
    named("reading", Action="kms:GetKeyPolicy"),
    named("creating", Action="kms:CreateGrant", users=HERONS),
    named("putting", Action="kms:PutKeyPolicy"),
    named("opening", Action="kms:*", users=OTTERS),
    named("opening but NotAction", NotAction="s3:*", users=["*"]),
    named("denying", effect="Deny", Action="kms:*"),
    named("both duties", NotAction="kms:FooBar", users=OTTERS),
)


def sids(statements: tuple[Statement, ...]) -> list[str]:
    return [statement.sid for statement in statements]


def test_the_statements_that_open_all_actions() -> None:
    assert sids(policy_of(*MIXED_POLICY).opening_every_action()) == ["opening", "opening but NotAction"]


GRANTING = [
    ([Duty.USAGE], ["usage", "opening", "opening but NotAction", "both duties"]),
    ([Duty.ADMINISTRATION], ["creating", "putting", "opening", "opening but NotAction", "both duties"]),
    (list(Duty), ["usage", "creating", "putting", "opening", "opening but NotAction", "both duties"]),
]


@pytest.mark.parametrize(("duties", "expected"), GRANTING)
def test_the_statements_that_grant_duties(duties: list[Duty], expected: list[str]) -> None:
    assert sids(policy_of(*MIXED_POLICY).granting(*duties)) == expected


def test_the_statements_that_grant_a_duty_to_unlimited_users() -> None:
    policy = policy_of(*MIXED_POLICY)
    assert sids(policy.granting_without_limit()) == ["putting", "opening but NotAction"]


TOGETHER = [
    pytest.param([], [], [], id="nothing"),
    pytest.param([named("a", Action="kms:*")], [ENCRYPT, DECRYPT], [CREATE, DELETE, PUT], id="by one statement"),
    pytest.param(
        [named("a", Action="kms:Put*"), named("b", Action=["kms:Delete*", "kms:En*"]), named("c", Action="kms:C*")],
        [ENCRYPT],
        [CREATE, DELETE, PUT],
        id="by three together",
    ),
    pytest.param(
        [named("a", Action="kms:Put*"), named("b", effect="Deny", Action=["kms:Delete*", "kms:Create*"])],
        [],
        [PUT],
        id="a Deny adds none",
    ),
    pytest.param(
        [named("a", Action="kms:*"), named("b", effect="Deny", Action="kms:*")],
        [ENCRYPT, DECRYPT],
        [CREATE, DELETE, PUT],
        id="a Deny takes none",
    ),
]


@pytest.mark.parametrize(("statements", "usage", "administration"), TOGETHER)
def test_the_permissions_of_all_statements_together(
    statements: list[Json], usage: list[str], administration: list[str]
) -> None:
    policy = policy_of(*statements)
    assert [permission.name for permission in policy.permissions(Duty.USAGE)] == usage
    assert [permission.name for permission in policy.permissions(Duty.ADMINISTRATION)] == administration


ADMINISTRATORS = [
    # user ids of the policy, patterns of Admin_User_Id, those that none covers
    (["AROAOTTERABC:*"], ["AROAOTTER*"], ()),
    (["AROAOTTERABC:alice"], ["AROAOTTER*"], ()),
    (["AROAOTTER*"], ["AROAOTTER*"], ()),
    (["AROAO*"], ["AROAOTTER*"], ("AROAO*",)),
    (["AROAOTTER*"], ["AROAOTTER?"], ("AROAOTTER*",)),
    (["AROAOTTERA"], ["AROAOTTER?"], ()),
    (["arOAOTTERABC"], ["AROAOTTER*"], ("arOAOTTERABC",)),
    (["AROAOTTER*"], [], ("AROAOTTER*",)),
    (["AROAOTTER*"], ["*"], ()),
    (["AROAHERON*", "AROAOTTER*"], ["AROAOTTER*", "AROAHERON*"], ()),
    (["AROAHERON*", "AROAOTTER*", "AROACRANE*"], ["AROAOTTER*"], ("AROAHERON*", "AROACRANE*")),
    # one pattern has to cover an id alone
    (["AROAOTTER*"], ["AROAOTTER", "AROAOTTER?*"], ("AROAOTTER*",)),
    # an escaped wildcard of the policy is one plain character
    (["AROAOTTER${*}"], ["AROAOTTER?"], ()),
    (["AROAOTTER${*}"], ["AROAOTTER*"], ()),
    (["AROAOTTER${?}"], ["AROAOTTERA"], ("AROAOTTER${?}",)),
    (["AROAOTTER${$}"], ["AROAOTTER$"], ()),
    # told once, in the policy's order
    (["AROAOTTER2", "AROAOTTER1", "AROAOTTER2"], [], ("AROAOTTER2", "AROAOTTER1")),
    # a condition that does not count names nobody
    (["AROAOTTER*", "*"], [], ()),
]


@pytest.mark.parametrize(("user_ids", "allowed", "expected"), ADMINISTRATORS)
def test_the_administrators_that_no_pattern_covers(
    user_ids: list[str], allowed: list[str], expected: tuple[str, ...]
) -> None:
    policy = policy_of(named("administration", Action="kms:Put*", users=user_ids))
    assert policy.unlisted_administrators(map(Pattern.of, allowed)) == expected


def test_only_statements_that_grant_administration_name_administrators() -> None:
    policy = policy_of(
        named("usage", Action="kms:Encrypt", users="AROACRANE*"),
        named("denying", effect="Deny", Action="kms:Put*", users="AROASTORK*"),
        named("creating", Action="kms:Create*", users=OTTERS),
        named("both duties", NotAction="kms:Encrypt", users=[HERONS, OTTERS]),
    )
    assert policy.unlisted_administrators([]) == (OTTERS, HERONS)
    assert policy.unlisted_administrators([Pattern.of(OTTERS)]) == (HERONS,)


def test_each_administrator_has_the_numbers_of_its_statements() -> None:
    policy = policy_of(
        named("creating", Action="kms:Create*", users=[OTTERS, HERONS, OTTERS]),
        named("usage", Action="kms:Encrypt", users=OTTERS),
        named("denying", effect="Deny", Action="kms:Put*", users=OTTERS),
        named("deleting", Action="kms:Delete*", users=[OTTERS, "*"]),
        named("putting", Action="kms:Put*", users=[OTTERS]),
    )
    numbers = {user_id.text: found for user_id, found in policy.administrators.items()}
    assert numbers == {OTTERS: (1, 5), HERONS: (1,)}
    assert list(numbers) == [OTTERS, HERONS]


def test_a_hostile_user_id_is_compared_exactly() -> None:
    user_id = "AROAB" + "*a" * (KILOBYTES_32 // 2)
    policy = policy_of(named("administration", Action="kms:Put*", users=user_id))
    assert policy.unlisted_administrators([Pattern.of("AROAB*a*a*a*a*a*a*a*a*b")]) == (user_id,)
    assert policy.unlisted_administrators([Pattern.of("AROAB*a*a*a*a*a*a*a*a")]) == ()


# --- malformed policies --------------------------------------------------------------------------------------------

WHOLE_POLICIES = [
    ("kms:*", "it is not JSON (Expecting value: line 1 column 1 (char 0))"),
    ("[]", "it is no JSON object"),
    ('"kms:*"', "it is no JSON object"),
    ("null", "it is no JSON object"),
    ("5", "it is no JSON object"),
    ("{}", "it has no Statement"),
    ('{"statement": []}', "it has no Statement"),
    ('{"Statement": null}', "statement 1 is no JSON object"),
    ('{"Statement": "kms:*"}', "statement 1 is no JSON object"),
    ('{"Statement": 5}', "statement 1 is no JSON object"),
    ('{"Statement": NaN}', "it is not JSON (NaN is no JSON value)"),
    ('{"Statement": [], "Version": Infinity}', "it is not JSON (Infinity is no JSON value)"),
    ('{"Statement": [], "Version": [-Infinity]}', "it is not JSON (-Infinity is no JSON value)"),
    ('{"Statement": [], "Statement": []}', 'it has "Statement" twice in one object'),
    ('{"Statement": [], "Id": "a", "Id": "a"}', 'it has "Id" twice in one object'),
    (r'{"Statement": [], "Id": "a", "\u0049d": "b"}', 'it has "Id" twice in one object'),
    ('{"Statement": [{"Effect": "Deny", "Action": "*", "Effect": "Allow"}]}', 'it has "Effect" twice in one object'),
    (
        '{"Statement": {"Effect": "Allow", "Action": "kms:*", "Condition": '
        '{"StringLike": {"aws:userId": "AROAOTTER*", "aws:userId": "*"}}}}',
        'it has "aws:userId" twice in one object',
    ),
]

DEEP = 100_000
DEEP_POLICIES = [
    pytest.param("[" * DEEP, id="lists without an end"),
    pytest.param("[" * DEEP + "]" * DEEP, id="lists"),
    pytest.param('{"Statement":' * DEEP + "0" + "}" * DEEP, id="objects"),
]

NOT_JSON = [
    pytest.param("", id="nothing"),
    pytest.param(" ", id="a space"),
    pytest.param("kms:*", id="plain text"),
    pytest.param("{", id="no end"),
    pytest.param("{'Statement': []}", id="single quotes"),
    pytest.param('{"Statement": [],}', id="a comma too many"),
    pytest.param('{"Statement": []} {}', id="two documents"),
    pytest.param('{"Statement": "\n"}', id="a line break in a string"),
    pytest.param('\N{ZERO WIDTH NO-BREAK SPACE}{"Statement": []}', id="a byte order mark"),
    pytest.param('{"Statement": ' + "1" * 5000 + "}", id="a number of 5000 digits"),
]


@pytest.mark.parametrize(("document", "message"), WHOLE_POLICIES)
def test_a_malformed_policy_says_what_is_wrong(document: str, message: str) -> None:
    with pytest.raises(PolicyError) as raised:
        KeyPolicy.parse(document)
    assert str(raised.value) == message


@pytest.mark.parametrize("document", NOT_JSON)
def test_what_is_not_json_is_called_so(document: str) -> None:
    with pytest.raises(PolicyError, match=r"^it is not JSON \(.+\)$"):
        KeyPolicy.parse(document)


@pytest.mark.parametrize("document", DEEP_POLICIES)
def test_a_policy_nested_too_deeply_is_malformed(document: str) -> None:
    with pytest.raises(PolicyError, match=r"^its JSON is nested too deeply$"):
        KeyPolicy.parse(document)


def test_names_that_differ_in_case_are_not_the_same_name() -> None:
    document = '{"Statement": [], "Id": "a", "id": "b", "Version": {"Id": "c"}}'
    assert KeyPolicy.parse(document).statements == ()


NO_ACTION_LIST = "the Action of statement 2 is neither a string nor a list of strings"
NO_NOT_ACTION_LIST = "the NotAction of statement 2 is neither a string nor a list of strings"
NO_CONDITION = "the Condition of statement 2 is not an object of objects"

MALFORMED_STATEMENTS: list[tuple[Json, str]] = [
    ({}, "statement 2 has neither Action nor NotAction"),
    ({"action": "kms:Encrypt"}, 'statement 2 has the element "action", which IAM does not have'),
    ({"Condition": []}, "statement 2 has neither Action nor NotAction"),
    ({"Action": "kms:Encrypt", "NotAction": "kms:Put*"}, "statement 2 has both Action and NotAction"),
    ({"Action": [], "NotAction": []}, "statement 2 has both Action and NotAction"),
    ({"Action": None, "NotAction": None}, "statement 2 has both Action and NotAction"),
    ({"Action": None}, NO_ACTION_LIST),
    ({"Action": 5}, NO_ACTION_LIST),
    ({"Action": True}, NO_ACTION_LIST),
    ({"Action": {}}, NO_ACTION_LIST),
    ({"Action": {"kms:Encrypt": "kms:Encrypt"}}, NO_ACTION_LIST),
    ({"Action": [5]}, NO_ACTION_LIST),
    ({"Action": [None]}, NO_ACTION_LIST),
    ({"Action": ["kms:Encrypt", 5]}, NO_ACTION_LIST),
    ({"Action": [["kms:Encrypt"]]}, NO_ACTION_LIST),
    ({"NotAction": None}, NO_NOT_ACTION_LIST),
    ({"NotAction": 5}, NO_NOT_ACTION_LIST),
    ({"NotAction": {}}, NO_NOT_ACTION_LIST),
    ({"NotAction": ["kms:*", []]}, NO_NOT_ACTION_LIST),
    ({"Action": "kms:Encrypt", "Condition": None}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": []}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": "StringLike"}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": {"StringLike": None}}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": {"StringLike": "aws:userId"}}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": {"StringLike": [{"aws:userId": "A"}]}}, NO_CONDITION),
    ({"Action": "kms:Encrypt", "Condition": {"Bool": 5}}, NO_CONDITION),
    ({"NotAction": "kms:*", "Condition": {"StringLike": {"aws:userId": "A"}, "Bool": []}}, NO_CONDITION),
]

# Of the two names of a pair a statement has one at most, whatever they hold.
BOTH_OF_A_PAIR: list[tuple[Json, str]] = [
    ({"Principal": {"AWS": ROLE}, "NotPrincipal": {"AWS": ROLE}}, "Principal and NotPrincipal"),
    ({"Principal": {}, "NotPrincipal": {"AWS": ROLE}}, "Principal and NotPrincipal"),
    ({"Principal": None, "NotPrincipal": None}, "Principal and NotPrincipal"),
    ({"Resource": "*", "NotResource": "*"}, "Resource and NotResource"),
    ({"Resource": [], "NotResource": []}, "Resource and NotResource"),
    ({"Principal": "*", "NotPrincipal": "*", "Resource": "*", "NotResource": "*"}, "Principal and NotPrincipal"),
]
# In exactly these letters: an element that one reader knows and another does not says two things.
NO_ELEMENTS = [
    *("effect", "EFFECT", "action", "ACTION", "notaction", "principal", "notPrincipal", "resource", "condition"),
    *("sid", "SID", "Actions", "Conditions", "Principals", " Action", "Action ", "Statement", "Id", "Version", ""),
    "Acti\N{LATIN SMALL LETTER DOTLESS I}on",
]
WHITE_SPACE_AND_BEYOND_ASCII = [
    *(" kms:Encrypt", "kms:Encrypt ", "kms: Encrypt", " kms:CreateGrant", " kms:*", "kms:* ", " ", "s3: *"),
    *("kms:Encrypt\n", "\tkms:Encrypt", "kms:Encrypt\r", "kms:\x0bEncrypt", "kms:\x0cEncrypt", "kms:\x1cEncrypt"),
    *("\N{KELVIN SIGN}ms:Encrypt", "\N{KELVIN SIGN}ms:*", "km\N{LATIN SMALL LETTER LONG S}:CreateGrant"),
    *("kms:Encr\N{CYRILLIC SMALL LETTER U}pt", "kms:\N{NO-BREAK SPACE}Encrypt", "kms:Encrypt\x85", "\ud800"),
    *("\N{ZERO WIDTH SPACE}kms:*", "kms:\N{FULLWIDTH ASTERISK}", "kms:Encrypt\x80"),
]


def refused(elements: Json, effect: str = "Deny") -> str:
    """What is said of a policy whose second statement has these elements."""
    with pytest.raises(PolicyError) as raised:
        policy_of(ENCRYPTING, {"Effect": effect, **elements}, DECRYPTING)
    return str(raised.value)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(("elements", "message"), MALFORMED_STATEMENTS)
def test_a_malformed_statement_is_named(effect: str, elements: Json, message: str) -> None:
    assert refused(elements, effect) == message


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(("elements", "pair"), BOTH_OF_A_PAIR)
def test_a_statement_with_both_elements_of_a_pair_is_named(effect: str, elements: Json, pair: str) -> None:
    assert refused({"Action": "kms:Encrypt", **elements}, effect) == f"statement 2 has both {pair}"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("name", NO_ELEMENTS)
def test_an_element_that_iam_does_not_have_is_named(effect: str, name: str) -> None:
    expected = f"statement 2 has the element {quoted(name)}, which IAM does not have"
    assert refused({"Action": "kms:Encrypt", name: "*"}, effect) == expected


@pytest.mark.parametrize("element", ["Action", "NotAction"])
@pytest.mark.parametrize("entry", WHITE_SPACE_AND_BEYOND_ASCII)
def test_an_entry_with_a_character_that_no_action_has_is_named(element: str, entry: str) -> None:
    expected = f"the {element} of statement 2 has white space or non-ASCII characters in {quoted(entry)}"
    for effect in ("Allow", "Deny"):
        assert refused({element: entry}, effect) == expected
        assert refused({element: ["kms:Decrypt", entry]}, effect) == expected


def test_characters_of_ascii_that_no_action_has_are_no_white_space() -> None:
    others = "".join(map(chr, range(128))).translate(dict.fromkeys(map(ord, string.whitespace + "\x1c\x1d\x1e\x1f")))
    assert permission_names(allowing(Action=["kms:Encrypt", f"kms:{others}"])) == {ENCRYPT}


NO_EFFECTS: list[object] = [
    *("allow", "ALLOW", " Allow", "Allow ", "deny", "DENY", "Deny ", "Allow,Deny", "", "*"),
    *(None, True, 5, ["Allow"], ["Deny"], [], {}, {"Effect": "Allow"}),
]


def test_a_statement_without_an_effect_is_named() -> None:
    with pytest.raises(PolicyError) as raised:
        policy_of(ENCRYPTING, {"Action": "kms:Encrypt"})
    assert str(raised.value) == "statement 2 has no Effect, write Allow or Deny"


@pytest.mark.parametrize("effect", NO_EFFECTS, ids=repr)
def test_an_effect_that_is_neither_allow_nor_deny_is_named(effect: object) -> None:
    expected = f"statement 2 has the Effect {quoted(effect)}, write Allow or Deny"
    assert refused({"Effect": effect, "Action": "kms:Encrypt"}) == expected


# Readers disagree which of two such names holds, or whether both do.
NAMES_ALIKE: list[tuple[Json, str]] = [
    ({"StringLike": {"aws:userId": "A", "aws:userid": "B"}}, '"aws:userId" and "aws:userid"'),
    ({"StringLike": {"aws:userId": "A", "AWS:USERID": "A"}}, '"aws:userId" and "AWS:USERID"'),
    ({"StringLike": {"aws:userId": "A"}, "stringlike": {"aws:userId": "B"}}, '"StringLike" and "stringlike"'),
    ({"StringLike": {}, "STRINGLIKE": {}}, '"StringLike" and "STRINGLIKE"'),
    ({"Bool": {"b": "true"}, "Null": {"a": "true", "c": "x", "A": "false"}}, '"a" and "A"'),
    ({"StringLike": {"aws:userId": {"a": 1, "A": 2}}}, '"a" and "A"'),
    ({"StringLike": {"aws:userId": ["A", [{"b": {"a": 1, "A": 2}}]]}}, '"a" and "A"'),
    ({"Bool": {"x": {"otter": 1, "Otter": 2, "OTTER": 3}}}, '"otter" and "Otter"'),
]
NAMES_APART = [
    pytest.param({"StringLike": {"aws:userId": "A"}, "StringEquals": {"aws:userid": "B"}}, id="in two objects"),
    pytest.param({"StringLike": {"kms:ViaService": "A", "\N{KELVIN SIGN}ms:ViaService": "B"}}, id="beyond ASCII"),
    pytest.param({"StringLike": {"aws:userId": ["A", "a"]}}, id="values"),
    pytest.param({"StringLike": {"aws:userId": "StringLike", "StringLike": "x"}}, id="an operator and a key"),
    pytest.param({"StringLike": {"aws:userId": "A", "aws:userId ": "B"}}, id="a space"),
]


@pytest.mark.parametrize(("condition", "names"), NAMES_ALIKE)
def test_names_of_a_condition_that_differ_in_case_alone_are_told(condition: Json, names: str) -> None:
    found = refused({"Action": "kms:Encrypt", "Condition": condition})
    assert found == f"the Condition of statement 2 has both {names}, keep one"


@pytest.mark.parametrize("condition", NAMES_APART)
def test_names_of_a_condition_that_differ_in_more_than_case_may_stand_together(condition: Json) -> None:
    assert allowing(Action="kms:Encrypt", Condition=condition).grants(Duty.USAGE)


def test_names_of_a_principal_that_differ_in_case_may_stand_together() -> None:
    assert allowing(Action="kms:Encrypt", Principal={"AWS": ROLE, "aws": "*"}).principals("AWS") == (ROLE,)


@pytest.mark.parametrize("content", [None, 5, "kms:*", True, [ENCRYPTING], []], ids=repr)
def test_a_statement_that_is_no_object_is_named(content: object) -> None:
    with pytest.raises(PolicyError) as raised:
        KeyPolicy.parse({"Statement": [ENCRYPTING, DECRYPTING, content]})
    assert str(raised.value) == "statement 3 is no JSON object"


# --- laws ----------------------------------------------------------------------------------------------------------

PIECES = ["kms:", "KMS:", "k", "s3:", "Create", "Delete", "Put", "Grant", "Encrypt", "crypt", "De", "*", "?", "x"]
ENTRIES = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
ELEMENTS = st.sampled_from(["Action", "NotAction"])


@LAW
@given(ELEMENTS, st.lists(ENTRIES, max_size=3))
def test_what_opens_all_actions_grants_every_permission(element: str, entries: list[str]) -> None:
    """A statement that opens all KMS actions grants the five permissions, by `Action` and by `NotAction`."""
    statement = allowing(**{element: entries})
    assert not statement.opens_every_action or permission_names(statement) == ALL_FIVE


@LAW
@given(ELEMENTS, ENTRIES)
def test_letter_case_changes_nothing(element: str, entry: str) -> None:
    """An entry and the same entry with its small and capital letters exchanged say the same."""
    statement, exchanged = allowing(**{element: entry}), allowing(**{element: entry.swapcase()})
    assert permission_names(statement) == permission_names(exchanged)
    assert statement.opens_every_action is exchanged.opens_every_action


@LAW
@given(ENTRIES)
def test_what_is_taken_out_by_not_action_is_granted_by_action(entry: str) -> None:
    """Between them, an `Action` and a `NotAction` of the same entry leave out no permission."""
    both = permission_names(allowing(Action=entry)) | permission_names(allowing(NotAction=entry))
    assert both == ALL_FIVE


@LAW
@given(ENTRIES, ENTRIES)
def test_a_list_of_actions_grants_what_its_entries_grant(first: str, second: str) -> None:
    """Two entries of an `Action` grant together what each grants; of a `NotAction`, what both leave."""
    apart = [permission_names(allowing(Action=entry)) for entry in (first, second)]
    left = [permission_names(allowing(NotAction=entry)) for entry in (first, second)]
    assert permission_names(allowing(Action=[first, second])) == apart[0] | apart[1]
    assert permission_names(allowing(NotAction=[first, second])) == left[0] & left[1]


def test_the_order_of_statements_decides_nothing() -> None:
    """Any order of the same statements grants the same permissions and leaves the same administrators unlisted."""
    answers = {
        (policy.permissions(Duty.USAGE), policy.permissions(Duty.ADMINISTRATION), unlisted)
        for order in permutations(MIXED_POLICY[:5])
        for policy in [policy_of(*order)]
        for unlisted in [frozenset(policy.unlisted_administrators([Pattern.of(OTTERS)]))]
    }
    assert answers == {(BY_POLICY.permissions[:2], BY_POLICY.permissions[2:], frozenset({HERONS}))}
