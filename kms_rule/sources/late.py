"""Texts of which parts are known only at deployment, as templates and plans have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NOT_SHOWN = re.compile(r"[^A-Za-z0-9_.:/ -]")
# Private characters of Unicode around the number of an unknown part, while a text is worked on as a whole.
BEGIN, END = "\ue000", "\ue001"
# What these functions give is the same wherever they have the same name.
ALWAYS_THE_SAME = ("Ref ", "GetAtt ")


@dataclass(frozen=True, slots=True)
class LateValue:
    """A value that only deployment will know, by the function that will give it, such as `GetAtt Role.RoleId`.

    `is_id` is whether it is surely one id, as AWS makes them: five characters at least, and no wildcard or variable.
    """

    function: str
    is_id: bool = False

    def __str__(self) -> str:
        """Return the function in angle brackets; it has five characters at least, and none that is special."""
        return f"<{NOT_SHOWN.sub('_', self.function):.<3}>"


@dataclass(frozen=True, slots=True)
class LateText:
    """A text of which some parts are known only at deployment, or something else that is."""

    parts: tuple[str | LateValue, ...]

    def __str__(self) -> str:
        """Return the text with its unknown parts in angle brackets."""
        return "".join(map(str, self.parts))

    @property
    def late_values(self) -> tuple[LateValue, ...]:
        """The unknown parts."""
        return tuple(part for part in self.parts if isinstance(part, LateValue))

    @property
    def is_the_same_everywhere(self) -> bool:
        """Whether every text that is written like this one will be the same once it is known."""
        return all(late.function.startswith(ALWAYS_THE_SAME) for late in self.late_values)

    @property
    def is_markable(self) -> bool:
        """Whether no known part has the characters that mark unknown ones."""
        return not any(mark in part for mark in (BEGIN, END) for part in self.parts if isinstance(part, str))

    @property
    def marked(self) -> str:
        """The text with a mark for each unknown part; see `filled_in`."""
        return "".join(f"{BEGIN}{n}{END}" if isinstance(part, LateValue) else part for n, part in enumerate(self.parts))

    def filled_in(self, text: str) -> str | LateText:
        """Return a part of the marked text with the unknown parts in the place of their marks."""
        first, *others = text.split(BEGIN)
        found: list[object] = [first]
        for other in others:
            number, _, rest = other.partition(END)
            part = self.parts[int(number)]
            found += [LateText((part,)) if isinstance(part, LateValue) else part, rest]
        return text_of(found)


def text_of(parts: Iterable[object]) -> str | LateText:
    """Put a text together of texts, late texts, and what else a template may have in the place of a text."""
    found: list[str | LateValue] = []
    for part in parts:
        found += part.parts if isinstance(part, LateText) else [_scalar(part)]
    found = [part for part in found if part != ""]
    known = [part for part in found if isinstance(part, str)]
    return "".join(known) if len(known) == len(found) else LateText(tuple(found))


def scalar_text(value: object) -> str | None:
    """Return the text that a text, number or truth value is where a text is wanted; None for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _scalar(value: object) -> str | LateValue:
    text = scalar_text(value)
    return LateValue("value") if text is None else text
