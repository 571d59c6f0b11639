"""Findings as one HTML file that can be mailed: it needs no network and no server, and no script to be read.

Its Content-Security-Policy lets nothing run or load but its own style sheet and script, which it names by their hashes.
Without JavaScript the file is a plain table; with it, the table sorts and filters, and holds only the rows that are
shown, so that 10,000 are not a burden.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged
from kms_rule.formats.html.accounts import account_table, accounts_of
from kms_rule.formats.html.elements import Content, Element, document, element
from kms_rule.formats.html.policy_text import passages
from kms_rule.settings import given_texts
from kms_rule.version import version
from least_privilege.annotation import named
from least_privilege.scenarios import SCENARIOS, Compliance, Scenario

TITLE = "KMS key policies"
STYLE = Path(__file__).with_name("report.css")
SCRIPT = Path(__file__).with_name("report.js")

MAX_NAMED = 5
UNJUDGED = "Not judged"
ACCEPTED = "Accepted"
# What is wrong comes first, here and in the table.
COMPLIANCES = (Compliance.NON_COMPLIANT, Compliance.COMPLIANT, Compliance.NOT_APPLICABLE)
COLUMNS = ("Compliance", "Key", "Place", "Scenario", "What the rule says")


def render(findings: Findings, made: datetime | None = None, title: str = TITLE) -> str:
    """Return the page that shows these findings, with the parameters of the rule where they are known.

    `made` is when the keys were judged, now where it is None; it is shown in UTC. Texts from outside may hold anything:
    they are shown as they are, and what cannot be seen in them is spelt out.
    """
    judged = [*findings.each()]
    style, script = STYLE.read_text(encoding="utf-8"), SCRIPT.read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        _content_security_policy(style, script),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
        element("script", script),
    )
    header = element(
        "header",
        element("h1", title),
        _in_short(findings),
        _making(findings, made or datetime.now(tz=UTC)),
    )
    accounts = accounts_of(judged, findings.unjudged)
    sections = (
        _unjudged(findings.unjudged),
        _accepted(findings.accepted),
        _remarks(findings.remarks),
        _scenarios(judged),
        account_table(judged, findings.unjudged, COMPLIANCES),
    )
    main = element("main", *_present(*sections), _results(judged, accounts))
    return document(element("html", head, element("body", header, main, _footer()), lang="en"))


def _content_security_policy(style: str, script: str) -> Element:
    """Make the policy that forbids everything but this style sheet and this script, even to make markup of text."""
    content = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        f"form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return element("meta", http_equiv="Content-Security-Policy", content=content)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _present(*parts: Content | None) -> Iterator[Content]:
    return (part for part in parts if part is not None)


# ---------------------------------------------------------------------------------------------------------------------
# What it is, and the whole in short
# ---------------------------------------------------------------------------------------------------------------------


def _in_short(findings: Findings) -> Element:
    tallies = [_tally(findings.counts[compliance], compliance.value, _class(compliance)) for compliance in COMPLIANCES]
    if findings.accepted:
        tallies.append(_tally(len(findings.accepted), ACCEPTED, "accepted"))
    if findings.unjudged:
        tallies.insert(0, _tally(len(findings.unjudged), UNJUDGED, "unjudged"))
    return element("ul", *tallies, class_="tallies")


def _tally(count: int, label: str, class_: str) -> Element:
    return element("li", element("b", f"{count:,}"), " ", element("span", label), class_=class_)


def _class(compliance: Compliance) -> str:
    return compliance.value.lower().replace("_", "-")


def _making(findings: Findings, made: datetime) -> Element:
    facts = [_fact("Made", _time(made)), _fact("By", f"kms-rule {version()}")]
    if findings.parameters:
        facts += [_fact(name, element("code", value)) for name, value in given_texts(findings.parameters).items()]
    if findings.passed_over:
        facts.append(_fact("Files passed over", f"{findings.passed_over:,}"))
    return element("dl", *facts, class_="facts")


def _time(time: datetime) -> Element:
    utc = time.astimezone(UTC)
    return element("time", f"{utc.day} {utc:%B %Y, %H:%M} UTC", datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}")


def _fact(name: str, value: Content) -> Element:
    return element("div", element("dt", name), element("dd", value))


def _unjudged(unjudged: Sequence[Unjudged]) -> Element | None:
    if not unjudged:
        return None
    what = "One place" if len(unjudged) == 1 else f"{len(unjudged):,} places"
    return element(
        "section",
        element("h2", f"{what} could not be judged", id="unjudged"),
        element("p", "There may be keys that are not compliant. No other figure of this report counts them."),
        element("ul", *(element("li", *_place(one.place), element("p", one.reason)) for one in unjudged)),
        class_="unjudged",
        aria_labelledby="unjudged",
    )


def _accepted(accepted: Sequence[Accepted]) -> Element | None:
    if not accepted:
        return None
    listed = (
        element("li", *_place(one.finding.place), element("p", one.finding.annotation), element("p", str(one)))
        for one in accepted
    )
    return element(
        "section",
        element("h2", f"{_counted(len(accepted), 'result')} accepted", id="accepted"),
        element("p", "These keys are not compliant. No other figure of this report counts them."),
        element("ul", *listed),
        aria_labelledby="accepted",
    )


def _remarks(remarks: Sequence[str]) -> Element | None:
    if not remarks:
        return None
    heading = element("h2", "Remarks", id="remarks")
    return element("section", heading, _list(remarks), aria_labelledby="remarks")


def _place(place: Place) -> Iterator[Element]:
    yield element("p", str(replace(place, resource="")), class_="place")
    if place.resource:
        yield _code(place.resource)


def _list(sentences: Iterable[str]) -> Element:
    return element("ul", *(element("li", sentence) for sentence in sentences))


def _code(text: str) -> Element:
    return element("code", text)


def _footer() -> Element:
    return element(
        "footer",
        element(
            "p",
            "Compliance and sentences are those of the AWS Config rule AWSConfigRuleKMS. Policies in JSON are laid out "
            "anew, word for word. Characters that cannot be seen are written as in JSON, such as \\u200b.",
        ),
    )


# ---------------------------------------------------------------------------------------------------------------------
# The scenarios: a chart whose rows open to what they stand for
# ---------------------------------------------------------------------------------------------------------------------


def _scenarios(judged: Sequence[Finding]) -> Element:
    counts = Counter(finding.scenario.name for finding in judged)
    most = max(counts.values(), default=1)
    rows = (_scenario(scenario, counts[scenario.name], most) for scenario in _known_and_met(judged))
    return element(
        "section",
        element("h2", "Results by scenario", id="scenarios"),
        element(
            "p", "The rule asks in this order; the first scenario that holds decides. Open one to see what it asks."
        ),
        element("div", *rows, class_="scenarios"),
        aria_labelledby="scenarios",
    )


def _known_and_met(judged: Iterable[Finding]) -> tuple[Scenario, ...]:
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
        element("p", "If so: ", _badge(scenario.compliance), " ", element("q", scenario.sentence.format(id="…"))),
    )
    empty = "" if count else " empty"
    return element(
        "details", summary, explanation, id=_anchor(scenario), class_=f"{_class(scenario.compliance)}{empty}"
    )


def _anchor(scenario: Scenario) -> str:
    return f"scenario-{scenario.name}"


def _badge(compliance: Compliance) -> Element:
    return element("span", compliance.value, class_=f"badge {_class(compliance)}")


# ---------------------------------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------------------------------


def _results(judged: Sequence[Finding], accounts: Sequence[str]) -> Element:
    keys = len({(finding.place, finding.key_id) for finding in judged})
    ordered = sorted(judged, key=lambda finding: COMPLIANCES.index(finding.compliance))
    shelf = _PolicyShelf()
    heads = element("tr", *map(partial(element, "th", scope="col"), COLUMNS))
    heads[0].set("aria-sort", "ascending")
    return element(
        "section",
        element("h2", _counted(len(judged), "result"), element("small", f" for {_counted(keys, 'key')}"), id="results"),
        _filters(judged, accounts),
        element("p", role="status"),
        element(
            "table",
            element("thead", heads),
            element("tbody", *(_row(one, shelf) for one in ordered)),
            class_="results",
            aria_labelledby="results",
        ),
        element("p", class_="more", hidden=""),
        aria_labelledby="results",
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _filters(judged: Sequence[Finding], accounts: Sequence[str]) -> Element:
    text = element("input", id="filter-text", type="search", autocomplete="off", spellcheck="false")
    return element(
        "form",
        _labelled("Text in results and policies", text),
        _labelled("Compliance", _choice("filter-compliance", [compliance.value for compliance in COMPLIANCES])),
        _labelled("Scenario", _choice("filter-scenario", [one.name for one in _known_and_met(judged)])),
        *([_labelled("Account", _choice("filter-account", accounts))] if accounts else []),
        role="search",
        aria_label="Filter results",
        hidden="",
    )


def _labelled(label: str, control: Element) -> Element:
    return element("div", element("label", label, for_=control.get("id", "")), control)


def _choice(id_: str, values: Sequence[str]) -> Element:
    options = (element("option", value, value=value) for value in values)
    return element("select", element("option", "All", value=""), *options, id=id_)


@dataclass(frozen=True, slots=True)
class _Held:
    """Where in the page a policy stands, and the result in whose row that is."""

    anchor: str
    reported_id: str


class _PolicyShelf:
    """Gives each policy its place in the page: in the row that has it first, to which later rows refer."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, frozenset[int]], _Held] = {}

    def fold(self, finding: Finding) -> Element | None:
        """Return a fold with the key's policy in it, or with a link to it; None where it was not read."""
        policy, statements = finding.policy, finding.statements
        if policy is None:
            return None
        deciding = frozenset(statement.number for statement in statements)
        first = self._first.get((policy, deciding))
        if first:
            link = element("a", f"the policy of {first.reported_id}", href=f"#{first.anchor}")
            return _fold(statements, element("p", "The same as ", link, "."))
        first = _Held(f"policy-{len(self._first) + 1}", finding.reported_id)
        self._first[policy, deciding] = first
        return _fold(statements, _text_of(policy, deciding, first.anchor))


