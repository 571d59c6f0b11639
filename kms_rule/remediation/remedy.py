"""What would make a key policy compliant: a fixed policy, or the reason why none can be proposed.

A proposal only takes away: it removes actions from statements, splits statements, and limits them. By it nobody has a
permission that the original did not give, and what needs no change stays as it is. The law of it:

1. Where usage stands beside administration, one of them gives way. By default only all of `kms:Create*`, `kms:Delete*`
   and `kms:Put*` together are administration, and `kms:Delete*` gives way: it does not delete keys (that is
   `kms:ScheduleKeyDeletion`), whereas without `kms:Put*` nobody could change the policy any more. With
   `StrictSeparationOfDuties` each of the three is too much, so usage gives way; administrators can give it with grants.
2. A statement that opens all KMS actions lists those that KMS has today instead.
3. A statement that grants a duty to callers whom it does not name is split. Administration goes to the user ids of
   `Admin_User_Id`, usage to a placeholder, since the rule's parameters name no users; what is not a duty stays without
   a condition, so that the rule can still read the policy.
4. Without usage, the rule wants every administrator in `Admin_User_Id`: user ids outside it lose administration.

With `SeparateDutiesBy` = `User` no permission is given up: user ids in `Admin_User_Id` administer and no longer use,
others use and no longer administer, and what a service alone may use is limited to the resources of one account.

The rule judges the result, and what KMS is known to refuse is looked for; what fails either is not proposed. What
only a person can decide, such as who else may administer, is left to the person and said in one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from AWSConfigRuleKMSPolicy import ALLOW, AWS_PRINCIPALS, EVERYBODY, KeyPolicy, PolicyError, covering
from kms_rule.explanation.sentences import listing
from kms_rule.remediation.refusals import MAX_POLICY_BYTES, refusal
from kms_rule.remediation.statement_fixes import Plan, StatementFixer, user_ids_of
from least_privilege.condition import UserId, weakness
from least_privilege.key import Facts
from least_privilege.parameters import ADMINISTRATORS, SEPARATE_BY, STRICT, RuleParameters
from least_privilege.pattern import Pattern
from least_privilege.permission import BY_POLICY, Duty
from least_privilege.scenarios import Compliance, duty_table, judge
from least_privilege.text import escaped, quoted

# As long as the ids that IAM gives to roles, and like none of them.
ADMINISTRATOR = "AROAEXAMPLEADMINROLE1:*"
# No policy needs a tenth of it, and indenting one that goes on would square its length.
MAX_POLICY_DEPTH = 100

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy that the rule calls compliant, and what leads from the original to it, a sentence each."""

    policy: Json
    steps: tuple[str, ...]

    @property
    def text(self) -> str:
        """The policy as JSON in printable ASCII, indented unless that makes it longer than KMS takes."""
        indented = json.dumps(self.policy, indent=2)
        return indented if len(indented) <= MAX_POLICY_BYTES else json.dumps(self.policy)


@dataclass(frozen=True, slots=True)
class NoProposal:
    """Why no policy can be proposed, in one sentence that says what to do instead.

    `steps` say what should be done besides, where the rule would call the result compliant, but KMS would refuse it.
    """

    reason: str
    steps: tuple[str, ...] = ()


class _NothingToProposeError(Exception):
    """Raised where no policy can be proposed; the message is the reason of a `NoProposal`."""

    def __init__(self, reason: str, steps: tuple[str, ...] = ()) -> None:
        """Take the reason, and what should be done besides."""
        super().__init__(reason)
        self.steps = steps


def remedy(document: str, parameters: RuleParameters) -> Proposal | NoProposal:
    """Return what would make this policy, of a key that is enabled and not whitelisted, compliant.

    A compliant policy is returned as it is, with no steps. The module's docstring has the law of what is proposed.
    """
    try:
        return _proposal(document, parameters)
    except PolicyError as error:
        return NoProposal(f"The policy is malformed ({escaped(str(error))}): correct that first.")
    except _NothingToProposeError as error:
        return NoProposal(str(error), error.steps)


