"""The command `kms-rule scan`: judges every key of live accounts as the deployed rule would, and reports nothing.

The keys are read by the rule's own code, as fast and as gently as the rule does; AWS Config is not asked for anything
but, with `--aggregator`, for what it has recorded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import Progress as Bar

from kms_rule.commands.progress_bars import PlacesBar, bar_of_keys
from kms_rule.errors import CommandError
from kms_rule.findings import Finding, Findings, Place, Unjudged, findings_of
from kms_rule.settings import chosen_parameters
from kms_rule.sources.aggregator.scan import scan_aggregator
from kms_rule.sources.live.accounts import (
    Connection,
    Identity,
    advice_on,
    identities,
    only,
    opened,
    sentence_for_people,
)
from kms_rule.sources.live.readers import Readers
from least_privilege.account import Account
from least_privilege.deadline import Deadline
from least_privilege.key import UnreadKey
from least_privilege.parameters import RuleParameters
from least_privilege.progress import Progress
from least_privilege.reading import JudgedKey, Reader, Reading, reader_threads
from least_privilege.text import RuleError

INTERRUPTED = "Interrupted before any key was judged: run it again."

type Watch = Callable[[Progress], object]


def run(arguments: argparse.Namespace) -> int:
    """Scan the Regions that the arguments name, show what was found, and return the exit code.

    Raises `CommandError` where nothing can be scanned, or what was found cannot be written.
    """
    from kms_rule.formats import show_as_asked  # noqa: PLC0415 - it takes its time to load, and is needed last

    try:
        parameters, remarks = chosen_parameters(arguments)
        if arguments.aggregator:
            findings = _aggregated(arguments, parameters)
        else:
            findings = scan(identities(arguments), parameters)
    except KeyboardInterrupt:
        raise CommandError(INTERRUPTED) from None
    findings.remarks += remarks
    show_as_asked(findings, arguments)
    return findings.exit_code


def _aggregated(arguments: argparse.Namespace, parameters: RuleParameters) -> Findings:
    """Return what an aggregator's items say of every key, with a progress bar unless findings come to its terminal."""
    comes_to_terminal = arguments.output is None and arguments.format != "html" and sys.stdout.isatty()
    bar = PlacesBar(Console(stderr=True), hidden=comes_to_terminal or not sys.stderr.isatty())
    findings = scan_aggregator(only(arguments), arguments.aggregator, parameters, datetime.now(UTC), bar.watch)
    findings.coming = bar.during(findings.coming)
    return findings


def scan(who: Sequence[Identity], parameters: RuleParameters) -> Findings:
    """Judge every key that each of these sees, one after another, with a progress bar if standard error is a terminal.

    What cannot be judged, be it a key, a whole Region or, of several, an account, is among the findings. An
    interruption ends it early, which is then one of them, too. Raises `CommandError` where `READER_THREADS` is wrong,
    or where the role of the only identity cannot be assumed.
    """
    findings = Findings(parameters=parameters)
    threads = _threads()
    with bar_of_keys(Console(stderr=True), hidden=not sys.stderr.isatty()) as bar:
        scanning = _Scanning(parameters, findings, threads, bar)
        for number, places in enumerate(opened(who), 1):
            if isinstance(places, Unjudged):
                findings.unjudged.append(places)
            elif not scanning.of_places(places):
                findings.add(Unjudged(other.place, INTERRUPTED) for other in who[number:])
                break
    findings.judged.sort(key=lambda finding: (finding.place.source, finding.reported_id, finding.key_id))
    return findings


def _threads() -> int:
    try:
        return reader_threads()
    except RuleError as error:
        raise CommandError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Scanning:
    """Adds to its findings what is found in one Region after another, and shows that on a bar."""

    parameters: RuleParameters
    findings: Findings
    threads: int
    bar: Bar

    def of_places(self, places: Sequence[Connection]) -> bool:
        """Add what is found in these Regions of one account, and return whether to go on with others."""
        empty: dict[str, list[str]] = {}
        goes_on = True
        for number, place in enumerate(places, 1):
            goes_on = self._of_region(place, empty)
            if not goes_on:
                self.findings.add(Unjudged(Place(f"Region {other.region}"), INTERRUPTED) for other in places[number:])
                break
        for account_id, regions in empty.items():
            self.findings.remarks.append(f"account {account_id}: There is no KMS key in {', '.join(regions)}.")
        return goes_on

    def _of_region(self, connection: Connection, empty: dict[str, list[str]]) -> bool:
        """Add what is found in a Region, or the Region to the `empty` ones of its account; return whether to go on."""
        progress, watch = Progress(), _shown_on(self.bar, connection.region)
        source, found = f"Region {connection.region}", self.findings
        before = len(found.judged) + len(found.unjudged)
        try:
            account_id = connection.account_id()
            source = f"account {account_id}, {connection.region}"
            for reading in _readings(connection, self.parameters, progress, self.threads):
                place = Place(source, resource=connection.key_arn(account_id, reading.id))
                found.add(_judged(reading, self.parameters, place))
                _note(reading, progress)
                watch(progress)
            if len(found.judged) + len(found.unjudged) == before:
                empty.setdefault(account_id, []).append(connection.region)
        except KeyboardInterrupt:
            found.unjudged.append(Unjudged(Place(source), _interruption(progress)))
            return False
        except CommandError as error:
            found.unjudged.append(Unjudged(Place(source), str(error)))
        except RuleError as error:
            found.unjudged.append(Unjudged(Place(source), sentence_for_people("The keys cannot be listed", error)))
        return True


def _note(reading: Reading, progress: Progress) -> None:
    if isinstance(reading, UnreadKey):
        progress.unread.append(reading)
    else:
        progress.judged.add(reading.id)


def _interruption(progress: Progress) -> str:
    if not progress.keys:
        return INTERRUPTED
    return f"Interrupted after {len(progress.judged):,} of {len(progress.keys):,} keys: run it again."


def _readings(
    connection: Connection, parameters: RuleParameters, progress: Progress, threads: int
) -> Iterator[Reading]:
    account = Account(connection.kms(threads), connection.config(), connection.role)
    readers = Readers(threads)
    live = replace(parameters, read_from_config=False)
    try:
        yield from Reader(account, live, readers, Deadline(), progress).readings()
    finally:
        readers.shutdown(cancel_futures=True)


def _judged(reading: Reading, parameters: RuleParameters, place: Place) -> Iterator[Finding | Unjudged]:
    if isinstance(reading, JudgedKey):
        yield from findings_of(reading.key, reading.verdict, parameters, place)
    elif isinstance(reading, UnreadKey):
        yield Unjudged(place, f"The key could not be read: {advice_on(reading.reason)}.")


def _shown_on(bar: Bar, region: str) -> Watch:
    if bar.disable:
        return lambda _progress: None
    task = bar.add_task(region, total=None)

    def watch(progress: Progress) -> None:
        bar.update(task, total=len(progress.keys), completed=len(progress.judged) + len(progress.unread))

    return watch
