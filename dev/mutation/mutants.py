"""What a mutant is: a change of a few lines of a module, with a name that survives lines that move."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

type Name = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `where` is the definition that it is in, `before` and `after` are the lines, without indentation.

    `occurrence` counts from 1 the changes that are called alike. `first` and `last` are the lines of the module, from
    0 and without the last, in whose place `lines` are put.
    """

    where: str
    before: str
    after: str
    occurrence: int
    first: int
    last: int
    lines: tuple[str, ...]

    @classmethod
    def between(cls, where: str, original: str, mutated: str, line: int) -> Mutant:
        """Make the mutant that turns one text, which begins at this line of the module, into the other."""
        old, new = original.split("\n"), mutated.split("\n")
        changed = [
            block for block in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if block[0] != "equal"
        ]
        first, last = changed[0][1], changed[-1][2]
        lines = tuple(new[changed[0][3] : changed[-1][4]])
        return cls(where, _unindented(old[first:last]), _unindented(lines), 1, line + first, line + last, lines)

    @classmethod
    def from_json(cls, text: str) -> Mutant:
        """Read a mutant as the generator prints it."""
        content = json.loads(text)
        return cls(**{**content, "lines": tuple(content["lines"])})

    @property
    def name(self) -> Name:
        """What tells this mutant from all others of its module."""
        return self.where, self.before, self.after, self.occurrence

    def numbered(self, occurrence: int) -> Mutant:
        """Return this mutant as the one of so many that are called alike."""
        return replace(self, occurrence=occurrence)

    def statement_in(self, source: str) -> range:
        """Return the lines, from 1, of the innermost statement of the module's source that the mutant changes.

        Of a statement that has others in it, such as `if`, these are the lines of its head.
        """
        statements = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt))
        spans = [range(node.lineno, _last_line_of_head(node) + 1) for node in statements]
        changed = range(self.first + 1, max(self.last, self.first + 1) + 1)
        around = [span for span in spans if changed[0] in span]
        return min(around, key=len) if around else changed

    def applied_to(self, source: str) -> str:
        """Return the source of the mutated module."""
        lines = source.split("\n")
        return "\n".join((*lines[: self.first], *self.lines, *lines[self.last :]))


def _last_line_of_head(statement: ast.stmt) -> int:
    inner: list[ast.stmt] = getattr(statement, "body", [])
    return inner[0].lineno - 1 if inner else statement.end_lineno or statement.lineno


def _unindented(lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join(line.strip() for line in lines)
