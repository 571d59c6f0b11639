"""What pytest is told during a run: to note what each test does, or to try the quickest tests on a mutant first."""

from __future__ import annotations

import json
import math
import signal
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import CodeType

import pytest

TOOL = sys.monitoring.PROFILER_ID
LINE = sys.monitoring.events.LINE
# A test that a mutant makes this much slower is taken for an endless loop.
TIMES_SLOWER = 10
SECONDS_MORE = 5
# A test may wait for another process or thread, so it gets more wall time than processor time.
TIMES_WAITING = 4
SECONDS_OF_AN_UNKNOWN_TEST = 60.0


@dataclass(frozen=True, slots=True)
class Experience:
    """What is known of each test from a run without a mutant: its seconds, and the module's lines that it reaches."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def chosen(self, tests: Iterable[str], lines: range) -> list[str]:
        """Return the tests that can notice a change of these lines, the quicker ones first.

        Those are the ones that reach them. Where none does, as with a table or the body of a class, whose
        code runs when the module is imported, it may be any.
        """
        known = list(tests)
        reaching = [test for test in known if any(line in lines for line in self.lines.get(test, ()))]
        return sorted(reaching or known, key=self._magnitude)

    def _magnitude(self, test: str) -> int:
        # No finer than that, so that tests that share a fixture stay together.
        return round(math.log2(self.seconds.get(test, SECONDS_OF_AN_UNKNOWN_TEST)))

    def limit(self, test: str) -> float:
        """Return how many seconds of the processor a test may take."""
        return SECONDS_MORE + TIMES_SLOWER * self.seconds.get(test, SECONDS_OF_AN_UNKNOWN_TEST)


class Recorder:
    """Notes how long each test takes and which lines of a module it reaches."""

    def __init__(self, code: CodeType, notes: Path) -> None:
        """Watch the functions of a module's code, and leave the notes in a file."""
        self._notes = notes
        self._experience = Experience()
        self._reached: set[int] = set()
        sys.monitoring.use_tool_id(TOOL, "mutation")
        sys.monitoring.register_callback(TOOL, LINE, self._reach)
        for function in _codes_in(code):
            sys.monitoring.set_local_events(TOOL, function, LINE)

    def _reach(self, _code: CodeType, line: int) -> object:
        self._reached.add(line)
        return sys.monitoring.DISABLE  # until the next test begins

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test, with its fixtures, and note what it did."""
        self._reached.clear()
        sys.monitoring.restart_events()
        start = time.perf_counter()
        result = yield
        self._experience.seconds[item.nodeid] = time.perf_counter() - start
        self._experience.lines[item.nodeid] = sorted(self._reached)
        return result

    def pytest_sessionfinish(self) -> None:
        """Leave the notes for the process that started this one."""
        self._notes.write_text(json.dumps(asdict(self._experience)), encoding="utf-8")


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


class Trial:
    """Runs the tests that can notice a mutant, and ends the process when one of them takes too long."""

    def __init__(self, experience: Experience, lines: range) -> None:
        """Choose tests for a mutant that changes these lines, by what is known of the tests."""
        self._experience = experience
        self._lines = lines

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that can notice the mutant, and put them in order."""
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in self._experience.chosen(by_name, self._lines)]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Set the timers, whose signals end the process, for the test that begins."""
        limit = self._experience.limit(nodeid)
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, limit * TIMES_WAITING)
