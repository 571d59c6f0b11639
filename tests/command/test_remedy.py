"""What is proposed to make a policy compliant: examples, and laws that hold for every proposal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import botocore.session
import pytest
from hypothesis import given

from AWSConfigRuleKMSPolicy import KeyPolicy
from kms_rule.remediation.actions import VOCABULARY, left_by, parts_of, spelled_out
from kms_rule.remediation.refusals import MAX_POLICY_BYTES, refusal
from kms_rule.remediation.remedy import NoProposal, Proposal, remedy, user_id_fitting
from kms_rule.remediation.statement_fixes import USER
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.pattern import Pattern, lower_case
from least_privilege.permission import action_pattern
from least_privilege.scenarios import Compliance, judge
from tests.command.key_policies import (
    ADMINISTRATION,
    BADGER,
    BEAVER,
    CHANGEABLE,
    LAW,
    OTTER,
    PARAMETERS,
    POLICIES,
    ROLE,
    USAGE,
    Json,
    allow,
    allow_all_but,
    listed,
    parameters,
    policy,
)

COLLECTION = Path(__file__).parents[3] / "shared" / "real-policies.json"
POST_POLICY = Path(__file__).parents[2] / "dev" / "demo" / "security-otter-cmk.json"


def proposed(content: Json, given_parameters: RuleParameters | None = None) -> Proposal:
    found = remedy(json.dumps(content), given_parameters or parameters())
    assert isinstance(found, Proposal), found
    return found


def statements(content: Json, given_parameters: RuleParameters | None = None) -> list[Json]:
    return list(proposed(content, given_parameters).policy["Statement"])


def reason(content: Json, given_parameters: RuleParameters | None = None) -> str:
    found = remedy(json.dumps(content), given_parameters or parameters())
    assert isinstance(found, NoProposal), found
    return found.reason


# --- examples ------------------------------------------------------------------------------------------------------

OTHER_ACTIONS = [entry for entry in VOCABULARY if entry not in {*USAGE, *ADMINISTRATION}]


def test_the_default_policy_lists_its_actions_and_names_those_who_use_and_administer() -> None:
    default = policy(allow("kms:*", Sid="Enable IAM User Permissions"))
    assert statements(default) == [
        allow(OTHER_ACTIONS, Sid="Enable IAM User Permissions"),
        allow(USAGE, USER, Sid="Enable IAM User Permissions usage"),
        allow(["kms:Create*", "kms:Put*"], "AROAOTTER*", Sid="Enable IAM User Permissions administration"),
    ]


def test_with_strict_separation_the_default_policy_keeps_administration_alone() -> None:
    default = policy(allow("kms:*", Sid="Root"))
    assert statements(default, parameters(strict=True)) == [
        allow(OTHER_ACTIONS, Sid="Root"),
        allow(ADMINISTRATION, "AROAOTTER*", Sid="Root administration"),
    ]


def test_the_posts_policy_names_its_users_and_gives_up_deletion() -> None:
    original = json.loads(POST_POLICY.read_text(encoding="utf-8"))
    administer, use, attach = original["Statement"]
    administrators_only = {"StringLike": {"aws:userId": "AROAOTTER*"}}
    kept = [entry for entry in administer["Action"] if entry not in ADMINISTRATION]
    assert proposed(original).policy == {
        **original,
        "Statement": [
            {**administer, "Action": kept},
            {
                **administer,
                "Sid": "Allow access for Key Administrators administration",
                "Action": ["kms:Create*", "kms:Put*"],
                "Condition": administrators_only,
            },
            {**use, "Action": ["kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]},
            {
                **use,
                "Sid": "Allow use of the key usage",
                "Action": USAGE,
                "Condition": {"StringLike": {"aws:userId": USER}},
            },
            {**attach, "Action": ["kms:ListGrants", "kms:RevokeGrant"]},
            {
                **attach,
                "Sid": "Allow attachment of persistent resources administration",
                "Action": "kms:CreateGrant",
                "Condition": {**attach["Condition"], **administrators_only},
            },
        ],
    }


READ = allow("kms:GetKeyPolicy", Sid="Read")
CHANGE = allow("kms:PutKeyPolicy", OTTER, Sid="Change")
TABLE: dict[str, tuple[list[Json], bool, list[Json]]] = {
    "deletion gives way beside usage, and whoever else is named stays": (
        [allow(ADMINISTRATION, BADGER), allow(USAGE, BEAVER), READ],
        False,
        [allow(["kms:Create*", "kms:Put*"], BADGER), allow(USAGE, BEAVER), READ],
    ),
    "a statement that only deletes goes": (
        [allow("kms:DeleteAlias", OTTER), allow(["kms:C*", "kms:PutKeyPolicy"], OTTER), allow("kms:Encrypt", BEAVER)],
        False,
        [allow(["kms:C*", "kms:PutKeyPolicy"], OTTER), allow("kms:Encrypt", BEAVER)],
    ),
    "an entry is spelled out where part of it goes, and only there": (
        [allow(["kms:D*", "kms:C*"], OTTER), CHANGE],
        False,
        [
            allow(
                [
                    "kms:Decrypt",
                    "kms:Decapsulate",
                    "kms:DeriveSharedSecret",
                    "kms:Describe*",
                    "kms:Disable*",
                    "kms:DisconnectCustomKeyStore",
                    "kms:C*",
                ],
                OTTER,
            ),
            CHANGE,
        ],
    ),
    "usage gives way to administration where separation is strict": (
        [allow(ADMINISTRATION, OTTER), allow([*USAGE, "kms:DescribeKey"], BEAVER)],
        True,
        [allow(ADMINISTRATION, OTTER), allow("kms:DescribeKey", BEAVER)],
    ),
    "without usage, an administrator who is not listed goes": (
        [allow(ADMINISTRATION, [OTTER, BADGER])],
        False,
        [allow(ADMINISTRATION, OTTER)],
    ),
    "without usage, a wider user id than the listed ones is narrowed": (
        [allow(["kms:Get*", *ADMINISTRATION], "AROAO*", Sid="Both")],
        False,
        [
            allow("kms:Get*", "AROAO*", Sid="Both"),
            allow(ADMINISTRATION, "AROAOTTER*", Sid="Both administration"),
        ],
    ),
    "administration that only others have goes where listed ones have it too": (
        [allow("kms:CreateGrant", BADGER), allow(ADMINISTRATION, OTTER)],
        False,
        [allow(ADMINISTRATION, OTTER)],
    ),
    "a statement with one duty alone keeps its Sid": (
        [CHANGE, allow("kms:*crypt", Sid="Use")],
        False,
        [CHANGE, allow("kms:*crypt", USER, Sid="Use")],
    ),
    "a Sid that is taken is not used again": (
        [CHANGE, allow([*USAGE, "kms:Sign"], Sid="Use"), allow("kms:Get*", Sid="Use usage")],
        False,
        [
            CHANGE,
            allow("kms:Sign", Sid="Use"),
            allow(USAGE, USER, Sid="Use usage too"),
            allow("kms:Get*", Sid="Use usage"),
        ],
    ),
    "values that limit nobody go where others name somebody": (
        [CHANGE, allow(USAGE, [BEAVER, "*"])],
        False,
        [CHANGE, allow(USAGE, BEAVER)],
    ),
    "a value that limits nobody gives way to names": (
        [allow("kms:PutKeyPolicy", "*"), allow(USAGE, "AROA*")],
        False,
        [allow("kms:PutKeyPolicy", "AROAOTTER*"), allow(USAGE, USER)],
    ),
    "what cannot be narrowed is limited by a second condition": (
        [CHANGE, allow("kms:CreateGrant", "*:alice"), allow(USAGE, BEAVER)],
        False,
        [
            CHANGE,
            allow(
                "kms:CreateGrant",
                Condition={
                    "StringLike": {"aws:userId": "*:alice"},
                    "ForAnyValue:StringLike": {"aws:userId": "AROAOTTER*"},
                },
            ),
            allow(USAGE, BEAVER),
        ],
    ),
    "what has no place for another condition goes": (
        [
            CHANGE,
            allow(
                "kms:CreateGrant",
                Condition={"StringLike": {"aws:userId": "*:a"}, "foranyvalue:stringlike": {"AWS:userid": "*:b"}},
            ),
            allow(USAGE, BEAVER),
        ],
        False,
        [CHANGE, allow(USAGE, BEAVER)],
    ),
    "a condition on something else stays": (
        [CHANGE, allow(USAGE, Condition={"StringLike": {"kms:ViaService": "s3.*"}})],
        False,
        [CHANGE, allow(USAGE, Condition={"StringLike": {"kms:ViaService": "s3.*", "aws:userId": USER}})],
    ),
    "what a NotAction leaves is listed": (
        [CHANGE, allow_all_but([f"kms:{letter}*" for letter in "CDGLPRSTUV"] + ["kms:EnableKey"])],
        False,
        [
            CHANGE,
            allow(["kms:EnableKeyRotation", "kms:Encapsulate", "kms:ImportKeyMaterial"]),
            allow("kms:Encrypt", USER),
        ],
    ),
    "a Deny stays, whatever it denies": (
        [CHANGE, allow(USAGE), {**allow("kms:*", BADGER), "Effect": "Deny"}],
        False,
        [CHANGE, allow(USAGE, USER), {**allow("kms:*", BADGER), "Effect": "Deny"}],
    ),
}


@pytest.mark.parametrize(("given_statements", "strict", "fixed"), TABLE.values(), ids=list(TABLE))
def test_the_least_is_changed(given_statements: list[Json], strict: bool, fixed: list[Json]) -> None:  # noqa: FBT001
    assert statements(policy(*given_statements), parameters(strict=strict)) == fixed


def test_a_wildcard_that_its_operator_reads_as_a_character_lets_nobody_in() -> None:
    nobody = allow("kms:CreateGrant", "*", "StringEquals")
    assert statements(policy(CHANGE, allow(USAGE, BEAVER), nobody), parameters("AIDASEAL"))[2]["Condition"] == {
        "StringEquals": {"aws:userId": "*"},
        "StringLike": {"aws:userId": "AIDASEAL"},
    }


def test_a_single_statement_object_is_fixed_like_a_list() -> None:
    alone = {"Version": "2012-10-17", "Id": "key", "Statement": allow("kms:*")}
    assert proposed(alone).policy == {**proposed(policy(allow("kms:*"))).policy, "Id": "key"}


def test_a_compliant_policy_is_left_alone() -> None:
    compliant = policy(CHANGE, allow(USAGE, BEAVER))
    assert proposed(compliant) == Proposal(compliant, ())


STEPS: dict[str, tuple[Json, str]] = {
    "which permission gives way, and why": (
        policy(allow([*ADMINISTRATION, *USAGE], OTTER)),
        "give up kms:Delete*, since somebody must keep kms:PutKeyPolicy",
    ),
    "the statement, by number and Sid": (
        policy(allow([*ADMINISTRATION, *USAGE], OTTER, Sid="All")),
        'Statement 1 ("All"): take out kms:Delete*.',
    ),
    "who alone is to have what": (
        policy(CHANGE, allow(USAGE)),
        f"Statement 2: let {USER} alone have kms:Encrypt and kms:Decrypt.",
    ),
    "where the user id of a role is found": (
        policy(CHANGE, allow(USAGE, Principal=ROLE)),
        "`aws iam get-role --role-name Admin --query Role.RoleId --output text` prints that of a role, to be followed "
        "by :* for its sessions.",
    ),
    "where the user id of a user is found": (
        policy(CHANGE, allow(USAGE, Principal={"AWS": ["arn:aws:iam::111122223333:user/alice"]})),
        "`aws iam get-user --user-name alice --query User.UserId --output text` prints that of a user.",
    ),
    "who can put the policy": (
        policy(allow("kms:PutKeyPolicy"), allow(USAGE, BEAVER)),
        "Put the policy as such a user: KMS refuses one that its caller could not change again.",
    ),
    "how the account's root user keeps it": (
        policy(allow("kms:PutKeyPolicy"), allow(USAGE, BEAVER)),
        "add its user id, 111122223333, to Admin_User_Id and to the statement",
    ),
    "that a service names no user": (
        policy(CHANGE, allow(USAGE, Principal={"Service": "logs.us-east-1.amazonaws.com"})),
        "The service logs.us-east-1.amazonaws.com calls with no user id that you could name",
    ),
}


@pytest.mark.parametrize(("content", "words"), STEPS.values(), ids=list(STEPS))
def test_the_steps_say(content: Json, words: str) -> None:
    assert [step for step in proposed(content).steps if words in step], proposed(content).steps


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (allow("kms:ReEncrypt*", Principal="*"), True),
        (allow("kms:Sign", Principal={"AWS": "*"}), True),
        (allow("kms:Sign", Principal={"AWS": [ROLE["AWS"], "*"]}), True),
        (allow("kms:Sign", Principal="*", Condition={"StringEquals": {"kms:CallerAccount": "111122223333"}}), False),
        (allow("kms:Sign", Principal="*", Effect="Deny"), False),
        (allow("kms:Sign"), False),
        (allow("kms:Sign", Principal=ROLE), False),
    ],
)
def test_a_statement_that_lets_everybody_in_is_pointed_out(statement: Json, said: bool) -> None:  # noqa: FBT001
    steps = proposed(policy(CHANGE, allow(USAGE), statement)).steps
    expected = (
        "Statement 3 of the fixed policy lets everybody in every AWS account have what it lists: name your own "
        "account, or roles in it, as its Principal."
    )
    assert (expected in steps) == said
    assert any("every AWS account" in step for step in steps) == said


@pytest.mark.parametrize(("beside", "said"), [(allow(USAGE, BEAVER), True), (READ, False)])
def test_that_others_may_be_named_is_said_beside_usage_alone(beside: Json, said: bool) -> None:  # noqa: FBT001
    steps = proposed(policy(allow([*ADMINISTRATION[:2], "kms:PutKeyPolicy"]), beside)).steps
    assert any("the rule accepts other named users there" in step for step in steps) == said


def test_no_root_user_is_mentioned_where_it_is_listed() -> None:
    steps = proposed(
        policy(allow("kms:PutKeyPolicy"), allow(USAGE, BEAVER)), parameters("AROAOTTER*,111122223333")
    ).steps
    assert not [step for step in steps if "root user" in step]


# --- where nothing can be proposed ---------------------------------------------------------------------------------

NOBODY_CHANGES = "it lets nobody call kms:PutKeyPolicy, so grant that to an administrator"
REASONS: dict[str, tuple[Json, bool, str]] = {
    "malformed": (
        {"Statement": [{"Effect": "Allow"}]},
        False,
        "The policy is malformed (statement 1 has neither Action nor NotAction): correct that first.",
    ),
    "too little": (
        policy(CHANGE),
        False,
        "The policy grants too little, not too much, and only you can decide who is to have more: grant usage "
        "(kms:Encrypt and kms:Decrypt) to named users, or grant kms:Create* and kms:Delete* to user ids in "
        "Admin_User_Id.",
    ),
    "too little for strict separation": (
        policy(CHANGE),
        True,
        "The policy grants too little, not too much, and only you can decide who is to have more: grant kms:Create* "
        "and kms:Delete* to user ids in Admin_User_Id.",
    ),
    "usage beside a part of administration, strictly": (
        policy(CHANGE, allow(USAGE, BEAVER)),
        True,
        "With StrictSeparationOfDuties a policy grants usage or administration, and without usage this one lacks "
        "kms:Create* and kms:Delete*: take usage out and grant that to user ids in Admin_User_Id, who can give usage "
        "with grants.",
    ),
    "only others administer": (
        policy(allow(ADMINISTRATION, BADGER)),
        False,
        'Admin_User_Id does not cover "AROABADGERADMIN:*", and without them nobody is left to administer the key: only '
        "you can decide whether to add them there, or to name others in the policy.",
    ),
    "others alone can change it": (
        policy(allow(["kms:Create*", "kms:Delete*", "kms:PutSomething"], OTTER), allow("kms:PutKeyPolicy", BADGER)),
        False,
        'Admin_User_Id does not cover "AROABADGERADMIN:*", and without them nobody is left to administer the key: only '
        "you can decide whether to add them there, or to name others in the policy.",
    ),
    "nothing that can be written is left": (
        policy(CHANGE, allow_all_but([*USAGE, *VOCABULARY["kms:Create*"]])),
        False,
        "Too little is left of the policy without what is too much, the rule would not call it compliant: write it "
        "anew.",
    ),
    "nobody could change it": (
        policy(allow(USAGE)),
        False,
        f"KMS would refuse this policy as it is: {NOBODY_CHANGES}.",
    ),
}


@pytest.mark.parametrize(("content", "strict", "expected"), REASONS.values(), ids=list(REASONS))
def test_the_reason_says_what_to_do(content: Json, strict: bool, expected: str) -> None:  # noqa: FBT001
    assert reason(content, parameters(strict=strict)) == expected


def test_text_that_is_no_policy_is_not_fixed() -> None:
    assert remedy("[" * 100_000, parameters()) == NoProposal(
        "The policy is malformed (its JSON is nested too deeply): correct that first."
    )


@pytest.mark.parametrize(
    ("levels", "words"), [(97, "KMS would refuse"), (98, "nested too deeply: correct that first.")]
)
def test_a_policy_is_fixed_that_is_nested_at_most_a_hundred_levels_deep(levels: int, words: str) -> None:
    text = json.dumps(policy(allow("kms:*", Principal="HERE"))).replace('"HERE"', "[" * levels + "]" * levels)
    found = remedy(text, parameters())
    assert isinstance(found, NoProposal)
    assert words in found.reason


def test_what_else_should_be_done_is_said_where_kms_would_refuse_the_policy() -> None:
    found = remedy(json.dumps(policy(allow(USAGE))), parameters())
    assert isinstance(found, NoProposal)
    assert found.steps[0] == f"Statement 1: let {USER} alone have kms:Encrypt and kms:Decrypt."


# --- what KMS refuses ----------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[list[Json], str | None]] = {
    "nothing": ([CHANGE], None),
    "nothing of one for everybody": ([{**CHANGE, "Principal": "*"}], None),
    "nothing of a second condition that can be met too": (
        [
            allow(
                "kms:Put*",
                Condition={
                    "StringLike": {"aws:userId": "*:al?ce"},
                    "ForAnyValue:StringLike": {"aws:userid": "AROAOTTER*"},
                },
            )
        ],
        None,
    ),
    "no statement that lets anybody change it": ([allow("kms:Get*")], NOBODY_CHANGES),
    "a change of nothing but other things": ([allow("kms:PutKeyPolicies")], NOBODY_CHANGES),
    "a change that only a service may make": (
        [{**CHANGE, "Principal": {"Service": "a.amazonaws.com"}}],
        NOBODY_CHANGES,
    ),
    "a change of no resource": ([{k: v for k, v in CHANGE.items() if k != "Resource"}], NOBODY_CHANGES),
    "a NotAction, which KMS may ignore": ([allow_all_but(["kms:Get*"])], NOBODY_CHANGES),
    "a user id that nobody has": ([allow("kms:Put*", OTTER, "StringEquals")], NOBODY_CHANGES),
    "a user id with a variable": ([allow("kms:Put*", "${aws:username}:x")], NOBODY_CHANGES),
    "an empty list of user ids": ([allow("kms:Put*", [])], NOBODY_CHANGES),
    "two conditions that nobody meets": (
        [
            allow(
                "kms:Put*",
                Condition={"StringLike": {"aws:userId": "AROAOTTER*"}, "StringEquals": {"aws:userId": "AIDABADGER"}},
            )
        ],
        NOBODY_CHANGES,
    ),
    "a Deny for everybody": (
        [CHANGE, {**allow(["s3:*", "kms:P*"]), "Effect": "Deny", "Principal": {"AWS": ["*"]}}],
        "statement 2 denies kms:PutKeyPolicy to everybody, so take that out",
    ),
    "a Deny of all but some actions": (
        [CHANGE, {**allow_all_but(["kms:Get*"]), "Effect": "Deny", "Principal": "*"}],
        "statement 2 denies kms:PutKeyPolicy to everybody, so take that out",
    ),
    "nothing of a Deny with a condition": (
        [CHANGE, {**allow("kms:*", BADGER), "Effect": "Deny", "Principal": "*"}],
        None,
    ),
    "nothing of a Deny of something else": ([CHANGE, {**allow("kms:C*"), "Effect": "Deny", "Principal": "*"}], None),
    "no principal": ([CHANGE, {**READ, "Principal": {}}], "statement 2 has no Principal, so add one"),
    "a principal that was deleted": (
        [CHANGE, {**READ, "Principal": {"AWS": ["111122223333", "AIDACKCEVSQ6C2EXAMPLE"]}}],
        "statement 2 has the principal AIDACKCEVSQ6C2EXAMPLE, which was deleted, so take it out",
    ),
    "a Sid twice": ([CHANGE, CHANGE], 'the Sid "Change" occurs 2 times, so rename one'),
    "too many bytes": (
        [CHANGE, allow(["kms:Get*"] * 4_000)],
        "it has 48352 bytes and may have 32768, so shorten it",
    ),
}


@pytest.mark.parametrize(("contents", "expected"), REFUSED.values(), ids=list(REFUSED))
def test_kms_refuses(contents: list[Json], expected: str | None) -> None:
    text = json.dumps(policy(*contents))
    assert refusal(text, KeyPolicy.parse(text)) == expected


def test_a_policy_that_is_long_is_not_indented() -> None:
    actions = [f"kms:Get{number}" for number in range(1_500)]
    found = proposed(policy(CHANGE, allow([*actions, "kms:Encrypt"])))
    assert len(json.dumps(found.policy, indent=2)) > MAX_POLICY_BYTES
    assert len(found.text) <= MAX_POLICY_BYTES
    assert json.loads(found.text) == found.policy


# --- actions and user ids ------------------------------------------------------------------------------------------

# Authorized under other names: `ReEncrypt` as two actions, and nobody calls the last one.
NOT_AN_OPERATION = {"kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:SynchronizeMultiRegionKey"}


def test_the_actions_are_those_of_kms() -> None:
    operations = botocore.session.get_session().get_service_model("kms").operation_names
    known = {name for group, actions in VOCABULARY.items() for name in actions or (group,)}
    assert known - NOT_AN_OPERATION == {f"kms:{name}" for name in operations} - {"kms:ReEncrypt"}


def test_each_group_covers_its_actions_and_no_other() -> None:
    for group, (name, actions) in product(VOCABULARY, VOCABULARY.items()):
        for each in actions or (name,):
            assert action_pattern(group).pattern.matches(lower_case(each)) == (group == name)


SPELLED_OUT = {
    "kms:*": list(VOCABULARY),
    "*": list(VOCABULARY),
    "KMS:en*": ["kms:Encrypt", "kms:Enable*", "kms:Encapsulate"],
    "kms:*Grant": ["kms:CreateGrant", "kms:RetireGrant", "kms:RevokeGrant"],
    "kms:*crypt": ["kms:Encrypt", "kms:Decrypt"],
    "kms:Re?ncryptTo": ["kms:ReEncryptTo"],
    "s3:*": [],
}


@pytest.mark.parametrize(("entry", "expected"), SPELLED_OUT.items())
def test_an_entry_is_spelled_out(entry: str, expected: list[str]) -> None:
    assert list(spelled_out(action_pattern(entry).pattern)) == expected


LEFT = {
    "s3:*": list(VOCABULARY),
    "kms:*": [],
    "kms:[a-z]*": list(VOCABULARY),
    "kms:CreateGrant": [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:CreateAlias",
        "kms:CreateCustomKeyStore",
        "kms:CreateKey",
        *list(VOCABULARY)[3:],
    ],
}


@pytest.mark.parametrize(("entry", "expected"), LEFT.items())
def test_a_not_action_leaves(entry: str, expected: list[str]) -> None:
    [statement] = KeyPolicy.parse(policy(allow_all_but([entry]))).statements
    assert list(left_by(statement.not_actions)) == expected
    assert [part.entry for _, parts in parts_of(statement) for part in parts] == expected


USER_IDS = {
    "AROAOTTER*": "AROAOTTER*",
    "AIDASEAL": "AIDASEAL",
    "*": "AROAEXAMPLEADMINROLE1:*",
    "A*": "AROAEXAMPLEADMINROLE1:*",
    "AROA?????????????????:*": "AROAEXAMPLEADMINROLE1:*",
    "*:alice": "EXAMPLEADMIN:alice",
    "AI?A": "AIXA",
    "${x}yz*": "${$}{x}yz*",
}


@pytest.mark.parametrize(("pattern", "user_id"), USER_IDS.items())
def test_a_listed_pattern_gives_a_user_id_that_limits(pattern: str, user_id: str) -> None:
    assert user_id_fitting(Pattern.of(pattern)) == user_id


def test_a_user_id_in_place_of_a_wide_pattern_is_to_be_replaced() -> None:
    steps = proposed(policy(allow("kms:PutKeyPolicy"), allow(USAGE, BEAVER)), parameters("*")).steps
    assert steps[1].startswith(
        "Replace AROAEXAMPLEADMINROLE1:* by the user ids of those who are to administer the key."
    )


# --- laws ----------------------------------------------------------------------------------------------------------


@cache
def fits(pattern: str, text: str, *, ignoring_case: bool = False) -> bool:
    """IAM's own reading of wildcards, with `${*}` and the like as characters; a variable fits nobody."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    if any("${" in part for part in parts[::2]):
        return False
    meaning = {"*": ".*", "?": "."}
    written = "".join(meaning.get(part) or re.escape(part[2] if part.startswith("${") else part) for part in parts)
    return re.fullmatch(written, text, re.DOTALL | (re.IGNORECASE if ignoring_case else 0)) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringlike": fits,
    "stringequals": lambda value, user_id: value == user_id,
    "stringequalsignorecase": lambda value, user_id: value.lower() == user_id.lower(),
}


