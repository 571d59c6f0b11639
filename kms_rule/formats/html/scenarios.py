"""The scenarios as a chart whose rows open to what they ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kms_rule.findings import Finding
from kms_rule.formats.html.elements import Element, element
from kms_rule.formats.html.parts import anchor, badge, class_of, section
from least_privilege.scenarios import SCENARIOS, Scenario


def scenarios(judged: Sequence[Finding]) -> Element:
    """Return the section with how many results each scenario has, and what it asks."""
    counts = Counter(finding.scenario.name for finding in judged)
    most = max(counts.values(), default=1)
    rows = (_scenario(scenario, counts[scenario.name], most) for scenario in known_and_met(judged))
    return section(
        "scenarios",
        "Results by scenario",
        element(
            "p",
            "The rule asks in this order; the first scenario that holds decides.",
            element("span", " Open one to see what it asks.", class_="on-screen"),
        ),
        element("div", *rows, class_="scenarios"),
    )


def known_and_met(judged: Iterable[Finding]) -> tuple[Scenario, ...]:
    """Return the rule's scenarios in its order, and after them others that results were read with."""
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    for finding in judged:
        by_name.setdefault(finding.scenario.name, finding.scenario)
    return tuple(by_name.values())


def _scenario(scenario: Scenario, count: int, most: int) -> Element:
    bar = element("rect", width=f"{100 * count / most:.2f}%", height="100%")
    chart = element("svg", bar, aria_hidden="true", focusable="false", width="100%", height="8")
    summary = element(
        "summary",
        element("span", str(scenario.number or ""), class_="number"),
        " ",
        element("span", scenario.name, class_="name"),
        " ",
        chart,
        element("b", f"{count:,}"),
    )
    explanation = element(
        "div",
        element("p", scenario.question),
        element("p", "If so: ", badge(scenario.compliance), " ", element("q", scenario.sentence.format(id="…"))),
    )
    empty = "" if count else " empty"
    return element(
        "details", summary, explanation, id=anchor(scenario), class_=f"{class_of(scenario.compliance)}{empty}"
    )
