"""Findings as a JSON object for programs; docs/checking.md describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from AWSConfigRuleKMS import (
    ADMINISTRATORS,
    EXECUTION_ROLE,
    READ_FROM,
    REPORT_AS,
    STRICT,
    WHITELIST,
    Compliance,
    RuleParameters,
)
from kms_rule.actions import spelled
from kms_rule.findings import Finding, Findings, Place

# It stays the same as long as fields are only added.
VERSION = 1

type Json = Mapping[str, Any]


def render(findings: Findings) -> str:
    """Write findings as a JSON object, in printable ASCII."""
    content = {
        "version": VERSION,
        "summary": _summary(findings),
        "parameters": _parameters(findings.parameters) if findings.parameters else None,
        "findings": [_finding(finding) for finding in findings.judged],
        "unjudged": [{"place": _place(each.place), "reason": each.reason} for each in findings.unjudged],
        "remarks": findings.remarks,
    }
    return f"{json.dumps(content, indent=2)}\n"


def _summary(findings: Findings) -> Json:
    counts = Counter(finding.compliance for finding in findings.judged)
    return {
        **{compliance.value: counts[compliance] for compliance in Compliance},
        "unjudged": len(findings.unjudged),
        "exitCode": findings.exit_code.value,
    }


def _parameters(parameters: RuleParameters) -> Json:
    return {
        WHITELIST: list(parameters.whitelist),
        ADMINISTRATORS: list(map(spelled, parameters.administrators)),
        STRICT: parameters.strict,
        REPORT_AS: "KeyId" if parameters.report_key_id else "Alias",
        READ_FROM: "Config" if parameters.read_from_config else "KMS",
        EXECUTION_ROLE: parameters.execution_role_name,
    }


def _finding(finding: Finding) -> Json:
    scenario, proof = finding.verdict.scenario, finding.verdict.proof
    return {
        "id": finding.reported_id,
        "keyId": finding.key.id,
        "aliases": finding.key.aliases,
        "compliance": finding.compliance.value,
        "scenario": {"name": scenario.name, "number": scenario.number},
        "annotation": finding.annotation,
        "place": _place(finding.place),
        "statements": [{"number": statement.number, "sid": statement.sid} for statement in proof.statements],
        "remarks": finding.remarks,
        "recorded": finding.held.recorded.isoformat() if finding.held else None,
    }


def _place(place: Place) -> Json:
    return {"source": place.source, "line": place.line, "column": place.column, "resource": place.resource}
