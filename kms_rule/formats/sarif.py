"""Findings as a SARIF 2.1.0 log, for code scanning.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard; the numbers of its sections
stand where they decide.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from AWSConfigRuleKMS import SCENARIOS, Compliance, Scenario
from kms_rule.findings import Finding, Findings, Place
from kms_rule.questions import NO_QUESTION, QUESTIONS
from kms_rule.sources.policy import NAME_OF_STANDARD_INPUT
from kms_rule.version import version

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
DOCUMENTATION = "docs/scenarios.md"
LIVE_ACCOUNT = re.compile(r"account \d{12}\b.*", re.ASCII)

type Json = Mapping[str, Any]


def render(findings: Findings) -> str:
    """Write findings as a SARIF log, in printable ASCII: a result for each that is NON_COMPLIANT.

    What could not be judged is a notification of the invocation, which then was not successful (3.20.14).
    """
    refused = [finding for finding in findings.judged if finding.compliance is Compliance.NON_COMPLIANT]
    rules = _known_and_met(refused)
    driver = {"name": "kms-rule", "version": version(), "rules": list(map(_rule, rules))}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(findings)],
        "results": [_result(finding, rules) for finding in refused],
        "columnKind": "unicodeCodePoints",
    }
    return f"{json.dumps({'$schema': SCHEMA, 'version': '2.1.0', 'runs': [run]}, indent=2)}\n"


def _known_and_met(refused: Sequence[Finding]) -> list[Scenario]:
    """Return the rule's scenarios, and after them others that results were read with."""
    by_name = {scenario.name: scenario for scenario in (*SCENARIOS, *(each.verdict.scenario for each in refused))}
    return list(by_name.values())


def _rule(scenario: Scenario) -> Json:
    question = QUESTIONS.get(scenario.name, NO_QUESTION)
    return {
        "id": scenario.name,
        "shortDescription": {"text": scenario.sentence.format(id="…")},
        # A helpUri has to be absolute, and the documentation is where the project is.
        "help": {
            "text": f"{question} If so, the key is {scenario.compliance}: see {scenario.name} in {DOCUMENTATION}."
        },
        "defaultConfiguration": {"level": "error" if scenario.compliance is Compliance.NON_COMPLIANT else "none"},
        "properties": {"tags": ["security"]},
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


def _result(finding: Finding, rules: Sequence[Scenario]) -> Json:
    scenario = finding.verdict.scenario
    return {
        "ruleId": scenario.name,
        "ruleIndex": next(index for index, rule in enumerate(rules) if rule.name == scenario.name),
        "level": "error",
        "message": _message(" ".join((finding.annotation, *finding.remarks))),
        "locations": [_location(finding.place)],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding)},
    }


def _message(text: str) -> Json:
    # Where these three meet, viewers make a link of them (3.11.6): a name in a policy must not place one.
    return {"text": text.replace("](", "] (")}


def _location(place: Place) -> Json:
    return {**_physical(place), "logicalLocations": list(_logical(place))}


def _physical(place: Place) -> Json:
    # Code scanning takes no result without a file. A key of a live account has none, and a made-up one would mislead:
    # such logs are for other viewers.
    if not _is_file(place.source):
        return {}
    region = {"startLine": place.line, "startColumn": place.column} if place.column else {"startLine": place.line}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.source)},
            **({"region": region} if place.line else {}),
        }
    }


def _is_file(source: str) -> bool:
    return source != NAME_OF_STANDARD_INPUT and not LIVE_ACCOUNT.fullmatch(source)


def _uri(source: str) -> str:
    """Return a file's name relative to the current folder, where the repository is; an absolute one outside of it."""
    path = Path(os.path.abspath(source))  # noqa: PTH100 - a link is shown where it stands, not where it points to
    folder = Path.cwd()
    # A colon in the first part would make it a scheme.
    return quote(path.relative_to(folder).as_posix(), safe="/") if path.is_relative_to(folder) else path.as_uri()


def _logical(place: Place) -> Iterator[Json]:
    if place.resource:
        yield {"name": place.resource, "kind": "resource"}
    if not _is_file(place.source):
        yield {"name": place.source, "kind": "namespace"}


def _fingerprint(finding: Finding) -> str:
    """Return what makes this finding the one of an earlier log: neither its line nor its statements' numbers do.

    The name and form are those that code scanning knows.
    """
    place = finding.place
    file = _uri(place.source) if _is_file(place.source) else place.source
    identity = json.dumps([file, place.resource, finding.reported_id, finding.verdict.scenario.name])
    return f"{hashlib.sha256(identity.encode()).hexdigest()}:1"
