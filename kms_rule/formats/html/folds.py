"""What opens below a result: its policy, what would make that compliant, and what of it is not judged.

A text that several results have stands in the page once: in the row that has it first, to which later rows refer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.findings import Finding
from kms_rule.formats.html.elements import Content, Element, element
from kms_rule.formats.html.parts import listed
from kms_rule.formats.html.policy_text import laid_out, passages
from kms_rule.remediation.remedy import NoProposal, Proposal, needed_remedy
from least_privilege.annotation import named
from least_privilege.parameters import RuleParameters

MAX_NAMED = 5
# A remedy takes milliseconds, that of a policy of 32 KB half a second: of so many characters of policies, a short one
# counting as a longer, remedies are worked out in a second or two, of the worst in ten.
MAX_CHARACTERS_TO_REMEDY = 500_000
LEAST_CHARACTERS = 1_000

type Remedy = Proposal | NoProposal


@dataclass(frozen=True, slots=True)
class _Held:
    """Where in the page a text stands, and the result in whose row that is."""

    anchor: str
    reported_id: str


class Folds:
    """Makes the folds of one result after another; `without_remedy` counts those for which there was no more room."""

    def __init__(self, parameters: RuleParameters | None) -> None:
        """Begin a page; without parameters, nothing of it has a remedy."""
        self.without_remedy = 0
        self._parameters = parameters
        self._first: dict[Hashable, _Held] = {}
        self._remedies: dict[str, Remedy | None] = {}
        self._characters_left = MAX_CHARACTERS_TO_REMEDY

    def of(self, finding: Finding) -> Iterator[Element]:
        """Yield the folds of a result, in the order in which they are asked for."""
        policy, deciding = finding.policy, frozenset(statement.number for statement in finding.statements)
        if policy is not None:
            shown = self._once("policy", (policy, deciding), finding, lambda: _text_of(policy, deciding))
            yield _fold(_summary(finding.statements), shown)
        remedy = self._remedy(finding)
        if remedy:
            shown = self._once("remedy", policy, finding, lambda: _steps_to(remedy))
            yield _fold("What would make it compliant", shown)
        if finding.not_judged:
            yield _fold("Not judged by the rule", listed(map(str, finding.not_judged)))

    def _once(self, kind: str, text: Hashable, finding: Finding, made: Callable[[], Element]) -> Element:
        """Return what is `made` of a text with an id, or a link to it where the page has it already."""
        first = self._first.get((kind, text))
        if first:
            link = element("a", f"the {kind} of {first.reported_id}", href=f"#{first.anchor}")
            return element("p", "The same as ", link, ".")
        first = _Held(f"{kind}-{len(self._first) + 1}", finding.reported_id)
        self._first[kind, text] = first
        shown = made()
        shown.set("id", first.anchor)
        return shown

    def _remedy(self, finding: Finding) -> Remedy | None:
        policy = finding.policy
        if policy is None or not finding.fails or not self._parameters:
            return None
        if policy not in self._remedies:
            cost = max(len(policy), LEAST_CHARACTERS)
            if cost > self._characters_left:
                self.without_remedy += 1
                return None
            self._characters_left -= cost
            self._remedies[policy] = needed_remedy(finding.compliance, policy, self._parameters)
        return self._remedies[policy]


def _fold(summary: str, content: Element) -> Element:
    return element("details", element("summary", summary), content)


def _summary(statements: Sequence[Statement]) -> str:
    if not statements:
        return "Policy"
    names = ", ".join(map(named, statements[:MAX_NAMED]))
    others = len(statements) - MAX_NAMED
    return f"Policy, decided by {names}{f' and {others:,} more' if others > 0 else ''}"


def _text_of(policy: str, deciding: frozenset[int]) -> Element:
    return _pre(*(element("mark", one.text) if one.decides else one.text for one in passages(policy, deciding)))


def _pre(*shown: Content) -> Element:
    # A browser drops a line break that opens the element, so that the text's own must not be the first.
    return element("pre", "\n", *shown)


def _steps_to(remedy: Remedy) -> Element:
    steps = [listed(remedy.steps, "ol")] if remedy.steps else []
    if isinstance(remedy, NoProposal):
        return element("div", element("p", remedy.reason), *steps)
    return element("div", *steps, element("p", "The policy then:"), _pre(laid_out(remedy.text)))
