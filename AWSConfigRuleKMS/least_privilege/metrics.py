"""What a scheduled run tells CloudWatch of itself: one line in embedded metric format, on the standard output.

CloudWatch Logs makes metrics of such a line, which takes no permission but that to log. It is printed and not logged,
so that nothing is put before it and no level hides it. Where the function logs in JSON, Lambda leaves a line alone that
is JSON already. Sources: Amazon CloudWatch User Guide, "Specification: Embedded metric format" and "Using the embedded
metric format with Lambda"; AWS Lambda Developer Guide, "Configuring JSON and plain text log formats".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from least_privilege.event import Request
from least_privilege.progress import Progress
from least_privilege.scenarios import Compliance

NAMESPACE = "AWSConfigRuleKMS"
# The function alone: an organization's rule has another name in each account, and each would be a metric of its own.
DIMENSION = "FunctionName"
UNITS: Mapping[str, str] = {
    "Complete": "Count",
    "CompliantKeys": "Count",
    "NonCompliantKeys": "Count",
    "NotApplicableKeys": "Count",
    "KeysWithoutAnswer": "Count",
    "LostEvaluations": "Count",
    "Seconds": "Seconds",
    "SecondsLeft": "Seconds",
}


def write_metrics(progress: Progress, context: object, seconds_left: float | None, *, is_complete: bool) -> None:
    """Print the metrics of a scheduled run that Lambda invoked; of any other run, such as RDK's tests, nothing."""
    request, function_name = progress.request, getattr(context, "function_name", None)
    if request and request.scope.every_key and not request.test_mode and isinstance(function_name, str):
        now = datetime.now(UTC)
        values = measured(progress, now, seconds_left, is_complete=is_complete)
        # In one piece, since each piece may become an event of the log.
        sys.stdout.write(metric_line(values, request, function_name, now) + "\n")


def measured(
    progress: Progress, now: datetime, seconds_left: float | None, *, is_complete: bool
) -> Mapping[str, float]:
    """Return the metrics of a run by name, each in its unit; without `SecondsLeft` where nothing ends the run."""
    judged = progress.compliances
    values = {
        "Complete": int(is_complete),
        "CompliantKeys": judged[Compliance.COMPLIANT],
        "NonCompliantKeys": judged[Compliance.NON_COMPLIANT],
        "NotApplicableKeys": judged[Compliance.NOT_APPLICABLE],
        "KeysWithoutAnswer": len(progress.unread) + len(progress.waiting),
        "LostEvaluations": len(progress.lost),
        "Seconds": round((now - progress.began).total_seconds(), 3),
    }
    return values if seconds_left is None else {**values, "SecondsLeft": round(seconds_left, 3)}


def metric_line(values: Mapping[str, float], request: Request, function_name: str, now: datetime) -> str:
    """Return metrics in embedded metric format, with the account and the rule as they stand in the log."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
            DIMENSION: function_name,
            "AccountId": request.account_id,
            "RuleName": request.rule_name,
            **values,
        }
    )
