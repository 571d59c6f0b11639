"""What holds of every key policy with `SeparateDutiesBy` = `User`. Each law is the docstring of its test.

Three readings that share no code with the rule stand beside it: the oracle, which was written from the specification,
and the engines of moto and policyuniverse, which say which operations a concrete user may call.
"""

from __future__ import annotations

import fnmatch
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Compliance, judge
from tests.policy import oracle
from tests.policy.real_policies import REAL_POLICIES
from tests.policy.strategies import (
    KMS_ACTIONS,
    Json,
    Texts,
    law,
    policy_text,
    recased,
    string_or_list,
    widened,
)

with warnings.catch_warnings():
    # policyuniverse leaves a file of its own open.
    warnings.simplefilter("ignore", ResourceWarning)
    policyuniverse = import_module("policyuniverse.expander_minimizer")

SEPARATE = "separate-users-compliant"
SHARED = "admin-role-not-allowed-actions-not-compliant"

ADMINISTRATORS = ["AROAOTTER*", "AIDASEAL", "AIDA?S*:x"]
CHOICES: Mapping[str, Json] = {
    "Policy": {},
    "Policy, strict": {"strict": True},
    "User": {"by_user": True},
    "User, strict": {"by_user": True, "strict": True},
}


def rule_parameters(*, by_user: bool = False, strict: bool = False) -> RuleParameters:
    return RuleParameters.parse(
        {
            "Admin_User_Id": ",".join(ADMINISTRATORS),
            "SeparateDutiesBy": "User" if by_user else "Policy",
            "StrictSeparationOfDuties": "true" if strict else "false",
        }
    )


PARAMETERS = {choice: rule_parameters(**choices) for choice, choices in CHOICES.items()}


def scenario(policy: str, choice: str = "User") -> str:
    return judge(Facts(policy=policy), PARAMETERS[choice]).scenario.name


def compliant(policy: str, choice: str = "User") -> bool:
    return judge(Facts(policy=policy), PARAMETERS[choice]).compliance is Compliance.COMPLIANT


# --- policies ------------------------------------------------------------------------------------------------------

READING_GROUPS = ("kms:Describe*", "kms:Get*", "kms:List*", "kms:Verify*")
USAGE_GROUPS = (
    *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:Generate*", "kms:Sign", "kms:Derive*"),
    *("kms:Encapsulate", "kms:Decapsulate"),
)
ADMINISTRATION_GROUPS = (
    *("kms:Cancel*", "kms:Connect*", "kms:Create*", "kms:Delete*", "kms:Disable*", "kms:Disconnect*", "kms:Enable*"),
    *("kms:Import*", "kms:Put*", "kms:Replicate*", "kms:Retire*", "kms:Revoke*", "kms:Rotate*", "kms:Schedule*"),
    *("kms:Synchronize*", "kms:Tag*", "kms:Untag*", "kms:Update*"),
)
GROUPS = READING_GROUPS + USAGE_GROUPS + ADMINISTRATION_GROUPS
ACTIONS = (*KMS_ACTIONS, "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:SynchronizeMultiRegionKey")
UNKNOWN = ("kms:", "kms:Transmogrify", "kms:EncryptTomorrow", "kms:Sig", "kms:Ge?", "*Object")
UNUSUAL = (
    "kms:*",
    "*",
    "k*",
    "kms:??*",
    "kms",
    "s3:*",
    "",
    "kms:Create",
    "kms:GetTomorrow",
    "kms:[ED]ncrypt",
    "kms:\x1f",
)

NAMES: Texts = st.sampled_from(GROUPS) | st.sampled_from(ACTIONS)
ENTRIES: Texts = st.one_of(
    NAMES,
    NAMES.flatmap(recased),
    NAMES.flatmap(widened),
    NAMES.flatmap(widened).flatmap(widened),
    st.sampled_from(UNKNOWN),
    st.sampled_from(UNUSUAL),
)
EXCEPTIONS: st.SearchStrategy[Any] = st.one_of(
    st.sets(st.sampled_from(GROUPS), min_size=25).map(sorted),
    st.sampled_from([list(ADMINISTRATION_GROUPS), [*USAGE_GROUPS, "kms:De*"], [*ADMINISTRATION_GROUPS, "kms:Si*"]]),
    string_or_list(ENTRIES),
)
ROLES = (
    ["kms:Encrypt", "kms:Decrypt"],
    ["kms:Generate*", "kms:ReEncrypt*"],
    "kms:Sign",
    "kms:*eEncrypt",
    ["kms:Create*", "kms:Delete*", "kms:Put*"],
    ["kms:C*", "kms:P*"],
    ["kms:CreateGrant"],
    "kms:Tag*",
    "kms:Up*",
    ["kms:Describe*", "kms:Get*"],
)

