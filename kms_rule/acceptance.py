"""Findings that somebody accepts until a day, for a reason: read from a file, taken out of what fails, and drafted.

A file has one list of entries. Each names a resource, a place or both, a scenario, the reason, and the last day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from kms_rule.errors import CommandError
from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged
from kms_rule.given_files import json_in
from least_privilege.text import quoted

WHICH = ("resource", "place")
REQUIRED = ("scenario", "reason", "until")
FORM = 'give each "resource" or "place", "scenario", "reason" and "until", such as 2026-12-31'
DAYS_OF_A_DRAFT = 90


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding that is accepted, `number` counting from 1; of `resource` and `place`, one may be blank."""

    number: int
    resource: str
    place: str
    scenario: str
    reason: str
    until: date

    def fits(self, finding: Finding) -> bool:
        """Return whether this is the finding that is accepted.

        A resource is named as the finding shows it, by its alias, or by its own id; a place is a file.
        """
        if self.scenario != finding.scenario.name or not finding.fails:
            return False
        names = (finding.place.resource, finding.reported_id, finding.key_id)
        return (not self.resource or self.resource in names) and (
            not self.place or _absolute(self.place) == _absolute(finding.place.source)
        )

    def __str__(self) -> str:
        """Return what tells it from others in its file."""
        which = " in ".join(quoted(name) for name in (self.resource, self.place) if name)
        return f"The accepted finding {self.number} ({quoted(self.scenario)} of {which})"


def today() -> date:
    """Return the day, in UTC: nothing else in here reads a clock."""
    return datetime.now(tz=UTC).date()


# ---------------------------------------------------------------------------------------------------------------------
# Reading a file
# ---------------------------------------------------------------------------------------------------------------------


def accepted_in(file: Path) -> tuple[Entry, ...]:
    """Read the accepted findings. Raises `CommandError` where an entry lacks anything that it must have."""
    content = json_in(file, "The accepted findings", _with_names_once)
    if not isinstance(content, list):
        raise CommandError(f"The accepted findings in {file} are not a list: {FORM}.")
    without_reason = [number for number, each in enumerate(content, 1) if _lacks_only_reason(each)]
    if without_reason:
        numbers = ", ".join(map(str, without_reason))
        raise CommandError(f"Accepted findings in {file} have no reason ({numbers}): write why each is accepted.")
    return tuple(_entry(each, number, file) for number, each in enumerate(content, 1))


def _with_names_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{quoted(name)} stands twice in one object")
        found[name] = value
    return found


def _lacks_only_reason(content: object) -> bool:
    return isinstance(content, Mapping) and not str(content.get("reason") or "").strip()


def _entry(content: Any, number: int, file: Path) -> Entry:
    wrong = f"The accepted finding {number} in {file}"
    if not isinstance(content, Mapping) or not all(isinstance(value, str) for value in content.values()):
        raise CommandError(f"{wrong} is not an object of texts: {FORM}.")
    unknown = [name for name in content if name not in (*WHICH, *REQUIRED)]
    if unknown:
        raise CommandError(f"{wrong} has {quoted(unknown[0])}, which is unknown: {FORM}.")
    missing = [name for name in REQUIRED if not content.get(name, "").strip()]
    missing += [] if any(content.get(name) for name in WHICH) else ["resource or place"]
    if missing:
        raise CommandError(f"{wrong} has no {missing[0]}: {FORM}.")
    try:
        until = date.fromisoformat(content["until"])
    except ValueError as error:
        raise CommandError(f"{wrong} ends on {quoted(content['until'])}, which is not a day: {FORM}.") from error
    return Entry(
        number, content.get("resource", ""), content.get("place", ""), content["scenario"], content["reason"], until
    )


# ---------------------------------------------------------------------------------------------------------------------
# Accepting
# ---------------------------------------------------------------------------------------------------------------------


def accept(findings: Findings, entries: Sequence[Entry], file: Path, day: date) -> None:
    """Take the findings that are accepted on this day out of those that were judged, and set them apart.

    An entry that has ended, or that fits nothing in what was looked at, is something that keeps the run from success.
    """
    valid = [entry for entry in entries if day <= entry.until]
    used: set[int] = set()
    left: list[Finding] = []
    for finding in findings.judged:
        entry = next((each for each in valid if each.fits(finding)), None)
        if entry is None:
            left.append(finding)
        else:
            used.add(entry.number)
            findings.accepted.append(Accepted(finding, entry.reason, entry.until))
    findings.judged = left
    for entry in entries:
        if day > entry.until:
            reason = f"{entry} ended on {entry.until}: correct the policy, or accept it for longer."
        elif entry.number not in used and not _is_elsewhere(entry, findings.looked_at):
            reason = f"{entry} fits nothing that was found: take it out."
        else:
            continue
        findings.unjudged.append(Unjudged(Place(str(file)), reason))


def _is_elsewhere(entry: Entry, looked_at: Iterable[str]) -> bool:
    """Return whether an entry is about a file that is there, but was not looked at this time."""
    if not entry.place or not Path(entry.place).is_file():
        return False
    return _absolute(entry.place) not in map(_absolute, looked_at)


def _absolute(name: str) -> str:
    return os.path.abspath(name)  # noqa: PTH100 - a link is another place than what it points to


# ---------------------------------------------------------------------------------------------------------------------
# Drafting
# ---------------------------------------------------------------------------------------------------------------------


def refuse_to_replace(file: Path) -> None:
    """Raise `CommandError` where there is a file already, whose reasons would be lost."""
    if file.exists():
        raise CommandError(f"{file} is there already, and a draft would replace its reasons: give another file.")


def draft(findings: Findings, day: date) -> str:
    """Write an entry for each finding that fails, without the reason, as JSON in printable ASCII."""
    entries = {json.dumps(entry): entry for entry in _drafts(findings.judged, day + timedelta(days=DAYS_OF_A_DRAFT))}
    return f"{json.dumps([*entries.values()], indent=2)}\n"


def _drafts(judged: Iterable[Finding], until: date) -> Iterator[Mapping[str, str]]:
    for finding in judged:
        if finding.fails:
            yield {
                **({"resource": finding.place.resource} if finding.place.resource else {}),
                "place": finding.place.source,
                "scenario": finding.scenario.name,
                "reason": "",
                "until": until.isoformat(),
            }
