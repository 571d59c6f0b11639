"""What AWS Config holds for the deployed rule, how old it is, and whether the rule's last run looks failed.

AWS Config never shows that a custom rule failed: it goes on showing the results of earlier runs. What gives a failure
away is their age, since a complete scheduled run reports every key anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from kms_rule.ages import age
from kms_rule.errors import CommandError
from kms_rule.findings import Findings, Place, Unjudged
from kms_rule.sources.aggregator.report import report_aggregator
from kms_rule.sources.live.accounts import ALL_REGIONS, Connection, explained, identities, only, opened
from kms_rule.sources.live.results import ADVICE, MAX_RUN_TIME, finding_of
from least_privilege.account import stored_results
from least_privilege.event import SCHEDULED
from least_privilege.text import escaped

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import ConfigRuleOutputTypeDef

# https://docs.aws.amazon.com/config/latest/APIReference/API_SourceDetail.html; without a value AWS Config takes a day.
PERIODS: Mapping[str, timedelta] = {
    "One_Hour": timedelta(hours=1),
    "Three_Hours": timedelta(hours=3),
    "Six_Hours": timedelta(hours=6),
    "Twelve_Hours": timedelta(hours=12),
    "TwentyFour_Hours": timedelta(hours=24),
}
DEFAULT_PERIOD = "TwentyFour_Hours"
# AWS Config may note the two times of one short run seconds apart.
SAME_RUN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DeployedRule:
    """What AWS Config knows of the rule: its name, the time between its scheduled runs (None: none), and its status."""

    name: str
    period: timedelta | None
    status: Mapping[str, Any]


def run(arguments: argparse.Namespace) -> int:
    """Show what AWS Config holds for the rule that the arguments name, and return the exit code.

    Raises `CommandError` where there is no such rule, no result yet, or where AWS Config refuses to be read.
    """
    from kms_rule.formats import show_as_asked  # noqa: PLC0415 - it takes its time to load, and is needed last

    try:
        everywhere = ALL_REGIONS in arguments.region
        now = datetime.now(UTC)
        if arguments.aggregator:
            findings = report_aggregator(only(arguments), arguments.aggregator, arguments.rule, now)
        else:
            reached = [*opened(identities(arguments))]
            places = [place for each in reached if isinstance(each, list) for place in each]
            findings = reports(places, arguments.rule, now, everywhere=everywhere)
            findings.add(each for each in reached if isinstance(each, Unjudged))
    except KeyboardInterrupt:
        raise CommandError("Interrupted before all results were read: run it again.") from None
    show_as_asked(findings, arguments)
    return findings.exit_code


class NoSuchRuleError(CommandError):
    """Raised where AWS Config has no rule of the name."""


def reports(places: Sequence[Connection], rule_name: str, now: datetime, *, everywhere: bool = False) -> Findings:
    """Return what AWS Config holds for the rule in these Regions.

    Of several, one that fails is among the findings as something that could not be judged; but with `everywhere`, which
    means that they are all that are enabled, those without the rule are only named. Raises like `report` where there is
    only one, and `NoSuchRuleError` where the rule is in none of all.
    """
    findings = Findings()
    without: list[str] = []
    for place in places:
        try:
            found = report(place, rule_name, now)
        except CommandError as error:
            if len(places) == 1:
                raise
            if everywhere and isinstance(error, NoSuchRuleError):
                without.append(place.region)
                continue
            found = Findings(unjudged=[Unjudged(Place(f"Region {place.region}", resource=rule_name), str(error))])
        findings.add((*found.judged, *found.unjudged))
        findings.remarks += found.remarks
    if without and len(without) == len(places):
        raise NoSuchRuleError(f"No enabled Region has a rule {escaped(rule_name)}: correct the name, or deploy it.")
    if without:
        findings.remarks.append(f"There is no rule {escaped(rule_name)} in {', '.join(without)}.")
    return findings


def report(connection: Connection, rule_name: str, now: datetime) -> Findings:
    """Return what AWS Config holds for the rule in one Region. Raises `CommandError` like `run`."""
    source = f"account {connection.account_id()}, {connection.region}"
    with explained(f"What AWS Config in {source} holds for the rule {escaped(rule_name)} cannot be read"):
        rule = deployed_rule(connection.config(), rule_name, source)
        findings = held_findings(connection.config(), rule, source, now)
    if not findings.judged and not findings.unjudged:
        raise CommandError(_nothing_held(rule, source, now))
    return findings


def _nothing_held(rule: DeployedRule, source: str, now: datetime) -> str:
    evaluated = rule.status.get("LastSuccessfulEvaluationTime")
    if evaluated:
        return (
            f"AWS Config in {source} holds no results of the rule {escaped(rule.name)}, which last reported "
            f"{age(now - evaluated)} ago: either no key there is applicable, or its results were deleted, so "
            f"re-evaluate it."
        )
    return (
        f"AWS Config in {source} holds no results of the rule {escaped(rule.name)} yet: wait for its first run, or "
        f"re-evaluate it and read the function's log."
    )


def deployed_rule(config: ConfigServiceClient, name: str, source: str) -> DeployedRule:
    """Return what AWS Config knows of a rule. Raises `NoSuchRuleError` where there is none of that name."""
    described = _described(config, name)
    if described is None:
        raise NoSuchRuleError(
            f"AWS Config in {source} has no rule {escaped(name)}: correct the name, or deploy the rule there."
        )
    statuses = config.describe_config_rule_evaluation_status(ConfigRuleNames=[name])["ConfigRulesEvaluationStatus"]
    scheduled = [
        PERIODS[detail.get("MaximumExecutionFrequency", DEFAULT_PERIOD)]
        for detail in described["Source"].get("SourceDetails", ())
        if detail.get("MessageType") == SCHEDULED
    ]
    # AWS documents no status for the rules of customers, though it answers with one.
    return DeployedRule(name, min(scheduled, default=None), {**statuses[0]} if statuses else {})


def _described(config: ConfigServiceClient, name: str) -> ConfigRuleOutputTypeDef | None:
    try:
        return next(iter(config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]), None)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchConfigRuleException":
            raise
        return None


def held_findings(config: ConfigServiceClient, rule: DeployedRule, source: str, now: datetime) -> Findings:
    """Return what AWS Config holds for the rule, with what its age says as remarks.

    `source` names the account and Region, `now` is the present time with its time zone. A run that looks failed counts
    as something that could not be judged, since then AWS Config shows what was true once. What the client raises, is
    raised.
    """
    findings = Findings()
    findings.add(finding_of(result, source, now) for result in stored_results(config, rule.name))
    findings.judged.sort(key=lambda finding: finding.reported_id)
    times = [finding.recorded for finding in findings.judged if finding.recorded]
    findings.remarks += _ages(times, source, now)
    findings.unjudged += [
        Unjudged(Place(source, resource=rule.name), sign) for sign in signs_of_failure(findings, rule, now)
    ]
    return findings


def _ages(times: Sequence[datetime], source: str, now: datetime) -> list[str]:
    if not times:
        return []
    newest, oldest = age(now - max(times)), age(now - min(times))
    return [f"In {source}, the newest result is {newest} old, the oldest {oldest}."]


def signs_of_failure(findings: Findings, rule: DeployedRule, now: datetime) -> Iterator[str]:
    """Yield a sentence for each sign that the rule's last run failed, with what to do about it."""
    yield from _not_invoked(rule.status, now)
    yield from _nothing_reported(rule.status, now)
    late = _late(findings, rule, now)
    if late:
        yield (
            f"{late:,} of {len(findings.judged):,} results are older than the last scheduled run, which should have "
            f"reported every key anew: {ADVICE}."
        )


def _not_invoked(status: Mapping[str, Any], now: datetime) -> Iterator[str]:
    invoked, failed = status.get("LastSuccessfulInvocationTime"), status.get("LastFailedInvocationTime")
    if failed and (not invoked or failed > invoked):
        reason = f"{status.get('LastErrorCode', 'no code')}: {status.get('LastErrorMessage', 'no message')}"
        yield (
            f"AWS Config could not invoke the function {age(now - failed)} ago ({escaped(reason)}): allow it to, or "
            f"deploy the rule again."
        )


def _nothing_reported(status: Mapping[str, Any], now: datetime) -> Iterator[str]:
    invoked, evaluated = status.get("LastSuccessfulInvocationTime"), status.get("LastSuccessfulEvaluationTime")
    if not invoked or now - invoked <= MAX_RUN_TIME:
        return
    if not evaluated or invoked - evaluated > SAME_RUN:
        yield f"The run that began {age(now - invoked)} ago has reported nothing: {ADVICE}."


def _late(findings: Findings, rule: DeployedRule, now: datetime) -> int:
    if rule.period is None:
        return 0
    limit = rule.period + MAX_RUN_TIME
    return sum(1 for finding in findings.judged if finding.recorded and now - finding.recorded > limit)
