"""Parsed JSON that knows where in its text each object and list begins."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import Any, NamedTuple, cast

WHITE_SPACE = re.compile(r"[ \t\n\r]*")
SCALARS = json.JSONDecoder()


class Position(NamedTuple):
    """A line and a column, counted from 1; 0 where it is not known."""

    line: int = 0
    column: int = 0


NOWHERE = Position()


class LocatedObject(dict[str, Any]):
    """An object; `names` are the positions of its names, the last where one is there twice."""

    def __init__(self, position: Position = NOWHERE) -> None:
        """Begin an empty object at this position."""
        super().__init__()
        self.position = position
        self.names: dict[str, Position] = {}


class LocatedList(list[Any]):
    """A list."""

    def __init__(self, position: Position = NOWHERE) -> None:
        """Begin an empty list at this position."""
        super().__init__()
        self.position = position


def position_in(value: object) -> Position:
    """Return where a value begins, as far as it knows that itself."""
    return value.position if isinstance(value, LocatedObject | LocatedList) else NOWHERE


class RepeatedNameError(Exception):
    """Raised when an object has a name twice; `position` is that of the second."""

    def __init__(self, name: str, position: Position) -> None:
        """Take the name and its position."""
        super().__init__(f"{json.dumps(name)} stands twice in one object")
        self.position = position


class Lines:
    """The lines of a text, to find positions by."""

    def __init__(self, text: str) -> None:
        """Look for the ends of lines."""
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def position(self, offset: int) -> Position:
        """Return the line and column of an offset."""
        line = bisect_left(self._ends, offset)
        return Position(line + 1, offset - (self._ends[line - 1] if line else -1))

    def offset(self, position: Position) -> int:
        """Return the offset of a line and column, which are known."""
        return position.column + (self._ends[position.line - 2] if position.line > 1 else -1)


class _Reader:
    def __init__(self, text: str, *, names_once: bool) -> None:
        self._text = text
        self._lines = Lines(text)
        self._names_once = names_once

    def value(self, start: int) -> tuple[Any, int]:
        character = self._text[start]
        if character == "{":
            return self._object(start)
        if character == "[":
            return self._list(start)
        return SCALARS.raw_decode(self._text, start)

    def _object(self, start: int) -> tuple[LocatedObject, int]:
        found = LocatedObject(self._lines.position(start))
        at = self._next(start + 1)
        while self._text[at] != "}":
            name, end = SCALARS.raw_decode(self._text, at)
            position = self._lines.position(at)
            if self._names_once and name in found:
                raise RepeatedNameError(name, position)
            found.names[name] = position
            found[name], end = self.value(self._next(self._next(end) + 1))
            at = self._after_comma(end)
        return found, at + 1

    def _list(self, start: int) -> tuple[LocatedList, int]:
        found = LocatedList(self._lines.position(start))
        at = self._next(start + 1)
        while self._text[at] != "]":
            value, end = self.value(at)
            found.append(value)
            at = self._after_comma(end)
        return found, at + 1

    def _after_comma(self, end: int) -> int:
        at = self._next(end)
        return self._next(at + 1) if self._text[at] == "," else at

    def _next(self, start: int) -> int:
        return _after_white_space(self._text, start)


def _after_white_space(text: str, start: int) -> int:
    # It matches anywhere, if only nothing.
    return cast("re.Match[str]", WHITE_SPACE.match(text, start)).end()


def located(text: str, *, names_once: bool = False) -> Any:
    """Return the value of a text that is known to be JSON, its objects and lists with their positions.

    Raises `RecursionError` where it is nested too deeply, and `RepeatedNameError` where each name must stand once in
    its object and one does not.
    """
    reader = _Reader(text, names_once=names_once)
    value, _ = reader.value(_after_white_space(text, 0))
    return value
