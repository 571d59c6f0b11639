"""How 99 real key policies come out as they are, and how they would if their statements named users.

Hardly any of them limits a statement by `aws:userId`, so as they are, all but one are refused. What the rule asks for
can be had by a rewrite after which the same work can be done: what an Allow statement grants of administration is
limited to a listed administrator, what it grants of usage to another user, and the rest stays, what is for services
alone included. How many are compliant then says how much room each way of separating duties leaves. The rewrite is by
the specification's groups, over today's actions, and shares no code with the rule.
"""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Compliance, Verdict, judge
from tests.policy.real_policies import REAL_POLICIES, Json, listed
from tests.policy.test_groups import ACTIONS, ADMINISTRATION, USAGE

GIVEN = {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"}
BY_POLICY = RuleParameters.parse(GIVEN)
STRICT = RuleParameters.parse({**GIVEN, "StrictSeparationOfDuties": "true"})
BY_USER = RuleParameters.parse({**GIVEN, "SeparateDutiesBy": "User"})

ADMINISTRATOR, USER = "AROAOTTERADMIN:*", "AROABEAVERUSER:*"
ACCOUNT = "111122223333"
MALFORMED = "malformed-policy-not-compliant"
NO_DUTY, USING, ADMINISTERING = "", "usage", "administration"
NAMED = {USING: USER, ADMINISTERING: ADMINISTRATOR}
# The groups of each duty, by policy and by user.
GROUPS: Mapping[bool, Mapping[str, tuple[str, ...]]] = {
    False: {USING: ("kms:Encrypt", "kms:Decrypt"), ADMINISTERING: ("kms:Create*", "kms:Delete*", "kms:Put*")},
    True: {USING: USAGE, ADMINISTERING: ADMINISTRATION},
}


def verdict(policy: Json, parameters: RuleParameters) -> Verdict:
    return judge(Facts(policy=json.dumps(policy)), parameters)


def counted(policies: Mapping[str, Json], parameters: RuleParameters) -> dict[str, int]:
    return dict(Counter(verdict(policy, parameters).scenario.name for policy in policies.values()))


# --- as they are -----------------------------------------------------------------------------------------------------

BY_ANY_POLICY = {
    "wildcard-policy-action-not-compliant": 35,
    "no-user-condition-not-compliant": 46,
    "no-separation-of-duty-not-compliant": 2,
    "no-scenario-not-compliant": 16,
}
AS_THEY_ARE = [
    pytest.param(BY_POLICY, BY_ANY_POLICY, id="Policy"),
    pytest.param(STRICT, BY_ANY_POLICY, id="Policy, strict"),
    pytest.param(
        BY_USER,
        {
            "wildcard-policy-action-not-compliant": 35,
            # Ten more grant only what is no duty by policy.
            "no-user-condition-not-compliant": 56,
            "no-separation-of-duty-not-compliant": 2,
            "no-scenario-not-compliant": 5,
            # CloudTrail alone may use the key, and for its own trails in one account.
            "separation-of-duty-compliant": 1,
        },
        id="User",
    ),
]


@pytest.mark.parametrize(("parameters", "expected"), AS_THEY_ARE)
def test_as_they_are_all_but_one_are_not_compliant(parameters: RuleParameters, expected: dict[str, int]) -> None:
    assert counted(REAL_POLICIES, parameters) == expected
    assert sum(expected.values()) == 99


def test_none_of_them_is_malformed() -> None:
    for parameters in (BY_POLICY, STRICT, BY_USER):
        assert MALFORMED not in counted(REAL_POLICIES, parameters)


# --- rewritten -------------------------------------------------------------------------------------------------------


def has(statement: Json, action: str) -> bool:
    """Return whether a statement covers an action; upper and lower case are alike."""
    element = "Action" if "Action" in statement else "NotAction"
    entries = (entry.lower().replace("[", "[[]") for entry in listed(statement[element]))
    return any(fnmatch.fnmatchcase(action.lower(), entry) for entry in entries) == (element == "Action")


def duty_of(statement: Json, action: str, *, by_user: bool) -> str:
    """Return the duty that an action is in a statement: by user, what is for grants of services alone is usage."""
    for duty, groups in GROUPS[by_user].items():
        if any(fnmatch.fnmatchcase(action, group) for group in groups):
            value = conditions(statement).get("kms:GrantIsForAWSResource")
            for_services = by_user and str(value).lower() == "true"
            return USING if for_services else duty
    return NO_DUTY


def conditions(statement: Json) -> Json:
    return {key: values for keys in statement.get("Condition", {}).values() for key, values in keys.items()}


def with_condition(statement: Json, operator: str, key: str, value: str) -> Json:
    """Limit a statement by this condition in the place of others on the same key."""
    kept = {
        name: {other: values for other, values in keys.items() if other.lower() != key.lower()}
        for name, keys in statement.get("Condition", {}).items()
    }
    return {**statement, "Condition": {**kept, operator: {**kept.get(operator, {}), key: value}}}


def for_services_alone(statement: Json) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, dict) and [*principal] == ["Service"]


