"""The command behind `make audit`: asks an advisory database about every pinned dependency of this project.

pip-audit does the asking, but its exit code does not tell enough. It is 0 for a dependency that the database does not
know, so that a mirror of PyPI without advisories finds everything in order; and it is 1 both for a vulnerability and
for a crash. Therefore a database counts only if it knows a vulnerability that is known for certain, and of pip-audit
counts only the list of what it found. Names and versions of the dependencies are all that is sent.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
KNOWN_TO_BE_VULNERABLE = "jinja2==2.4.1"
SECONDS_FOR_AN_ANSWER = 10
SECONDS_FOR_A_FILE = 300.0
LONGEST_REASON = 80


class Outcome(IntEnum):
    """The command's exit codes; 2 is that of wrong arguments."""

    CLEAN = 0
    VULNERABLE = 1
    NOT_CHECKED = 3


class NotCheckedError(Exception):
    """Raised when there is no answer that counts; the message says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Database:
    """An advisory database, by the options that make pip-audit ask it."""

    name: str
    options: tuple[str, ...]


PYPI = Database("PyPI", ("--vulnerability-service=pypi",))
OSV = Database("OSV", ("--vulnerability-service=osv",))


def osv_at(url: str) -> Database:
    """Return the database at `url`, which speaks as OSV does, such as a mirror in one's own network."""
    return Database(url, (*OSV.options, f"--osv-url={url}"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a database said of one file: how many dependencies it knows, a line for each vulnerability, and the rest."""

    known: int
    vulnerabilities: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of all files: the answers to those that were checked, and why others were not."""

    answers: tuple[Answer, ...]
    unchecked: tuple[str, ...] = ()

    @property
    def vulnerabilities(self) -> list[str]:
        """The lines of all answers."""
        return [line for answer in self.answers for line in answer.vulnerabilities]

    @property
    def outcome(self) -> Outcome:
        """The exit code; a vulnerability counts whatever else could not be checked."""
        if self.vulnerabilities:
            return Outcome.VULNERABLE
        return Outcome.NOT_CHECKED if self.unchecked else Outcome.CLEAN

    def __str__(self) -> str:
        """Return the vulnerabilities, a line each, and what else there is to know, a sentence each."""
        lines = self.vulnerabilities
        if lines:
            lines.append(f"Known vulnerabilities: {len(lines)}. Renew the pins with `make lock` and look again.")
        if self.unchecked:
            reasons = "; ".join(self.unchecked)
            lines.append(f"Not checked: {reasons}. Run this where an advisory database can be reached.")
        if self.outcome is Outcome.CLEAN:
            lines.append(
                f"No known vulnerability in {sum(answer.known for answer in self.answers)} pinned dependencies."
            )
        return "\n".join(lines)


def lock_files(project: Path = PROJECT) -> list[Path]:
    """Return the files with pinned dependencies: the project's own, and those of its parts."""
    return [project / "requirements.lock", *sorted(project.glob("[!.]*/requirements.lock"))]


def audit(locks: Sequence[Path], databases: Sequence[Database], seconds: float = SECONDS_FOR_A_FILE) -> Audit:
    """Ask the first database that counts about each file, which takes no longer than so many seconds each time."""
    try:
        database = _first_that_counts(databases, seconds)
    except NotCheckedError as error:
        return Audit((), (str(error),))
    answers: list[Answer] = []
    unchecked: list[str] = []
    for lock in locks:
        try:
            answer = ask(database, lock, "--require-hashes", seconds=seconds)
        except NotCheckedError as error:
            unchecked.append(f"{_shown(lock)} ({database.name} {error})")
            continue
        answers.append(answer)
        if answer.unknown:
            unchecked.append(f"{_shown(lock)} ({database.name} does not know {', '.join(answer.unknown)})")
    return Audit(tuple(answers), tuple(unchecked))


def _first_that_counts(databases: Sequence[Database], seconds: float) -> Database:
    reasons: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "probe.txt")
        probe.write_text(KNOWN_TO_BE_VULNERABLE)
        for database in databases:
            try:
                answer = ask(database, probe, "--no-deps", seconds=seconds)
            except NotCheckedError as error:
                reasons.append(f"{database.name} {error}")
                continue
            if answer.vulnerabilities:
                return database
            reasons.append(f"{database.name} knows nothing of {KNOWN_TO_BE_VULNERABLE}, on which there are advisories")
    raise NotCheckedError("; ".join(reasons))


def ask(database: Database, requirements: Path, *options: str, seconds: float) -> Answer:
    """Ask a database about each requirement of a file, which takes no longer than so many seconds.

    Raises `NotCheckedError` where it came to no end.
    """
    with tempfile.TemporaryDirectory() as cache:
        command = (
            *(sys.executable, "-m", "pip_audit", "--disable-pip", "--format=json", "--output=stdout"),
            *("--progress-spinner=off", f"--timeout={SECONDS_FOR_AN_ANSWER}", f"--cache-dir={cache}"),
            *(*database.options, *options, f"--requirement={requirements}"),
        )
        try:
            result = subprocess.run(  # noqa: S603 - runs pip-audit in this interpreter
                command, capture_output=True, text=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            raise NotCheckedError(f"gave no answer within {seconds:g} seconds") from None
    return answer_in(result.stdout, result.stderr, _shown(requirements))


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def answer_in(output: str, errors: str, name: str) -> Answer:
    """Read what pip-audit found, in JSON on its standard output, about the file `name`.

    Raises `NotCheckedError` where it came to no end.
    """
    try:
        dependencies: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        raise NotCheckedError(f"gave no answer ({_last_words(errors)})") from None
    unknown = tuple(dependency["name"] for dependency in dependencies if "skip_reason" in dependency)
    lines = tuple(
        f"{name}: {dependency['name']} {dependency['version']} has {advisory['id']}, {_remedy(advisory)}"
        for dependency in dependencies
        for advisory in dependency.get("vulns", ())
    )
    return Answer(len(dependencies) - len(unknown), lines, unknown)


def _remedy(advisory: dict[str, Any]) -> str:
    return f"fixed in {', '.join(advisory['fix_versions'])}" if advisory["fix_versions"] else "not fixed yet"


def _last_words(errors: str) -> str:
    """Return what kind of error pip-audit ended with; the rest may hold an address with a password in it."""
    lines = errors.strip().splitlines() or ["no message"]
    return lines[-1].removeprefix("ERROR:pip_audit._cli:").partition(":")[0][:LONGEST_REASON]


def main(arguments: Sequence[str]) -> Outcome:
    """Audit the files that the arguments name, or all of this project, print what was found, and return the outcome."""
    described = argparse.ArgumentParser(
        prog="python -m kms_rule.audit",
        description="Look the pinned dependencies up in an advisory database. "
        "Exit codes: 0 no known vulnerability, 1 vulnerabilities, 3 not checked.",
    )
    described.add_argument("locks", nargs="*", type=Path, help="files of pinned requirements (default: this project's)")
    described.add_argument("--osv-url", help="ask the database at this address, which speaks as OSV does, and no other")
    parsed = described.parse_args(arguments)
    databases = (osv_at(parsed.osv_url),) if parsed.osv_url else (PYPI, OSV)
    found = audit(parsed.locks or lock_files(), databases)
    print(found)  # noqa: T201 - what the command is asked for
    return found.outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
