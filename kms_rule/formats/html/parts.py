"""Parts that several sections of the page have: a place, a time, a compliance, a number of things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from kms_rule.findings import Finding, Place
from kms_rule.formats.html.elements import Content, Element, element
from least_privilege.parameters import ALIAS_PREFIX
from least_privilege.scenarios import Compliance, Scenario

# What is wrong comes first, in the page's figures and in its table.
COMPLIANCES = (Compliance.NON_COMPLIANT, Compliance.COMPLIANT, Compliance.NOT_APPLICABLE)

# How places name a live account, and its Region where that is known.
LIVE = re.compile(r"account (?P<account>\d{12})(?:, (?P<region>[\w-]+))?", re.ASCII)


def section(id_: str, heading: Content | Sequence[Content], *content: Content, class_: str = "") -> Element:
    """Return a section with its heading, which has this id and names it."""
    heading = [heading] if isinstance(heading, str) or not isinstance(heading, Sequence) else heading
    attributes = {"class_": class_} if class_ else {}
    return element("section", element("h2", *heading, id=id_), *content, aria_labelledby=id_, **attributes)


def place_parts(place: Place) -> Iterator[Element]:
    """Yield where a key is, and what it is called there."""
    yield element("p", place.position, class_="place")
    if place.resource:
        yield element("code", place.resource)


def listed(sentences: Iterable[str], tag: str = "ul") -> Element:
    """Return a list of sentences."""
    return element(tag, *(element("li", sentence) for sentence in sentences))


def badge(compliance: Compliance) -> Element:
    """Return the compliance with its colour."""
    return element("span", compliance.value, class_=f"badge {class_of(compliance)}")


def class_of(compliance: Compliance) -> str:
    """Return the class that gives a compliance its colour."""
    return compliance.value.lower().replace("_", "-")


def anchor(scenario: Scenario) -> str:
    """Return the id of the page's entry about a scenario."""
    return f"scenario-{scenario.name}"


def moment(time: datetime) -> Element:
    """Return a time, shown in UTC."""
    utc = time.astimezone(UTC)
    return element("time", f"{utc.day} {utc:%B %Y, %H:%M} UTC", datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}")


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: 1 key, 1,234 keys."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number_of_keys(judged: Sequence[Finding]) -> int | None:
    """Return how many keys these results are of; None where AWS Config holds results by alias, and does not tell."""
    if any(finding.key_id.startswith(ALIAS_PREFIX) for finding in judged):
        return None
    return len({(finding.place, finding.key_id) for finding in judged})
