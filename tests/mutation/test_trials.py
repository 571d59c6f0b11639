"""The mutation tool at work on a small project: in a process of its own, because it forks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev.mutation.__main__ import main
from dev.mutation.trials import TrialError

PROJECT = Path(__file__).parents[2]
INTERPRETER_WITH_MUTMUT = PROJECT / ".venv-mutation" / "bin" / "python"

MODULE = '''\
"""Counting."""

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
'''
TESTS = """\
import pytest

from dev.mutation.__main__ import main
from dev.mutation.trials import TrialError
from counting import Counter


@pytest.mark.parametrize("end", [0, 3])
def test_counting(end):
    assert Counter.up_to(end) == end
"""

TRIALS = """
import json, sys
from pathlib import Path
from dev.mutation import plugins
from dev.mutation.mutants import Mutant
from dev.mutation.trials import Target, TrialError, Trials

plugins.SECONDS_MORE = 0.3
with Trials.opened(Target("counting", ("tests",)), Path(sys.argv[1])) as trials:
    try:
        experience = trials.experience()
    except TrialError as error:
        sys.exit(str(error))
    changes = [trials.source.replace(*change, 1) for change in json.loads(sys.argv[2])]
    mutants = [Mutant.between("", trials.source, changed, 0) for changed in changes]
    print(json.dumps([trials.outcome(mutant, experience).value for mutant in mutants]))
"""

CHANGES = [
    ("count = 0", "count = 1", "killed"),
    ("count < end", "count <= end", "killed"),
    ("LIMITS = (1, 9)", "raise ValueError", "killed"),
    ("count += cls.step", "pass", "timed out"),
    ("self.step * 2", "self.step * 3", "survived"),
    ("count < end", "count != end", "survived"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in {"AWSConfigRuleKMS/counting.py": MODULE, "tests/test_counting.py": TESTS}.items():
        file = tmp_path / "project" / path
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "project"


def tried(project: Path, changes: list[tuple[str, str]]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", TRIALS, str(project), json.dumps(changes)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_each_mutant_ends_as_the_tests_notice_it(project: Path) -> None:
    changes = [(old, new) for old, new, _ in CHANGES]
    outcome = tried(project, changes)
    assert outcome.stderr == ""
    assert json.loads(outcome.stdout) == [expected for _, _, expected in CHANGES]


def test_the_project_itself_is_left_as_it_is(project: Path) -> None:
    tried(project, [("count = 0", "count = 1")])
    files = sorted(path.relative_to(project) for path in project.rglob("*") if path.is_file())
    assert files == [Path("AWSConfigRuleKMS/counting.py"), Path("tests/test_counting.py")]
    assert (project / files[0]).read_text(encoding="utf-8") == MODULE


def test_tests_that_fail_without_a_mutant_are_shown_and_nothing_is_tried(project: Path) -> None:
    module = project / "AWSConfigRuleKMS" / "counting.py"
    module.write_text(MODULE.replace("count = 0", "count = 1"), encoding="utf-8")
    outcome = tried(project, [])
    assert outcome.returncode == 1
    assert "The tests fail without any mutant" in outcome.stderr
    assert "assert 1 == 0" in outcome.stderr


def test_without_mutmut_people_are_told_what_sets_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.mutation.__main__.INTERPRETER", tmp_path / "python")
    with pytest.raises(TrialError, match="run `make mutation`"):
        main([])


@pytest.mark.skipif(not INTERPRETER_WITH_MUTMUT.exists(), reason="`make mutation` has not made the environment yet")
def test_tables_class_bodies_and_decorated_functions_have_mutants(project: Path) -> None:
    path = project / "AWSConfigRuleKMS" / "counting.py"
    command = [str(INTERPRETER_WITH_MUTMUT), "-B", "-m", "dev.mutation.generator", str(path)]
    listing = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    names = {(mutant["where"], mutant["after"]) for mutant in map(json.loads, listing.stdout.splitlines())}
    assert {
        ("LIMITS", "LIMITS = (1,)"),
        ("Counter.step", "step: int = 0"),
        ("Counter.twice", ""),
        ("Counter.twice", "return self.step / 2"),
        ("Counter.up_to", "while count <= end:"),
        ("Counter.up_to", "pass"),
    } <= names
    assert not [after for _, after in names if "Counting" in after]
