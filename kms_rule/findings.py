"""What the command found: each key with the rule's own verdict, and whatever could not be judged.

`scan`, `check` and `report` make `Findings`; the formats in `kms_rule.formats` show them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import IntEnum

from AWSConfigRuleKMSPolicy import KeyPolicy, PolicyError, Statement
from kms_rule.explanation.not_judged import NotJudged, not_judged
from least_privilege.annotation import annotate_each
from least_privilege.key import Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import POLICY_SCENARIOS, Compliance, Scenario, Verdict, duty_table

# What `scan` and `report` call an account and Region.
LIVE = re.compile(r"account \d{12}, [\w-]+", re.ASCII)


class ExitCode(IntEnum):
    """What the command ends with; of several that fit, the highest."""

    COMPLIANT = 0
    NON_COMPLIANT = 1
    INCOMPLETE = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is defined, for people to find it.

    `source` is a file as the person named it, or an account and Region; `line` and `column` count from 1, and are 0
    where there is none; `resource` is the key's ARN, its logical id in a template, or its address in a plan.
    """

    source: str
    line: int = 0
    column: int = 0
    resource: str = ""

    @property
    def position(self) -> str:
        """The place without the resource, as compilers write it."""
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part)

    @property
    def is_live(self) -> bool:
        """Whether it is an account and Region that the source names, not a file."""
        return bool(LIVE.fullmatch(self.source))

    def __str__(self) -> str:
        """Return the position, and the resource after it."""
        return f"{self.position} {self.resource}" if self.resource else self.position


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rule says of one key under one of the ids that it reports the key under.

    `annotation` is the sentence that the deployed rule reports, or would report, 256 characters at most. `policy` is
    the text that was judged, None where it was not read, and `statements` those of it that decided. `remarks` are
    sentences about what was assumed. `recorded` is when AWS Config recorded the result, where it was read from there.
    `not_judged` is what of the policy the rule does not look at, and a reviewer should. `positions` are line and column
    of each statement of the policy, where they are known.
    """

    place: Place
    reported_id: str
    key_id: str
    scenario: Scenario
    annotation: str
    aliases: tuple[str, ...] = ()
    policy: str | None = None
    statements: tuple[Statement, ...] = ()
    remarks: tuple[str, ...] = ()
    recorded: datetime | None = None
    not_judged: tuple[NotJudged, ...] = ()
    positions: tuple[tuple[int, int], ...] = ()

    def place_of(self, statement: Statement) -> Place:
        """Return where a statement of the policy is; the place of the whole where that is not known."""
        line, column = next(iter(self.positions[statement.number - 1 :]), (0, 0))
        return replace(self.place, line=line, column=column) if line else self.place

    @property
    def fails(self) -> bool:
        """Whether the key is not compliant."""
        return self.compliance is Compliance.NON_COMPLIANT

    @property
    def compliance(self) -> Compliance:
        """The compliance type of the scenario."""
        return self.scenario.compliance


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding that fails and is accepted until a day, which is the last; `reason` says why."""

    finding: Finding
    reason: str
    until: date

    def __str__(self) -> str:
        """Return until when and why, in one sentence."""
        return f"Accepted until {self.until}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Something that may hold a key and could not be judged; `reason` is one sentence that says what to do."""

    place: Place
    reason: str


@dataclass(eq=False, slots=True)
class Findings:
    """All that one command found. `remarks` are sentences about the whole, such as that a template has no keys.

    What of `judged` was accepted stands in `accepted` instead, and fails no run. `looked_at` are the files that were
    read, and `passed_over` is how many of them hold nothing to judge, of which nothing else is said. `parameters` are
    those that the keys were judged with, where they are known. `with_notes` is whether formats for programs that report
    problems tell of what was not judged, too. Of the findings, all of which count, only those of the compliance types
    in `only` are shown, all where that is empty; `quiet` is whether people see nothing but these and what could not be
    judged.

    `coming` are findings that come while they are shown, after those that are `judged`, and are not kept: there may be
    more of them than memory holds. What could not be judged, and the remarks, are complete once the last has come.
    """

    judged: list[Finding] = field(default_factory=list)
    unjudged: list[Unjudged] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)
    passed_over: int = 0
    parameters: RuleParameters | None = None
    with_notes: bool = False
    only: frozenset[Compliance] = frozenset()
    quiet: bool = False
    coming: Iterator[Finding] = field(default_factory=lambda: iter(()))
    _passed: Counter[Compliance] = field(default_factory=Counter)

    def each(self) -> Iterator[Finding]:
        """Yield every finding that is to be shown, those that come only the first time."""
        yield from self.each_kept()
        yield from self.each_coming()

    def each_kept(self) -> Iterator[Finding]:
        """Yield the findings that are kept and to be shown."""
        return filter(self._is_shown, self.judged)

    def each_coming(self) -> Iterator[Finding]:
        """Yield the findings that are not kept and to be shown, and count all that come."""
        for finding in self.coming:
            self._passed[finding.compliance] += 1
            if self._is_shown(finding):
                yield finding

    def _is_shown(self, finding: Finding) -> bool:
        return not self.only or finding.compliance in self.only

    @property
    def counts(self) -> Counter[Compliance]:
        """How many findings there are of each compliance, of those included that have come so far."""
        return Counter(finding.compliance for finding in self.judged) + self._passed

    @property
    def are_kept(self) -> bool:
        """Whether all findings can still be shown: none has come and gone."""
        return not self._passed

    @property
    def exit_code(self) -> ExitCode:
        """The code that the command ends with: what could not be judged outweighs what is not compliant."""
        if self.unjudged:
            return ExitCode.INCOMPLETE
        return ExitCode.NON_COMPLIANT if self.counts[Compliance.NON_COMPLIANT] else ExitCode.COMPLIANT

    def add(self, others: Iterable[Finding | Unjudged]) -> None:
        """Take findings in, judged or not."""
        for other in others:
            if isinstance(other, Finding):
                self.judged.append(other)
            else:
                self.unjudged.append(other)


def findings_of(
    key: Key, verdict: Verdict, parameters: RuleParameters, place: Place, remarks: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Yield one finding for each id that the rule would report this verdict on a key under."""
    policy = policy_text(key.facts.policy)
    beyond = _beyond(key, verdict, parameters)
    ids = key.reported_ids(parameters)
    for reported_id, annotation in zip(ids, annotate_each(verdict, ids), strict=True):
        yield Finding(
            place,
            reported_id,
            key.id,
            verdict.scenario,
            annotation,
            aliases=key.facts.aliases,
            policy=policy,
            statements=verdict.evidence.statements,
            remarks=remarks,
            not_judged=beyond,
        )


def _beyond(key: Key, verdict: Verdict, parameters: RuleParameters) -> tuple[NotJudged, ...]:
    """Return what the rule does not look at of a policy that it judged."""
    if key.facts.policy is None or verdict.scenario not in POLICY_SCENARIOS:
        return ()
    try:
        return not_judged(KeyPolicy.parse(key.facts.policy, duty_table(parameters)))
    except PolicyError:
        return ()


def policy_text(policy: str | Mapping[str, object] | None) -> str | None:
    """Return a policy's document as text; what of it is known only at deployment stands in angle brackets."""
    return policy if isinstance(policy, str | None) else json.dumps(policy, default=str)
