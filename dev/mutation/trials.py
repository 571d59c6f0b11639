"""Runs the tests against one mutant after another, each in a process that is forked from this one.

Forking spares what takes longest: this process has imported pytest and the AWS libraries, but neither a rule module
nor a test. All happens in a private copy of the tree. Only tests that reach the changed statement are run, the
quicker ones first, and the first that fails ends a trial.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import NoReturn

import pytest

from dev.mutation.mutants import Mutant
from dev.mutation.plugins import Experience, Recorder, Trial

PROJECT = Path(__file__).parents[2]
RULE_FOLDER = Path("AWSConfigRuleKMS")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.zip")
# What tests import, apart from the rule's modules and the project's own.
IMPORTED_ONCE = ("boto3", "botocore.stub", "hypothesis", "moto.server", "policyuniverse", "pytest_bdd", "rich.console")
# The libraries that are imported already cannot be rewritten, nor need they be.
UNREWRITTEN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
OPTIONS = ("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:cov", *UNREWRITTEN)
MOST_BYTES = 4 << 30

type Plugin = Callable[[CodeType], object]


class Outcome(Enum):
    """How a trial ended."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


class TrialError(Exception):
    """Raised when no mutant can be tried; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A module that is mutated, and the tests that hold it."""

    module: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The module's file, from the root of the tree."""
        return RULE_FOLDER / f"{self.module}.py"


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of one module's mutants, in one copy of the tree."""

    target: Target
    tree: Path
    source: str

    @classmethod
    @contextmanager
    def opened(cls, target: Target, project: Path = PROJECT) -> Iterator[Trials]:
        """Copy the tree of the project for as long as the block lasts."""
        for name in IMPORTED_ONCE:
            importlib.import_module(name)
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder, "tree")
            shutil.copytree(project, tree, ignore=NOT_COPIED)
            yield cls(target, tree, (tree / target.path).read_text(encoding="utf-8"))

    def experience(self) -> Experience:
        """Run the tests without a mutant to learn how long each takes and what it reaches.

        Raises `TrialError` where one of them fails.
        """
        notes = self.tree.with_name("experience.json")
        if self._forked(self.source, lambda code: Recorder(code, notes)):
            raise TrialError(f"The tests fail without any mutant:\n{self._output.read_text(encoding='utf-8')}")
        return Experience(**json.loads(notes.read_text(encoding="utf-8")))

    def outcome(self, mutant: Mutant, experience: Experience) -> Outcome:
        """Run the tests against a mutant until one fails."""
        lines = mutant.statement_in(self.source)
        status = self._forked(mutant.applied_to(self.source), lambda _: Trial(experience, lines))
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF):
            return Outcome.TIMED_OUT
        return Outcome.KILLED if status else Outcome.SURVIVED

    @property
    def _output(self) -> Path:
        return self.tree.with_name("output")

    def _forked(self, source: str, plugin: Plugin) -> int:
        """Run the tests in a process of its own, which nothing outlives; return how it ended, 0 if they pass."""
        gc.freeze()
        process = os.fork()
        if not process:
            self._be_child(source, plugin)
        _, status = os.waitpid(process, 0)
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        return status

    def _be_child(self, source: str, plugin: Plugin) -> NoReturn:
        code = 1
        try:
            self._settle()
            code = pytest.main([*OPTIONS, *self.target.tests], plugins=[plugin(self._import(source))])
        except Exception:  # noqa: BLE001 - what fails in the child, such as importing the mutant, must not end the parent's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            # What this process does at its end is not for the child to do.
            os._exit(code)

    def _settle(self) -> None:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
        output = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(self.tree)
        sys.path[:] = [str(self.tree / RULE_FOLDER), str(self.tree), *sys.path]
        # A process that a test starts must not take the compiled file of another mutant.
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    def _import(self, source: str) -> CodeType:
        """Import the module from this source and return its code."""
        path = self.tree / self.target.path
        path.write_text(source, encoding="utf-8")
        spec = spec_from_file_location(self.target.module, path)
        if spec is None:
            raise TrialError(f"{self.target.path} is no module.")
        module = module_from_spec(spec)
        sys.modules[self.target.module] = module
        code = compile(source, path, "exec")
        exec(code, vars(module))  # noqa: S102 - a change of our own code
        return code