LISTED_IDS = ("AROAOTTERADMIN:*", "AROAOTTERADMIN:bob", "AROAOTTER?", "AROAOTTERX:*e", "AIDASEAL", "AIDAXS1:x")
OTHER_IDS = ("AROABADGER:*", "AROABADGER:a*", "AROABADGER:*e", "aROAbadger:ALICE", "AROAO*", "aroaotter1", "AIDAX*S*:x")
ODD_IDS: tuple[Any, ...] = (
    *("*", "AROA*", "ABCD?", "ABCDE?", "", " ", "${aws:userid}", "AROAX${aws:x}", "AROAX${", "AROAX${$}{aws:x}"),
    *("AROAX${*}", "AB${*}:x", "A${*}B*", "AROAOTTER${?}*", "AROAOTTER ", 5, None, True, [], ["AROAOTTER1"]),
)
USER_IDS: Texts = st.sampled_from(LISTED_IDS) | st.sampled_from(OTHER_IDS)
MAYBE_ODD_IDS: st.SearchStrategy[Any] = USER_IDS | USER_IDS | st.sampled_from(ODD_IDS)
USER_OPERATORS = ("StringLike", "StringEquals", "StringEqualsIgnoreCase")
SOURCE_OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
OTHER_OPERATORS = (
    *("StringLikeIfExists", "ForAllValues:StringLike", "StringNotLike", "ArnNotLike", "BoolIfExists", "Null", ""),
    *("ForAnyValue:Bool", "ForAllValues:ArnLike", "StringEqualsIgnoreCase", "Bool ", "ForAnyValue:"),
)


def operators(usual: Iterable[str]) -> Texts:
    """Draw these operators, also as `ForAnyValue:` and in other cases, and now and then an operator of others."""
    plain = st.sampled_from(tuple(usual))
    return st.one_of(plain, plain, plain.map("ForAnyValue:{}".format), st.sampled_from(OTHER_OPERATORS)).flatmap(
        lambda operator: st.one_of(st.just(operator), recased(operator))
    )


