from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kms_rule import RULE_FOLDER, rule_modules

PROJECT = Path(__file__).parents[2]
LOCKS = sorted(path for path in PROJECT.glob("**/requirements.lock") if ".venv" not in str(path.relative_to(PROJECT)))
IN_LAMBDA = {"boto3", "botocore"}
OWN = {"AWSConfigRuleKMS", "AWSConfigRuleKMSPolicy", "least_privilege"}
# Options, addresses and paths, none of which a file of pins may have.
PLACE = re.compile(r"^\s*--?[a-z]|://|@ |file:", re.IGNORECASE)
PIN = re.compile(r"[a-z0-9][\w.-]*==[^\s;]+( ; [^\\]*)?( --hash=sha256:[0-9a-f]{64})+")


def requirements(lock: Path) -> list[str]:
    """Return each requirement of a lock on one line, without comments."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [line for line in joined.splitlines() if line.strip()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_dependency_is_pinned_with_its_hashes(lock: Path) -> None:
    found = requirements(lock)
    assert found
    assert [line for line in found if not PIN.fullmatch(line)] == []
    assert [line for line in found if PLACE.search(line)] == []


def test_make_audit_looks_up_every_lock() -> None:
    result = subprocess.run(
        ["make", "--dry-run", "audit"],  # noqa: S607 - the make of the path is the one that people run
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    [command] = [line for line in result.stdout.splitlines() if "pip_audit" in line]
    assert {str(lock.relative_to(PROJECT)) for lock in LOCKS} == set(re.findall(r"--requirement (\S+)", command))
    # Without these, a dependency that the database does not know would count as clean, or pip would resolve them anew.
    assert {"--strict", "--disable-pip", "--require-hashes"} <= set(command.split())


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com/simple",
        "otter",
        "otter==1.0",
        "otter>=1.0 --hash=sha256:" + "0" * 64,
        "otter @ https://example.com/otter.zip --hash=sha256:" + "0" * 64,
    ],
)
def test_what_is_no_pin_with_a_hash_is_noticed(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"# a comment\n{line}\n")
    assert [line for line in requirements(lock) if not PIN.fullmatch(line)] == [line]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the name of each package that is imported, wherever in the code, when the code runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        else:
            yield from imported(node)


def parsed(module: Path) -> ast.Module:
    return ast.parse((RULE_FOLDER / module).read_text("utf-8"))


@pytest.mark.parametrize("module", rule_modules(), ids=str)
def test_the_rule_imports_nothing_but_the_standard_library_and_boto3(module: Path) -> None:
    tree = parsed(module)
    names = set(imported(tree))
    assert names or module.name == "__init__.py"
    assert names - sys.stdlib_module_names - IN_LAMBDA - OWN == set()
    dynamic = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert dynamic.isdisjoint({"__import__", "eval", "exec", "compile"})
    assert "importlib" not in names


def test_the_rule_s_imports_are_found() -> None:
    names = {name for module in rule_modules() for name in imported(parsed(module))}
    assert names >= IN_LAMBDA | (OWN - {"AWSConfigRuleKMS"}) | {"json"}


def test_the_rule_s_own_names_are_those_of_its_folder() -> None:
    assert {module.parts[0].removesuffix(".py") for module in rule_modules()} == OWN
