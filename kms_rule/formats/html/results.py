"""The table of results, with what filters it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from kms_rule.findings import Finding, Findings
from kms_rule.formats.html.elements import Content, Element, element
from kms_rule.formats.html.folds import Folds
from kms_rule.formats.html.parts import (
    COMPLIANCES,
    anchor,
    badge,
    counted,
    listed,
    moment,
    number_of_keys,
    place_parts,
    section,
)
from kms_rule.formats.html.scenarios import known_and_met
from least_privilege.scenarios import Scenario

COLUMNS = ("Compliance", "Key", "Place", "Scenario", "What the rule says")
BY_ALIAS = ", by alias: AWS Config does not tell which of them are of one key"


def results(judged: Sequence[Finding], findings: Findings, accounts: Sequence[str]) -> Element:
    """Return the section with a row for each result; there is a choice of `accounts` if there are any."""
    ordered = sorted(judged, key=lambda finding: COMPLIANCES.index(finding.compliance))
    folds = Folds(findings.parameters)
    rows = [_row(one, folds) for one in ordered]
    heads = element("tr", *map(partial(element, "th", scope="col"), COLUMNS))
    heads[0].set("aria-sort", "ascending")
    keys = number_of_keys(judged)
    of_keys = BY_ALIAS if keys is None else f" for {counted(keys, 'key')}"
    return section(
        "results",
        (
            counted(len(judged), "result"),
            element("small", of_keys),
        ),
        *_only_some(findings),
        *_left_out(folds.without_remedy),
        _filters(judged, accounts),
        element("p", role="status"),
        element("table", element("thead", heads), element("tbody", *rows), class_="results", aria_labelledby="results"),
        element("p", class_="more", hidden=""),
    )


def _only_some(findings: Findings) -> Iterator[Element]:
    if findings.only:
        shown = " and ".join(compliance.value for compliance in COMPLIANCES if compliance in findings.only)
        yield element("p", f"Only results that are {shown} are listed. The figures at the top count all of them.")


def _left_out(without_remedy: int) -> Iterator[Element]:
    if without_remedy:
        yield element(
            "p",
            f"What would make it compliant is not worked out for {counted(without_remedy, 'result')}, since there are "
            f"too many different policies that fail: ask ",
            element("code", "kms-rule explain"),
            " for it, or make a report of fewer keys.",
        )


def _filters(judged: Sequence[Finding], accounts: Sequence[str]) -> Element:
    text = element("input", id="filter-text", type="search", autocomplete="off", spellcheck="false")
    return element(
        "form",
        _labelled("Text in results and policies", text),
        _labelled("Compliance", _choice("filter-compliance", [compliance.value for compliance in COMPLIANCES])),
        _labelled("Scenario", _choice("filter-scenario", [one.name for one in known_and_met(judged)])),
        *([_labelled("Account", _choice("filter-account", accounts))] if accounts else []),
        role="search",
        aria_label="Filter results",
        hidden="",
    )


def _labelled(label: str, control: Element) -> Element:
    return element("div", element("label", label, for_=control.get("id", "")), control)


def _choice(id_: str, values: Iterable[str]) -> Element:
    options = (element("option", value, value=value) for value in values)
    return element("select", element("option", "All", value=""), *options, id=id_)


def _row(finding: Finding, folds: Folds) -> Element:
    scenario = finding.scenario
    said: list[Content] = [element("p", finding.annotation)]
    if finding.recorded:
        said.append(element("p", "Recorded by AWS Config ", moment(finding.recorded)))
    if finding.remarks:
        said.append(listed(finding.remarks))
    return element(
        "tr",
        element("td", badge(finding.compliance)),
        element("th", element("code", finding.reported_id), scope="row"),
        element("td", *place_parts(finding.place)),
        element("td", *_number(scenario), element("a", scenario.name, href=f"#{anchor(scenario)}")),
        element("td", *said, *folds.of(finding)),
    )


def _number(scenario: Scenario) -> Iterator[Content]:
    if scenario.number:
        yield element("b", str(scenario.number))
        yield " "
