"""The rule's modules: which there are, how long they may be, and which may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from kms_rule import RULE_FOLDER
from tests.rule.modules import MODULES

HANDLER = "AWSConfigRuleKMS"
MAX_LINES = 400
# What decides about a key and says why: Python alone is enough for it.
WITHOUT_AWS = (
    "least_privilege",
    "least_privilege.text",
    "least_privilege.pattern",
    "least_privilege.parameters",
    "least_privilege.event",
    "least_privilege.key",
    "least_privilege.permission",
    "least_privilege.condition",
    "AWSConfigRuleKMSPolicy",
    "least_privilege.evidence",
    "least_privilege.scenarios",
    "least_privilege.annotation",
)
WITH_AWS = ("least_privilege.errors", "least_privilege.account", HANDLER)


def test_the_modules_are_those_of_the_folder() -> None:
    assert {HANDLER, *WITHOUT_AWS, *WITH_AWS} <= set(MODULES)
    files = {path for path in RULE_FOLDER.glob("**/*.py") if not path.name.endswith("_test.py")}
    assert set(MODULES.values()) == files


@pytest.mark.parametrize("name", MODULES)
def test_no_module_has_over_400_lines(name: str) -> None:
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= MAX_LINES


# --- which imports which -----------------------------------------------------------------------------------------


def imported(tree: ast.AST) -> set[str]:
    """Return the rule's modules that some code imports, wherever in it, be it for the type checker alone."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            # What is imported from a package may be a module of it.
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(str(node.module))
    return names & set(MODULES)


IMPORTS = {name: imported(ast.parse(path.read_text("utf-8"))) for name, path in MODULES.items()}


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """Return modules that import one another in a circle, or nothing."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_imports_run_one_way() -> None:
    assert circle(IMPORTS) == []


def test_the_handler_is_imported_by_no_other_module() -> None:
    assert [name for name, names in IMPORTS.items() if HANDLER in names] == []


def test_the_handler_needs_every_module() -> None:
    needed, found = {HANDLER}, set[str]()
    while needed:
        name = needed.pop()
        found.add(name)
        needed |= IMPORTS[name] - found
    assert found | {"least_privilege"} == set(MODULES)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import least_privilege.text", {"least_privilege.text"}),
        ("from least_privilege import text", {"least_privilege", "least_privilege.text"}),
        ("from least_privilege.text import quoted", {"least_privilege.text"}),
        ("def late():\n    import AWSConfigRuleKMS", {"AWSConfigRuleKMS"}),
        ("if TYPE_CHECKING:\n    from AWSConfigRuleKMSPolicy import Statement", {"AWSConfigRuleKMSPolicy"}),
        ("import json, boto3\nfrom botocore.config import Config", set()),
    ],
)
def test_an_import_would_be_noticed(code: str, names: set[str]) -> None:
    assert imported(ast.parse(code)) == names


def test_a_circle_would_be_noticed() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) != []


# --- without the AWS libraries -----------------------------------------------------------------------------------

# The error is no ImportError: code that catches one, to do without the AWS libraries, would be found out too.
REFUSE_AWS_LIBRARIES = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore"}:
            raise RuntimeError("somebody imports " + name)

sys.meta_path.insert(0, Refusal())
"""


def imported_without_aws_libraries(name: str) -> subprocess.CompletedProcess[str]:
    """Import a module where there is no boto3, in an interpreter that has imported nothing yet."""
    program = f"{REFUSE_AWS_LIBRARIES}\nimport {name}\nprint({name}.__name__)\n"
    return subprocess.run(
        [sys.executable, "-B", "-"], input=program, cwd=RULE_FOLDER, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", WITHOUT_AWS)
def test_what_decides_is_imported_without_the_aws_libraries(name: str) -> None:
    outcome = imported_without_aws_libraries(name)
    assert (outcome.stderr, outcome.stdout) == ("", f"{name}\n")


@pytest.mark.parametrize("name", WITH_AWS)
def test_what_works_with_aws_is_not(name: str) -> None:
    assert "RuntimeError: somebody imports boto" in imported_without_aws_libraries(name).stderr