def condition(names: Texts, key: Texts, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.builds(lambda name, key, value: {name: {key: value}}, names, key, values)


def keys(*names: str) -> Texts:
    plain = st.sampled_from(names)
    return st.one_of(plain, plain, plain.flatmap(recased))


TO_USERS = condition(
    st.sampled_from(("StringLike", *USER_OPERATORS)), st.just("aws:userId"), USER_IDS | st.lists(USER_IDS, min_size=1)
)
TO_ODD_USERS = condition(operators(USER_OPERATORS), keys("aws:userId", "aws:userid "), string_or_list(MAYBE_ODD_IDS))
FOR_SERVICES = condition(
    operators(["Bool"]),
    keys("kms:GrantIsForAWSResource"),
    string_or_list(st.sampled_from(["true", "TRUE", True, "True", "true", False, "false", 1, "true ", None])),
)
VALUES_OF_SOURCES: Mapping[str, list[Any]] = {
    "aws:SourceAccount": [
        *("111122223333", "000000000000", "*", "11112222333", 111122223333, "111122223333\n", "${aws:x}"),
        "11112222333\N{ARABIC-INDIC DIGIT ONE}",
    ],
    "aws:SourceArn": [
        *("arn:*:111122223333:*", ":111122223333:", "arn:aws:s3:::b", "111122223333", ":1111222233334:"),
        *(":111122223333:${aws:x}", ":111122223333:${*}", ":111122223333:${"),
    ],
    "aws:SourceOrgID": ["o-otters", "o-", "o-*", "O-otters", "o-$", "o-a?", None],
    "kms:EncryptionContext:x": [":111122223333:", "x:111122223333:*", "111122223333", ""],
    "kms:EncryptionContextKeys": [":111122223333:"],
    "aws:SourceOrgPaths": ["o-otters"],
}
SOURCES = tuple((key, value) for key, values in VALUES_OF_SOURCES.items() for value in values)


@st.composite
def of_a_source(draw: st.DrawFn) -> Json:
    key, value = draw(st.sampled_from(SOURCES[:1] * 9 + SOURCES))
    values = draw(st.sampled_from([value, [value], [value, value], ["111122223333", value], []]))
    return {draw(operators(SOURCE_OPERATORS)): {draw(keys(key)): values}}


def merged(*conditions: Json) -> Json:
    """Put conditions together; of those under the same operator, the later one holds."""
    return {name: block for each in conditions for name, block in each.items()}


CONDITIONS: st.SearchStrategy[Json] = st.one_of(
    TO_USERS,
    TO_USERS,
    st.builds(merged, TO_USERS, TO_ODD_USERS),
    TO_ODD_USERS,
    st.builds(merged, TO_USERS, FOR_SERVICES),
    st.builds(merged, of_a_source(), TO_ODD_USERS),
    st.builds(merged, of_a_source(), FOR_SERVICES),
    of_a_source(),
)
SERVICE: Json = {"Service": "s3.amazonaws.com"}
PRINCIPALS: tuple[Any, ...] = (
    *(SERVICE, SERVICE, SERVICE, {"Service": []}, {"Service": "x", "AWS": "*"}, {"service": "x"}, {"AWS": "*"}, "*"),
    *("Service", ["Service"], {}, None, {"Service": "x", "service": "x"}),
)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "Principal": st.sampled_from(PRINCIPALS),
    "Resource": st.just("*"),
    "Sid": st.sampled_from(["Use", "", None]),
}
EFFECT = st.sampled_from(["Allow"] * 9 + ["Deny"])
ROLE = st.sampled_from(ROLES)
STATEMENTS: st.SearchStrategy[Json] = st.one_of(
    st.fixed_dictionaries({"Effect": EFFECT, "Action": ROLE, "Condition": TO_USERS}),
    st.fixed_dictionaries({"Effect": EFFECT, "Action": ROLE | ENTRIES, "Condition": CONDITIONS}, optional=ELEMENTS),
    st.fixed_dictionaries(
        {"Effect": EFFECT, "Action": st.lists(ENTRIES, max_size=3), "Condition": CONDITIONS}, optional=ELEMENTS
    ),
    st.fixed_dictionaries({"Effect": EFFECT, "NotAction": EXCEPTIONS, "Condition": CONDITIONS}, optional=ELEMENTS),
    st.fixed_dictionaries(
        {"Effect": EFFECT, "Action": ROLE, "Condition": of_a_source(), "Principal": st.just(SERVICE)}
    ),
)
POLICIES = st.lists(STATEMENTS, min_size=1, max_size=3)


# --- agreement with the oracle -------------------------------------------------------------------------------------

ODD_VALUES: Mapping[str, list[Any]] = {
    "Effect": ["allow", "DENY", None, ["Allow"], True, ""],
    "Action": [None, 5, {}, [], [None], [["kms:*"]], "kms:* ", "kms:\u00c4", ["kms:Get*", "\t"]],
    "NotAction": [[], "kms:*", None],
    "Condition": [
        *(None, [], {}, {"Bool": []}, {"": {}}, {"Null": {"a": {"b": 1, "B": 1}}}),
        {"StringLike": {"aws:userId": "AROAOTTER1", "aws:userid": "AROAOTTER1"}},
        {"StringLike": {"aws:userId": "AROAOTTER1"}, "stringlike": {"aws:userId": "AROAOTTER1"}},
        {"StringLike": {"aws:userId": "AROAOTTER1", "k": 1, "\N{KELVIN SIGN}": 1}},
    ],
    **{name: [None] for name in ("NotPrincipal", "NotResource", "Principal", "Sid", "action", "Id", "Resources", "")},
}
ODD_ELEMENTS = tuple((name, value) for name, values in ODD_VALUES.items() for value in values)


def changed(statement: Json, element: tuple[str, Any], *, removed: bool) -> Json:
    name, value = element
    return {key: statement[key] for key in statement if key != name} if removed else {**statement, name: value}


@st.composite
def with_pairs(draw: st.DrawFn, policy: str) -> str:
    """Put two members into an object of the policy, whose names are alike or the same."""
    place = draw(st.sampled_from([place for place, letter in enumerate(policy) if letter == "{"])) + 1
    comma = "" if policy[place] == "}" else ", "
    pair = draw(
        st.sampled_from(['"Sid": 1, "sid": 2', '"Sid": 1, "Sid": 1', '"x": {}, "X": {}', '"x": 1, "\\u0078": 1'])
    )
    return policy[:place] + pair + comma + policy[place:]


