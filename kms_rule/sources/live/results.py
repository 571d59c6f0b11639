"""A result of the rule that AWS Config holds, as a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from kms_rule.ages import age
from kms_rule.findings import Finding, Place
from least_privilege.annotation import scenario_of
from least_privilege.evidence import Evidence
from least_privilege.scenarios import Answer, Compliance, Scenario

# Lambda runs a function for fifteen minutes at most and tries three times, one and two minutes apart.
MAX_RUN_TIME = timedelta(hours=1)
ADVICE: Final = "read the function's log, and its metric Errors"

UNKNOWN_SENTENCE = Scenario(
    "unknown-sentence",
    None,
    "This is not one of the rule's present scenarios.",
    lambda _case: Answer(holds=False, evidence=Evidence()),
    Compliance.NON_COMPLIANT,
    "{id} was reported in other words, by another version of the rule",
)


def finding_of(result: Mapping[str, Any], source: str, now: datetime) -> Finding:
    """Return the finding that an `EvaluationResult` of AWS Config stands for; `source` names account and Region."""
    resource_id = result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]
    annotation, compliance = result.get("Annotation", ""), Compliance(result["ComplianceType"])
    recorded = result["ResultRecordedTime"]
    return Finding(
        Place(source, resource=resource_id),
        resource_id,
        resource_id,
        scenario_of(annotation, compliance) or replace(UNKNOWN_SENTENCE, compliance=compliance),
        annotation,
        remarks=(f"Recorded {age(now - recorded)} ago.",),
        recorded=recorded,
    )
