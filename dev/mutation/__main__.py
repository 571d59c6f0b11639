"""The command: `python -m dev.mutation`, or `make mutation`; without arguments it tries every mutant of both modules.

Ends with 0 if each mutant is noticed by a test or rightly listed as one that changes nothing, otherwise with 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from dev.mutation import listed, report
from dev.mutation.mutants import Mutant
from dev.mutation.report import Findings
from dev.mutation.trials import PROJECT, Outcome, Target, TrialError, Trials

TARGETS = (
    Target("AWSConfigRuleKMSPolicy", ("tests/policy",)),
    Target("AWSConfigRuleKMS", ("tests/rule", "tests/features")),
)
INTERPRETER = PROJECT / ".venv-mutation" / "bin" / "python"
LAST_SURVIVORS = PROJECT / ".mutation.json"
MUTANTS_BETWEEN_NEWS = 100

type Choice = Callable[[Mutant], bool]


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(prog="python -m dev.mutation", description="Mutation testing of the rule.")
    described.add_argument("--module", choices=[target.module for target in TARGETS], help="this module only")
    described.add_argument("--where", default="", help="definitions only whose name begins so, such as Pattern.covers")
    described.add_argument("--again", action="store_true", help="only the survivors of the last run")
    return described


def mutants_of(trials: Trials) -> list[Mutant]:
    """Return every mutant of a module. Raises `TrialError` where they cannot be listed."""
    command = [str(INTERPRETER), "-B", "-m", "dev.mutation.generator", str(trials.tree / trials.target.path)]
    listing = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - ours
    if listing.returncode:
        raise TrialError(f"The mutants of {trials.target.module} cannot be listed: see above.")
    return [Mutant.from_json(line) for line in listing.stdout.splitlines()]


def find(target: Target, chosen: Choice, console: Console) -> Findings:
    """Try the chosen mutants of a module, and show each survivor as soon as it is found."""
    with Trials.opened(target) as trials:
        everything = mutants_of(trials)
        names = {mutant.name for mutant in everything}
        reasons = listed.reasons(target.module, listed.LIST.read_text(encoding="utf-8"))
        findings = Findings(target.module, reasons, [name for name in reasons if name not in names])
        mutants = [mutant for mutant in everything if chosen(mutant)]
        experience = trials.experience()
        console.print(f"{target.module}: {len(mutants)} mutants, held by {len(experience.seconds)} tests")
        for number, mutant in enumerate(mutants, 1):
            outcome = trials.outcome(mutant, experience)
            findings.outcomes.append((mutant, outcome))
            if outcome is Outcome.SURVIVED and mutant.name not in reasons:
                console.print(report.difference(mutant), markup=False, highlight=False)
            if number % MUTANTS_BETWEEN_NEWS == 0:
                console.print(f"  {number} of {len(mutants)} tried", style="dim", highlight=False)
    return findings


def main(arguments: Sequence[str]) -> int:
    """Try what the arguments ask for, show it, and return the exit code. Raises `TrialError` without mutmut."""
    given = parser().parse_args(arguments)
    if not INTERPRETER.exists():
        raise TrialError("The environment that has mutmut is missing: run `make mutation`, which sets it up.")
    console = Console(soft_wrap=True)
    last = json.loads(LAST_SURVIVORS.read_text(encoding="utf-8")) if LAST_SURVIVORS.exists() else {}
    found = [
        find(target, choice(given.where, last.get(target.module) if given.again else None), console)
        for target in TARGETS
        if given.module in (None, target.module)
    ]
    LAST_SURVIVORS.write_text(
        json.dumps(last | {findings.module: [mutant.name for mutant in findings.survivors()] for findings in found}),
        encoding="utf-8",
    )
    show(found, console)
    return 1 if any(problem for findings in found for problem in findings.problems()) else 0


def choice(where: str, names: Sequence[Sequence[object]] | None) -> Choice:
    """Return which mutants to try: those of definitions whose name begins so and, if names are given, with one."""
    wanted = None if names is None else set(map(tuple, names))
    return lambda mutant: mutant.where.startswith(where) and (wanted is None or mutant.name in wanted)


def show(found: Sequence[Findings], console: Console) -> None:
    """Show the listed mutants with their reasons, the score by module, and what has to be mended."""
    for findings in found:
        if findings.excused():
            console.print(f"Mutants of {findings.module} that change nothing:")
            console.print("\n".join(report.excuses(findings)), markup=False, highlight=False)
    console.print(report.overview(found))
    for findings in found:
        for problem in findings.problems():
            console.print(f"{findings.module}: {problem}", markup=False, highlight=False)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (TrialError, listed.ListError) as error:
        sys.exit(str(error))
