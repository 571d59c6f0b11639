"""Whether the conditions of a template hold, in one of the ways in which what is not known may turn out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kms_rule.sources.cloudformation.choices import Option
from kms_rule.sources.cloudformation.definitions import MEMBERS_OF_PAIR
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.late import LateText, text_of

TRUTHS = (Option(value=True), Option(value=False))
MAX_DEPTH_OF_CONDITIONS = 50

type Resolve = Callable[[Any, World], Any]


def holds(name: str, world: World, resolve: Resolve) -> bool:
    """Return whether the condition of this name holds; `resolve` works out the values that it compares.

    What cannot be told, such as a condition that the template does not define, is one of the world's choices.
    """
    if name not in world.conditions:
        world.conditions[name] = _Asking(world, resolve).condition(name)
    return world.conditions[name]


class _Asking:
    """Asks for one condition, and those on which it depends."""

    def __init__(self, world: World, resolve: Resolve) -> None:
        self._world = world
        self._resolve = resolve
        self._depth = 0

    def condition(self, name: str) -> bool:
        known = self._world.definitions.conditions
        # A condition that depends on itself ends here, too.
        return self._truth(known[name], name) if name in known else self._chosen(name)

    def _truth(self, expression: Any, name: str) -> bool:
        """Return whether an expression holds, which is all of the condition of this name, or a part of it."""
        self._world.budget.spend()
        self._depth += 1
        try:
            known = None if self._depth > MAX_DEPTH_OF_CONDITIONS else self._known_truth(expression, name)
        finally:
            self._depth -= 1
        if known is not None:
            return known
        is_whole = expression is self._world.definitions.conditions.get(name)
        return self._chosen(name if is_whole else f"a part of {name}")

    def _known_truth(self, expression: Any, name: str) -> bool | None:
        is_function = isinstance(expression, Mapping) and len(expression) == 1
        [(function, argument)] = expression.items() if is_function else [("", None)]
        members = argument if isinstance(argument, list) else []
        if function == "Condition" and isinstance(argument, str):
            return self.condition(argument)
        if function == "Fn::Equals" and len(members) == MEMBERS_OF_PAIR:
            return self._equal(*members)
        if function == "Fn::Not" and len(members) == 1:
            return not self._truth(members[0], name)
        if function in {"Fn::And", "Fn::Or"} and members:
            return (all if function == "Fn::And" else any)(self._truth(member, name) for member in members)
        return None

    def _equal(self, one: Any, other: Any) -> bool:
        first, second = (text_of([self._resolve(member, self._world)]) for member in (one, other))
        if first == second or (isinstance(first, str) and isinstance(second, str)):
            return first == second
        for unknown, text in ((first, second), (second, first)):
            if isinstance(unknown, LateText) and isinstance(text, str) and self._world.surely_differs(unknown, text):
                return False
        return self._chosen(" = ".join(sorted(map(str, (first, second)))))

    def _chosen(self, what: str) -> bool:
        return what == self._world.holding or bool(self._world.choose("condition", what, TRUTHS))
