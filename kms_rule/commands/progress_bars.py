"""Progress bars on standard error, for people who wait for keys to be judged."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from kms_rule.findings import Finding


class _Rate(ProgressColumn):
    """How many keys a second are judged."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} keys/s" if task.speed else "")


def bar_of_keys(console: Console, *, hidden: bool) -> Progress:
    """Return a bar whose tasks are Regions, with the keys of each, how many are judged a second, and the time left."""
    region = TextColumn("{task.description}", markup=False)
    columns = (region, BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    # Rich would take for a terminal what the environment variable FORCE_COLOR says is one.
    return Progress(*columns, console=console, disable=hidden)


class PlacesBar:
    """A bar over accounts and Regions, that names the one whose keys are being judged and counts keys."""

    def __init__(self, console: Console, *, hidden: bool) -> None:
        """Take the console to show it on, unless it is `hidden`."""
        place = TextColumn("{task.description}", markup=False)
        keys = TextColumn("{task.fields[keys]:,} keys", markup=False)
        columns = (place, BarColumn(), MofNCompleteColumn(), keys, TimeRemainingColumn())
        # Standard output is where the findings go meanwhile.
        self._bar = Progress(*columns, console=console, disable=hidden, redirect_stdout=False, redirect_stderr=False)
        self._task = self._bar.add_task("", total=None, keys=0)
        self._seen: set[tuple[str, str]] = set()
        self._keys = 0

    def watch(self, where: tuple[str, str], places: int) -> None:
        """Take the account and Region of a key that has been judged, and how many places there are."""
        self._seen.add(where)
        self._keys += 1
        self._bar.update(
            self._task,
            description=f"account {where[0]}, {where[1]}",
            total=max(places, len(self._seen)),
            completed=len(self._seen),
            keys=self._keys,
        )

    def during(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        """Yield the findings, and show the bar until there are no more."""
        with self._bar:
            yield from findings
