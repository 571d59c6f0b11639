"""The ways in which what only deployment will know may turn out, tried one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kms_rule.sources.files import shown
from kms_rule.sources.late import LateText

MAX_CHARACTERS_SHOWN = 60


class ImpossibleError(Exception):
    """Raised where a way contradicts the template, so that deployment would fail."""


class UndecidedError(Exception):
    """Raised where something is asked that is not worth a choice."""


@dataclass(frozen=True, slots=True)
class Option:
    """What something may be, and the sentence that says what is assumed with it, if anything is."""

    value: Any
    remark: str = ""
    is_secret: bool = False


@dataclass(slots=True)
class _Choice:
    options: Sequence[Option]
    number: int = 0

    @property
    def option(self) -> Option:
        return self.options[self.number]


class Choices:
    """One way: what was chosen, in the order in which it was first asked for."""

    def __init__(self) -> None:
        """Begin where nothing was asked for."""
        self._taken: dict[tuple[str, str], _Choice] = {}

    def choose(self, kind: str, what: str, options: Sequence[Option]) -> Option:
        """Return the option that is chosen this time; the same for whoever asks again.

        `what` is named to people, and need be the only one of its kind.
        """
        return self._taken.setdefault((kind, what), _Choice(options)).option

    def __contains__(self, asked: tuple[str, str]) -> bool:
        """Return whether something, by its kind and name, was asked for."""
        return asked in self._taken

    @property
    def words(self) -> str:
        """What was chosen, in words; empty where there was no choice."""
        return ", ".join(
            f"{_short(what)} is {in_words(choice.option.value)}" for (_, what), choice in self._taken.items()
        )

    def advance(self) -> bool:
        """Go on to the next way; return whether there is one."""
        while self._taken:
            asked, choice = self._taken.popitem()
            if choice.number + 1 < len(choice.options):
                self._taken[asked] = _Choice(choice.options, choice.number + 1)
                return True
        return False


def all_ways() -> Iterator[Choices]:
    """Yield one way after the other, as long as what was asked for in one leaves another."""
    choices = Choices()
    yield choices
    while choices.advance():
        yield choices


def in_words(value: object) -> str:
    """Return a value as a sentence names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, LateText):
        return "something else"
    return f'"{_short(",".join(map(str, value)) if isinstance(value, list) else str(value))}"'


def _short(text: str) -> str:
    return shown(text if len(text) <= MAX_CHARACTERS_SHOWN else f"{text[:MAX_CHARACTERS_SHOWN]}…")
