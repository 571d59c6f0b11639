"""The rule's table: the rows are asked in their order, and the first whose answer holds gives the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError
from least_privilege.evidence import (
    DutiesEvidence,
    Evidence,
    FormEvidence,
    ManagerEvidence,
    ReadingEvidence,
    StateEvidence,
    StatementsEvidence,
    UnlimitedEvidence,
    WhitelistEvidence,
    grants,
)
from least_privilege.key import CUSTOMER, ENABLED, Facts
from least_privilege.parameters import ADMINISTRATORS, SEPARATE_BY, STRICT, WHITELIST, RuleParameters
from least_privilege.permission import BY_POLICY, BY_USER, Duty, DutyTable

DESCRIBE_KEY = "kms:DescribeKey"
GET_KEY_POLICY = "kms:GetKeyPolicy"
NO_DESCRIPTION = f"{DESCRIBE_KEY} is missing, key taken for enabled"
NO_POLICY = KeyPolicy(())


class Compliance(StrEnum):
    """The compliance types that AWS Config takes from a custom rule."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"


def duty_table(parameters: RuleParameters) -> DutyTable:
    """Return which permissions are duties, by `SeparateDutiesBy`."""
    return BY_USER if parameters.separate_by_user else BY_POLICY


@dataclass(frozen=True)
class Case:
    """The facts about a key and the rule's parameters, which the rows are asked about."""

    facts: Facts
    parameters: RuleParameters

    @property
    def table(self) -> DutyTable:
        """Which permissions are duties."""
        return duty_table(self.parameters)

    @cached_property
    def parsed(self) -> KeyPolicy | PolicyError:
        """The key's policy, or what is wrong with it; a policy that was not read grants nothing."""
        if self.facts.policy is None:
            return NO_POLICY
        try:
            return KeyPolicy.parse(self.facts.policy, self.table)
        except PolicyError as error:
            return error

    @property
    def policy(self) -> KeyPolicy:
        """The key's policy; where there is none that can be read, one that grants nothing: it is never compliant."""
        return NO_POLICY if isinstance(self.parsed, PolicyError) else self.parsed

    @cached_property
    def duties(self) -> DutiesEvidence:
        """What the policy as a whole grants, which several rows ask about."""
        usage = self.policy.permissions(Duty.USAGE)
        administration = self.policy.permissions(Duty.ADMINISTRATION)
        any_counts = self.table.by_user or (self.parameters.strict and bool(usage))
        sharing = self.policy.sharing if self.table.by_user else None
        return DutiesEvidence(
            usage=usage,
            administration=administration,
            lacking=()
            if any_counts
            else tuple(each for each in self.table.administration if each not in administration),
            usage_grants=grants(self.policy.granting(Duty.USAGE), Duty.USAGE),
            administration_grants=grants(self.policy.granting(Duty.ADMINISTRATION), Duty.ADMINISTRATION),
            unlisted=self.policy.unlisted_administrators(self.parameters.administrators),
            duties_meet=not self.table.by_user or sharing is not None,
            sharing=(sharing[0].text, sharing[1].text) if sharing else None,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether what a row asks holds for a key, and what that rests on."""

    holds: bool
    evidence: Evidence


type Question = Callable[[Case], Answer]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table: a key for which `answer` holds gets this compliance and this sentence.

    `number` is the post's, for its eight scenarios; `question` is what the row asks, in words. In `sentence`, `{id}`
    stands for the reported id.
    """

    name: str
    number: int | None
    question: str
    answer: Question
    compliance: Compliance
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one answer to a key: the scenario that holds, its evidence, and what must be said besides."""

    scenario: Scenario
    evidence: Evidence
    caveat: str = ""

    @property
    def compliance(self) -> Compliance:
        """The compliance type of the scenario."""
        return self.scenario.compliance


# ---------------------------------------------------------------------------------------------------------------------
# The questions
# ---------------------------------------------------------------------------------------------------------------------


def _managed_by_aws(case: Case) -> Answer:
    facts = case.facts
    return Answer(facts.manager != CUSTOMER, ManagerEvidence(facts.manager, facts.aliases))


def _not_enabled(case: Case) -> Answer:
    return Answer(case.facts.state != ENABLED, StateEvidence(case.facts.state))


def _whitelisted(case: Case) -> Answer:
    match = case.parameters.whitelisting(case.facts.aliases)
    return Answer(match is not None, WhitelistEvidence(case.facts.aliases, case.parameters.whitelist, match))


def _policy_denied(case: Case) -> Answer:
    denied = case.facts.denied
    return Answer(GET_KEY_POLICY in denied, ReadingEvidence(denied))


def _malformed(case: Case) -> Answer:
    if isinstance(case.parsed, PolicyError):
        return Answer(holds=True, evidence=FormEvidence(str(case.parsed)))
    policy = case.parsed
    return Answer(holds=False, evidence=FormEvidence("", len(policy.statements), len(policy.allowing)))


def _opens_every_action(case: Case) -> Answer:
    opening = grants(case.policy.opening_every_action())
    return Answer(bool(opening), StatementsEvidence(opening, "no Allow statement covers every KMS action"))


def _no_user_condition(case: Case) -> Answer:
    unlimited = grants(case.policy.granting_without_limit(), *Duty)
    absence = (
        "each statement that grants a duty says who may have it"
        if case.policy.granting(*Duty)
        else "none grants a duty"
    )
    return Answer(bool(unlimited), UnlimitedEvidence(unlimited, absence))


def _duties(
    *, usage: bool, administration: bool, whitelisted: bool | None = None, meet: bool | None = None
) -> Question:
    """Make the question whether a policy has just these duties; None where its users do not matter."""

    def question(case: Case) -> Answer:
        duties = case.duties
        agrees = whitelisted in (None, duties.users_are_whitelisted) and meet in (None, duties.duties_meet)
        return Answer(agrees and (usage, administration) == (duties.has_usage, duties.has_administration), duties)

    return question


def _no_scenario(case: Case) -> Answer:
    return Answer(holds=True, evidence=case.duties)


# ---------------------------------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------------------------------

ALL_OR_ANY = f"all of administration (with {STRICT} or {SEPARATE_BY} = User: any of it)"

# Answered before the policy is read, which spares the call.
KEY_SCENARIOS = (
    Scenario(
        "aws-managed-key-not-applicable",
        None,
        "Does AWS manage the key?",
        _managed_by_aws,
        Compliance.NOT_APPLICABLE,
        "Key {id} is managed by AWS, so its key policy is not judged: nothing to do",
    ),
    Scenario(
        "disabled-cmk-not-applicable",
        1,
        "Is the key disabled, or in any other state than enabled?",
        _not_enabled,
        Compliance.NOT_APPLICABLE,
        "CMK {id} is disabled",
    ),
    Scenario(
        "whitelisted-cmk-compliant",
        2,
        f"Does one of the key's aliases fit {WHITELIST}?",
        _whitelisted,
        Compliance.COMPLIANT,
        "CMK {id} is in whitelist for CMK Key Policy check",
    ),
)
POLICY_SCENARIOS = (
    Scenario(
        "key-policy-denied-not-compliant",
        None,
        "Is the rule refused to read the key's policy?",
        _policy_denied,
        Compliance.NON_COMPLIANT,
        f"Key Policy for {{id}} cannot be read: allow {GET_KEY_POLICY} to the rule's role, in the key policy or "
        f"through the account's root",
    ),
    Scenario(
        "malformed-policy-not-compliant",
        None,
        "Is the policy malformed?",
        _malformed,
        Compliance.NON_COMPLIANT,
        "Key Policy for {id} is malformed, correct it",
    ),
    Scenario(
        "wildcard-policy-action-not-compliant",
        3,
        "Does an Allow statement open all KMS actions?",
        _opens_every_action,
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does have open KMS permissions and CMK is not whitelisted",
    ),
    Scenario(
        "no-user-condition-not-compliant",
        None,
        "Does an Allow statement let somebody use or administer the key without a condition on aws:userId that limits "
        "who?",
        _no_user_condition,
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does not limit its users: add StringLike on aws:userId",
    ),
    Scenario(
        "no-separation-of-duty-not-compliant",
        4,
        f"Does the policy allow both use and {ALL_OR_ANY}, the latter to users who are not all in {ADMINISTRATORS}?",
        _duties(usage=True, administration=True, whitelisted=False),
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does not have separation of duties and CMK is not whitelisted",
    ),
    Scenario(
        "separation-of-duty-compliant",
        5,
        f"Does the policy allow use without all of administration (with {STRICT} or {SEPARATE_BY} = User: without any "
        f"of it)?",
        _duties(usage=True, administration=False),
        Compliance.COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties and CMK is not whitelisted",
    ),
    Scenario(
        "admin-actions-compliant",
        6,
        f"Does the policy allow all of administration (with {SEPARATE_BY} = User: any of it) without use, to users who "
        f"are all in {ADMINISTRATORS}?",
        _duties(usage=False, administration=True, whitelisted=True),
        Compliance.COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties, CMK is not whitelisted, and user id is "
        "whitelisted",
    ),
    Scenario(
        "admin-role-not-in-whitelist-not-compliant",
        7,
        f"Does the policy allow all of administration (with {SEPARATE_BY} = User: any of it) without use, to users who "
        f"are not all in {ADMINISTRATORS}?",
        _duties(usage=False, administration=True, whitelisted=False),
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties, CMK is not whitelisted, and user id is not "
        "whitelisted",
    ),
    Scenario(
        "admin-role-not-allowed-actions-not-compliant",
        8,
        f"Does the policy allow both use and {ALL_OR_ANY}, the latter to users who are all in {ADMINISTRATORS} (with "
        f"{SEPARATE_BY} = User: and some user both)?",
        _duties(usage=True, administration=True, whitelisted=True, meet=True),
        Compliance.NON_COMPLIANT,
        "In Key Policy for {id}, statement does not have separation of duties, CMK is not whitelisted, and user id is "
        "whitelisted",
    ),
    Scenario(
        "separate-users-compliant",
        None,
        f"With {SEPARATE_BY} = User: does the policy allow both use and administration, the latter to users who are "
        f"all in {ADMINISTRATORS}, and no user both?",
        _duties(usage=True, administration=True, whitelisted=True, meet=False),
        Compliance.COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties, no user both uses and administers the key, "
        "and CMK is not whitelisted",
    ),
    Scenario(
        "no-scenario-not-compliant",
        None,
        "Does none of the other scenarios hold?",
        _no_scenario,
        Compliance.NON_COMPLIANT,
        "Key Policy for {id} does not have the permissions defined in the scenarios: grant usage or administration to "
        "named users",
    ),
)
SCENARIOS = (*KEY_SCENARIOS, *POLICY_SCENARIOS)


# ---------------------------------------------------------------------------------------------------------------------
# The verdict
# ---------------------------------------------------------------------------------------------------------------------


def answers(
    facts: Facts, parameters: RuleParameters, scenarios: Sequence[Scenario] = SCENARIOS
) -> Iterator[tuple[Scenario, Answer]]:
    """Yield each row with its answer about a key, up to the first that holds."""
    case = Case(facts, parameters)
    for scenario in scenarios:
        answer = scenario.answer(case)
        yield scenario, answer
        if answer.holds:
            return


def judge(facts: Facts, parameters: RuleParameters) -> Verdict:
    """Return the verdict on a key whose policy has been read, or need not be.

    Pure: the same facts and parameters always give the same verdict. The first row of `SCENARIOS` that holds decides.
    Source: the post's eight scenarios.
    """
    return judge_key(facts, parameters) or judge_policy(facts, parameters)


def judge_key(facts: Facts, parameters: RuleParameters) -> Verdict | None:
    """Return the verdict on a key where its policy does not matter, or None where the policy decides."""
    *_, (scenario, answer) = answers(facts, parameters, KEY_SCENARIOS)
    return _verdict(scenario, answer, facts) if answer.holds else None


def judge_policy(facts: Facts, parameters: RuleParameters) -> Verdict:
    """Return the verdict on a key about which `judge_key` says nothing; one of these rows always holds."""
    *_, (scenario, answer) = answers(facts, parameters, POLICY_SCENARIOS)
    return _verdict(scenario, answer, facts)


def _verdict(scenario: Scenario, answer: Answer, facts: Facts) -> Verdict:
    caveat = NO_DESCRIPTION if DESCRIBE_KEY in facts.denied else ""
    return Verdict(scenario, answer.evidence, caveat)
