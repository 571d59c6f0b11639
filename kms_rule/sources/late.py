"""Texts of which parts are known only at deployment, as templates and plans have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NOT_SHOWN = re.compile(r"[^A-Za-z0-9_.:/ -]")


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
