"""What `docs/checking.md` and `.pre-commit-hooks.yaml` show works as they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from kms_rule.cli import parser
from kms_rule.sources.cloudformation.yaml_text import located_yaml

PROJECT = Path(__file__).parents[2]
CHECKING = (PROJECT / "docs" / "checking.md").read_text(encoding="utf-8")
[PRE_COMMIT, WORKFLOW] = map(located_yaml, re.findall(r"```yaml\n(.*?)```", CHECKING, re.DOTALL))
[HOOK] = located_yaml((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["check"]["steps"]
RUN = [step["run"] for step in STEPS if "run" in step]


def arguments(command: str) -> Any:
    name, *rest = shlex.split(command)
    assert name == "kms-rule"
    return parser().parse_args(rest)


COMMANDS = [line.strip().rpartition(" | ")[2] for line in re.findall(r"^ {4}\w.*", CHECKING, re.MULTILINE)]
COMMANDS = [command for command in COMMANDS if command.startswith("kms-rule ")]


@pytest.mark.parametrize("command", [*COMMANDS, RUN[-1]])
def test_each_command_in_the_page_is_one_that_kms_rule_takes(command: str) -> None:
    assert arguments(command).files


def test_the_page_shows_commands() -> None:
    assert len(COMMANDS) == 3


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


def test_the_workflow_uploads_the_file_that_the_command_writes_even_after_it_failed() -> None:
    written = arguments(RUN[-1])
    upload = STEPS[-1]
    assert (written.format, str(written.output)) == ("sarif", upload["with"]["sarif_file"])
    assert upload["if"] == "${{ !cancelled() }}"
    assert WORKFLOW["permissions"]["security-events"] == "write"