def _fold(statements: Sequence[Statement], content: Element) -> Element:
    return element("details", element("summary", _summary(statements)), content)


def _summary(statements: Sequence[Statement]) -> str:
    if not statements:
        return "Policy"
    names = ", ".join(map(named, statements[:MAX_NAMED]))
    others = len(statements) - MAX_NAMED
    return f"Policy, decided by {names}{f' and {others:,} more' if others > 0 else ''}"


def _text_of(policy: str, deciding: frozenset[int], anchor: str) -> Element:
    shown = (element("mark", one.text) if one.decides else one.text for one in passages(policy, deciding))
    # A browser drops a line break that opens the element, so that the policy's own must not be the first.
    return element("pre", "\n", *shown, id=anchor)


def _row(finding: Finding, shelf: _PolicyShelf) -> Element:
    scenario = finding.scenario
    recorded = element("p", "Recorded by AWS Config ", _time(finding.recorded)) if finding.recorded else None
    remarks = _list(finding.remarks) if finding.remarks else None
    folds = (shelf.fold(finding), _not_judged(finding))
    return element(
        "tr",
        element("td", _badge(finding.compliance)),
        element("th", _code(finding.reported_id), scope="row"),
        element("td", *_place(finding.place)),
        element("td", *_number(scenario), element("a", scenario.name, href=f"#{_anchor(scenario)}")),
        element("td", *_present(element("p", finding.annotation), recorded, remarks, *folds)),
    )


def _not_judged(finding: Finding) -> Element | None:
    if not finding.not_judged:
        return None
    return element("details", element("summary", "Not judged by the rule"), _list(map(str, finding.not_judged)))


def _number(scenario: Scenario) -> Iterator[Content]:
    if scenario.number:
        yield element("b", str(scenario.number))
        yield " "
