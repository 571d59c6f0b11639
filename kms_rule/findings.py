"""What the command found: each key with the rule's own verdict, and whatever could not be judged.

`scan`, `check` and `report` make `Findings`; the formats in `kms_rule.formats` show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from AWSConfigRuleKMS import Compliance, Key, Request, RuleParameters, Subject, Verdict, judge


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

    def __str__(self) -> str:
        """Return the place as compilers write it, and the resource after it."""
        position = ":".join(str(part) for part in (self.source, self.line, self.column) if part)
        return f"{position} {self.resource}" if self.resource else position


@dataclass(frozen=True, slots=True)
class Held:
    """A result as AWS Config holds it: its annotation, and when AWS Config recorded it."""

    annotation: str
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one key under one of the ids that the rule reports it under.

    `key.policy` is the text that was judged. `remarks` are sentences about what was assumed for the verdict. Where the
    finding is read from AWS Config instead of made here, `held` is what it holds, and the policy is unknown.
    """

    place: Place
    reported_id: str
    key: Key
    verdict: Verdict
    remarks: tuple[str, ...] = ()
    held: Held | None = None

    @property
    def compliance(self) -> Compliance:
        """The compliance type of the verdict."""
        return self.verdict.compliance

    @property
    def annotation(self) -> str:
        """The sentence that the deployed rule reports, or would report, 256 characters at most."""
        if self.held:
            return self.held.annotation
        return self.verdict.annotation(self.reported_id)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Something that may hold a key and could not be judged; `reason` is one sentence that says what to do."""

    place: Place
    reason: str


@dataclass(eq=False, slots=True)
class Findings:
    """All that one command found. `remarks` are sentences about the whole, such as that a template has no keys.

    `parameters` are those that the keys were judged with, where they are known.
    """

    judged: list[Finding] = field(default_factory=list)
    unjudged: list[Unjudged] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    parameters: RuleParameters | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The code that the command ends with: what could not be judged outweighs what is not compliant."""
        if self.unjudged:
            return ExitCode.INCOMPLETE
        if any(finding.compliance is Compliance.NON_COMPLIANT for finding in self.judged):
            return ExitCode.NON_COMPLIANT
        return ExitCode.COMPLIANT

    def add(self, others: Iterable[Finding | Unjudged]) -> None:
        """Take findings in, judged or not."""
        for other in others:
            if isinstance(other, Finding):
                self.judged.append(other)
            else:
                self.unjudged.append(other)


def findings_of(key: Key, parameters: RuleParameters, place: Place, remarks: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Judge a key as the rule does, and yield one finding for each id that the rule would report it under."""
    verdict = judge(key, parameters)
    request = Request(parameters, Subject(""), result_token="", rule_name="", account_id="", execution_role_arn="")
    for reported_id in key.reported_ids(request):
        yield Finding(place, reported_id, key, verdict, remarks)
