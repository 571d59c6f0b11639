"""The mutation tool at work on a small project: in a process of its own, because it forks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

MODULE = """\
LIMITS = (1, 9)


class Counter:
    step: int = 1

    @property
    def twice(self) -> int:
        return self.step * 2

    @classmethod
    def up_to(cls, end: int) -> int:
        count = 0
        while count < end:
            count += cls.step
        return count
"""
TESTS = """\
import importlib

import pytest

from least_privilege import counting
from least_privilege.counting import LIMITS, Counter


@pytest.mark.parametrize("end", [0, 3])
def test_counting(end):
    assert Counter.up_to(end) == end


def test_limits():
    assert LIMITS


def test_importing_it_again():
    importlib.reload(counting)
"""
FILES = {
    "AWSConfigRuleKMS/AWSConfigRuleKMS_test.py": "",
    "AWSConfigRuleKMS/least_privilege/__init__.py": "",
    "AWSConfigRuleKMS/least_privilege/counting.py": MODULE,
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["AWSConfigRuleKMS", "."]\n',
    "tests/policy/test_counting.py": TESTS,
    "tests/rule/test_nothing.py": "def test_nothing(): pass\n",
    "tests/features/test_none.py": "",
}

TRIALS = """
import json, sys
from pathlib import Path
from dev.mutation import trials

trials.SECONDS_MORE = 1
try:
    with trials.Trials.opened(Path(sys.argv[1])) as opened:
        [(module, path)] = opened.modules().items()
        source = path.read_text()
        survived = [
            opened.survives(path, f"{module}.{place}", source.replace(old, new, 1))
            for place, old, new in json.loads(sys.argv[2])
        ]
        chosen = {place: sorted(opened.chosen(f"{module}.{place}")) for place in ("Counter.up_to", "Counter.step")}
        restored = path.read_text() == source
except trials.TrialError as error:
    sys.exit(str(error))
print(json.dumps([survived, chosen, restored]))
"""

COUNTING = ["tests/policy/test_counting.py::test_counting[0]", "tests/policy/test_counting.py::test_counting[3]"]
OTHERS = [
    "tests/policy/test_counting.py::test_importing_it_again",
    "tests/policy/test_counting.py::test_limits",
    "tests/rule/test_nothing.py::test_nothing",
]
CHANGES = [
    ("Counter.up_to", "count = 0", "count = 1", False),
    ("Counter.up_to", "count < end", "count != end", True),
    ("Counter.up_to", "count < end", "count > end", False),
    ("Counter.twice", "self.step * 2", "self.step * 3", True),  # as long as the one before
    ("Counter.up_to", "count += cls.step", "pass", False),
    ("LIMITS", "(1, 9)", "(1, 8)", True),
    ("LIMITS", "(1, 9)", "()", False),
    ("LIMITS", "LIMITS = (1, 9)", "raise ValueError", False),
    ("LIMITS", "LIMITS = (1, 9)", "while True: pass", False),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def tried(project: Path, changes: list[tuple[str, str, str]]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", TRIALS, str(project), json.dumps(changes)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_a_mutant_survives_unless_a_test_fails_or_never_ends(project: Path) -> None:
    outcome = tried(project, [change[:3] for change in CHANGES])
    assert outcome.stderr == ""
    survived, chosen, restored = json.loads(outcome.stdout.splitlines()[-1])
    assert survived == [survives for *_, survives in CHANGES]
    assert chosen == {"Counter.up_to": COUNTING, "Counter.step": sorted(COUNTING + OTHERS)}
    assert restored
    files = {path.relative_to(project): path for path in project.rglob("*") if path.is_file()}
    assert {str(name): path.read_text(encoding="utf-8") for name, path in files.items()} == FILES


def test_tests_that_fail_without_a_mutant_are_shown_and_nothing_is_tried(project: Path) -> None:
    module = project / "AWSConfigRuleKMS" / "least_privilege" / "counting.py"
    module.write_text(MODULE.replace("count = 0", "count = 1"), encoding="utf-8")
    outcome = tried(project, [])
    assert (outcome.returncode, outcome.stderr) == (1, "The tests fail without any mutant: see above.\n")
    assert "assert 1 == 0" in outcome.stdout