DAMAGED = st.builds(
    lambda statements, element, removed: [changed(statements[0], element, removed=removed), *statements[1:]],
    POLICIES,
    st.sampled_from(ODD_ELEMENTS),
    st.sampled_from([False, False, True]),
)
POLICY_TEXTS: Texts = st.one_of(
    POLICIES.map(policy_text),
    POLICIES.map(policy_text),
    POLICIES.map(policy_text),
    DAMAGED.map(policy_text),
    POLICIES.map(policy_text).flatmap(with_pairs),
)


def allow(actions: object, user_ids: object, operator: str = "StringLike", **elements: object) -> Json:
    limit = {"Condition": {operator: {"aws:userId": user_ids}}}
    return {"Effect": "Allow", "Action": actions, **limit, **elements}


@law(500)
@given(POLICY_TEXTS)
@example(policy_text([allow("kms:*eEncrypt", "AROABADGER:*"), allow("kms:Put*", "AROAOTTERADMIN:*")]))
@example(policy_text([allow(["kms:\0*", "kms:Put*"], "AB${*}:x")]))
@example(policy_text([allow("kms:Sign", "AROAX${aws:x"), allow("kms:Put*", "AROAX${")]))
@example(policy_text([allow("kms:Sign", "aroaotter1", "StringEqualsIgnoreCase"), allow("kms:Put*", "AROAOTTER1")]))
@example('{"Statement": [], "Id": NaN}')
def test_the_rule_agrees_with_the_oracle(policy: str) -> None:
    """Whatever the policy, the rule gives the scenario that another reading of the specification gives."""
    for choice, choices in CHOICES.items():
        assert scenario(policy, choice) == oracle.scenario(policy, ADMINISTRATORS, **choices), choice


@pytest.mark.parametrize("choice", CHOICES)
def test_the_rule_agrees_with_the_oracle_about_real_policies(choice: str) -> None:
    policies = list(map(json.dumps, REAL_POLICIES.values()))
    assert len(policies) > 90
    found = {policy: scenario(policy, choice) for policy in policies}
    assert found == {policy: oracle.scenario(policy, ADMINISTRATORS, **CHOICES[choice]) for policy in policies}
    assert len(set(found.values())) > 3


# --- agreement with other engines ----------------------------------------------------------------------------------


def operations_by_moto(statement: Json) -> frozenset[str]:
    engine = IAMPolicyStatement(statement)
    return frozenset(
        operation for operation in ACTIONS if engine.is_action_permitted(operation) is PermissionResult.PERMITTED
    )


def operations_by_policyuniverse(statement: Json) -> frozenset[str]:
    lowered = policyuniverse.get_actions_from_statement(statement)
    return frozenset(operation for operation in ACTIONS if operation.lower() in lowered)


ENGINES: Mapping[str, Callable[[Json], frozenset[str]]] = {
    "moto": operations_by_moto,
    "policyuniverse": operations_by_policyuniverse,
}


@pytest.fixture(autouse=True)
def operations_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give policyuniverse today's actions in the place of its own list, which is some years old."""
    universe = frozenset(map(str.lower, ACTIONS))
    monkeypatch.setattr("policyuniverse.all_permissions", universe)
    monkeypatch.setattr("policyuniverse.expander_minimizer.all_permissions", universe)


@cache
def operations(engine: str, element: str, entries: tuple[str, ...]) -> frozenset[str]:
    """Return the operations that an Allow statement grants; the engines are not asked about conditions."""
    return ENGINES[engine]({"Effect": "Allow", element: list(entries)})


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_among(operation: str, groups: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(operation, group) for group in groups)


def duties_of(engine: str, statement: Json) -> frozenset[str]:
    """Return the duties of the operations that a statement grants, by the specification's groups."""
    element = "Action" if "Action" in statement else "NotAction"
    granted = operations(engine, element, tuple(listed(statement[element])))
    duties = {
        *("usage" for operation in granted if is_among(operation, USAGE_GROUPS)),
        *("administration" for operation in granted if is_among(operation, ADMINISTRATION_GROUPS)),
    }
    only_grants_for_services = "kms:GrantIsForAWSResource" in statement["Condition"].get("Bool", {})
    return frozenset({"usage"} if duties and only_grants_for_services else duties)


