"""What AWS Config holds for a rule in all accounts and Regions of an aggregator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kms_rule.ages import ago
from kms_rule.errors import CommandError
from kms_rule.findings import Finding, Findings, Place, Unjudged
from kms_rule.sources.aggregator.calls import Aggregator, Where
from kms_rule.sources.aggregator.coverage import ADD_IT, NOT_COVERED, Coverage, coverage, named, source_of
from kms_rule.sources.live.accounts import Connection
from kms_rule.sources.live.results import ADVICE, MAX_RUN_TIME, finding_of
from least_privilege.scenarios import Compliance
from least_privilege.text import escaped

# An aggregator does not tell how often a rule runs: AWS Config's longest period is a day.
LONGEST_PERIOD = timedelta(days=1)
OTHERS_NOW = "that its results may be others now: look at the recorder there."
SHOWN = frozenset({Compliance.COMPLIANT, Compliance.NON_COMPLIANT})

type Deployed = tuple[Where, str]


def report_aggregator(connection: Connection, name: str, rule: str, now: datetime) -> Findings:
    """Return what AWS Config holds for a rule, account by account; the findings come as they are asked for.

    `now` has a time zone. An organization's rule is found by its name, though each account has it under another. Raises
    `CommandError` where there is no such aggregator, it has no sources or may not be read, or no account has the rule.
    """
    aggregator = Aggregator(connection, name)
    covered = coverage(aggregator, now, connection.enabled_regions)
    deployed = sorted(_deployed(aggregator, rule))
    if not deployed:
        raise CommandError(
            f"No account of the {aggregator} has results of a rule {escaped(rule)}: correct the name, or wait for its "
            f"first run."
        )
    findings = Findings(unjudged=[*covered.unjudged], remarks=[*covered.remarks])
    findings.looked_at |= {*map(source_of, covered.sources)}
    without = {*covered.sources} - {where for where, _ in deployed}
    findings.coming = _Report(aggregator, covered, deployed, findings, now, without).each(rule)
    return findings


def is_called(name: str, rule: str) -> bool:
    """Return whether a rule of this name is the one meant, or that which an organization's rule has made of it."""
    return name == rule or re.fullmatch(rf"OrgConfigRule-{re.escape(rule)}-[^-]+", name) is not None


def _deployed(aggregator: Aggregator, rule: str) -> Iterator[Deployed]:
    for each in aggregator.rules():
        if is_called(each["ConfigRuleName"], rule):
            yield (each["AccountId"], each["AwsRegion"]), each["ConfigRuleName"]


@dataclass(slots=True)
class _Report:
    """A report at work, when the results so far were recorded, and the places known to be `without` any."""

    aggregator: Aggregator
    covered: Coverage
    deployed: Sequence[Deployed]
    findings: Findings
    now: datetime
    without: set[Where]
    times: list[tuple[datetime, Where]] = field(default_factory=list)

    def each(self, name: str) -> Iterator[Finding]:
        """Yield the results of each place, and leave what is wrong there among what could not be judged."""
        for where, problem in self.covered.problems.items():
            what = ADD_IT.format("results are not shown") if problem == NOT_COVERED else OTHERS_NOW
            self.findings.unjudged.append(Unjudged(Place(source_of(where)), f"{problem}, so {what}"))
        for where, rule in self.deployed:
            try:
                yield from self._at(where, rule)
            except CommandError as error:
                self.findings.unjudged.append(Unjudged(Place(source_of(where), resource=rule), str(error)))
            except KeyboardInterrupt:
                reason = "Interrupted here, so that this and what follows is not shown: run it again."
                self.findings.unjudged.append(Unjudged(Place(source_of(where), resource=rule), reason))
                break
        self._tell_of_none(name)
        self._tell_ages()

    def _at(self, where: Where, rule: str) -> Iterator[Finding]:
        times: list[datetime] = []
        for result in self.aggregator.results(rule, where):
            if result["ComplianceType"] in SHOWN:
                times.append(result["ResultRecordedTime"])
                yield finding_of(result, source_of(where), self.now)
        if not times:
            self.without.add(where)
        self.times += [(each(times), where) for each in (min, max) if times]
        late = sum(1 for time in times if self.now - time > LONGEST_PERIOD + MAX_RUN_TIME)
        if late:
            reason = (
                f"{late:,} of {len(times):,} results are older than a day, in which a scheduled run should have "
                f"reported every key anew: {ADVICE}."
            )
            self.findings.unjudged.append(Unjudged(Place(source_of(where), resource=rule), reason))

    def _tell_of_none(self, name: str) -> None:
        without = self.without - {where for _, where in self.times}
        if without:
            self.findings.remarks.append(
                f"There are no results of a rule {escaped(name)} in {named(without)}: either no key there is "
                f"applicable, or the rule is not deployed there or has not reported yet."
            )

    def _tell_ages(self) -> None:
        if not self.times:
            return
        (oldest, there), (newest, here) = min(self.times), max(self.times)
        self.findings.remarks.append(
            f"The newest result was recorded {ago(newest, self.now)}, in {source_of(here)}, and the oldest "
            f"{ago(oldest, self.now)}, in {source_of(there)}."
        )
