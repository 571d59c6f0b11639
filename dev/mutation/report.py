"""What a run found out about a module, and how it is shown to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rich.table import Table

from dev.mutation.mutants import Mutant, Name
from dev.mutation.trials import Outcome

COLUMNS = ("Module", "Mutants", "Killed", "Timed out", "Change nothing", "Survivors", "Score")


@dataclass(frozen=True, slots=True)
class Findings:
    """The outcomes of a module's mutants. `reasons` says of listed ones why they change nothing.

    `unknown` are the names in the list that no mutant of the module has.
    """

    module: str
    reasons: Mapping[Name, str]
    unknown: Sequence[Name] = ()
    outcomes: list[tuple[Mutant, Outcome]] = field(default_factory=list)

    def counts(self) -> Counter[Outcome]:
        """Count the outcomes."""
        return Counter(outcome for _, outcome in self.outcomes)

    def survivors(self) -> list[Mutant]:
        """Return the mutants that no test noticed and no reason excuses."""
        return [mutant for mutant in self._survived() if mutant.name not in self.reasons]

    def excused(self) -> list[Mutant]:
        """Return the mutants that no test noticed, as the list says."""
        return [mutant for mutant in self._survived() if mutant.name in self.reasons]

    def wrongly_listed(self) -> list[Mutant]:
        """Return the mutants that a test noticed although the list says that they change nothing."""
        return [
            mutant
            for mutant, outcome in self.outcomes
            if outcome is not Outcome.SURVIVED and mutant.name in self.reasons
        ]

    def _survived(self) -> Iterator[Mutant]:
        return (mutant for mutant, outcome in self.outcomes if outcome is Outcome.SURVIVED)

    @property
    def score(self) -> float:
        """The share of noticed mutants among those that change something; 1 if there are none."""
        noticed = len(self.outcomes) - len(self.survivors()) - len(self.excused())
        return noticed / (noticed + len(self.survivors())) if self.outcomes else 1

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each reason why the run has failed."""
        if survivors := len(self.survivors()):
            yield f"{survivors} of its mutants survived: add a test, or list them in equivalent.toml with the reason."
        for mutant in self.wrongly_listed():
            yield f"equivalent.toml lists {shown(mutant.name)}, but a test notices it: remove the entry."
        for name in self.unknown:
            yield f"equivalent.toml lists {shown(name)}, but there is no such mutant: remove or correct the entry."


def shown(name: Name) -> str:
    """Return a mutant's name in one line."""
    where, before, after, occurrence = name
    number = f" ({occurrence})" if occurrence > 1 else ""
    return f"{where}{number}: {before!r} -> {after!r}"


def difference(mutant: Mutant) -> str:
    """Return the lines that a mutant changes, as a diff shows them."""
    removed = (f"    - {line}" for line in mutant.before.split("\n") if mutant.last > mutant.first)
    added = (f"    + {line}" for line in mutant.after.split("\n") if mutant.lines)
    return "\n".join((f"  line {mutant.first + 1}, {mutant.where}", *removed, *added))


def overview(modules: Iterable[Findings]) -> Table:
    """Return the score by module."""
    table = Table(*COLUMNS)
    for found in modules:
        counts = found.counts()
        table.add_row(
            found.module,
            f"{len(found.outcomes)}",
            f"{counts[Outcome.KILLED]}",
            f"{counts[Outcome.TIMED_OUT]}",
            f"{len(found.excused())}",
            f"{len(found.survivors())}",
            f"{found.score:.1%}",
        )
    return table


def excuses(found: Findings) -> Iterator[str]:
    """Yield each reason of the list with the mutants that it excuses."""
    by_reason = sorted(found.excused(), key=lambda mutant: found.reasons[mutant.name])
    for reason, mutants in groupby(by_reason, key=lambda mutant: found.reasons[mutant.name]):
        yield "\n".join((f"  {' '.join(reason.split())}", *(f"    {shown(mutant.name)}" for mutant in mutants)))