def needed_remedy(
    compliance: Compliance, document: str | None, parameters: RuleParameters
) -> Proposal | NoProposal | None:
    """Return the remedy of a policy of a key that got this verdict; None where it needs none, or was not read."""
    if compliance is not Compliance.NON_COMPLIANT or document is None:
        return None
    return remedy(document, parameters)


def _proposal(document: str, parameters: RuleParameters) -> Proposal:
    table = duty_table(parameters)
    policy = KeyPolicy.parse(document, table)
    content = json.loads(document)
    if _is_compliant(document, parameters):
        return Proposal(content, ())
    if _nests_deeper_than(MAX_POLICY_DEPTH, content):
        raise _NothingToProposeError("The policy's JSON is nested too deeply: correct that first.")
    fixer = StatementFixer(plan(policy, parameters), frozenset(statement.sid for statement in policy.statements))
    fixed = [new for statement in policy.statements for new in fixer.fixed(statement)]
    new_content = {**content, "Statement": fixed}
    new_policy = KeyPolicy.parse(new_content, table)
    colliding = _steps_by_user(document, parameters) if fixer.plan.given_up else ()
    proposal = Proposal(new_content, (*colliding, *fixer.steps(), *_steps_against_everybody(new_policy)))
    if not _is_compliant(proposal.text, parameters):
        raise _NothingToProposeError(_nothing_left(policy, fixer.plan, "the rule would not call it compliant"))
    reason = refusal(json.dumps(content), policy)
    if reason:
        raise _NothingToProposeError(f"KMS would refuse this policy as it is: {reason}.", proposal.steps)
    reason = refusal(proposal.text, new_policy)
    if reason:
        raise _NothingToProposeError(_nothing_left(policy, fixer.plan, f"KMS would refuse it ({reason})"))
    return proposal


def _steps_by_user(document: str, parameters: RuleParameters) -> Iterator[str]:
    """Yield what another way of separating duties would make of a policy that has both."""
    by_user = replace(parameters, separate_by_user=True)
    if _is_compliant(document, by_user):
        yield (
            f"With {SEPARATE_BY} = User the rule accepts this policy as it is, since no user both uses and administers "
            f"the key: set that, or change the policy as follows."
        )
    elif isinstance(remedy(document, by_user), Proposal):
        yield (
            f"With {SEPARATE_BY} = User both duties may stay in the policy as long as no user has both: "
            f"'kms-rule explain --parameter {SEPARATE_BY}=User' shows how. Otherwise, change it as follows."
        )


def _steps_against_everybody(policy: KeyPolicy) -> Iterator[str]:
    """Yield what is left to do about statements that callers of any account can use; the rule does not look at that."""
    for statement in policy.statements:
        everybody = EVERYBODY in statement.principals(AWS_PRINCIPALS)
        if statement.effect == ALLOW and everybody and not statement.content.get("Condition"):
            yield (
                f"Statement {statement.number} of the fixed policy lets everybody in every AWS account have what it "
                f"lists: name your own account, or roles in it, as its Principal."
            )


def _nothing_left(policy: KeyPolicy, plan: Plan, problem: str) -> str:
    unlisted = policy.unlisted_administrators(plan.allowed) if plan.allowed else ()
    if not unlisted:
        return f"Too little is left of the policy without what is too much, {problem}: write it anew."
    return (
        f"{ADMINISTRATORS} does not cover {listing(map(quoted, unlisted))}, and without them nobody is left to "
        f"administer the key: only you can decide whether to add them there, or to name others in the policy."
    )


def _nests_deeper_than(levels: int, content: Json) -> bool:
    level: list[Mapping[str, Any] | list[Any]] = [content]
    for _ in range(levels):
        inner = (value.values() if isinstance(value, Mapping) else value for value in level)
        level = [value for values in inner for value in values if isinstance(value, Mapping | list)]
    return bool(level)


def _is_compliant(document: str, parameters: RuleParameters) -> bool:
    return judge(Facts(policy=document), parameters).compliance is Compliance.COMPLIANT


# ---------------------------------------------------------------------------------------------------------------------
# What the policy as a whole needs
# ---------------------------------------------------------------------------------------------------------------------

