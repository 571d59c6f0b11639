"""Reads a CloudFormation template in YAML, with the short forms of intrinsic functions, by cfn-lint's own reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_rule.sources.contents import InputError
from kms_rule.sources.json_positions import NOWHERE, LocatedList, LocatedObject, Position

# The reader is recursive in C, so that the process would crash far beyond this.
MAX_DEPTH = 100
MAX_VALUES = 250_000
CFN_LINTS_WORDS = "Template could not be parsed: "
NEEDS_CFN_LINT = (
    "It seems to be a CloudFormation template in YAML, which needs cfn-lint to be read: pip install cfn-lint."
)


def located_yaml(text: str) -> Any:
    """Return the value of a YAML text, its objects and lists with their positions.

    Raises `InputError`, with the position, where it is broken, names a thing twice in one object, is nested more than
    100 deep, or is more than 250,000 values large once its aliases are replaced; and where cfn-lint is not installed.
    """
    try:
        # It takes more than half a second, which only templates in YAML are worth.
        from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise InputError(NEEDS_CFN_LINT) from error
    _refuse_bombs(text)
    try:
        return _located(cfn_yaml.loads(text))
    except cfn_yaml.CfnParseError as error:
        match = error.matches[-1]
        position = _position_of_cause(error) or Position(match.linenumber, match.columnnumber)
        raise _broken(match.message.removeprefix(CFN_LINTS_WORDS), position) from error


def _broken(reason: str, position: Position) -> InputError:
    first_line, *_ = reason.splitlines()
    return InputError(f"It is not YAML that CloudFormation reads ({first_line}): correct it.", position)


def _position_of_cause(error: Exception) -> Position | None:
    mark = getattr(error.__cause__, "problem_mark", None)
    return _position(mark) if mark else None


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else NOWHERE


def _refuse_bombs(text: str) -> None:
    """Refuse what would take too much of the stack, or of the memory, while it is read as a tree."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with cfn-lint, and without types

    sizes = _Sizes()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            sizes.take(event, begins=isinstance(event, yaml.CollectionStartEvent))
    except yaml.MarkedYAMLError as error:
        raise _broken(error.problem or error.context, _position(error.problem_mark)) from error
    except yaml.YAMLError as error:
        raise _broken(str(error), NOWHERE) from error


class _Sizes:
    """How deep and how large a text is, with each alias as large as what it stands for."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._anchors: list[str | None] = []
        self._by_anchor: dict[str, int] = {}

    def take(self, event: Any, *, begins: bool) -> None:
        position = _position(event.start_mark)
        if begins:
            self._open.append(0)
            self._anchors.append(event.anchor)
            if len(self._open) > MAX_DEPTH:
                raise InputError(f"It is nested more than {MAX_DEPTH} deep: write it flatter.", position)
        elif hasattr(event, "anchor"):
            self._add(self._size_of_leaf(event), position)
        elif type(event).__name__ in {"SequenceEndEvent", "MappingEndEvent"}:
            size, anchor = self._open.pop() + 1, self._anchors.pop()
            self._by_anchor |= {anchor: size} if anchor else {}
            self._add(size, position)

    def _size_of_leaf(self, event: Any) -> int:
        if type(event).__name__ == "AliasEvent":
            return self._by_anchor.get(event.anchor, 1)
        self._by_anchor |= {event.anchor: 1} if event.anchor else {}
        return 1

    def _add(self, size: int, position: Position) -> None:
        if size > MAX_VALUES:
            raise InputError(f"Its aliases make it larger than {MAX_VALUES:,} values: write it out.", position)
        if self._open:
            self._open[-1] += size


def _located(node: Any) -> Any:
    if isinstance(node, Mapping):
        found = LocatedObject(_position(getattr(node, "start_mark", None)))
        found.names = {str(name): _position(getattr(name, "start_mark", None)) for name in node}
        found.update((str(name), _located(member)) for name, member in node.items())
        return found
    if isinstance(node, list):
        members = LocatedList(_position(getattr(node, "start_mark", None)))
        members.extend(map(_located, node))
        return members
    return str(node) if isinstance(node, str) else node
