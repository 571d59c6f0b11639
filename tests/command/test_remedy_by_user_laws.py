"""Laws of what is proposed for a policy where duties are separated by user."""

from __future__ import annotations

import json
import re

from hypothesis import example, given, settings

from AWSConfigRuleKMSPolicy import KeyPolicy
from kms_rule.remediation.actions import VOCABULARY
from kms_rule.remediation.remedy import NoProposal, Proposal, remedy
from kms_rule.remediation.statement_fixes import EXAMPLE_ACCOUNT
from least_privilege.parameters import RuleParameters
from least_privilege.permission import BY_USER as BY_USER_TABLE
from least_privilege.scenarios import Compliance
from tests.command.access import access, compliance
from tests.command.key_policies import (
    BADGER,
    CHANGEABLE,
    LAW,
    OTTER,
    PARAMETERS_BY_USER,
    POLICIES,
    Json,
    allow,
    listed,
    parameters,
    policy,
)
from tests.command.test_remedy_by_user import CHANGE, READING_ONLY, USING, for_service
from tests.policy.real_policies import REAL_POLICIES

BY_USER = parameters(separate_by="User")
law = settings(LAW, max_examples=200)
KNOWN = frozenset(name for group, actions in VOCABULARY.items() for name in actions or (group,))


def without_own_account(content: Json) -> Json:
    """Return a policy without the condition that a proposal adds for services, which only narrows."""

    def stripped(condition: Json) -> Json:
        kept = {
            operator: {
                key: values for key, values in keys.items() if (key, values) != ("aws:SourceAccount", EXAMPLE_ACCOUNT)
            }
            for operator, keys in condition.items()
        }
        return {operator: keys for operator, keys in kept.items() if keys}

    return {
        **content,
        "Statement": [
            {**statement, "Condition": stripped(statement.get("Condition", {}))}
            for statement in listed(content["Statement"])
        ],
    }


def is_for_services(condition: Json) -> bool:
    return str(condition.get("Bool", {}).get("kms:GrantIsForAWSResource")).lower() == "true"


def duties_of_users(content: Json) -> dict[str, set[str]]:
    """Which duties each user has, all that is for grants of services alone being usage; services have no user id."""
    found: dict[str, set[str]] = {}
    for principal, _, rest, name, user_id in access(content):
        if [*json.loads(principal)] == ["Service"] or READING_ONLY.match(name):
            continue
        using = USING.match(name) or is_for_services(json.loads(rest))
        found.setdefault(user_id, set()).add("usage" if using else "administration")
    return found


@law
@given(POLICIES | CHANGEABLE | CHANGEABLE, PARAMETERS_BY_USER)
@example(policy(allow("kms:*")), BY_USER)
@example(policy(allow(["kms:*", "kms:Transmogrify"], [OTTER, BADGER, "*"])), BY_USER)
@example(policy(CHANGE, for_service(["kms:*", "s3:*"])), BY_USER)
def test_every_proposal_is_compliant_takes_away_and_keeps_users_and_administrators_apart(
    content: Json, chosen: RuleParameters
) -> None:
    found = remedy(json.dumps(content), chosen)
    if compliance(content, chosen) is Compliance.COMPLIANT:
        assert found == Proposal(content, ())
        return
    if isinstance(found, NoProposal):
        assert re.fullmatch(r".+[^ ]\.", found.reason)
        # Whatever the users, they can be kept apart.
        assert "the rule would not call it compliant" not in found.reason
        return
    fixed: Json = dict(found.policy)
    assert compliance(fixed, chosen) is Compliance.COMPLIANT
    before, after = access(without_own_account(content)), access(without_own_account(fixed))
    # Nobody gets anything.
    assert after <= before
    # What is only read is as it was.
    assert {each for each in before - after if READING_ONLY.match(each[3])} <= {
        each for each in before if each[3] not in KNOWN
    }
    # No user has both duties.
    assert [user_id for user_id, duties in duties_of_users(fixed).items() if len(duties) > 1] == []
    # Somebody can change the policy, and Deny statements stay.
    assert any(name == "kms:PutKeyPolicy" for _, _, _, name, _ in after)
    denying = [statement for statement in listed(content["Statement"]) if statement["Effect"] == "Deny"]
    assert [statement for statement in fixed["Statement"] if statement["Effect"] == "Deny"] == denying
    assert found.steps


@law
@given(POLICIES | CHANGEABLE | CHANGEABLE, PARAMETERS_BY_USER)
@example(policy(allow("kms:*")), BY_USER)
@example(policy(allow(["kms:Transmogrify", "kms:Delete*", "kms:Encrypt"]), CHANGE), BY_USER)
def test_no_action_is_given_up_that_a_statement_gives_to_whom_it_does_not_name(
    content: Json, chosen: RuleParameters
) -> None:
    """What is granted without a condition, `kms:Delete*` and unknown actions included, somebody keeps."""
    found = remedy(json.dumps(content), chosen)
    if not isinstance(found, Proposal):
        return
    unnamed = [
        statement
        for statement in listed(content["Statement"])
        if statement["Effect"] == "Allow" and not statement.get("Condition")
    ]
    granted = {name for _, _, _, name, _ in access({"Statement": unnamed})}
    kept = {name for _, _, _, name, _ in access(dict(found.policy))}
    # An entry that opens all, and a NotAction, are lists of today's actions afterwards.
    assert granted & KNOWN <= kept


@law
@given(POLICIES | CHANGEABLE, PARAMETERS_BY_USER)
@example(policy(CHANGE, for_service("kms:Decrypt")), BY_USER)
def test_services_are_limited_to_an_account_and_nobody_else_is(content: Json, chosen: RuleParameters) -> None:
    found = remedy(json.dumps(content), chosen)
    if not isinstance(found, Proposal) or not found.steps:
        return
    before = [*map(json.dumps, listed(content["Statement"]))]
    for statement in KeyPolicy.parse(found.policy, table=BY_USER_TABLE).allowing:
        if json.dumps(statement.content) in before:
            continue
        limited = ("aws:SourceAccount", (EXAMPLE_ACCOUNT,)) in [
            (each.key, each.values) for each in statement.conditions
        ]
        assert limited == (statement.is_limited_to_a_service and not statement.limits_users)
        assert not limited or statement.is_for_services_alone


@law
@given(CHANGEABLE, PARAMETERS_BY_USER)
def test_a_statement_without_a_duty_stays_as_it_is(content: Json, chosen: RuleParameters) -> None:
    found = remedy(json.dumps(content), chosen)
    if isinstance(found, NoProposal):
        return
    for statement, parsed in zip(content["Statement"], KeyPolicy.parse(content, BY_USER_TABLE).statements, strict=True):
        if not any(parsed.by_duty.values()) and not parsed.opens_every_action:
            assert statement in found.policy["Statement"]


def test_real_policies_that_somebody_can_change_are_fixed() -> None:
    fixed = 0
    for content in REAL_POLICIES.values():
        found = remedy(json.dumps(content), BY_USER)
        if isinstance(found, Proposal):
            assert compliance(dict(found.policy), BY_USER) is Compliance.COMPLIANT
            assert access(without_own_account(dict(found.policy))) <= access(without_own_account(content))
            assert [each for each in duties_of_users(dict(found.policy)).values() if len(each) > 1] == []
            fixed += 1
    # Of the others, 48 are parts of policies, which nobody could change as they are, five grant no duty, and in one
    # nobody administers who is listed.
    assert fixed == 45
