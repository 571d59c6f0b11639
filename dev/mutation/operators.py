"""The small changes that are made, beyond those of mutmut: conditions, tables, statements, decorators, messages.

mutmut's own command leaves out decorated functions, the bodies of classes and all code of the module itself, because it
wraps functions; so only its operators are taken, and applied to every node. Runs in the environment that has mutmut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst  # type: ignore[import-not-found]  # it is in the other environment
from mutmut.mutation.mutators import mutation_operators  # type: ignore[import-not-found]  # likewise

# libcst is in the other environment, so its nodes have no type here.
type Node = Any
type Operator = Callable[[Node], Iterable[Node]]

OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min", "startswith": "endswith", "endswith": "startswith"}
NEGATED_BY_MUTMUT = (cst.UnaryOperation, cst.Comparison)
NOTHING = cst.Name("None")


def negated(test: Node) -> Iterator[Node]:
    """Yield the opposite of a condition, where no other operator turns it round."""
    if not isinstance(test, NEGATED_BY_MUTMUT):
        inner = test.with_changes(lpar=[cst.LeftParen(), *test.lpar], rpar=[*test.rpar, cst.RightParen()])
        yield cst.UnaryOperation(cst.Not(), inner)


def negate_condition(node: Node) -> Iterator[Node]:
    """Turn the condition of an `if`, a `while` or a comprehension round."""
    yield from (node.with_changes(test=test) for test in negated(node.test))


def drop_condition(node: Node) -> Iterator[Node]:
    """Drop each `if` of a comprehension."""
    yield from (node.with_changes(ifs=rest) for rest in without_each(node.ifs))


def return_nothing(node: Node) -> Iterator[Node]:
    """Return or yield None instead of the value."""
    if node.value is not None and not isinstance(node.value, cst.From) and not is_none(node.value):
        yield node.with_changes(value=NOTHING)


def is_none(node: Node) -> bool:
    """Say whether a node is the name None."""
    return isinstance(node, cst.Name) and node.value == "None"


def drop_decorator(node: Node) -> Iterator[Node]:
    """Drop each decorator of a function or a class."""
    yield from (node.with_changes(decorators=rest) for rest in without_each(node.decorators))


def drop_statement(node: Node) -> Iterator[Node]:
    """Put `pass` in the place of an expression, an assignment in place, a `raise` or a jump."""
    [*_, statement] = node.body
    docstring = isinstance(statement, cst.Expr) and isinstance(statement.value, cst.BaseString)
    if isinstance(statement, (cst.Expr, cst.AugAssign, cst.Raise, cst.Break, cst.Continue)) and not docstring:
        yield node.with_changes(body=[cst.Pass()])


def drop_element(node: Node) -> Iterator[Node]:
    """Drop each element of a table: of a list, a tuple, a set or a dict."""
    for rest in without_each(node.elements):
        if len(rest) == 1 and isinstance(node, cst.Tuple):
            yield node.with_changes(elements=[rest[0].with_changes(comma=cst.Comma())])
        elif rest or isinstance(node, (cst.List, cst.Dict)):
            yield node.with_changes(elements=rest)
        elif isinstance(node, cst.Tuple):
            yield cst.Tuple([])


def drop_bound(node: Node) -> Iterator[Node]:
    """Drop each bound of a slice."""
    yield from (node.with_changes(**{bound: None}) for bound in ("lower", "upper") if getattr(node, bound))


def swap_opposite(node: Node) -> Iterator[Node]:
    """Call the opposite function: `any` for `all`, `min` for `max`, `startswith` for `endswith`."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(name, cst.Name) and name.value in OPPOSITES:
        yield node.with_deep_changes(name, value=OPPOSITES[name.value])


def change_text(node: Node) -> Iterator[Node]:
    """Change the constant text of a formatted string."""
    yield node.with_changes(value=f"XX{node.value}XX")


def format_nothing(node: Node) -> Iterator[Node]:
    """Format None instead of the value."""
    yield node.with_changes(expression=NOTHING)


def catch_nothing(node: Node) -> Iterator[Node]:
    """Let the exception pass that a handler is for."""
    yield node.with_changes(type=cst.Name("ZeroDivisionError"))


def one_less(node: Node) -> Iterator[Node]:
    """Make a whole number one less; mutmut makes it one more."""
    yield node.with_changes(value=str(node.evaluated_value - 1)) if node.evaluated_value else cst.parse_expression("-1")


def without_each[Element](elements: Sequence[Element]) -> Iterator[list[Element]]:
    """Yield the elements without the first, without the second, and so on."""
    yield from ([*elements[:place], *elements[place + 1 :]] for place in range(len(elements)))


MORE_OPERATORS: tuple[tuple[Any, Operator], ...] = (
    (cst.If, negate_condition),
    (cst.While, negate_condition),
    (cst.CompIf, negate_condition),
    (cst.CompFor, drop_condition),
    (cst.Return, return_nothing),
    (cst.Yield, return_nothing),
    (cst.FunctionDef, drop_decorator),
    (cst.ClassDef, drop_decorator),
    (cst.SimpleStatementLine, drop_statement),
    ((cst.Tuple, cst.List, cst.Set, cst.Dict), drop_element),
    (cst.Slice, drop_bound),
    (cst.Call, swap_opposite),
    (cst.FormattedStringText, change_text),
    (cst.FormattedStringExpression, format_nothing),
    (cst.ExceptHandler, catch_nothing),
    (cst.Integer, one_less),
)
OPERATORS = (*mutation_operators, *MORE_OPERATORS)

# Annotations and `type` statements are never evaluated; what is imported, the tests show to be needed.
LEFT_OUT = (cst.Annotation, cst.TypeAlias, cst.TypeParameters, cst.Import, cst.ImportFrom)


@dataclass(frozen=True, slots=True)
class Change:
    """A node and the one that is to stand in its place; `where` names the definition that they are in."""

    where: str
    original: Node
    changed: Node


def changes(node: Node, where: tuple[str, ...] = ()) -> Iterator[Change]:
    """Yield each change that can be made at or below a node."""
    where = (*where, *own_name(node))
    for kind, operator in OPERATORS:
        if isinstance(node, kind):
            yield from (Change(".".join(where), node, changed) for changed in operator(node))
    for child in node.children:
        if not isinstance(child, LEFT_OUT):
            yield from changes(child, where)


def own_name(node: Node) -> Iterator[str]:
    """Yield the name of what the node defines, if it is a function, a class or an assignment."""
    match node:
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
            yield name.value
        case (
            cst.AnnAssign(target=cst.Name(value=name))
            | cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))])
        ):
            yield name
