"""Findings as one HTML file that can be mailed: it needs no network and no server, and no script to be read.

Its Content-Security-Policy lets nothing run or load but its own style sheet and script, which it names by their hashes.
Without JavaScript the file is a plain table; with it, the table sorts and filters, and holds only the rows that are
shown, so that 10,000 are not a burden.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from kms_rule.explanation.limits import LIMITS
from kms_rule.findings import Accepted, Findings, Unjudged
from kms_rule.formats.html.accounts import account_table, accounts_of
from kms_rule.formats.html.elements import Content, Element, document, element
from kms_rule.formats.html.making import facts, tallies, warning
from kms_rule.formats.html.parts import COMPLIANCES, counted, listed, place_parts, section
from kms_rule.formats.html.results import results
from kms_rule.formats.html.scenarios import scenarios
from kms_rule.settings import examples_remark

TITLE = "KMS key policies"
STYLE = Path(__file__).with_name("report.css")
SCRIPT = Path(__file__).with_name("report.js")
CODE = re.compile(r"`([^`]*)`")


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
    making = facts(judged, findings, made or datetime.now(tz=UTC))
    header = element("header", element("h1", title), tallies(judged, findings), *_present(warning(findings)), making)
    accounts = accounts_of(judged, findings.unjudged)
    sections = (
        _unjudged(findings.unjudged),
        _accepted(findings.accepted),
        _remarks([remark for remark in findings.remarks if remark != examples_remark(findings.examples)]),
        scenarios(judged),
        account_table(judged, findings.unjudged, COMPLIANCES),
        results(judged, findings, accounts),
        _not_covered(),
    )
    main = element("main", *_present(*sections))
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


def _unjudged(unjudged: Sequence[Unjudged]) -> Element | None:
    if not unjudged:
        return None
    what = "One place" if len(unjudged) == 1 else f"{len(unjudged):,} places"
    return section(
        "unjudged",
        f"{what} could not be judged",
        element("p", "There may be keys that are not compliant. No other figure of this report counts them."),
        element("ul", *(element("li", *place_parts(one.place), element("p", one.reason)) for one in unjudged)),
        class_="unjudged",
    )


def _accepted(accepted: Sequence[Accepted]) -> Element | None:
    if not accepted:
        return None
    entries = (
        element("li", *place_parts(one.finding.place), element("p", one.finding.annotation), element("p", str(one)))
        for one in accepted
    )
    return section(
        "accepted",
        f"{counted(len(accepted), 'result')} accepted",
        element("p", "These keys are not compliant. No other figure of this report counts them."),
        element("ul", *entries),
    )


def _remarks(remarks: Sequence[str]) -> Element | None:
    return section("remarks", "Remarks", listed(remarks)) if remarks else None


def _not_covered() -> Element:
    return section(
        "not-covered",
        "What this report does not cover",
        element(
            "p",
            "The rule judges key policies by their duties, and nothing else. Where a policy has something of this that "
            "a reviewer should look at, its result lists that as not judged by the rule.",
        ),
        element("ul", *(element("li", *_with_code(sentence)) for sentence in LIMITS)),
    )


def _with_code(sentence: str) -> Iterator[Content]:
    """Yield the parts of a sentence, of which those between backticks are code."""
    for number, part in enumerate(CODE.split(sentence)):
        yield element("code", part) if number % 2 else part


def _footer() -> Element:
    return element(
        "footer",
        element(
            "p",
            "Compliance and sentences are those of the AWS Config rule AWSConfigRuleKMS. Policies in JSON are laid out "
            "anew, word for word. Characters that cannot be seen are written as in JSON, such as \\u200b.",
        ),
    )
