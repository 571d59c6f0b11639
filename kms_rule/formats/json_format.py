"""Findings as a JSON object for programs; docs/checking.md describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kms_rule.findings import Finding, Findings, Place
from least_privilege.scenarios import Compliance

# It stays the same as long as fields are only added.
VERSION = 1

type Json = Mapping[str, Any]


def render(findings: Findings) -> str:
    """Write findings as a JSON object, in printable ASCII."""
    content = {
        "version": VERSION,
        "summary": _summary(findings),
        "parameters": findings.parameters.values() if findings.parameters else None,
        "findings": [_finding(finding) for finding in findings.judged],
        "accepted": [
            {**_finding(each.finding), "reason": each.reason, "until": each.until.isoformat()}
            for each in findings.accepted
        ],
        "unjudged": [{"place": _place(each.place), "reason": each.reason} for each in findings.unjudged],
        "remarks": findings.remarks,
    }
    return f"{json.dumps(content, indent=2)}\n"


def _summary(findings: Findings) -> Json:
    counts = Counter(finding.compliance for finding in findings.judged)
    return {
        **{compliance.value: counts[compliance] for compliance in Compliance},
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
