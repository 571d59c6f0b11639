"""Judges every key that an aggregator of AWS Config holds, as the deployed rule would, and never better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from kms_rule.errors import CommandError
from kms_rule.findings import Finding, Findings, Place, Unjudged, findings_of
from kms_rule.sources.aggregator.calls import Aggregator, Where
from kms_rule.sources.aggregator.coverage import ADD_IT, NOT_COVERED, Coverage, coverage, named, source_of
from kms_rule.sources.aggregator.keys import HeldAliases, HeldKey, held_keys
from kms_rule.sources.live.accounts import Connection
from least_privilege.parameters import WHITELIST, RuleParameters
from least_privilege.scenarios import Compliance, judge

NO_ALIASES = (
    f"No alias is recorded in any account, so that {WHITELIST} whitelists nothing and keys go by their ids: let the "
    "recorders record AWS::KMS::Alias."
)
NO_KEYS = (
    "No key is recorded in any account: let the recorders record AWS::KMS::Key, or scan the accounts themselves if "
    "there is none."
)
WITHOUT_ALIASES = "If its alias is whitelisted, it is compliant: no alias is recorded."

# Is told where the key is that was judged last, and how many places there are.
type Watch = Callable[[Where, int], object]


def scan_aggregator(
    connection: Connection, name: str, parameters: RuleParameters, now: datetime, watch: Watch
) -> Findings:
    """Return the findings on every key of the aggregator of this name, which come as they are asked for.

    `now` has a time zone. An interruption ends them early, and is one of them then, as is a refusal of AWS Config after
    the first keys. Raises `CommandError` where there is no such aggregator, it has no sources, or may not be read.
    """
    aggregator = Aggregator(connection, name)
    covered = coverage(aggregator, now, connection.enabled_regions)
    aliases = HeldAliases.read(aggregator)
    findings = Findings(parameters=parameters, unjudged=[*covered.unjudged], remarks=[*covered.remarks])
    findings.looked_at |= {*map(source_of, covered.sources)}
    findings.coming = _Scan(connection, aggregator, parameters, covered, aliases, findings).each(watch)
    return findings


@dataclass(slots=True)
class _Scan:
    """A scan at work: what it asks, what it knows, where it leaves what is no finding, and what it counts.

    `withheld` counts, by place, the verdicts that are not shown, since what they are of may not be there any more.
    `keys` counts the keys of each place that were judged.
    """

    connection: Connection
    aggregator: Aggregator
    parameters: RuleParameters
    covered: Coverage
    aliases: HeldAliases
    findings: Findings
    withheld: Counter[Where] = field(default_factory=Counter)
    keys: Counter[Where] = field(default_factory=Counter)

    def each(self, watch: Watch) -> Iterator[Finding]:
        """Yield the findings, and leave the rest where it belongs when there are no more."""
        try:
            for held in held_keys(self.aggregator, self.aliases):
                yield from self._judged(held)
                watch(held.where, len(self.covered.sources))
        except KeyboardInterrupt:
            self._leave_out(f"Interrupted after {self.keys.total():,} keys: run it again.")
        except CommandError as error:
            self._leave_out(f"The keys after the first {self.keys.total():,} are not judged. {error}")
        self._conclude()

    def _leave_out(self, reason: str) -> None:
        self.findings.unjudged.append(Unjudged(Place(str(self.aggregator)), reason))

    def _judged(self, held: HeldKey) -> Iterator[Finding]:
        place = self._place(held)
        if held.key is None:
            self.findings.unjudged.append(Unjudged(place, f"The item of the key {held.reason}."))
            return
        verdict = judge(held.key.facts, self.parameters)
        self.keys[held.where] += 1
        problem = self.covered.problem(held.where)
        if problem and verdict.compliance is not Compliance.NON_COMPLIANT:
            self.withheld[held.where] += 1
            return
        remarks = (f"{problem}.",) if problem else ()
        if not self.aliases.by_place and verdict.compliance is Compliance.NON_COMPLIANT and self.parameters.whitelist:
            remarks = (*remarks, WITHOUT_ALIASES)
        yield from findings_of(held.key, verdict, self.parameters, place, remarks)

    def _place(self, held: HeldKey) -> Place:
        account, region = held.where
        partition = self.connection.partition
        return Place(source_of(held.where), resource=f"arn:{partition}:kms:{region}:{account}:key/{held.id}")

    def _conclude(self) -> None:
        """Say where what the aggregator knows is not all that there is."""
        places = sorted({*self.covered.problems, *self.withheld})
        self.findings.unjudged += [Unjudged(Place(source_of(where)), self._reason(where)) for where in places]
        if not self.keys:
            self._leave_out(NO_KEYS)
            return
        if not self.aliases.by_place:
            self._leave_out(NO_ALIASES)
            return
        current = self.covered.sources - self.covered.problems.keys()
        self._remark_on(current - self.keys.keys(), "no key", "AWS::KMS::Key")
        self._remark_on(self.keys.keys() - self.aliases.by_place.keys(), "no alias of a key", "AWS::KMS::Alias")

    def _reason(self, where: Where) -> str:
        problem = self.covered.problem(where)
        if problem == NOT_COVERED and not self.withheld[where]:
            return f"{problem}, so {ADD_IT.format('keys are not judged')}"
        count = self.withheld[where]
        keys = f"{count:,} {'key' if count == 1 else 'keys'}"
        return (
            f"{problem}, so {keys} that may not be as they were, and keys that are new, are not judged: look at the "
            f"recorder there, and at the authorization of the aggregator."
        )

    def _remark_on(self, places: AbstractSet[Where], what: str, resource_type: str) -> None:
        if places:
            self.findings.remarks.append(
                f"The {self.aggregator} holds {what} in {named(places)}: either there is none, or {resource_type} is "
                f"not recorded there."
            )
