"""What is proposed to make a policy compliant where duties are separated by user: examples, steps and reasons."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from kms_rule.remediation.actions import VOCABULARY
from kms_rule.remediation.remedy import NoProposal, Proposal, remedy
from kms_rule.remediation.statement_fixes import EXAMPLE_ACCOUNT, USER
from least_privilege.parameters import RuleParameters
from tests.command.key_policies import (
    ADMINISTRATION,
    BADGER,
    BEAVER,
    OTTER,
    USAGE,
    Json,
    allow,
    allow_all_but,
    parameters,
    policy,
)

BY_USER = parameters(separate_by="User")
SERVICE = {"Service": "logs.amazonaws.com"}
CHANGE = allow("kms:PutKeyPolicy", OTTER, Sid="Change")
USE = allow(USAGE, BEAVER, Sid="Use")
OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": EXAMPLE_ACCOUNT}}


def proposed(content: Json, chosen: RuleParameters = BY_USER) -> Proposal:
    found = remedy(json.dumps(content), chosen)
    assert isinstance(found, Proposal), found
    return found


def for_service(actions: Any, **more: Any) -> Json:
    return allow(actions, Principal=SERVICE, **more)


# --- examples ------------------------------------------------------------------------------------------------------


def groups(duty: re.Pattern[str]) -> list[str]:
    return [entry for entry in VOCABULARY if duty.match(entry)]


USING = re.compile("kms:(Encrypt|Decrypt|ReEncrypt|Generate|Sign|Derive|Encapsulate|Decapsulate)")
READING_ONLY = re.compile("kms:(Describe|Get|List|Verify)")
ADMINISTERING = re.compile(f"(?!{USING.pattern}|{READING_ONLY.pattern})")


def test_the_default_policy_gives_each_duty_to_others_and_gives_up_nothing() -> None:
    assert proposed(policy(allow("kms:*", Sid="Root"))).policy["Statement"] == [
        allow(groups(READING_ONLY), Sid="Root"),
        allow(groups(USING), USER, Sid="Root usage"),
        allow(groups(ADMINISTERING), "AROAOTTER*", Sid="Root administration"),
    ]


TABLE: dict[str, tuple[list[Json], list[Json]]] = {
    "what names nobody goes to a user and to administrators, who keep all that they had": (
        [allow([*ADMINISTRATION, "kms:Get*", *USAGE])],
        [allow("kms:Get*"), allow(USAGE, USER), allow(ADMINISTRATION, "AROAOTTER*")],
    ),
    "of those who have both duties, the listed administer and the others use": (
        [allow(["kms:PutKeyPolicy", "kms:Sign", "kms:DescribeKey"], [OTTER, BEAVER], Sid="Both")],
        [
            allow("kms:DescribeKey", [OTTER, BEAVER], Sid="Both"),
            allow("kms:Sign", BEAVER, Sid="Both usage"),
            allow("kms:PutKeyPolicy", OTTER, Sid="Both administration"),
        ],
    ),
    "a listed administrator loses usage, wherever it stands": (
        [CHANGE, allow(USAGE, [BEAVER, OTTER])],
        [CHANGE, allow(USAGE, BEAVER)],
    ),
    "a statement that lets nobody but administrators use the key goes": ([CHANGE, allow(USAGE, OTTER)], [CHANGE]),
    "a user id that an administrator fits loses usage too": (
        [CHANGE, USE, allow("kms:Decrypt", "AROAO*")],
        [CHANGE, USE],
    ),
    "one that is the same in any case loses usage": (
        [
            allow("kms:PutKeyPolicy", OTTER, "StringLike"),
            allow("kms:TagResource", "AROAOTTERADMIN:alice", "StringEqualsIgnoreCase"),
            allow(USAGE, ["aroaotteradmin:alice", BEAVER]),
        ],
        [
            allow("kms:PutKeyPolicy", OTTER, "StringLike"),
            allow("kms:TagResource", "AROAOTTERADMIN:alice", "StringEqualsIgnoreCase"),
            allow(USAGE, BEAVER),
        ],
    ),
    "one who is not listed loses administration": (
        [CHANGE, allow(["kms:ScheduleKeyDeletion", "kms:Encrypt"], BADGER, Sid="More")],
        [CHANGE, allow("kms:Encrypt", BADGER, Sid="More usage")],
    ),
    "whoever turns out to administer beside a wildcard uses no more": (
        [allow(["kms:PutKeyPolicy", "kms:Decrypt"], [OTTER, "*"], Sid="Both")],
        [allow("kms:Decrypt", USER, Sid="Both usage"), allow("kms:PutKeyPolicy", OTTER, Sid="Both administration")],
    ),
    "an unknown action goes to administrators": (
        [CHANGE, allow(["kms:Transmogrify", "kms:Encrypt"], Sid="New")],
        [
            CHANGE,
            allow("kms:Encrypt", USER, Sid="New usage"),
            allow("kms:Transmogrify", "AROAOTTER*", Sid="New administration"),
        ],
    ),
    "what matches no action of today goes to administrators": (
        [CHANGE, allow("kms:*SomethingNew")],
        [CHANGE, allow("kms:*SomethingNew", "AROAOTTER*")],
    ),
    "an entry with both duties is spelled out": (
        [CHANGE, allow("kms:E*")],
        [
            CHANGE,
            allow(["kms:Encrypt", "kms:Encapsulate"], USER),
            allow("kms:Enable*", "AROAOTTER*"),
        ],
    ),
    "one that is usage as a whole stays": ([CHANGE, allow("kms:*crypt")], [CHANGE, allow("kms:*crypt", USER)]),
    "what a NotAction leaves is listed by its duty": (
        [CHANGE, allow_all_but(["kms:[a-z]*", *(f"kms:{letter}*" for letter in "ACDGILPRSTUV")])],
        [
            CHANGE,
            allow(["kms:Encrypt", "kms:Encapsulate"], USER),
            allow("kms:Enable*", "AROAOTTER*"),
        ],
    ),
    "grants for services alone are usage": (
        [CHANGE, allow(["kms:CreateGrant", "kms:ListGrants"], Condition={"Bool": {"kms:GrantIsForAWSResource": True}})],
        [
            CHANGE,
            allow("kms:ListGrants", Condition={"Bool": {"kms:GrantIsForAWSResource": True}}),
            allow(
                "kms:CreateGrant",
                Condition={"Bool": {"kms:GrantIsForAWSResource": True}, "StringLike": {"aws:userId": USER}},
            ),
        ],
    ),
    "a service uses the key for one account": (
        [CHANGE, for_service(["kms:Encrypt", "kms:GenerateDataKey*"])],
        [CHANGE, for_service(["kms:Encrypt", "kms:GenerateDataKey*"], Condition=OWN_ACCOUNT)],
    ),
    "a service that is limited stays": (
        [
            allow("kms:PutKeyPolicy"),
            for_service("kms:Encrypt", Condition={"ArnLike": {"aws:SourceArn": "a:012345678901:b"}}),
        ],
        [
            allow("kms:PutKeyPolicy", "AROAOTTER*"),
            for_service("kms:Encrypt", Condition={"ArnLike": {"aws:SourceArn": "a:012345678901:b"}}),
        ],
    ),
    "a service's condition that names no account stays beside the new one": (
        [CHANGE, for_service("kms:Encrypt", Condition={"stringequals": {"AWS:SourceAccount": "4444*"}})],
        [
            CHANGE,
            for_service(
                "kms:Encrypt",
                Condition={
                    "stringequals": {"AWS:SourceAccount": "4444*"},
                    "StringLike": {"aws:SourceAccount": EXAMPLE_ACCOUNT},
                },
            ),
        ],
    ),
    "a service with no place for another condition goes": (
        [
            CHANGE,
            USE,
            for_service(
                "kms:Encrypt",
                Condition={
                    f"{qualifier}{operator}": {"aws:SourceAccount": "4444*"}
                    for qualifier in ("", "ForAnyValue:")
                    for operator in ("StringEquals", "StringLike")
                },
            ),
        ],
        [CHANGE, USE],
    ),
    "what a service may administer goes to administrators": (
        [CHANGE, for_service(["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"], Sid="Log")],
        [
            CHANGE,
            for_service("kms:DescribeKey", Sid="Log"),
            for_service("kms:Decrypt", Sid="Log usage", Condition=OWN_ACCOUNT),
            for_service(
                "kms:CreateGrant", Sid="Log administration", Condition={"StringLike": {"aws:userId": "AROAOTTER*"}}
            ),
        ],
    ),
    "a service that is to act for an administrator alone loses usage": (
        [CHANGE, USE, for_service("kms:Encrypt", Condition={"StringLike": {"aws:userId": OTTER}})],
        [CHANGE, USE],
    ),
    "others than a service alone have to be named": (
        [CHANGE, allow("kms:Encrypt", Principal={**SERVICE, "AWS": "111122223333"})],
        [CHANGE, allow("kms:Encrypt", USER, Principal={**SERVICE, "AWS": "111122223333"})],
    ),
    "a Deny and what is no duty stay": (
        [CHANGE, allow("kms:Sign"), allow("kms:Get*"), {**allow("kms:*", BADGER), "Effect": "Deny"}],
        [CHANGE, allow("kms:Sign", USER), allow("kms:Get*"), {**allow("kms:*", BADGER), "Effect": "Deny"}],
    ),
}


@pytest.mark.parametrize(("given_statements", "fixed"), TABLE.values(), ids=list(TABLE))
def test_each_duty_goes_to_those_who_may_have_it(given_statements: list[Json], fixed: list[Json]) -> None:
    assert proposed(policy(*given_statements)).policy["Statement"] == fixed


def test_a_compliant_policy_is_left_alone() -> None:
    compliant = policy(CHANGE, USE, for_service("kms:Decrypt", Condition=OWN_ACCOUNT))
    assert proposed(compliant) == Proposal(compliant, ())


STEPS: dict[str, tuple[Json, str]] = {
    "who alone is to administer": (
        policy(allow(["kms:PutKeyPolicy", "kms:EnableKey"], Sid="All")),
        'Statement 1 ("All"): let AROAOTTER* alone have kms:PutKeyPolicy and kms:EnableKey.',
    ),
    "who alone is to use": (policy(CHANGE, allow("kms:Sign")), f"Statement 2: let {USER} alone have kms:Sign."),
    "that what all is listed of has no second thoughts": (
        policy(allow("kms:*")),
        "Statement 1 opens all KMS actions by kms:*: list those that KMS has today. Take out what nobody needs.",
    ),
    "for whom a service is to act": (
        policy(CHANGE, for_service(["kms:Sign", "kms:Verify"])),
        f"Statement 2: let logs.amazonaws.com have kms:Sign for the resources of account {EXAMPLE_ACCOUNT} alone.",
    ),
    "which account number is to be replaced": (
        policy(CHANGE, for_service("kms:Sign")),
        f"Replace {EXAMPLE_ACCOUNT} by the account whose resources the service is to act for.",
    ),
    "what nobody may have": (
        policy(CHANGE, allow(USAGE, OTTER)),
        "Statement 2: take out kms:Encrypt and kms:Decrypt, which nobody whom it names may have.",
    ),
    "what has no place for another condition": (
        policy(
            CHANGE,
            USE,
            for_service(
                "kms:Sign",
                Condition={
                    f"{qualifier}{operator}": {"aws:SourceAccount": ""}
                    for qualifier in ("", "ForAnyValue:")
                    for operator in ("StringEquals", "StringLike")
                },
            ),
        ),
        "Statement 3: take out kms:Sign, since it has no place for another aws:SourceAccount.",
    ),
    "what a service needs that is named beside others": (
        policy(CHANGE, allow("kms:Sign", Principal={**SERVICE, "AWS": "111122223333"})),
        "if it needs the key itself, give it a statement of its own, limited by aws:SourceAccount or aws:SourceArn.",
    ),
    "that everybody is let in": (
        policy(CHANGE, allow("kms:Sign"), allow("kms:Get*", Principal="*")),
        "Statement 3 of the fixed policy lets everybody in every AWS account have what it lists",
    ),
}


@pytest.mark.parametrize(("content", "words"), STEPS.values(), ids=list(STEPS))
def test_the_steps_say(content: Json, words: str) -> None:
    assert [step for step in proposed(content).steps if words in step], proposed(content).steps


@pytest.mark.parametrize(
    "words", ["give up", "the rule accepts other named users", "whitelist an alias", "The rule does not look at most"]
)
def test_the_steps_say_nothing_that_holds_by_policy_alone(words: str) -> None:
    for content in (allow("kms:*"), allow([*USAGE, *ADMINISTRATION], Principal={**SERVICE, "AWS": "111122223333"})):
        assert not [step for step in proposed(policy(content)).steps if words in step]


REASONS: dict[str, tuple[Json, str]] = {
    "malformed": (
        policy({**CHANGE, "Action": " kms:*"}),
        'The policy is malformed (the Action of statement 1 has white space or non-ASCII characters in " kms:*"): '
        "correct that first.",
    ),
    "neither duty": (
        policy(allow("kms:Get*")),
        "The policy grants neither usage nor administration, and only you can decide who is to have more: grant usage "
        "to named users, or administration to user ids in Admin_User_Id.",
    ),
    "only others administer": (
        policy(allow(ADMINISTRATION, BADGER), USE),
        'Admin_User_Id does not cover "AROABADGERADMIN:*", and without them nobody is left to administer the key: only '
        "you can decide whether to add them there, or to name others in the policy.",
    ),
    "nobody could change it": (
        policy(allow(USAGE)),
        "KMS would refuse this policy as it is: it lets nobody call kms:PutKeyPolicy, so grant that to an "
        "administrator.",
    ),
}


@pytest.mark.parametrize(("content", "expected"), REASONS.values(), ids=list(REASONS))
def test_the_reason_says_what_to_do(content: Json, expected: str) -> None:
    found = remedy(json.dumps(content), BY_USER)
    assert isinstance(found, NoProposal)
    assert found.reason == expected


# --- by policy, what the other way would make of it ----------------------------------------------------------------

ACCEPTED = (
    "With SeparateDutiesBy = User the rule accepts this policy as it is, since no user both uses and administers the "
    "key: set that, or change the policy as follows."
)
POSSIBLE = (
    "With SeparateDutiesBy = User both duties may stay in the policy as long as no user has both: 'kms-rule explain "
    "--parameter SeparateDutiesBy=User' shows how. Otherwise, change it as follows."
)
BY_POLICY: dict[str, tuple[list[Json], bool, str]] = {
    "accepted as it is": ([allow(ADMINISTRATION, OTTER), USE], False, ACCEPTED),
    "accepted as it is, strictly": ([allow(ADMINISTRATION, OTTER), USE], True, ACCEPTED),
    "accepted once it is changed": ([allow([*ADMINISTRATION, *USAGE])], False, POSSIBLE),
    "not: only others administer": ([allow(ADMINISTRATION, BADGER), USE], False, ""),
    "not: nothing is given up by policy either": ([CHANGE, allow(USAGE)], False, ""),
    "not: no duty stands beside the other": ([allow(ADMINISTRATION)], False, ""),
}


@pytest.mark.parametrize(("given_statements", "strict", "said"), BY_POLICY.values(), ids=list(BY_POLICY))
def test_where_a_duty_is_given_up_it_is_said_what_would_not_need_that(
    given_statements: list[Json],
    strict: bool,  # noqa: FBT001
    said: str,
) -> None:
    steps = proposed(policy(*given_statements), parameters(strict=strict)).steps
    assert [step for step in steps if "SeparateDutiesBy" in step] == ([said] if said else [])
    assert not said or steps[0] == said
