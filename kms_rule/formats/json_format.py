"""Findings as a JSON object for programs; docs/checking.md describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kms_rule.findings import Accepted, Finding, Findings, Place
from kms_rule.formats.json_pieces import Items, Members
from kms_rule.formats.json_pieces import pieces as pieces_of
from least_privilege.scenarios import Compliance

# It stays the same as long as fields are only added.
VERSION = 1

type Json = Mapping[str, Any]


def pieces(findings: Findings) -> Iterator[str]:
    """Yield findings as a JSON object, in printable ASCII, piece by piece as they come; the summary is the last."""
    yield from pieces_of(Members(_members(findings)))
    yield "\n"


def _members(findings: Findings) -> Iterator[tuple[str, object]]:
    yield "version", VERSION
    yield "parameters", findings.parameters.values() if findings.parameters else None
    yield "findings", Items(_finding(finding) for finding in findings.each())
    yield "accepted", [_accepted(each) for each in findings.accepted]
    yield "unjudged", [{"place": _place(each.place), "reason": each.reason} for each in findings.unjudged]
    yield "remarks", findings.remarks
    yield "summary", _summary(findings)


def _accepted(accepted: Accepted) -> Json:
    return {**_finding(accepted.finding), "reason": accepted.reason, "until": accepted.until.isoformat()}


def _summary(findings: Findings) -> Json:
    return {
        **{compliance.value: findings.counts[compliance] for compliance in Compliance},
        "accepted": len(findings.accepted),
        "unjudged": len(findings.unjudged),
        "passedOver": findings.passed_over,
        "exitCode": findings.exit_code.value,
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.reported_id,
        "keyId": finding.key_id,
        "aliases": finding.aliases,
        "compliance": finding.compliance.value,
        "scenario": {"name": finding.scenario.name, "number": finding.scenario.number},
        "annotation": finding.annotation,
        "place": _place(finding.place),
        "statements": [{"number": statement.number, "sid": statement.sid} for statement in finding.statements],
        "remarks": finding.remarks,
        "notJudged": [
            {"statement": each.statement.number, "sid": each.statement.sid, "text": each.text}
            for each in finding.not_judged
        ],
        "recorded": finding.recorded.isoformat() if finding.recorded else None,
    }


def _place(place: Place) -> Json:
    return {"source": place.source, "line": place.line, "column": place.column, "resource": place.resource}
