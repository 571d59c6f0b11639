"""The mutants of a module: every small change that mutmut's operators, and some of our own, make anywhere in it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# `make mutation` installs mutmut there, so to the type checker a node can be anything.
sys.path.append(str(Path(__file__).parents[2] / ".mutmut"))

import libcst as cst  # type: ignore[import-not-found]
from mutmut.mutation.mutators import mutation_operators  # type: ignore[import-not-found]

type Node = Any
type Operator = Callable[[Node], Iterable[Node]]

NOTHING = cst.Name("None")
NEGATED_BY_MUTMUT = (cst.UnaryOperation, cst.Comparison)
OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min", "startswith": "endswith", "endswith": "startswith"}
# Annotations and `type` statements are never evaluated; that imports are needed, the tests show anyway.
LEFT_OUT = (cst.Annotation, cst.TypeAlias, cst.TypeParameters, cst.Import, cst.ImportFrom)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed module: its source, the place of the change, and the lines before and after it."""

    place: str
    before: str
    after: str
    source: str


def mutants(module: str, source: str, only: str = "") -> Iterator[Mutant]:
    """Yield the mutants of a module whose place begins so, but only one of those that mean the same.

    A place is a definition after its module and the definitions around it, such as `AWSConfigRuleKMSPolicy.Pattern.of`.
    """
    tree = cst.parse_module(source)
    for statement in tree.body:
        found = list(changes(statement, module))
        if not any(place.startswith(only) for place, _, _ in found):
            continue
        text = tree.code_for_node(statement)
        meanings = {meaning(text)}
        for place, original, replacement in found:
            mutated = tree.code_for_node(statement.deep_replace(original, replacement))
            if meaning(mutated) not in meanings:
                meanings.add(meaning(mutated))
                if place.startswith(only):
                    yield Mutant(place, *difference(text, mutated), source.replace(text, mutated, 1))


def meaning(text: str) -> str:
    """Return what is left of a text without its layout, and without the difference between False and None."""
    return ast.dump(ast.parse(text)).replace("Constant(value=False)", "Constant(value=None)")


def difference(before: str, after: str) -> tuple[str, str]:
    """Return the lines that have to be replaced in a text and those that replace them, without indentation."""
    old, new = ([line.strip() for line in text.split("\n")] for text in (before, after))
    for place in (0, -1):
        while old and new and old[place] == new[place]:
            del old[place], new[place]
    return "\n".join(old), "\n".join(new)


def changes(node: Node, place: str) -> Iterator[tuple[str, Node, Node]]:
    """Yield each change that can be made at or below a node: its place, the node and the replacement."""
    if name := own_name(node):
        place = f"{place}.{name}"
    for kind, operator in (*mutation_operators, *MORE_OPERATORS):
        if isinstance(node, kind):
            yield from ((place, node, changed) for changed in operator(node))
    for child in node.children:
        if not isinstance(child, LEFT_OUT):
            yield from changes(child, place)


def own_name(node: Node) -> str | None:
    """Return the name of what the node defines, if it is a function, a class or an assignment."""
    match node:
        case (
            cst.FunctionDef(name=cst.Name(value=str(name)))
            | cst.ClassDef(name=cst.Name(value=str(name)))
            | cst.AnnAssign(target=cst.Name(value=str(name)))
            | cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=str(name)))])
        ):
            return name
    return None


def negate(node: Node) -> Iterator[Node]:
    """Negate a condition, unless mutmut does."""
    if not isinstance(node.test, NEGATED_BY_MUTMUT):
        inner = node.test.with_changes(
            lpar=[cst.LeftParen(), *node.test.lpar], rpar=[*node.test.rpar, cst.RightParen()]
        )
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), inner))


def give_nothing(node: Node) -> Iterator[Node]:
    """Return or yield None instead of the value."""
    if node.value is not None and not isinstance(node.value, cst.From):
        yield node.with_changes(value=NOTHING)


def drop_statement(node: Node) -> Iterator[Node]:
    """Put `pass` in the place of an expression, an augmented assignment, a `raise` or a jump."""
    [*_, statement] = node.body
    docstring = isinstance(statement, cst.Expr) and isinstance(statement.value, cst.BaseString)
    if isinstance(statement, (cst.Expr, cst.AugAssign, cst.Raise, cst.Break, cst.Continue)) and not docstring:
        yield node.with_changes(body=[cst.Pass()])


def drop_element(node: Node) -> Iterator[Node]:
    """Drop each element of a list, a tuple, a set or a dict, unless the brackets would mean something else then."""
    if isinstance(node, cst.Set) and len(node.elements) == 1:
        return
    for changed in dropping("elements")(node):
        match changed:
            case cst.Tuple(elements=[element]):
                yield changed.with_changes(elements=[element.with_changes(comma=cst.Comma())])
            case cst.Tuple(elements=[]):
                yield cst.Tuple([])
            case _:
                yield changed


def dropping(field: str) -> Operator:
    """Return the operator that drops each of the nodes in a field."""
    return lambda node: (node.with_changes(**{field: rest}) for rest in without_each(getattr(node, field)))


def without_each(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """Yield the nodes without the first, without the second, and so on."""
    yield from ([*nodes[:place], *nodes[place + 1 :]] for place in range(len(nodes)))


def drop_bound(node: Node) -> Iterator[Node]:
    """Drop each bound of a slice."""
    yield from (node.with_changes(**{bound: None}) for bound in ("lower", "upper") if getattr(node, bound))


def swap(node: Node) -> Iterator[Node]:
    """Name the opposite function: `any` for `all`, `min` for `max`, `startswith` for `endswith`."""
    if node.value in OPPOSITES:
        yield node.with_changes(value=OPPOSITES[node.value])


def one_less(node: Node) -> Iterator[Node]:
    """Make a whole number one less; mutmut makes it one more."""
    yield cst.parse_expression(str(node.evaluated_value - 1))


MORE_OPERATORS: tuple[tuple[Any, Operator], ...] = (
    ((cst.If, cst.While, cst.CompIf), negate),
    (cst.CompFor, dropping("ifs")),
    ((cst.Return, cst.Yield), give_nothing),
    ((cst.FunctionDef, cst.ClassDef), dropping("decorators")),
    (cst.SimpleStatementLine, drop_statement),
    ((cst.Tuple, cst.List, cst.Set, cst.Dict), drop_element),
    (cst.Slice, drop_bound),
    (cst.Name, swap),
    (cst.Integer, one_less),
    (cst.FormattedStringText, lambda node: [node.with_changes(value=f"XX{node.value}XX")]),
    (cst.FormattedStringExpression, lambda node: [node.with_changes(expression=NOTHING)]),
    (cst.ExceptHandler, lambda node: [node.with_changes(type=cst.Name("ZeroDivisionError"))]),
)
