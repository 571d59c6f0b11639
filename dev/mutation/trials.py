"""Runs the tests on one mutant after another, each in a process that is forked from this one.

Forking saves what takes longest: this process has imported pytest and the AWS libraries, but neither the rule nor a
test. It all happens in a copy of the tree. Only the tests that call the changed function run, the quicker ones first,
and the first that fails ends the trial.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import CodeType
from typing import NoReturn

import pytest

PROJECT = Path(__file__).parents[2]
RULE_FOLDER = "AWSConfigRuleKMS"
TESTS = ("tests/policy", "tests/rule", "tests/features")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.zip")
# What the tests import, apart from the project's own modules; pytest can no longer rewrite it, and need not.
IMPORTED_ONCE = ("boto3", "botocore.stub", "hypothesis", "moto.server", "policyuniverse", "pytest_bdd", "rich.console")
UNREWRITTEN = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
OPTIONS = ("-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:cov", *UNREWRITTEN)

TOOL = sys.monitoring.PROFILER_ID
CALLED = sys.monitoring.events.PY_START
# A test that takes this much longer with a mutant is taken for an endless loop. These are seconds of the processor.
TIMES_SLOWER = 10
SECONDS_MORE = 10
# A test may wait for another process or thread, so it gets more time on the clock.
TIMES_WAITING = 4
MOST_BYTES = 4 << 30


class TrialError(Exception):
    """Raised when no mutant can be tried; the message says why."""


class Recorder:
    """A plugin of pytest that notes how long each test takes, and which of the functions in a folder it calls."""

    def __init__(self, folder: Path, notes: Path) -> None:
        """Watch every function of this process; the notes are left in a file."""
        self._folder = str(folder)
        self._notes = notes
        self._seconds: dict[str, float] = {}
        self._callers: dict[str, list[str]] = {}
        self._called: set[tuple[str, str]] = set()
        sys.monitoring.use_tool_id(TOOL, "mutation")
        sys.monitoring.register_callback(TOOL, CALLED, self._note)
        sys.monitoring.set_events(TOOL, CALLED)

    def _note(self, code: CodeType, _offset: int) -> object:
        if not code.co_filename.startswith(self._folder):
            return sys.monitoring.DISABLE
        # The body of a class is not optimized.
        if code.co_flags & inspect.CO_OPTIMIZED:
            self._called.add((code.co_filename, code.co_qualname))
        # Disabling this event too would change how many events of other kinds the tests of the rule's cost count.
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test, with its fixtures, and note what it did."""
        self._called.clear()
        start = time.perf_counter()
        result = yield
        self._seconds[item.nodeid] = time.perf_counter() - start
        for path, name in self._called:
            place = f"{module_name(Path(path).relative_to(self._folder))}.{name.partition('.<locals>')[0]}"
            self._callers.setdefault(place, []).append(item.nodeid)
        return result

    def pytest_sessionfinish(self) -> None:
        """Leave the notes for the process that started this one."""
        self._notes.write_text(json.dumps([self._seconds, self._callers]), encoding="utf-8")


class Trial:
    """A plugin of pytest that runs the chosen tests, and ends the process when one of them takes too long."""

    def __init__(self, seconds: dict[str, float], chosen: Collection[str]) -> None:
        """Choose these of all tests, whose seconds are known; importing them takes time too, and is quiet."""
        self._seconds = seconds
        self._chosen = chosen
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        end_after(SECONDS_MORE)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen tests and any that only the mutant has; put the quicker ones first."""
        kept = [item for item in items if item.nodeid in self._chosen or item.nodeid not in self._seconds]
        # No finer than by magnitude, so that tests which share a fixture stay together.
        items[:] = sorted(kept, key=lambda item: round(math.log2(self._seconds.get(item.nodeid, 1))))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Set the timers for the test that begins."""
        end_after(SECONDS_MORE + TIMES_SLOWER * self._seconds.get(nodeid, 0))


def end_after(seconds: float) -> None:
    """Let a signal end this process after so many seconds of the processor, or after a much longer wait."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * TIMES_WAITING)


def modules_in(tree: Path) -> dict[str, Path]:
    """Return every module of the rule in a tree by its name; the packages themselves hold no code."""
    folder = tree / RULE_FOLDER
    paths = sorted(path for path in folder.rglob("*.py") if not path.match("*_test.py"))
    return {module_name(path.relative_to(folder)): path for path in paths if path.name != "__init__.py"}


@dataclass(slots=True)
class Trials:
    """A copy of the tree in which mutants are tried.

    What is known from a run without a mutant: how many seconds each test takes, and which tests call a function.
    """

    tree: Path
    seconds: dict[str, float]
    callers: dict[str, list[str]]
    number: int = 0

    @classmethod
    @contextmanager
    def opened(cls, project: Path = PROJECT) -> Iterator[Trials]:
        """Copy the project for as long as the block lasts. Raises `TrialError` if a test fails without a mutant."""
        for name in IMPORTED_ONCE:
            importlib.import_module(name)
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder).resolve() / "tree"
            shutil.copytree(project, tree, ignore=NOT_COPIED)
            notes = tree.with_name("notes.json")
            if not passes(tree, TESTS, lambda: Recorder(tree / RULE_FOLDER, notes)):
                raise TrialError("The tests fail without any mutant: see above.")
            yield cls(tree, *json.loads(notes.read_text(encoding="utf-8")))

    def modules(self) -> dict[str, Path]:
        """Return every module of the rule by its name."""
        return modules_in(self.tree)

    def chosen(self, place: str) -> Collection[str]:
        """Return the tests that can notice a change at a place, such as `AWSConfigRuleKMSPolicy.Pattern.covers`.

        Any test can if the place is outside all functions: a table, or the body of a class, runs upon import.
        """
        calling = (tests for name, tests in self.callers.items() if f"{place}.".startswith(f"{name}."))
        return {test for tests in calling for test in tests} or self.seconds.keys()

    def survives(self, path: Path, place: str, mutated: str) -> bool:
        """Return whether all tests pass when the module at a path is changed at a place."""
        original = path.read_text(encoding="utf-8")
        path.write_text(mutated, encoding="utf-8")
        # No two mutants are of one time, so none is mistaken for another that is compiled already.
        self.number += 1
        os.utime(path, (self.number, self.number))
        chosen = self.chosen(place)
        files = sorted({test.partition("::")[0] for test in chosen})
        try:
            return passes(self.tree, files, lambda: Trial(self.seconds, chosen))
        finally:
            path.write_text(original, encoding="utf-8")


def module_name(path: Path) -> str:
    """Return the name under which a module of the rule's folder is imported."""
    return ".".join(path.with_suffix("").parts)


def passes(tree: Path, tests: Collection[str], plugin: Callable[[], object]) -> bool:
    """Run tests in a process of their own, which nothing outlives, and return whether they pass."""
    gc.freeze()  # so that collecting garbage there touches nothing that is here already
    process = get_context("fork").Process(target=_run, args=(tree, tests, plugin))
    process.start()
    process.join()
    if process.pid:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.exitcode == 0


def _run(tree: Path, tests: Collection[str], plugin: Callable[[], object]) -> NoReturn:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    os.chdir(tree)
    sys.dont_write_bytecode = False
    # The tests are to import the tree's own `dev`, of which this process has imported the part that it runs.
    importlib.import_module("dev").__path__ = [str(tree / "dev")]
    code = pytest.main([*OPTIONS, *tests], plugins=[plugin()])
    sys.stdout.flush()
    # Whatever else a process does at its end, such as waiting for its threads, is not for this one to do.
    os._exit(code)