def lets_in(condition: Json, user_id: str) -> bool:
    """Return whether all conditions on the user id that the rule knows hold for this one."""
    return all(
        any(isinstance(value, str) and OPERATORS[name](value, user_id) for value in listed(values))
        for operator, keys in condition.items()
        if (name := operator.lower().removeprefix("foranyvalue:")) in OPERATORS
        for key, values in keys.items()
        if key.lower() == "aws:userid"
    )


def other_conditions(condition: Json) -> str:
    """What a condition says besides: it holds or not whatever the policy."""
    rest = {
        operator: {key: values for key, values in keys.items() if key.lower() != "aws:userid"}
        for operator, keys in condition.items()
    }
    return json.dumps({operator: keys for operator, keys in rest.items() if keys}, sort_keys=True)


ACTIONS = tuple(
    f"kms:{name}"
    for name in (
        *botocore.session.get_session().get_service_model("kms").operation_names,
        *("ReEncryptFrom", "ReEncryptTo", "CreateSomethingNew", "PutSomethingNew", "SomethingNew"),
    )
)
DUTIES = re.compile("kms:(Encrypt|Decrypt|Create.*|Delete.*|Put.*)")
USERS = (
    *("AROAOTTERADMIN:session", "AROAOTTER1", "AROAOTTERADMIN:", "AROABADGERADMIN:session", "AROAELK:alice"),
    *(
        "AROAEXAMPLEUSERROLEID:session",
        "AROAEXAMPLEADMINROLE1:session",
        "AIDASEAL",
        "aidaseal",
        "111122223333",
        "*",
        "",
    ),
    *("AROAOTTER:alice", "EXAMPLEADMIN:alice", "AROAOTTER", "AROA*"),
)

