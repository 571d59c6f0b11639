"""What `docs/checking.md` and `.pre-commit-hooks.yaml` show works as they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kms_rule.cli import parser
from kms_rule.sources.cloudformation.yaml_text import located_yaml

PROJECT = Path(__file__).parents[2]
CHECKING = (PROJECT / "docs" / "checking.md").read_text(encoding="utf-8")
[PRE_COMMIT, WORKFLOW] = map(located_yaml, re.findall(r"```yaml\n(.*?)```", CHECKING, re.DOTALL))
[HOOK] = located_yaml((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
JOB = WORKFLOW["jobs"]["check"]
ACTION = located_yaml((PROJECT / "action.yml").read_text(encoding="utf-8"))


def arguments(command: str) -> Any:
    name, *rest = shlex.split(command)
    assert name == "kms-rule"
    return parser().parse_args(rest)


COMMANDS = [line.strip().rpartition(" | ")[2] for line in re.findall(r"^ {4}\w.*", CHECKING, re.MULTILINE)]
COMMANDS = [command for command in COMMANDS if command.startswith("kms-rule ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_in_the_page_is_one_that_kms_rule_takes(command: str) -> None:
    taken = arguments(command)
    assert taken.files if taken.command == "check" else taken.policy or taken.key


def test_the_page_shows_commands() -> None:
    assert len(COMMANDS) == 7


def test_the_hook_checks_what_its_arguments_name() -> None:
    assert arguments(f"{HOOK['entry']} {shlex.join(HOOK['args'])}").files == ["."]
    [repository] = PRE_COMMIT["repos"]
    [used] = repository["hooks"]
    assert used["id"] == HOOK["id"]
    assert arguments(f"{HOOK['entry']} {shlex.join(used['args'])}").files == ["policies/", "templates/"]


@pytest.mark.parametrize(
    ("name", "triggers"),
    [
        ("a/key.json", True),
        ("a.yaml", True),
        ("a.yml", True),
        ("a.template", True),
        ("a/KEY.JSON", True),
        ("a.yaml.md", False),
        ("json", False),
    ],
)
def test_the_hook_runs_for_the_files_that_are_searched(name: str, *, triggers: bool) -> None:
    assert (re.search(HOOK["files"], name) is not None) == triggers


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    checkout, action = JOB["steps"]
    assert action["with"].keys() == ACTION["inputs"].keys()
    assert action["with"]["files"].split() == ["policies/", "templates/"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert JOB["permissions"] == {"contents": "read", "security-events": "write"}


def test_the_page_says_what_each_input_is() -> None:
    said = re.findall(r"^\| `([\w-]+)` \|", CHECKING.partition("| input | is |")[2].partition("\n\n")[0], re.MULTILINE)
    assert said == [*ACTION["inputs"]]
    assert all(f"`{name}`" in CHECKING for name in ACTION["outputs"])


def test_zizmor_finds_nothing_in_the_workflow(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(# \.github/workflows.*?)```", CHECKING, re.DOTALL)
    workflow = tmp_path / "key-policies.yml"
    workflow.write_text(text.replace("COMMIT #", f"{'0' * 40} #"), encoding="utf-8")
    ended = subprocess.run(  # noqa: S603 - the zizmor beside this interpreter
        [Path(sys.executable).with_name("zizmor"), "--offline", "--quiet", workflow],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
