"""The recipes of CONTRIBUTING.md suffice: once a table of the rule has a row more, the command needs no change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.documents import PROJECT

KEY_POLICY = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
SCENARIO = "brand-new-not-compliant"
QUESTION = "Is the key brand new?"
SENTENCE = "CMK {id} is brand new: wait a day"
NEW_SCENARIO = f"""
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgeEvidence(Evidence):
    days: int


def _brand_new(case: Case) -> Answer:
    return Answer(case.facts.state == ENABLED, AgeEvidence(1))


KEY_SCENARIOS = (
    Scenario("{SCENARIO}", None, "{QUESTION}", _brand_new, Compliance.NON_COMPLIANT, "{SENTENCE}"),
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rule and the command, in which both tables have a row more."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("AWSConfigRuleKMS", "kms_rule"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    (folder / "key.json").write_text(json.dumps(KEY_POLICY), encoding="utf-8")
    modules = folder / "AWSConfigRuleKMS" / "least_privilege"
    insert(modules / "scenarios.py", "KEY_SCENARIOS = (\n", NEW_SCENARIO)
    insert(
        modules / "parameters.py", "    execution_role_name: str\n", "    execution_role_name: str\n    patient: bool\n"
    )
    insert(
        modules / "parameters.py",
        "        Parameter(EXECUTION_ROLE,",
        '        _choice("Patience", "patient", ("false", "true")),\n        Parameter(EXECUTION_ROLE,',
    )
    return folder


def insert(file: Path, place: str, text: str) -> None:
    code = file.read_text("utf-8")
    assert code.count(place) == 1
    file.write_text(code.replace(place, text), encoding="utf-8")


def run(project: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the copy of the command
        [sys.executable, "-B", "-m", "kms_rule", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


# The command with its format, and what is to be seen of the row besides what it says about a key.
FORMATS = [
    (["check", "key.json"], []),
    (["check", "key.json", "--format", "json"], [SCENARIO]),
    (["check", "key.json", "--format", "sarif"], [SCENARIO, QUESTION]),
    (["check", "key.json", "--format", "html"], [SCENARIO, QUESTION]),
    (["explain", "key.json"], [SCENARIO, QUESTION]),
    (["explain", "key.json", "--format", "json"], [SCENARIO, QUESTION]),
]


@pytest.mark.parametrize(("arguments", "told"), FORMATS, ids=" ".join)
def test_a_new_scenario_is_shown_in_every_format(project: Path, arguments: list[str], told: list[str]) -> None:
    ended = run(project, arguments)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert [text for text in (SENTENCE.format(id="key.json"), *told) if text not in ended.stdout] == []


@pytest.mark.parametrize(("given", "exit_code"), [("true", 1), ("maybe", 2)])
def test_a_new_parameter_is_read_from_the_command_line(project: Path, given: str, exit_code: int) -> None:
    ended = run(project, ["check", "key.json", "--format", "html", "--parameter", f"Patience={given}"])
    assert ended.returncode == exit_code
    assert ("Patience" in ended.stdout) is (exit_code == 1)
    assert ('The rule parameter Patience is "maybe": allowed are false, true.' in ended.stderr) is (exit_code != 1)
