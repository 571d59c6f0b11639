"""The GitHub Action `action.yml`: its steps run in bash as GitHub runs them, with what people give it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.command.checking import EVERYTHING_OPEN, USERS_MAY_USE, write
from tests.command.test_installation import copied
from tests.documents import PROJECT, document

ACTION = yaml.safe_load(document("action.yml"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
[INSTALL, CHECK] = [step for step in STEPS if "run" in step]
[UPLOAD] = [step for step in STEPS if step.get("uses", "").startswith("github/codeql-action/upload-sarif@")]
EXPRESSION = re.compile(r"\$\{\{ (\S+) \}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
# What the command depends on is found beside this interpreter: nothing is loaded from the Internet.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_ROOT_USER_ACTION": "ignore"}


@dataclass(frozen=True)
class Ended:
    """How a step ended, and the outputs that it set."""

    code: int
    shown: str
    outputs: Mapping[str, str]


def run(step: Mapping[str, Any], runner: Path, workspace: Path, **given: str) -> Ended:
    """Run a step's script in a folder with inputs; what `runner` holds stays from one step to the next."""
    inputs = {f"inputs.{name}": given.get(name, described["default"]) for name, described in ACTION["inputs"].items()}
    values = {**inputs, "runner.temp": str(runner), "steps.python.outputs.python-path": sys.executable}
    settings = {name: EXPRESSION.sub(lambda found: values[found[1]], text) for name, text in step["env"].items()}
    outputs = runner / "outputs"
    outputs.write_text("")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    places = {"RUNNER_TEMP": runner, "GITHUB_ACTION_PATH": runner / "action", "GITHUB_OUTPUT": outputs}
    ended = subprocess.run(  # noqa: S603 - the script that is tested
        [*BASH, step["run"]],
        cwd=workspace,
        env={**own, **OFFLINE, **{name: str(path) for name, path in places.items()}, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    set_outputs = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    return Ended(ended.returncode, ended.stdout + ended.stderr, set_outputs)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runner's folder for temporary files, with the action's own checkout, and the command installed from that."""
    runner = tmp_path_factory.mktemp("runner")
    copied(runner / "action")
    ended = run(INSTALL, runner, runner)
    assert ended.code == 0, ended.shown
    shutil.rmtree(runner / "action")
    return runner


def results(ended: Ended) -> list[str]:
    """Return the files that the SARIF of a run points at, one for each result."""
    [log] = json.loads(Path(ended.outputs["sarif-file"]).read_text("utf-8"))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in log["results"]]
    return [place["artifactLocation"]["uri"] for place in places]


def test_it_shows_a_policy_that_is_not_compliant_and_fails(runner: Path, tmp_path: Path) -> None:
    write(tmp_path, "keys/open.json", EVERYTHING_OPEN)
    ended = run(CHECK, runner, tmp_path)
    assert ended.code == 1
    assert "NON_COMPLIANT" in ended.shown
    assert results(ended) == ["keys/open.json"]


def test_it_passes_what_is_compliant_and_checks_only_what_is_named(runner: Path, tmp_path: Path) -> None:
    write(tmp_path, "first.json", USERS_MAY_USE)
    write(tmp_path, "with a space/second.json", USERS_MAY_USE)
    write(tmp_path, "open.json", EVERYTHING_OPEN)
    ended = run(CHECK, runner, tmp_path, files="first.json\n\nwith a space\n")
    assert (ended.code, results(ended)) == (0, [])
    assert "2 COMPLIANT" in ended.shown


def test_it_judges_by_the_parameters_that_it_is_given(runner: Path, tmp_path: Path) -> None:
    values = {"CMK_Whitelist": "", "Admin_User_Id": "AROASOMEBODY*"}
    write(tmp_path, "rule.txt", {"Parameters": {"InputParameters": json.dumps(values)}})
    write(tmp_path, "key.json", USERS_MAY_USE)
    ended = run(CHECK, runner, tmp_path, files="key.json", parameters="rule.txt")
    assert ended.code == 0
    assert "Admin_User_Id = AROASOMEBODY*" in ended.shown


def test_it_says_once_what_is_wrong_and_has_nothing_to_upload(runner: Path, tmp_path: Path) -> None:
    write(tmp_path, "open.json", EVERYTHING_OPEN)
    assert run(CHECK, runner, tmp_path).outputs != {}
    ended = run(CHECK, runner, tmp_path, parameters="no-such.json")
    assert (ended.code, ended.outputs) == (2, {})
    assert ended.shown.count("no-such.json cannot be read") == 1


@pytest.mark.parametrize(
    "name",
    ["$(touch taken).json", "`touch taken`.json", "a; touch taken;.json", '"; touch taken; ".json', "--output=taken"],
)
def test_no_name_of_a_file_becomes_a_command_or_an_option(runner: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path, name, EVERYTHING_OPEN)
    assert run(CHECK, runner, tmp_path, files=name).code == 1
    assert run(CHECK, runner, tmp_path, files=name, parameters=name).code == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("module", ["argparse.py", "kms_rule.py", "rich.py"])
def test_no_module_of_the_checked_folder_is_run(runner: Path, tmp_path: Path, module: str) -> None:
    write(tmp_path, "open.json", EVERYTHING_OPEN)
    write(tmp_path, module, "raise SystemExit(0)\n")
    assert run(CHECK, runner, tmp_path).code == 1


def test_the_findings_are_uploaded_though_the_check_failed_where_that_is_asked_for() -> None:
    asked = UPLOAD["if"].removeprefix("${{ ").removesuffix(" }}").split(" && ")
    assert asked == ["!cancelled()", "inputs.upload-sarif == 'true'", "steps.check.outputs.sarif-file != ''"]
    assert UPLOAD["with"]["sarif_file"] == "${{ steps.check.outputs.sarif-file }}"
    assert ACTION["inputs"]["upload-sarif"]["default"] == "false"


def test_the_actions_that_it_takes_are_pinned_by_a_commit() -> None:
    used = re.findall(r"uses: (.*)", document("action.yml"))
    assert len(used) == 2
    assert [action for action in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []


def test_zizmor_looks_at_it() -> None:
    made = subprocess.run(
        ["make", "--dry-run", "lint"],  # noqa: S607 - the make of the path is the one that people run
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    [command] = [line for line in made.stdout.splitlines() if "zizmor" in line]
    assert {"action.yml", ".github", ".pre-commit-hooks.yaml"} <= set(command.split())