def admits(operator: str, value: str, user_id: str) -> bool:
    """Return whether one value lets a user in, as IAM evaluates it."""
    if operator == "StringLike":
        return fnmatch.fnmatchcase(user_id, value)
    return user_id == value if operator == "StringEquals" else user_id.lower() == value.lower()


def lets_in(statement: Json, user_id: str) -> bool:
    """Return whether a user fits all of the statement's conditions on user ids; services are nobody's user."""
    if statement.get("Principal") == SERVICE:
        return False
    conditions = [(name, keys["aws:userId"]) for name, keys in statement["Condition"].items() if "aws:userId" in keys]
    return all(any(admits(name, value, user_id) for value in listed(values)) for name, values in conditions)


def duties_of_user(engine: str, statements: Iterable[Json], user_id: str) -> frozenset[str]:
    return frozenset[str]().union(
        *(duties_of(engine, statement) for statement in statements if lets_in(statement, user_id))
    )


def concrete(patterns: Iterable[str]) -> Iterator[str]:
    """List user ids that fit these patterns: each wildcard stands for what could matter to another of them."""
    known = sorted(set(patterns))
    ends = {pattern.rpartition(":")[2].strip("*?") for pattern in known}
    fillers = sorted({"", "x", *(end[start:] for end in ends for start in range(len(end)))})
    for pattern, letter in product(known, "xsX:"):
        head, *tails = pattern.replace("?", letter).split("*")
        for chosen in product(fillers, repeat=len(tails)):
            user_id = head + "".join(filler + tail for filler, tail in zip(chosen, tails, strict=True))
            yield from (user_id, user_id.upper())


def is_listed(user_id: str) -> bool:
    """Return whether a user is listed, but for upper and lower case: a user id is read as written by every operator."""
    return any(fnmatch.fnmatchcase(user_id.lower(), pattern.lower()) for pattern in ADMINISTRATORS)


def users_of(statements: Iterable[Json]) -> set[str]:
    """List concrete users, some of whom the policy's conditions let in, and a stranger."""
    patterns = [
        value
        for statement in statements
        for keys in statement["Condition"].values()
        for value in listed(keys.get("aws:userId", []))
    ]
    return {"AROASTRANGER:x", *concrete(patterns)}


# The engines read these as they were meant: upper and lower case as KMS writes it, and no wildcard but `*`.
PLAIN_ENTRIES: Texts = (
    st.sampled_from(GROUPS) | st.sampled_from(ACTIONS) | st.sampled_from(["kms:C*", "kms:*Key", "s3:*"])
)
PLAIN_IDS = (*LISTED_IDS, *OTHER_IDS, "AROAOTTERX:a*", "AROAOTTER*", "AROAOTTERADMIN:a*", "aroaOTTERadmin:BOB")
PLAIN_LIMITS = condition(
    st.sampled_from(("StringLike", "StringLike", *USER_OPERATORS)),
    st.just("aws:userId"),
    st.lists(st.sampled_from(PLAIN_IDS), min_size=1, max_size=2),
)
LISTED_LIMITS = condition(
    st.sampled_from(USER_OPERATORS), st.just("aws:userId"), st.sampled_from((*LISTED_IDS, "AROAOTTERX:a*"))
)
FOR_SERVICES_ALONE: Json = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
PLAIN_CONDITIONS = st.one_of(
    PLAIN_LIMITS,
    PLAIN_LIMITS,
    st.builds(merged, PLAIN_LIMITS, PLAIN_LIMITS),
    st.builds(merged, PLAIN_LIMITS, st.just(FOR_SERVICES_ALONE)),
)
PLAIN_STATEMENTS: st.SearchStrategy[Json] = st.one_of(
    st.builds(
        lambda actions, limit: {"Effect": "Allow", "Action": actions, "Condition": limit},
        st.lists(st.sampled_from(USAGE_GROUPS), min_size=1, max_size=2),
        PLAIN_CONDITIONS,
    ),
    st.builds(
        lambda actions, limit: {"Effect": "Allow", "Action": actions, "Condition": limit},
        st.lists(st.sampled_from(ADMINISTRATION_GROUPS), min_size=1, max_size=2),
        LISTED_LIMITS,
    ),
    st.builds(
        lambda actions, limit: {"Effect": "Allow", "Action": actions, "Condition": limit},
        st.lists(PLAIN_ENTRIES, min_size=1, max_size=2),
        PLAIN_CONDITIONS,
    ),
    st.builds(
        lambda entries, limit: {"Effect": "Allow", "NotAction": entries, "Condition": limit},
        st.sampled_from([sorted(ADMINISTRATION_GROUPS), sorted(USAGE_GROUPS), ["kms:C*", "kms:D*"]]),
        PLAIN_CONDITIONS,
    ),
    st.builds(
        lambda actions: {
            "Effect": "Allow",
            "Principal": SERVICE,
            "Action": actions,
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        },
        st.lists(st.sampled_from(USAGE_GROUPS), min_size=1, max_size=2),
    ),
)