type Access = tuple[str, str, str, str, str]


def access(content: Json) -> set[Access]:
    """Who may do what by a policy's Allow statements; its Deny statements take the same away from all versions."""
    return {
        (json.dumps(statement.get("Principal")), json.dumps(statement.get("Resource")), rest, name, user_id)
        for statement in listed(content["Statement"])
        if statement.get("Effect") == "Allow"
        for rest in [other_conditions(statement.get("Condition", {}))]
        for user_id in USERS
        if lets_in(statement.get("Condition", {}), user_id)
        for name in ACTIONS
        if allows(statement, name)
    }


def allows(statement: Json, name: str) -> bool:
    element = "Action" if "Action" in statement else "NotAction"
    named = any(fits(entry, name, ignoring_case=True) for entry in listed(statement[element]))
    return named == (element == "Action")


def compliance(content: Json, given_parameters: RuleParameters) -> Compliance:
    return judge(Facts(policy=json.dumps(content)), given_parameters).compliance


@LAW
@given(POLICIES | CHANGEABLE | CHANGEABLE, PARAMETERS)
def test_every_proposal_is_compliant_takes_away_and_leaves_the_rest(content: Json, chosen: RuleParameters) -> None:
    found = remedy(json.dumps(content), chosen)
    if compliance(content, chosen) is Compliance.COMPLIANT:
        assert found == Proposal(content, ())
        return
    if isinstance(found, NoProposal):
        assert re.fullmatch(r".+[^ ]\.", found.reason)
        return
    fixed: Json = dict(found.policy)
    assert compliance(fixed, chosen) is Compliance.COMPLIANT
    before, after = access(content), access(fixed)
    # Only removes, splits or limits.
    assert after <= before
    # What is no duty is as it was.
    assert {each for each in before - after if not DUTIES.fullmatch(each[3])} <= {
        each for each in before if each[3] not in KNOWN
    }
    # Somebody can change the policy.
    assert any(name == "kms:PutKeyPolicy" for _, _, _, name, _ in after)
    # What needs no change stays, in its place among the others.
    kept = [statement for statement in listed(content["Statement"]) if statement["Effect"] != "Allow"]
    assert [statement for statement in listed(fixed["Statement"]) if statement["Effect"] != "Allow"] == kept
    assert {**fixed, "Statement": None} == {**content, "Statement": None}
    assert found.steps


