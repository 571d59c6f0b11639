"""Everything that there is to say about one policy: the rule's answers, what each statement grants, and a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError, Statement, covering
from kms_rule.explanation.sentences import sentence
from kms_rule.findings import Finding, Place, findings_of, policy_text
from kms_rule.remediation.remedy import NoProposal, Proposal, remedy
from least_privilege.condition import Condition
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.permission import UNKNOWN_ACTIONS, Duty, Permission
from least_privilege.scenarios import SCENARIOS, Compliance, Scenario, answers, duty_table, judge
from least_privilege.text import quoted

YES, NO, NOT_REACHED = "yes", "no", "not reached"


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A row of the rule's table with its answer about one key; the first yes decides, the rest are not reached."""

    scenario: Scenario
    answer: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Administrator:
    """A user id with administration, the statements that grant it, and the first pattern that covers it, if any."""

    user_id: str
    statements: tuple[int, ...]
    covered_by: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one policy; `remedy` is None where it needs none.

    `with_unreached` is whether people are shown the questions that were not reached, too.
    """

    parameters: RuleParameters
    findings: tuple[Finding, ...]
    questions: tuple[AnsweredQuestion, ...]
    statements: tuple[Statement, ...]
    administrators: tuple[Administrator, ...]
    remedy: Proposal | NoProposal | None
    with_unreached: bool = False

    @property
    def finding(self) -> Finding:
        """The finding under the first of the ids that the rule would report the key under."""
        return self.findings[0]


def explanation_of(
    name: str, facts: Facts, place: Place, parameters: RuleParameters, remarks: tuple[str, ...] = ()
) -> Explanation:
    """Explain the policy of the key that these facts are about; None is a policy that could not be read."""
    text = policy_text(facts.policy)
    findings = tuple(findings_of(Key(name, facts), judge(facts, parameters), parameters, place, remarks))
    refused = findings[0].compliance is Compliance.NON_COMPLIANT
    try:
        policy = KeyPolicy.parse(facts.policy or "", duty_table(parameters))
    except PolicyError:
        policy = KeyPolicy(())
    return Explanation(
        parameters,
        findings,
        questions=tuple(_questions_asked(facts, parameters)),
        statements=policy.statements,
        administrators=tuple(_administrators_in(policy, parameters)),
        remedy=remedy(text, parameters) if refused and text is not None else None,
    )


def _questions_asked(facts: Facts, parameters: RuleParameters) -> Iterator[AnsweredQuestion]:
    given = {scenario.name: answer for scenario, answer in answers(facts, parameters)}
    for scenario in SCENARIOS:
        answer = given.get(scenario.name)
        if answer:
            yield AnsweredQuestion(scenario, YES if answer.holds else NO, sentence(answer.evidence))
        else:
            yield AnsweredQuestion(scenario, NOT_REACHED)


def _administrators_in(policy: KeyPolicy, parameters: RuleParameters) -> Iterator[Administrator]:
    for user_id, numbers in policy.administrators.items():
        covered_by = covering(user_id.pattern, parameters.administrators)
        yield Administrator(user_id.text, numbers, covered_by.text if covered_by else None)


def duties_of(statement: Statement) -> list[tuple[Permission, Duty]]:
    """Return the permissions that are duties in a statement, each with the duty, in the order of the rule's table."""
    return [
        (permission, duty)
        for permission in (*statement.table.permissions, UNKNOWN_ACTIONS)
        if permission in statement.permissions and (duty := statement.duty_of(permission))
    ]


def reason_against(condition: Condition) -> str:
    """Return why a condition on the user id does not count, or nothing where it does."""
    if not condition.limits_users:
        return "this operator does not limit the statement to users"
    if condition.is_effective:
        return ""
    weak = next(iter(condition.weak_values), None)
    return f"{quoted(weak[0])} limits nobody: {weak[1]}" if weak else "it names nobody"


def conditions_on_user_id(statement: Statement) -> list[Condition]:
    """Return the statement's conditions on the user id, those included that do not count."""
    return [condition for condition in statement.conditions if condition.is_on_user_id]