@pytest.mark.parametrize("engine", ENGINES)
@law(250)
@given(st.lists(PLAIN_STATEMENTS, min_size=1, max_size=3))
@example([allow("kms:Sign", "AROAOTTERX:a*"), allow("kms:Put*", "AROAOTTERX:*e")])
@example([allow("kms:Sign", "AROAOTTER?"), allow("kms:Put*", "AROAOTTERs")])
@example([allow("kms:Sign", "aroaOTTERadmin:BOB", "StringEqualsIgnoreCase"), allow("kms:Put*", "AROAOTTERADMIN:bob")])
@example([allow(["kms:Sign", "kms:C*"], "AROAOTTERADMIN:bob")])
@example([allow("kms:TagResource", "AROABADGER:*")])
def test_in_a_compliant_policy_no_user_has_both_duties(engine: str, statements: list[Json]) -> None:
    """Where the rule finds a policy compliant, no concrete user may use the key and administer it, as an engine of
    others sees it, and whoever may administer it is listed.
    """
    if not compliant(policy_text(statements)):
        return
    for user_id in users_of(statements):
        duties = duties_of_user(engine, statements, user_id)
        assert len(duties) < 2, user_id
        assert "administration" not in duties or is_listed(user_id), user_id


WORLD_OF_IDS = (
    *("AROAOTTERX:*", "AROAOTTERX:a*", "AROAOTTERX:*e", "AROAOTTERX:alice", "AROAOTTERX:bob", "AROAOTTERX?*"),
    *("AROAOTTERX", "AROAOTTERs:*", "AROAOTTER?:alice", "AROAOTTER*", "AROAOTTERADMIN:b*b", "AROAOTTERADMIN:bob"),
)


@pytest.mark.parametrize("engine", ENGINES)
def test_in_a_small_world_users_are_shared_exactly_if_somebody_has_both_duties(engine: str) -> None:
    """Of every two user ids of a small world, the rule finds a common user exactly if an engine of others does."""
    wrong = []
    found = set()
    for using, administering in product(WORLD_OF_IDS, repeat=2):
        statements = [allow("kms:Sign", using), allow("kms:TagResource", administering)]
        expected = any(len(duties_of_user(engine, statements, user)) == 2 for user in users_of(statements))
        found.add(scenario(policy_text(statements)))
        wrong += [] if (scenario(policy_text(statements)) == SHARED) == expected else [(using, administering)]
    assert wrong == []
    assert found == {SHARED, SEPARATE}


# --- what is added -------------------------------------------------------------------------------------------------

