"""Findings as a SARIF 2.1.0 log, for code scanning.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard; the numbers of its sections
stand where they decide.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kms_rule.explanation.not_judged import NotJudged
from kms_rule.findings import Accepted, Finding, Findings, Place
from kms_rule.formats.json_pieces import Items, Members
from kms_rule.formats.json_pieces import pieces as pieces_of
from kms_rule.sources.files import STANDARD_INPUT
from kms_rule.sources.policy import NAME_OF_STANDARD_INPUT
from kms_rule.version import version
from least_privilege.scenarios import SCENARIOS, Compliance, Scenario

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Where the scenarios come from; the project itself has no address that everybody can reach.
POST = (
    "https://aws.amazon.com/blogs/security/how-to-use-aws-config-to-determine-compliance-of-aws-kms-key-policies-to-your"
    "-specifications/"
)
WHAT_TO_DO = "'kms-rule explain' answers each question of the rule about a policy, and proposes a compliant one."
# Code scanning calls 7.0 to 8.9 high.
SECURITY_SEVERITY = "7.0"
# What `scan` and `report` call an account and Region, and what of these, or which aggregator, they could not look into.
LIVE_ACCOUNT = re.compile(
    r"account (?P<account>\d{12}), (?P<region>[\w-]+)|account \d{12}|(?:Region|aggregator) [\w-]+", re.ASCII
)
STANDARD_INPUTS = frozenset({STANDARD_INPUT, NAME_OF_STANDARD_INPUT})
OWN_FINGERPRINT = "kmsRule/v1"
FINGERPRINT_OF_CODE_SCANNING = "primaryLocationLineHash"

NOT_JUDGED: Mapping[str, Any] = {
    "id": "not-judged",
    "name": "NotJudged",
    "shortDescription": {"text": "A key policy grants something that the rule does not look at"},
    "fullDescription": {"text": "What a reviewer should look at besides; it changes no verdict."},
    "help": {"text": f"The rule judges two duties only, and not who the principals are. {WHAT_TO_DO}"},
    "helpUri": POST,
    "defaultConfiguration": {"level": "note"},
    "properties": {"tags": ["security"]},
}

type Json = Mapping[str, Any]


def pieces(findings: Findings) -> Iterator[str]:
    """Yield a SARIF log, in printable ASCII, piece by piece as findings come: a result for each that is NON_COMPLIANT.

    One that is accepted is a result that is suppressed (3.27.23). What could not be judged is a notification of the
    invocation, which then was not successful (3.20.14).
    """
    run = Members(_run(findings))
    yield from pieces_of(Members([("$schema", SCHEMA), ("version", "2.1.0"), ("runs", Items([run]))]))
    yield "\n"


def _run(findings: Findings) -> Iterator[tuple[str, object]]:
    """Yield the members of the run; whatever depends on the results comes after them."""
    descriptors = {scenario.name: _rule(scenario) for scenario in SCENARIOS}
    if findings.with_notes:
        descriptors[NOT_JUDGED["id"]] = NOT_JUDGED
    yield "results", Items(_results(findings, descriptors))
    driver = {
        "name": "kms-rule",
        "fullName": f"kms-rule {version()}",
        "version": version(),
        "informationUri": POST,
        "rules": [*descriptors.values()],
    }
    yield "tool", {"driver": driver}
    # What a later log of the same is told by.
    yield "automationDetails", {"id": "kms-rule/"}
    yield "invocations", [_invocation(findings)]
    yield "columnKind", "unicodeCodePoints"


def _results(findings: Findings, descriptors: dict[str, Json]) -> Iterator[Json]:
    """Yield the results, and add to the descriptors those of scenarios that only results were read with."""
    for finding in findings.each():
        if finding.fails:
            yield _result(finding, _rule_index(finding, descriptors))
        if findings.with_notes:
            yield from _notes(finding, [*descriptors].index(NOT_JUDGED["id"]))
    for accepted in findings.accepted:
        yield _suppressed(accepted, _rule_index(accepted.finding, descriptors))


def _rule_index(finding: Finding, descriptors: dict[str, Json]) -> int:
    descriptors.setdefault(finding.scenario.name, _rule(finding.scenario))
    return [*descriptors].index(finding.scenario.name)


def _rule(scenario: Scenario) -> Json:
    answer = f"{scenario.question} If so, the key is {scenario.compliance}"
    fails = scenario.compliance is Compliance.NON_COMPLIANT
    return {
        "id": scenario.name,
        "name": "".join(map(str.capitalize, scenario.name.split("-"))),
        "shortDescription": {"text": scenario.sentence.format(id="…")},
        "fullDescription": {"text": f"{answer}."},
        "help": {
            "text": f"{answer}. {WHAT_TO_DO}",
            "markdown": f"{scenario.question}\n\nIf so, the key is `{scenario.compliance}`.\n\n{WHAT_TO_DO}",
        },
        "helpUri": POST,
        **({"defaultConfiguration": {"level": "error"}} if fails else {}),
        "properties": {"tags": ["security"], **({"security-severity": SECURITY_SEVERITY} if fails else {})},
    }


def _invocation(findings: Findings) -> Json:
    unjudged = [_notification("error", each.reason, each.place) for each in findings.unjudged]
    return {
        "executionSuccessful": not findings.unjudged,
        "exitCode": findings.exit_code.value,
        "toolExecutionNotifications": [*unjudged, *(_notification("note", text) for text in findings.remarks)],
    }


def _notification(level: str, text: str, place: Place | None = None) -> Json:
    return {"level": level, "message": _message(text), **({"locations": [_location(place)]} if place else {})}


def _result(finding: Finding, rule_index: int) -> Json:
    scenario = finding.scenario
    return {
        "ruleId": scenario.name,
        "ruleIndex": rule_index,
        "level": "error",
        "message": _message(" ".join((finding.annotation, *finding.remarks))),
        "locations": [{**_key_of_account(finding), **_location(finding.place)}],
        "partialFingerprints": {_name_of_fingerprint(finding.place): _fingerprint(finding, scenario.name)},
    }


def _suppressed(accepted: Accepted, rule_index: int) -> Json:
    suppression = {"kind": "external", "justification": str(accepted)}
    return {**_result(accepted.finding, rule_index), "suppressions": [suppression]}


def _notes(finding: Finding, rule_index: int) -> Iterator[Json]:
    """Yield a result for each thing that is not judged, told from others that say the same by how many come before."""
    said: Counter[tuple[str, str]] = Counter()
    for each in finding.not_judged:
        words = (each.statement.sid, each.text)
        said[words] += 1
        yield _note(finding, each, rule_index, (*words, str(said[words])))


def _note(finding: Finding, not_judged: NotJudged, rule_index: int, identity: Sequence[str]) -> Json:
    place = finding.place_of(not_judged.statement)
    return {
        "ruleId": NOT_JUDGED["id"],
        "ruleIndex": rule_index,
        "level": "note",
        "message": _message(f"{finding.reported_id}: {not_judged}"),
        "locations": [{**_key_of_account(finding), **_location(place)}],
        "partialFingerprints": {_name_of_fingerprint(place): _fingerprint(finding, NOT_JUDGED["id"], *identity)},
    }


def _message(text: str) -> Json:
    # Where these three meet, viewers make a link of them (3.11.6): a name in a policy must not place one.
    return {"text": text.replace("](", "] (")}


def _location(place: Place) -> Json:
    return {**_physical(place), "logicalLocations": list(_logical(place))}


def _physical(place: Place) -> Json:
    if not _is_file(place.source):
        return {}
    region = {"startLine": place.line, "startColumn": place.column} if place.column else {"startLine": place.line}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.source)},
            **({"region": region} if place.line else {}),
        }
    }


def _key_of_account(finding: Finding) -> Json:
    """Return the place of a live account's key, without a line: code scanning refuses a log with a result without one.

    The name is like that of no file, so that it is not taken for one of the repository.
    """
    live = LIVE_ACCOUNT.fullmatch(finding.place.source)
    if not live or not live["account"]:
        return {}
    name = finding.key_id
    # AWS Config knows a key by what the rule reported it as, which may be an alias.
    resource = name if name.startswith("alias/") else f"key/{name}"
    uri = f"aws/{live['account']}/{live['region']}/kms/{quote(resource.encode(errors='surrogatepass'), safe='/')}"
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}


def _is_file(source: str) -> bool:
    return source not in STANDARD_INPUTS and not LIVE_ACCOUNT.fullmatch(source)


def _uri(source: str) -> str:
    """Return a file's name relative to the current folder, where the repository is; an absolute one outside of it."""
    path = Path(os.path.abspath(source))  # noqa: PTH100 - a link is shown where it stands, not where it points to
    folder = Path.cwd()
    # A colon in the first part would make it a scheme.
    return (
        quote(os.fsencode(path.relative_to(folder).as_posix()), safe="/")
        if path.is_relative_to(folder)
        else path.as_uri()
    )


def _logical(place: Place) -> Iterator[Json]:
    if place.resource:
        yield {"name": place.resource, "kind": "resource"}
    if not _is_file(place.source):
        name = NAME_OF_STANDARD_INPUT if place.source in STANDARD_INPUTS else place.source
        yield {"name": name, "kind": "namespace"}


def _name_of_fingerprint(place: Place) -> str:
    """Return the name that code scanning knows only where there is no line.

    Where there is one, the action that uploads the log makes a hash of that name, and warns where another is there.
    """
    return OWN_FINGERPRINT if place.line and _is_file(place.source) else FINGERPRINT_OF_CODE_SCANNING


def _fingerprint(finding: Finding, *said: str) -> str:
    """Return what makes this finding the one of an earlier log: neither its line nor its statements' numbers do.

    The form is the one that code scanning knows.
    """
    place = finding.place
    file = _uri(place.source) if _is_file(place.source) else place.source
    identity = json.dumps([file, place.resource, finding.reported_id, *said])
    return f"{hashlib.sha256(identity.encode()).hexdigest()}:1"
