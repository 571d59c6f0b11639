"""CloudFormation's intrinsic functions: what a template says a value will be, as far as it can be known now.

A parameter's value is chosen at deployment, its default is not a promise; so is everything that other resources,
exports and mappings provide. What remains are texts put together of known and unknown parts, and the branches of
`Fn::If`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kms_rule.sources.json_positions import LocatedList, LocatedObject, position_in
from kms_rule.sources.late import LateText, LateValue, text_of

NO_VALUE: Final = object()
FUNCTION_PREFIX = "Fn::"
VARIABLE_OF_SUB = re.compile(r"\$\{([^}]*)\}")
DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^}]*)\}\}")
MEMBERS_OF_IF = 3
MEMBERS_OF_PAIR = 2

type Branches = Mapping[str, bool]


def function_in(value: object) -> str:
    """Return the name of the intrinsic function that a value of a template is, or nothing."""
    if not isinstance(value, Mapping):
        return ""
    functions = [name for name in value if name.startswith(FUNCTION_PREFIX)]
    return functions[0] if functions else "Ref" if [*value] == ["Ref"] else ""


def conditions_in(value: object, left_out: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names of the conditions that `Fn::If` asks in a value, but for what stands under the names left out."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name == "Fn::If" and (condition := _condition_of(member)):
                yield condition
            if name not in left_out:
                yield from conditions_in(member, left_out)
    elif isinstance(value, list):
        for member in value:
            yield from conditions_in(member, left_out)


def _condition_of(argument: object) -> str:
    """Return the name of the condition that this argument of `Fn::If` asks, or nothing where it is none."""
    if not isinstance(argument, list) or len(argument) != MEMBERS_OF_IF:
        return ""
    return argument[0] if isinstance(argument[0], str) else ""


def resolved(value: Any, branches: Branches) -> Any:
    """Return a value of a template with its functions worked out, where the conditions are as `branches` says.

    What only deployment will know becomes a `LateText`, and what `AWS::NoValue` removes is gone, or `NO_VALUE` itself.
    """
    function = function_in(value)
    if function:
        # An object with more beside the function is what a transform makes of it.
        known = FUNCTIONS.get(function) if len(value) == 1 else None
        return known(value[function], branches) if known else _late(function)
    if isinstance(value, Mapping):
        return _resolved_object(value, branches)
    if isinstance(value, list):
        return _resolved_list(value, branches)
    return _with_dynamic_references(value) if isinstance(value, str) else value


def _resolved_object(value: Mapping[str, Any], branches: Branches) -> LocatedObject:
    found = LocatedObject(position_in(value))
    found.names = value.names if isinstance(value, LocatedObject) else {}
    members = ((name, resolved(member, branches)) for name, member in value.items())
    found.update((name, member) for name, member in members if member is not NO_VALUE)
    return found


def _resolved_list(value: list[Any], branches: Branches) -> LocatedList:
    found = LocatedList(position_in(value))
    members = (resolved(member, branches) for member in value)
    found.extend(member for member in members if member is not NO_VALUE)
    return found


def _late(function: str) -> LateText:
    return LateText((LateValue(function.removeprefix(FUNCTION_PREFIX)),))


def _settled(text: str | LateText) -> str | LateText:
    return _with_dynamic_references(text) if isinstance(text, str) else text


def _with_dynamic_references(text: str) -> str | LateText:
    # Every second piece is what the group of the expression has found.
    pieces = DYNAMIC_REFERENCE.split(text)
    return text_of(
        LateText((LateValue(f"resolve:{piece}"),)) if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _ref(argument: object, _branches: Branches) -> object:
    return NO_VALUE if argument == "AWS::NoValue" else _late(f"Ref {argument}")


def _get_att(argument: object, _branches: Branches) -> LateText:
    names = argument if isinstance(argument, list) else [argument]
    return _late(f"GetAtt {'.'.join(map(str, names))}")


def _sub(argument: Any, branches: Branches) -> str | LateText:
    text, variables = argument, {}
    if isinstance(argument, list) and len(argument) == MEMBERS_OF_PAIR:
        text, variables = argument
    if not isinstance(text, str) or not isinstance(variables, Mapping):
        return _late("Sub")
    pieces = VARIABLE_OF_SUB.split(text)
    parts = (_variable(piece, variables, branches) if number % 2 else piece for number, piece in enumerate(pieces))
    return _settled(text_of(parts))


def _variable(written: str, variables: Mapping[str, Any], branches: Branches) -> object:
    if written.startswith("!"):
        return f"${{{written[1:]}}}"
    name = written.strip()
    if name in variables:
        return resolved(variables[name], branches)
    return _late(f"GetAtt {name}" if "." in name else f"Ref {name}")


def _join(argument: Any, branches: Branches) -> str | LateText:
    if not isinstance(argument, list) or len(argument) != MEMBERS_OF_PAIR:
        return _late("Join")
    delimiter, members = argument[0], resolved(argument[1], branches)
    if not isinstance(delimiter, str) or not isinstance(members, list):
        return _late("Join")
    return _settled(text_of([part for member in members for part in (delimiter, member)][1:]))


def _if(argument: Any, branches: Branches) -> Any:
    condition = _condition_of(argument)
    if condition not in branches:
        return _late("If condition")
    return resolved(argument[1] if branches[condition] else argument[2], branches)


FUNCTIONS: Mapping[str, Callable[[Any, Branches], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::If": _if,
}