DUTY_ENTRIES: Texts = st.one_of(
    st.sampled_from(USAGE_GROUPS + ADMINISTRATION_GROUPS).flatmap(recased),
    st.sampled_from([action for action in ACTIONS if not is_among(action, READING_GROUPS)]),
    st.sampled_from(UNKNOWN),
)
LIMITING_NOBODY: tuple[Json, ...] = (
    {},
    {"StringLike": {"aws:userId": "*"}},
    {"StringLike": {"aws:userId": []}},
    {"StringLike": {"aws:userId": ["AROAOTTERADMIN:*", "AROA*"]}},
    {"StringEquals": {"aws:userId": "${aws:userid}"}},
    {"StringLikeIfExists": {"aws:userId": "AROAOTTERADMIN:*"}},
    {"ForAllValues:StringEquals": {"aws:userId": "AIDASEAL"}},
    {"StringNotLike": {"aws:userId": "AROABADGER:*"}},
    {"StringLike": {"aws:username": "AROAOTTERADMIN:*"}},
    {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    {"StringLike": {"aws:SourceAccount": "1111222233??"}},
    {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    {"StringEqualsIfExists": {"aws:SourceArn": "arn:aws:s3:us-east-1:111122223333:bucket"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
    {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
)


@law(250)
@given(
    POLICIES,
    st.lists(DUTY_ENTRIES, min_size=1, max_size=2),
    st.sampled_from(LIMITING_NOBODY),
    st.sampled_from([SERVICE, {"AWS": "*"}, "*"]),
    st.integers(0, 3),
)
def test_an_allow_without_a_limit_never_makes_compliant(
    statements: list[Json], entries: list[str], unlimited: Json, principal: object, place: int
) -> None:
    """Whatever the policy, it is not compliant with an Allow statement that grants a duty and limits nobody."""
    added = {"Effect": "Allow", "Principal": principal, "Action": entries, "Condition": unlimited}
    policy = policy_text([*statements[:place], added, *statements[place:]])
    assert not compliant(policy)
    assert scenario(policy) in (oracle.NO_USER_CONDITION, oracle.OPENS_ALL, oracle.MALFORMED)


@st.composite
def with_what_only_user_reads(draw: st.DrawFn) -> tuple[list[Json], list[Json]]:
    """Draw a policy, and the same with other principals, sources, grants for services, and actions of no duty to
    `Policy` where there is an `Action`.
    """
    statements = draw(POLICIES)
    return statements, [draw(changed_for_user(statement)) for statement in statements]


ONLY_USER_ACTIONS = ("kms:Sign", "kms:Tag*", "kms:GenerateDataKey", "kms:Transmogrify", "kms:", "kms:ReEncrypt*")
ONLY_USER_CONDITIONS: tuple[Json, ...] = (
    {"arnlike": {"aws:SourceArn": "arn:*:111122223333:*"}},
    {"ARNEQUALS": {"kms:EncryptionContext:x": ":111122223333:"}},
    {"bOOL": {"kms:GrantIsForAWSResource": "true"}},
)


@st.composite
def changed_for_user(draw: st.DrawFn, statement: Json) -> Json:
    added = draw(st.sampled_from(ONLY_USER_CONDITIONS))
    taken = {name.lower() for name in statement["Condition"]}
    condition = {**statement["Condition"], **{name: keys for name, keys in added.items() if name.lower() not in taken}}
    found = {**statement, "Condition": condition, "Principal": draw(st.sampled_from(PRINCIPALS))}
    if "Action" in statement and draw(st.booleans()):
        found["Action"] = [*listed(statement["Action"]), draw(st.sampled_from(ONLY_USER_ACTIONS))]
    return found


@law(200)
@given(with_what_only_user_reads())
def test_by_policy_nothing_matters_that_only_user_reads(drawn: tuple[list[Json], list[Json]]) -> None:
    """Principals, sources, grants for services and actions that only `User` calls duties change nothing by `Policy`."""
    statements, other = drawn
    for choice in ("Policy", "Policy, strict"):
        assert scenario(policy_text(other), choice) == scenario(policy_text(statements), choice)


@law(120)
@given(POLICY_TEXTS)
def test_by_user_strict_separation_changes_nothing(policy: str) -> None:
    """By `User` any administration counts already, so `StrictSeparationOfDuties` changes no verdict."""
    assert scenario(policy, "User, strict") == scenario(policy, "User")


@law(150)
@given(POLICIES)
def test_what_is_compliant_by_user_is_limited_by_policy_or_to_a_service(statements: list[Json]) -> None:
    """By `User` a compliant policy lets nobody use the key of whom `Policy` would complain, but for AWS services."""
    without_services = [statement for statement in statements if statement.get("Principal") not in PRINCIPALS[:4]]
    if compliant(policy_text(statements)):
        assert scenario(policy_text(without_services), "Policy") not in (oracle.NO_USER_CONDITION, oracle.OPENS_ALL)


def test_the_policies_of_these_laws_meet_every_scenario() -> None:
    """The laws are worth something: none of them is about policies that all get the same answer."""
    met: set[str] = set()

    @law(200)
    @given(POLICY_TEXTS)
    def judged(policy: str) -> None:
        met.add(scenario(policy))

    judged()
    assert met == {
        *(oracle.MALFORMED, oracle.OPENS_ALL, oracle.NO_USER_CONDITION, oracle.BOTH_DUTIES_UNLISTED),
        *(oracle.ONLY_USAGE, oracle.ONLY_ADMINISTRATION, oracle.ONLY_ADMINISTRATION_UNLISTED),
        *(oracle.BOTH_DUTIES_LISTED, oracle.SEPARATE_USERS, oracle.NO_SCENARIO),
    }
