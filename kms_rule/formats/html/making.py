"""The head of the page: the whole in short, and of what, when and with which parameters it was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from kms_rule.findings import Finding, Findings
from kms_rule.formats.html.elements import Content, Element, element
from kms_rule.formats.html.parts import COMPLIANCES, LIVE, class_of, counted, moment, number_of_keys
from kms_rule.rule_package import code_sha256, zipped_rule
from kms_rule.settings import examples_remark, given_texts
from kms_rule.version import version
from least_privilege.scenarios import Compliance

UNJUDGED = "Not judged"
ACCEPTED = "Accepted"
OWN_RULE = "AWSConfigRuleKMS"
# More accounts have a table of their own.
MAX_NAMED = 5


def tallies(judged: Sequence[Finding], findings: Findings) -> Element:
    """Return how many results there are of each kind, and of how many keys where these are fewer."""
    of_each = ((one, [finding for finding in judged if finding.compliance is one]) for one in COMPLIANCES)
    shown = [_tally_of(one, some, findings) for one, some in of_each]
    if findings.accepted:
        shown.append(_tally(len(findings.accepted), ACCEPTED, "accepted"))
    if findings.unjudged:
        shown.insert(0, _tally(len(findings.unjudged), UNJUDGED, "unjudged"))
    return element("ul", *shown, class_="tallies")


def _tally_of(compliance: Compliance, judged: Sequence[Finding], findings: Findings) -> Element:
    count = findings.counts[compliance]
    # Of results that are not shown, the keys are not known.
    keys = number_of_keys(judged) if count == len(judged) else None
    return _tally(count, compliance.value, class_of(compliance), keys)


def _tally(count: int, label: str, class_: str, keys: int | None = None) -> Element:
    of_keys = () if keys in {None, count} else (" ", element("small", f"for {counted(keys or 0, 'key')}"))
    return element("li", element("b", f"{count:,}"), " ", element("span", label), *of_keys, class_=class_)


def facts(judged: Sequence[Finding], findings: Findings, made: datetime) -> Element:
    """Return of what the report was made, when, by what, and with which parameters."""
    parts = [*_scope(judged, findings), _fact("Made", moment(made)), _fact("By", f"kms-rule {version()}")]
    parts.append(_fact("Rule", findings.rule or OWN_RULE))
    if findings.parameters:
        parts.append(_fact("CodeSha256 of the rule", element("code", code_sha256(zipped_rule()))))
        for name, value in given_texts(findings.parameters).items():
            example = (" ", element("em", "example")) if name in findings.examples else ()
            parts.append(_fact(name, element("code", value), *example))
    return element("dl", *parts, class_="facts")


def _fact(name: str, *value: Content) -> Element:
    return element("div", element("dt", name), element("dd", *value))


def _scope(judged: Iterable[Finding], findings: Findings) -> Iterator[Element]:
    """Yield the accounts and Regions that were looked into, and how many files were read."""
    places = (*(each.place for each in judged), *(each.place for each in findings.unjudged))
    sources = {place.source for place in places} | findings.looked_at
    live = [found for found in map(LIVE.fullmatch, sources) if found]
    yield from _names("Account", {found["account"] for found in live}, MAX_NAMED)
    yield from _names("Region", {found["region"] for found in live if found["region"]})
    files = len(findings.looked_at) - sum(1 for source in findings.looked_at if LIVE.fullmatch(source))
    if files:
        yield _fact("Files read", f"{files:,}")
    if findings.passed_over:
        yield _fact("Files passed over", f"{findings.passed_over:,}")


def _names(what: str, names: Collection[str], most: int | None = None) -> Iterator[Element]:
    if names:
        many = most is not None and len(names) > most
        yield _fact(what if len(names) == 1 else f"{what}s", f"{len(names):,}" if many else ", ".join(sorted(names)))


def warning(findings: Findings) -> Element | None:
    """Return the sentence that the report was made with example parameters, if it was."""
    sentence = examples_remark(findings.examples)
    return element("p", sentence, class_="warning") if sentence else None
