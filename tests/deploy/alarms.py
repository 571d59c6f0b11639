"""When an alarm rings, from its definition in a template and the samples of metrics that a case leaves.

Time is in minutes since the last complete run. As CloudWatch does, an alarm looks at its last periods and rings once as
many of them breach the threshold as it wants; what a period without data counts for is its own to say. Of expressions,
`FILL` is known alone. Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms
treat missing data".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Samples = Mapping[str, Sequence[tuple[int, float]]]

STEP = 5
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
FILL = re.compile(r"FILL\((\w+), (\d+)\)")


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is defined: a metric in periods of some minutes, and what of it breaches the threshold."""

    metric: str
    statistic: Callable[[Sequence[float]], float]
    period: int
    periods: int
    wanted: int
    breaches: Callable[[float], bool]
    without_data: float | bool

    @classmethod
    def defined(cls, properties: Mapping[str, Any]) -> Alarm:
        """Read the properties of an alarm, worked out."""
        metric, fill = properties, None
        if "Metrics" in properties:
            metric, fill = _filled(properties["Metrics"])
        compare, threshold = COMPARISONS[properties["ComparisonOperator"]], float(properties["Threshold"])
        [dimension] = metric["Dimensions"]
        periods = int(properties["EvaluationPeriods"])
        return cls(
            metric=f"{metric['Namespace']} {metric['MetricName']} {dimension['Name']}={dimension['Value']}",
            statistic=STATISTICS[metric["Statistic"]],
            period=int(metric["Period"]) // 60,
            periods=periods,
            wanted=int(properties.get("DatapointsToAlarm", periods)),
            breaches=lambda value: compare(value, threshold),
            without_data=properties["TreatMissingData"] == "breaching" if fill is None else fill,
        )

    def rings(self, samples: Samples, until: int) -> int | None:
        """Return the minute at which the alarm first rings, up to the minute `until`; None if it does not."""
        own = samples.get(self.metric, ())
        return next((now for now in range(STEP, until + 1, STEP) if self._is_ringing(own, now)), None)

    def _is_ringing(self, samples: Sequence[tuple[int, float]], now: int) -> bool:
        ends = (now - index * self.period for index in range(self.periods))
        return sum(self._is_breached(samples, end) for end in ends) >= self.wanted

    def _is_breached(self, samples: Sequence[tuple[int, float]], end: int) -> bool:
        values = [value for minute, value in samples if end - self.period < minute <= end]
        if values:
            return self.breaches(self.statistic(values))
        return self.without_data if isinstance(self.without_data, bool) else self.breaches(self.without_data)


def _filled(queries: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], float]:
    """Return the metric of an expression that fills its gaps, and what it fills them with."""
    [filled, measured] = queries
    fill = FILL.fullmatch(filled["Expression"])
    assert fill
    assert (fill[1], measured["ReturnData"]) == (measured["Id"], False)
    statistic = measured["MetricStat"]
    return {**statistic["Metric"], "Statistic": statistic["Stat"], "Period": statistic["Period"]}, float(fill[2])
