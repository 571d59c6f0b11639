"""Holds docs/architecture.md to what is there: its modules, its values, its links, and the way that imports go."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kms_rule import RULE_FOLDER, rule_modules
from tests.consistency.names import is_there, quoted_names, quoted_paths
from tests.documents import PROJECT, document, link_leads_somewhere, links

NAME = "docs/architecture.md"
PAGE = document(NAME)
[PICTURE] = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
CHANGES = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", PAGE.partition("## What to change")[2], re.MULTILINE)[2:]
FOLDERS = (Path(), RULE_FOLDER, RULE_FOLDER / "least_privilege")


# --- the page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", quoted_paths(PAGE))
def test_a_path_that_it_names_is_there(path: str) -> None:
    assert any((PROJECT / folder / path).exists() for folder in FOLDERS)


@pytest.mark.parametrize("name", quoted_names(PAGE))
def test_a_name_that_it_quotes_is_there(name: str) -> None:
    assert is_there(name)


@pytest.mark.parametrize(("path", "anchor"), links(PAGE))
def test_a_link_leads_somewhere(path: str, anchor: str) -> None:
    assert link_leads_somewhere(NAME, path, anchor)


@pytest.mark.parametrize("module", [path.name for path in rule_modules() if path.name != "__init__.py"])
def test_every_module_of_the_rule_has_its_place(module: str) -> None:
    assert re.search(rf"`{module}`|<b>{module.removesuffix('.py')}</b>", PAGE)


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 75


@pytest.mark.parametrize("document_name", ["README.md", "CONTRIBUTING.md"])
def test_people_are_led_to_it(document_name: str) -> None:
    assert (NAME, "") in links(document(document_name))


# --- the picture -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", sorted(set(re.findall(r"<b>(\w+)</b>", PICTURE))))
def test_a_stage_of_the_picture_is_a_module(module: str) -> None:
    assert {path.stem for path in rule_modules()} >= {module}


@pytest.mark.parametrize("value", sorted(set(re.findall(r"\b[A-Z]\w+", " ".join(re.findall(r"\|(.*?)\|", PICTURE))))))
def test_what_flows_between_them_is_a_value_of_the_rule(value: str) -> None:
    assert is_there(value)


# --- the table ---------------------------------------------------------------------------------------------------


def test_it_says_what_to_change_for_the_usual_changes() -> None:
    assert [change for change, _, _ in CHANGES] == [
        "a scenario",
        "a parameter",
        "a KMS action",
        "a call that reads",
        "an output format",
        "a template language",
        "the time budget",
        "the annotation",
        "a duty",
        "what a proposed policy changes",
        "what is listed as not judged",
        "an event type",
    ]


@pytest.mark.parametrize(("change", "touched", "held"), CHANGES, ids=[change for change, _, _ in CHANGES])
def test_each_change_names_what_to_touch_and_a_test_that_holds_it(change: str, touched: str, held: str) -> None:
    assert quoted_paths(touched) or quoted_names(touched), change
    assert [path for path in quoted_paths(held) if path.startswith("tests/")]


# --- which way imports go ----------------------------------------------------------------------------------------

# What each folder may not import from.
LATER = {"kms_rule": {"dev", "tests"}, "AWSConfigRuleKMS": {"kms_rule", "dev", "tests"}}


def imported(code: str) -> Iterator[str]:
    """Yield what some code imports, wherever in it, by the name of the topmost package."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("folder", LATER)
def test_imports_go_from_the_developers_tools_to_the_command_to_the_rule(folder: str) -> None:
    wrong = {
        path.relative_to(PROJECT).as_posix(): names
        for path in (PROJECT / folder).rglob("*.py")
        if (names := LATER[folder] & set(imported(path.read_text("utf-8"))))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import dev.bench, json", ["dev", "json"]),
        ("from dev.bench import suite", ["dev"]),
        ("def late():\n    from kms_rule import findings", ["kms_rule"]),
        ("if TYPE_CHECKING:\n    import tests.documents as documents", ["tests"]),
    ],
)
def test_an_import_would_be_noticed(code: str, names: list[str]) -> None:
    assert list(imported(code)) == names
