"""What AWS Config keeps of a rule: its invocations, and the results that they reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from moto.config.exceptions import InvalidParameterValueException
from moto.core.utils import get_service_model

from dev.emulator.calls import Place

# A result may be about the account itself, which is not a type that AWS Config records.
ACCOUNT_RESOURCE_TYPE = "AWS::::Account"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of a rule, which a result token stands for."""

    place: Place
    rule_name: str
    rule_arn: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """An evaluation that AWS Config holds, the invocation that reported it, and when it was recorded."""

    evaluation: Mapping[str, Any]
    invocation: Invocation
    recorded: datetime

    def listed(self) -> dict[str, Any]:
        """Return this as the `EvaluationResult` of AWS Config's API, in which `None` stands for no annotation."""
        return {
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": {
                    "ConfigRuleName": self.invocation.rule_name,
                    "ResourceType": self.evaluation["ComplianceResourceType"],
                    "ResourceId": self.evaluation["ComplianceResourceId"],
                    "EvaluationMode": "DETECTIVE",
                },
                "OrderingTimestamp": self.evaluation["OrderingTimestamp"],
            },
            "ComplianceType": self.evaluation["ComplianceType"],
            "ResultRecordedTime": self.recorded,
            "ConfigRuleInvokedTime": self.invocation.time,
            "Annotation": self.evaluation.get("Annotation"),
        }


def check_evaluation(evaluation: Mapping[str, Any]) -> None:
    """Refuse an evaluation that AWS Config would not take."""
    if evaluation["ComplianceType"] == "INSUFFICIENT_DATA":
        raise InvalidParameterValueException("No rule can report INSUFFICIENT_DATA")
    resource_type = evaluation["ComplianceResourceType"]
    if resource_type not in _resource_types():
        raise InvalidParameterValueException(f"The resource type {resource_type} is invalid")


@cache
def _resource_types() -> frozenset[str]:
    recorded: list[str] = get_service_model("config").shape_for("ResourceType").metadata["enum"]
    return frozenset(recorded) | {ACCOUNT_RESOURCE_TYPE}