USAGE_PERMISSIONS = BY_POLICY.of(Duty.USAGE)
DELETION = tuple(permission for permission in BY_POLICY.permissions if permission.name == "kms:Delete*")


def plan(policy: KeyPolicy, parameters: RuleParameters) -> Plan:
    """Decide which duty the policy keeps where it cannot keep both, and who may administer."""
    named = Plan(tuple(dict.fromkeys(map(user_id_fitting, parameters.administrators))))
    named = replace(named, placeholders=named.placeholders.union(_invented(parameters)))
    if parameters.separate_by_user:
        return _plan_by_user(policy, parameters, named)
    usage, granted = policy.permissions(Duty.USAGE), policy.permissions(Duty.ADMINISTRATION)
    lacking = listing(permission.name for permission in BY_POLICY.administration if permission not in granted)
    if usage and not (granted and parameters.strict):
        return named if lacking else replace(named, given_up=DELETION, why=WHY_NO_DELETION)
    if lacking:
        raise _NothingToProposeError(_lacks_too_much(lacking) if usage else _grants_too_little(lacking, parameters))
    listed = replace(named, allowed=parameters.administrators)
    return replace(listed, given_up=USAGE_PERMISSIONS, why=WHY_NO_USAGE) if usage else listed


def _plan_by_user(policy: KeyPolicy, parameters: RuleParameters, named: Plan) -> Plan:
    if not policy.granting(*Duty):
        raise _NothingToProposeError(
            f"The policy grants neither usage nor administration, and only you can decide who is to have more: grant "
            f"usage to named users, or administration to user ids in {ADMINISTRATORS}."
        )
    administering = [
        user_id
        for statement in policy.granting(Duty.ADMINISTRATION)
        for condition in statement.conditions
        for value in condition.values
        for user_id in user_ids_of(condition.operator, condition.key, value)
        if covering(user_id.pattern, parameters.administrators)
    ]
    if policy.granting(Duty.ADMINISTRATION):
        administering += map(UserId.of, named.administrators)
    return replace(named, allowed=parameters.administrators, administering=tuple(administering))


WHY_NO_DELETION = (
    "Beside usage, a policy may not grant all of kms:Create*, kms:Delete* and kms:Put*: give up kms:Delete*, since "
    "somebody must keep kms:PutKeyPolicy."
)
WHY_NO_USAGE = (
    f"With {STRICT}, a policy may not grant usage beside any administration: give up usage, since somebody must keep "
    f"kms:PutKeyPolicy. Administrators can give usage with grants (kms:CreateGrant), which the rule does not read."
)


def _lacks_too_much(lacking: str) -> str:
    return (
        f"With {STRICT} a policy grants usage or administration, and without usage this one lacks {lacking}: take "
        f"usage out and grant that to user ids in {ADMINISTRATORS}, who can give usage with grants."
    )


def _grants_too_little(lacking: str, parameters: RuleParameters) -> str:
    usage = (
        ""
        if parameters.strict
        else f"grant usage ({listing(permission.name for permission in USAGE_PERMISSIONS)}) to named users, or "
    )
    return (
        f"The policy grants too little, not too much, and only you can decide who is to have more: {usage}grant "
        f"{lacking} to user ids in {ADMINISTRATORS}."
    )


def user_id_fitting(allowed: Pattern) -> str:
    """Return a value for `aws:userId` that fits a pattern of `Admin_User_Id` and that the rule takes for a limit.

    That is the pattern itself, or a placeholder where it is so wide that it limits nobody, such as `*`.
    """
    written = _as_user_id(allowed)
    exact = written.replace("*", "EXAMPLEADMIN").replace("?", "X")
    return next(
        candidate
        for candidate in (written, ADMINISTRATOR, exact)
        if not weakness(candidate) and allowed.covers(Pattern.of_user_id(candidate))
    )


def _as_user_id(allowed: Pattern) -> str:
    return allowed.text.replace("${", "${$}{")


def _invented(parameters: RuleParameters) -> Iterator[str]:
    """Yield the user ids that stand for patterns of `Admin_User_Id` which are too wide to be written themselves."""
    for allowed in parameters.administrators:
        if weakness(_as_user_id(allowed)):
            yield user_id_fitting(allowed)