KNOWN = frozenset(name for group, actions in VOCABULARY.items() for name in actions or (group,))


@LAW
@given(CHANGEABLE, PARAMETERS)
def test_a_statement_without_a_duty_stays_as_it_is(content: Json, chosen: RuleParameters) -> None:
    found = remedy(json.dumps(content), chosen)
    if isinstance(found, NoProposal):
        return
    for statement, parsed in zip(content["Statement"], KeyPolicy.parse(content).statements, strict=True):
        if not parsed.permissions and not parsed.opens_every_action:
            assert statement in found.policy["Statement"]


@pytest.mark.skipif(not COLLECTION.is_file(), reason="the collection lies beside the project's own checkout")
@pytest.mark.parametrize("strict", [False, True])
def test_real_policies_that_somebody_can_change_are_fixed(strict: bool) -> None:  # noqa: FBT001
    fixed = 0
    for entry in json.loads(COLLECTION.read_text(encoding="utf-8")):
        content, chosen = entry["policy"], parameters(strict=strict)
        found = remedy(json.dumps(content), chosen)
        if isinstance(found, Proposal):
            assert compliance(dict(found.policy), chosen) is Compliance.COMPLIANT
            assert access(dict(found.policy)) <= access(content)
            fixed += 1
    # The others are parts of policies, which nobody could change as they are.
    assert fixed >= 44
