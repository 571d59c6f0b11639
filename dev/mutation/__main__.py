"""The command: `python -m dev.mutation`, or `make mutation`, tries every mutant of the rule, or those of one place.

Exit code: 0 = each mutant is noticed by a test, or rightly listed as one that changes nothing; otherwise 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import Progress

from dev.mutation.findings import LIST, Name, listed, problems, shown
from dev.mutation.trials import TrialError, Trials

try:
    from dev.mutation.mutants import mutants
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is missing: run `make mutation`, which installs it.")


def outcomes(trials: Trials, only: str, console: Console) -> Iterator[tuple[Name, bool]]:
    """Try each mutant whose place begins so, and yield its name and whether it survives."""
    # A thread that draws the progress must not be running when this process is forked.
    with Progress(console=console, auto_refresh=False) as progress:
        for module, path in trials.modules().items():
            chosen = list(mutants(module, path.read_text(encoding="utf-8"), only))
            for mutant in chosen and progress.track(chosen, description=module):
                name = (mutant.place, mutant.before, mutant.after)
                yield name, trials.survives(path, mutant.place, mutant.source)


def main(arguments: Sequence[str]) -> int:
    """Try what the arguments ask for, show what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev.mutation", description="Mutation testing of the rule.")
    parser.add_argument("only", nargs="?", default="", help="how a place begins: AWSConfigRuleKMSPolicy.Pattern.covers")
    only = parser.parse_args(arguments).only
    reasons = {name: why for name, why in listed(LIST.read_text(encoding="utf-8")).items() if name[0].startswith(only)}
    console = Console(soft_wrap=True, markup=False, highlight=False)
    survived: dict[Name, bool] = {}
    with Trials.opened() as trials:
        for name, survives in outcomes(trials, only, console):
            survived[name] = survived.get(name, False) or survives
            if survives and name not in reasons:
                console.print(shown(name))
    found = list(problems(survived, reasons))
    summary = f"{len(survived)} mutants, {sum(survived.values())} of them noticed by no test; {len(found)} problems."
    console.print(*found, summary, sep="\n")
    return 1 if found or not survived else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except TrialError as error:
        sys.exit(str(error))
