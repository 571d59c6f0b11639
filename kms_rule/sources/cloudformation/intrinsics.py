"""CloudFormation's intrinsic functions: what a template says a value will be, as far as it can be known now.

What remains unknown are texts put together of known and unknown parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kms_rule.sources.budget import CHARACTERS_PER_STEP
from kms_rule.sources.cloudformation.choices import ImpossibleError, Option, UndecidedError
from kms_rule.sources.cloudformation.conditions import holds
from kms_rule.sources.cloudformation.definitions import MEMBERS_OF_PAIR, late
from kms_rule.sources.cloudformation.world import NO_VALUE, World
from kms_rule.sources.json_positions import LocatedList, LocatedObject, position_in
from kms_rule.sources.late import LateText, scalar_text, text_of

FUNCTION_PREFIX = "Fn::"
TO_JSON = "Fn::ToJsonString"
TRANSFORM = "Fn::Transform"
VARIABLE_OF_SUB = re.compile(r"\$\{([^${}]*)\}")
RESOLVE = "resolve"
BEGIN_OF_DYNAMIC_REFERENCE = f"{{{{{RESOLVE}:"
DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^{}]*)\}\}")
INDEX = re.compile("[0-9]{1,9}")
MEMBERS_OF_IF = 3
MEMBERS_OF_FIND = 3
# What the rule does not read of a policy, or not so that it would be worth more worlds.
NOT_READ = frozenset({"Principal", "NotPrincipal", "Resource", "NotResource", "Sid", "Id", "Version"})


def function_in(value: object) -> str:
    """Return the name of the intrinsic function that a value of a template is, or nothing."""
    if not isinstance(value, Mapping):
        return ""
    functions = [name for name in value if name.startswith(FUNCTION_PREFIX)]
    return functions[0] if functions else "Ref" if [*value] == ["Ref"] else ""


def resolved(value: Any, world: World) -> Any:
    """Return a value of a template with its functions worked out, in this world.

    What only deployment will know becomes a `LateText`, and what `AWS::NoValue` removes is gone, or `NO_VALUE` itself.
    Raises `BudgetError` where that takes too much, and `ImpossibleError` where the world contradicts the template.
    """
    world.budget.spend()
    function = function_in(value)
    if function:
        # An object with more beside the function is what a transform makes of it.
        known = FUNCTIONS.get(function) if len(value) == 1 else None
        return _settled(_called(known, value[function], function, world)) if known else _late(function)
    if isinstance(value, Mapping):
        return _resolved_object(value, world)
    if isinstance(value, list):
        return _resolved_list(value, world)
    if not isinstance(value, str):
        return value
    world.budget.spend_on_text(value)
    return _settled(value)


def _called(known: Callable[[Any, World], Any], argument: Any, function: str, world: World) -> Any:
    try:
        return known(argument, world)
    except UndecidedError:
        return _late(function)


def _resolved_object(value: Mapping[str, Any], world: World) -> LocatedObject:
    found = LocatedObject(position_in(value))
    found.names = value.names if isinstance(value, LocatedObject) else {}
    members = ((name, _member(name, member, world)) for name, member in value.items())
    found.update((name, member) for name, member in members if member is not NO_VALUE)
    return found


def _member(name: str, value: Any, world: World) -> Any:
    if name not in NOT_READ:
        return resolved(value, world)
    with world.quietly():
        return resolved(value, world)


def _resolved_list(value: list[Any], world: World) -> LocatedList:
    found = LocatedList(position_in(value))
    members = (resolved(member, world) for member in value)
    found.extend(member for member in members if member is not NO_VALUE)
    return found


def condition_holds(name: str, world: World) -> bool:
    """Return whether the condition of this name holds in this world."""
    return holds(name, world, resolved)


def _late(function: str) -> LateText:
    return late(function.removeprefix(FUNCTION_PREFIX))


def _settled(value: Any) -> Any:
    """Return a value with the dynamic references in each of its texts as unknown parts."""
    if isinstance(value, str | LateText):
        return _without_references(value)
    # An object is made of values that are settled already.
    return list(map(_settled, value)) if type(value) is list else value


def _without_references(text: str | LateText) -> str | LateText:
    if BEGIN_OF_DYNAMIC_REFERENCE not in str(text):
        return text
    whole = text if isinstance(text, LateText) else LateText((text,))
    if not whole.is_markable:
        return late(RESOLVE)
    # Every second piece is what the group of the expression has found.
    pieces = map(whole.filled_in, DYNAMIC_REFERENCE.split(whole.marked))
    return text_of(late(f"{RESOLVE}:{piece}") if number % 2 else piece for number, piece in enumerate(pieces))


def _pair(argument: object) -> tuple[Any, Any] | None:
    return (argument[0], argument[1]) if isinstance(argument, list) and len(argument) == MEMBERS_OF_PAIR else None


def _ref(argument: object, world: World) -> Any:
    return world.reference(argument) if isinstance(argument, str) else _late("Ref")


def _get_att(argument: object, world: World) -> LateText:
    names = argument if isinstance(argument, list) else [argument]
    return world.attribute(".".join(map(str, names)))


def _sub(argument: Any, world: World) -> str | LateText:
    text, variables = _pair(argument) or (argument, {})
    if not isinstance(text, str) or not isinstance(variables, Mapping):
        return _late("Sub")
    known: dict[str, Any] = {}
    parts: list[Any] = []
    for number, piece in enumerate(VARIABLE_OF_SUB.split(text)):
        part = _variable(piece, variables, known, world) if number % 2 else piece
        # Each part counts before the whole is put together.
        world.budget.spend_on_text(part)
        parts.append(part)
    return _counted(text_of(parts), world)


def _counted(text: str | LateText, world: World) -> str | LateText:
    world.budget.spend_on_text(text)
    return text


def _variable(written: str, variables: Mapping[str, Any], known: dict[str, Any], world: World) -> Any:
    if written.startswith("!"):
        return f"${{{written[1:]}}}"
    name = written.strip()
    if name not in known:
        if name in variables:
            known[name] = resolved(variables[name], world)
        else:
            known[name] = world.attribute(name) if "." in name else world.reference(name)
    return known[name] if known[name] is not NO_VALUE else late(f"Ref {name}")


def _join(argument: Any, world: World) -> str | LateText:
    delimiter, joined = _pair(argument) or (None, None)
    members = resolved(joined, world)
    if not isinstance(delimiter, str) or not isinstance(members, list):
        return _late("Join")
    for member in members:
        world.budget.spend_on_text(member)
    world.budget.spend(len(delimiter) * len(members) // CHARACTERS_PER_STEP)
    return _counted(text_of([part for member in members for part in (delimiter, member)][1:]), world)


def _split(argument: Any, world: World) -> Any:
    delimiter, whole = _pair(argument) or (None, None)
    text = resolved(whole, world)
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
        return _late("Split")
    world.budget.spend(text.count(delimiter))
    return text.split(delimiter)


def _select(argument: Any, world: World) -> Any:
    index, listed = _pair(argument) or (None, None)
    number = str(resolved(index, world))
    members = resolved(listed, world)
    if not INDEX.fullmatch(number) or not isinstance(members, list) or int(number) >= len(members):
        return _late("Select")
    return members[int(number)]


def _find_in_map(argument: Any, world: World) -> Any:
    name, *keys = argument if isinstance(argument, list) and argument else [None]
    found = world.definitions.mappings.get(name) if isinstance(name, str) else None
    otherwise = keys.pop() if len(keys) == MEMBERS_OF_FIND else None
    if not isinstance(found, Mapping) or len(keys) != MEMBERS_OF_PAIR:
        return _late("FindInMap")
    default = otherwise.get("DefaultValue") if isinstance(otherwise, Mapping) else None
    for key in keys:
        # What a transform adds to a map is unknown.
        if not isinstance(found, Mapping) or TRANSFORM in found:
            return _late("FindInMap")
        written = _key_of(found, key, str(name), world, may_miss=default is not None)
        if written not in found:
            return _late("FindInMap") if default is None else resolved(default, world)
        found = found[written]
    return resolved(found, world)


def _key_of(found: Mapping[str, Any], key: Any, name: str, world: World, *, may_miss: bool) -> str | None:
    """Return the key that is looked up, one after the other where that is unknown; None for one that is not there.

    Deployment fails where there is none, unless it `may_miss`.
    """
    value = resolved(key, world)
    if isinstance(value, LateText) and found and not world.is_anything_else(value):
        options = [*map(Option, found), *([Option(value)] if may_miss else [])]
        value = world.choose(f"key {world.identity(key, value)}", f"{value} in {name}", options)
    written = scalar_text(value)
    if written not in found and not may_miss and (isinstance(value, LateText) or world.choices.words):
        raise ImpossibleError
    return written if written in found else None


def _import(argument: Any, world: World) -> Any:
    name = resolved(argument, world)
    options = world.definitions.inputs.exports.options_of(name) if isinstance(name, str) else ()
    return world.choose("import", f"the import {name}", options) if options else _late(f"ImportValue {name}")


def _to_json(argument: Any, world: World) -> Any:
    # As the whole of a policy, which is where it is used, the object is as good as its text.
    value = resolved(argument, world)
    return value if isinstance(value, LocatedObject) else _late(TO_JSON)


def _if(argument: Any, world: World) -> Any:
    if not isinstance(argument, list) or len(argument) != MEMBERS_OF_IF or not isinstance(argument[0], str):
        return _late("If condition")
    return resolved(argument[1 if condition_holds(argument[0], world) else 2], world)


FUNCTIONS: Mapping[str, Callable[[Any, World], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import,
    "Fn::If": _if,
    TO_JSON: _to_json,
}
