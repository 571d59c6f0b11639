"""Lists the mutants of a module: `python -m dev.mutation.generator PATH`, in the environment that has mutmut.

Prints one JSON object a line: the fields of `dev.mutation.mutants.Mutant`.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import libcst as cst  # type: ignore[import-not-found]  # it is in the other environment

from dev.mutation.mutants import Mutant
from dev.mutation.operators import Node, changes


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source."""
    module = cst.parse_module(source)
    alike: Counter[tuple[str, str, str]] = Counter()
    end = 0
    for statement in module.body:
        text = module.code_for_node(statement)
        start = source.index(text, end)
        end = start + len(text)
        for mutant in mutants_of_statement(module, statement, source.count("\n", 0, start)):
            key = (mutant.where, mutant.before, mutant.after)
            alike[key] += 1
            yield mutant.numbered(alike[key])


def mutants_of_statement(module: Node, statement: Node, line: int) -> Iterator[Mutant]:
    """Yield the mutants of one of the module's statements, which begins at this line; none of them means the same."""
    text = module.code_for_node(statement)
    meanings = {meaning(text)}
    for change in changes(statement):
        mutated = module.code_for_node(statement.deep_replace(change.original, change.changed))
        new = meaning(mutated)
        if new not in meanings:
            meanings.add(new)
            yield Mutant.between(change.where, text, mutated, line)


def meaning(text: str) -> str:
    """Return what is left of a text when its layout is forgotten, and whether a no is written False or None."""
    return ast.dump(ast.parse(text)).replace("Constant(value=False)", "Constant(value=None)")


if __name__ == "__main__":
    for found in mutants(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(json.dumps(asdict(found)))  # noqa: T201 - the output is for the program that started this one