def rewritten_statement(statement: Json, *, by_user: bool, sources: bool) -> Iterator[Json]:
    """Yield a statement's parts, each duty for those who are to have it."""
    duties: dict[str, list[str]] = {}
    if statement["Effect"] == "Allow":
        for action in ACTIONS:
            if has(statement, action):
                duties.setdefault(duty_of(statement, action, by_user=by_user), []).append(action)
    if not duties.keys() - {NO_DUTY}:
        yield statement
    elif for_services_alone(statement):
        yield with_condition(statement, "StringEquals", "aws:SourceAccount", ACCOUNT) if sources else statement
    else:
        for duty, actions in duties.items():
            kept = {name: value for name, value in statement.items() if name not in {"Action", "NotAction", "Sid"}}
            part = {**kept, "Action": actions}
            yield with_condition(part, "StringLike", "aws:userId", NAMED[duty]) if duty else part


def rewritten(parameters: RuleParameters, *, sources: bool = False) -> dict[str, Json]:
    return {
        name: {
            **policy,
            "Statement": [
                part
                for statement in listed(policy["Statement"])
                for part in rewritten_statement(statement, by_user=parameters.separate_by_user, sources=sources)
            ],
        }
        for name, policy in REAL_POLICIES.items()
    }


# How duties are separated, whether services are limited to their own resources, and which scenarios are compliant.
COMPLIANT: Mapping[str, tuple[RuleParameters, bool, dict[str, int]]] = {
    "26 by policy": (BY_POLICY, False, {"separation-of-duty-compliant": 23, "admin-actions-compliant": 3}),
    "20 by policy, strictly": (STRICT, False, {"separation-of-duty-compliant": 17, "admin-actions-compliant": 3}),
    "83 by user": (
        BY_USER,
        False,
        {"separate-users-compliant": 43, "separation-of-duty-compliant": 28, "admin-actions-compliant": 12},
    ),
    "94 by user with services limited": (
        BY_USER,
        True,
        {"separate-users-compliant": 49, "separation-of-duty-compliant": 33, "admin-actions-compliant": 12},
    ),
}


@pytest.mark.parametrize("figure", COMPLIANT)
def test_so_many_are_compliant_once_their_statements_name_users(figure: str) -> None:
    parameters, sources, expected = COMPLIANT[figure]
    scenarios = [verdict(policy, parameters).scenario for policy in rewritten(parameters, sources=sources).values()]
    found = Counter(each.name for each in scenarios if each.compliance is Compliance.COMPLIANT)
    assert found == expected
    assert figure.startswith(f"{found.total()} by ")


# Nobody may use or administer these keys by their policies, so that there is nobody to name.
NEITHER_DUTY = {
    "real-kms-guide-describe-only": "A role may describe the key.",
    "real-kms-guide-deny-algorithm": "Its one statement is a Deny.",
    "real-checkov-deny": "Its one statement is a Deny.",
    "real-prowler-describe": "Everybody may describe the key.",
    "real-kics-deny": "Its one statement is a Deny.",
}
# A service has no user id, and may use these keys for whomever it works for until its own resources are named.
FOR_ANY_RESOURCE_OF_A_SERVICE = (
    "real-kms-guide-ses",
    "real-cloudtrail-sns",
    "real-cloudtrail-default",
    "real-config-guide-service",
    "real-lza-macie",
    "real-lza-central-logs",
    "real-lza-central-logs-short",
    "real-lza-bootstrap",
    "real-cfn-templates-log-setup",
    "real-adf-global",
    "real-asea-installer",
)


def refused(policies: Mapping[str, Json]) -> dict[str, str]:
    """Return the scenario of each policy that is not compliant by user."""
    verdicts = {name: verdict(policy, BY_USER) for name, policy in policies.items()}
    return {
        name: found.scenario.name for name, found in verdicts.items() if found.compliance is not Compliance.COMPLIANT
    }


def test_by_user_those_are_left_that_grant_no_duty_or_trust_a_service_in_every_account() -> None:
    neither = dict.fromkeys(NEITHER_DUTY, "no-scenario-not-compliant")
    any_resource = dict.fromkeys(FOR_ANY_RESOURCE_OF_A_SERVICE, "no-user-condition-not-compliant")
    assert refused(rewritten(BY_USER)) == neither | any_resource
    assert refused(rewritten(BY_USER, sources=True)) == neither


@pytest.mark.parametrize("name", FOR_ANY_RESOURCE_OF_A_SERVICE)
def test_the_statements_that_are_left_are_for_services_alone(name: str) -> None:
    policy = rewritten(BY_USER)[name]
    deciding = verdict(policy, BY_USER).evidence.statements
    assert deciding
    assert all(for_services_alone(policy["Statement"][statement.number - 1]) for statement in deciding)
