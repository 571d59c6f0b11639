"""Which names of code a document quotes, and which there are."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kms_rule import RULE_FOLDER, rule_modules
from tests.documents import PROJECT

COMMAND_FOLDER = PROJECT / "kms_rule"
# What in backticks has a slash or a file's ending, and nothing that a path does not have.
PATH = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|json|yaml|yml|toml|feature)|(?:[\w.-]+/)+)`")
# One word of code, or a member of a class; the ending of a file is none.
NAME = re.compile(r"`([A-Za-z_]\w*(?:\.(?!(?:py|md|json|yaml|yml|toml|feature)`)\w+)?)(?:\(\))?`")


def quoted_paths(text: str) -> list[str]:
    """Return the paths of files and folders that a text has in backticks."""
    return sorted(set(PATH.findall(text)))


def quoted_names(text: str) -> list[str]:
    """Return the names of code that a text has in backticks, such as `Account` or `KeyPolicy.parse`."""
    return sorted(set(NAME.findall(text)))


def is_there(name: str) -> bool:
    """Return whether the rule or the command defines this name, or has it as a text, such as that of a parameter."""
    return name in _defined() or name in _texts()


@cache
def _defined() -> frozenset[str]:
    return frozenset(name for tree in _trees() for name in definitions(tree))


@cache
def _texts() -> frozenset[str]:
    texts = {node.value for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return frozenset(map(str, texts)) | set(
        json.loads((RULE_FOLDER / "parameters.json").read_text("utf-8"))["Parameters"]
    )


@cache
def _trees() -> tuple[ast.Module, ...]:
    rule: list[Path] = [RULE_FOLDER / module for module in rule_modules()]
    return tuple(ast.parse(path.read_text("utf-8")) for path in (*rule, *sorted(COMMAND_FOLDER.rglob("*.py"))))


def definitions(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[str]:
    """Yield what a module defines at its top, and `Class.member` for what its classes do."""
    for statement in tree.body:
        match statement:
            case ast.ClassDef(name):
                yield within + name
                yield from definitions(statement, f"{within}{name}.")
            case ast.FunctionDef(name) | ast.AnnAssign(ast.Name(name)) | ast.TypeAlias(ast.Name(name)):
                yield within + name
            case ast.Assign(targets):
                yield from (within + target.id for target in targets if isinstance(target, ast.Name))
