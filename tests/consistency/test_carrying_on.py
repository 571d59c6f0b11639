"""Holds CONTRIBUTING.md, CHANGELOG.md, the workflow and the pre-commit hooks to what is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dev.bench.__main__ import parser
from kms_rule import RULE_FOLDER, rule_modules
from tests.consistency.names import is_there, quoted_names, quoted_paths
from tests.deploy.templates import ORGANIZATION, RULE, read
from tests.documents import PROJECT, document, link_leads_somewhere, links, named_tests, names_a_test

CONTRIBUTING = document("CONTRIBUTING.md")
MAKEFILE = document("Makefile")
PYPROJECT = tomllib.loads(document("pyproject.toml"))
LINKS = [(name, *link) for name in ("CONTRIBUTING.md", "CHANGELOG.md") for link in links(document(name))]
PATHS = quoted_paths(CONTRIBUTING)
CODE_OF_THE_RULE = [(RULE_FOLDER / module).read_text("utf-8") for module in rule_modules()]
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
# For the continuous integration's machine, or a person's own files.
OUTSIDE = {".venv/"}


def workflow() -> dict[str, Any]:
    [file] = (PROJECT / ".github" / "workflows").iterdir()
    # YAML takes the name of the trigger, `on`, for a truth value.
    return {str(name): value for name, value in yaml.safe_load(file.read_text("utf-8")).items()}


def job() -> dict[str, Any]:
    [only] = workflow()["jobs"].values()
    return dict(only)


def matrix() -> list[str]:
    return list(job()["strategy"]["matrix"]["python"])


def hooks(stage: str) -> list[str]:
    repositories = yaml.safe_load(document(".pre-commit-config.yaml"))["repos"]
    return [hook["entry"] for one in repositories for hook in one["hooks"] if stage in hook["stages"]]


# CONTRIBUTING.md and CHANGELOG.md


@pytest.mark.parametrize("path", [path for path in PATHS if path not in OUTSIDE])
def test_a_path_that_it_names_is_there(path: str) -> None:
    assert (PROJECT / path).exists()


@pytest.mark.parametrize("named", [named for named in named_tests(CONTRIBUTING) if "/test_" in named])
def test_a_test_that_it_names_is_there(named: str) -> None:
    assert names_a_test(named)


@pytest.mark.parametrize(("name", "path", "anchor"), LINKS)
def test_a_link_leads_somewhere(name: str, path: str, anchor: str) -> None:
    assert link_leads_somewhere(name, path, anchor)


def test_it_names_every_target_of_make_that_a_person_runs_and_no_other() -> None:
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", CONTRIBUTING, re.MULTILINE))
    assert named == TARGETS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z_]{5,})`", CONTRIBUTING))))
def test_a_constant_that_it_names_is_the_rule_s(name: str) -> None:
    assert any(re.search(rf"^{name}\b.* = ", code, re.MULTILINE) for code in CODE_OF_THE_RULE)


@pytest.mark.parametrize("name", re.findall(r"`(_\w+|KeyPolicy\.\w+)`", CONTRIBUTING))
def test_a_function_that_it_names_is_the_rule_s(name: str) -> None:
    assert any(f"def {name.rpartition('.')[2]}(" in code for code in CODE_OF_THE_RULE)


@pytest.mark.parametrize("name", quoted_names(CONTRIBUTING))
def test_a_name_of_code_that_it_quotes_is_there(name: str) -> None:
    assert is_there(name)


@pytest.mark.parametrize("name", ["Such", "KeyPolicy.such", "Statement.SUCH", "such_a_parameter", "_no_such"])
def test_a_name_that_is_not_there_would_be_noticed(name: str) -> None:
    assert quoted_names(f"A `{name}` and a `{name}()`, not README.md, `README.md`, `tests/rule/` or `no-such`.") == [
        name
    ]
    assert not is_there(name)


def test_the_readme_leads_to_what_people_need_who_carry_it_on() -> None:
    assert {"`CONTRIBUTING.md`", "`CHANGELOG.md`"} <= set(re.findall(r"`[A-Z]+\.md`", document("README.md")))


# Versions of Python


def test_every_tool_checks_for_the_oldest_python_that_is_allowed() -> None:
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"Python {oldest} or later is needed" in MAKEFILE
    assert f"sys.version_info[:2] < ({oldest.replace('.', ', ')})" in MAKEFILE
    for name in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} or later" in document(name)


def test_continuous_integration_runs_on_every_python_from_the_oldest_to_the_newest_that_may_be_deployed() -> None:
    minors = [int(version.removeprefix("3.")) for version in matrix()]
    assert matrix()[0] == PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert all(later == minor + 1 for minor, later in pairwise(minors))
    for template in (RULE, ORGANIZATION):
        assert read(template)["Parameters"]["Runtime"]["AllowedValues"][-1] == f"python{matrix()[-1]}"


def test_a_checkout_is_worked_on_with_the_python_that_is_deployed_by_default() -> None:
    for template in (RULE, ORGANIZATION):
        assert f"python{document('.python-version').strip()}" == read(template)["Parameters"]["Runtime"]["Default"]


# The workflow and the hooks


def test_the_workflow_may_only_read_the_code() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    assert "permissions" not in job()
    [checkout] = [step for step in job()["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"persist-credentials": False}


def test_the_workflow_s_actions_are_github_s_own_pinned_by_a_commit_and_renewed() -> None:
    text = document(".github/workflows/checks.yml")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [
        action for action in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    ] == []
    [renewed] = yaml.safe_load(document(".github/dependabot.yml"))["updates"]
    assert renewed["package-ecosystem"] == "github-actions"


def test_the_workflow_runs_for_every_pull_request_and_no_text_of_one_becomes_a_command() -> None:
    triggers = workflow()["True"]
    assert set(triggers) == {"push", "pull_request"}
    assert "${{" not in "".join(step.get("run", "") for step in job()["steps"])


def commands_of_workflow() -> list[str]:
    return [step["run"].replace(' PYTHON="python$VERSION"', "") for step in job()["steps"] if "run" in step]


def test_the_hooks_run_what_the_workflow_runs() -> None:
    make_test, *others = commands_of_workflow()
    assert make_test == "make test"
    [parts] = re.findall(r"^test: (.*)$", MAKEFILE, re.MULTILINE)
    assert [*hooks("pre-commit"), *hooks("pre-push")] == [f"make {part}" for part in parts.split()] + others


def test_the_calls_are_counted_with_an_option_that_there_is() -> None:
    [command] = commands_of_workflow()[1:]
    program, *options = shlex.split(command)[1:]
    assert Path(program).name == "-m"
    assert options[0] == "dev.bench"
    assert parser().parse_args(options[1:]).calls
