"""Whether the conditions of a template hold, in one of the ways in which what is not known may turn out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kms_rule.sources.cloudformation.choices import Option
from kms_rule.sources.cloudformation.definitions import MEMBERS_OF_PAIR
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.late import LateText, text_of

TRUTHS = (Option(value=True), Option(value=False))
# A condition that depends on itself ends here, too.
MAX_CONDITIONS_ASKED = 40

type Resolve = Callable[[Any, World], Any]


def holds(name: str, world: World, resolve: Resolve) -> bool:
    """Return whether the condition of this name holds; `resolve` works out the values that it compares.

    What cannot be told, such as a condition that the template does not define, is one of the world's choices.
    """
    if name not in world.conditions:
        defined = world.definitions.conditions
        if name not in defined or name in world.asked or len(world.asked) >= MAX_CONDITIONS_ASKED:
            return _chosen(name, world)
        world.asked.append(name)
        try:
            world.conditions[name] = _Expression(name, defined[name], world, resolve).holds(defined[name])
        finally:
            world.asked.pop()
    return world.conditions[name]


def _chosen(what: str, world: World, identity: str = "") -> bool:
    return what == world.holding or bool(world.choose(f"condition {identity}", what, TRUTHS))


@dataclass(frozen=True, slots=True)
class _Expression:
    """What defines the condition of this name."""

    name: str
    whole: Any
    world: World
    resolve: Resolve

    def holds(self, part: Any) -> bool:
        """Return whether a part of it holds."""
        self.world.budget.spend()
        known = self._known(part)
        if known is not None:
            return known
        if part is self.whole:
            return _chosen(self.name, self.world)
        return _chosen(f"a part of {self.name}", self.world, str(id(part)))

    def _known(self, part: Any) -> bool | None:
        is_function = isinstance(part, Mapping) and len(part) == 1
        [(function, argument)] = part.items() if is_function else [("", None)]
        members = argument if isinstance(argument, list) else []
        if function == "Condition" and isinstance(argument, str):
            return holds(argument, self.world, self.resolve)
        if function == "Fn::Equals" and len(members) == MEMBERS_OF_PAIR:
            return self._equal(part, *members)
        if function == "Fn::Not" and len(members) == 1:
            return not self.holds(members[0])
        if function in {"Fn::And", "Fn::Or"} and members:
            return (all if function == "Fn::And" else any)(map(self.holds, members))
        return None

    def _equal(self, part: Any, one: Any, other: Any) -> bool:
        first, second = (text_of([self.resolve(member, self.world)]) for member in (one, other))
        identity = self.world.identity(part, first, second)
        if (first == second and not identity) or (isinstance(first, str) and isinstance(second, str)):
            return first == second
        for unknown, text in ((first, second), (second, first)):
            if isinstance(unknown, LateText) and isinstance(text, str) and self.world.surely_differs(unknown, text):
                return False
        return _chosen(" = ".join(sorted(map(str, (first, second)))), self.world, identity)
