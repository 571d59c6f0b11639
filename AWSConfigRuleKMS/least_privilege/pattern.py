"""Patterns of letters, `*` and `?`: whether a text fits one, whether one covers another, and whether two overlap.

A policy's author chooses its patterns, so no question may cost more than a polynomial in their length: patterns are
compared by walking sets of positions, never by a regular expression that backtracks.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

LOWER_CASE_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Wildcard(Enum):
    """The two symbols of a pattern that stand for other characters."""

    ONE = "?"
    MANY = "*"


type Symbol = str | Wildcard

WILDCARDS: Mapping[str, Wildcard] = {wildcard.value: wildcard for wildcard in Wildcard}
LITERAL_WILDCARDS: Mapping[str, str] = {"${*}": "*", "${?}": "?", "${$}": "$"}
MAX_SYMBOL_LENGTH = len("${*}")


def lower_case(text: str) -> str:
    """Lower the ASCII letters only: to AWS a Kelvin sign is not a `k`, though `str.lower` makes it one."""
    return text.translate(LOWER_CASE_ASCII)


def symbols_of(text: str) -> tuple[Symbol, ...]:
    """Read each `*` and `?` of `text` as a wildcard and everything else as the character itself."""
    return tuple(WILDCARDS.get(character, character) for character in text)


def symbols_of_user_id(text: str) -> tuple[Symbol, ...]:
    """Read `text` like `symbols_of`, but `${*}`, `${?}` and `${$}` as the plain characters `*`, `?` and `$`.

    Source: IAM User Guide, "IAM policy elements: Variables and tags", on special characters.
    """
    symbols: list[Symbol] = []
    start = 0
    while start < len(text):
        literal = LITERAL_WILDCARDS.get(text[start : start + MAX_SYMBOL_LENGTH], "")
        symbols += literal or symbols_of(text[start])
        start += MAX_SYMBOL_LENGTH if literal else 1
    return tuple(symbols)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sequence of characters and wildcards that texts fit, or do not; `text` is what it was made of.

    The positions between its symbols are the bits of an integer: bit `n` is set while a walk may stand before symbol
    `n`. Within a run of wildcards the `*` is kept first and only once, which `held` relies on.
    """

    text: str = field(compare=False)
    symbols: tuple[Symbol, ...]
    literals: Mapping[str, int] = field(repr=False, compare=False)
    ones: int = field(repr=False, compare=False)
    manys: int = field(repr=False, compare=False)
    held: int = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Make the pattern that `text` spells, where `*` stands for any characters and `?` for exactly one."""
        return cls._of_symbols(text, symbols_of(text))

    @classmethod
    def of_user_id(cls, text: str) -> Pattern:
        """Make the pattern that a value of `aws:userId` spells, in which `${*}` is a plain `*`."""
        return cls._of_symbols(text, symbols_of_user_id(text))

    @classmethod
    def _of_symbols(cls, text: str, symbols: Iterable[Symbol]) -> Pattern:
        ordered = _many_first(symbols)
        literals: dict[str, int] = {}
        ones = manys = held = 0
        holding = False
        for position, symbol in enumerate(ordered):
            bit = 1 << position
            if symbol is Wildcard.MANY:
                manys |= bit
                held |= bit
                holding = True
            elif symbol is Wildcard.ONE:
                ones |= bit
            else:
                literals[symbol] = literals.get(symbol, 0) | bit
                holding = False
            if holding:
                held |= bit << 1
        return cls(text, ordered, literals, ones, manys, held)

    def matches(self, text: str) -> bool:
        """Return whether `text`, every character of it read as itself, fits this pattern."""
        return self._accepts(self._walk(text))

    def covers(self, other: Pattern) -> bool:
        """Return whether everything that fits `other` fits this pattern too.

        Exact, because some character occurs in neither pattern: only a wildcard can take that one.
        """
        return self._accepts(self._walk(other.symbols))

    def overlaps(self, other: Pattern) -> bool:
        """Return whether some text fits both patterns."""
        return bool(Patterns.of((other,)).overlapping(self))

    def fits_some_text_beginning_with(self, prefix: str) -> bool:
        """Return whether any text that begins with `prefix` fits this pattern."""
        return self._walk(prefix) != 0

    def _walk(self, symbols: Iterable[Symbol]) -> int:
        """Return the positions that are left whatever characters stand for the wildcards among `symbols`."""
        positions = self._with_empty_manys(1)
        for symbol in symbols:
            if symbol is Wildcard.MANY:
                positions &= self.held
            else:
                # What stands for a `?` may be any character, which only a wildcard takes.
                taking = self.ones if symbol is Wildcard.ONE else self.ones | self.literals.get(symbol, 0)
                positions = self._with_empty_manys((positions & taking) << 1 | positions & self.manys)
            if not positions:
                break
        return positions

    def _with_empty_manys(self, positions: int) -> int:
        return positions | (positions & self.manys) << 1

    def _accepts(self, positions: int) -> bool:
        return positions >> len(self.symbols) == 1


@dataclass(frozen=True, slots=True)
class Patterns:
    """Several patterns side by side in one row of positions, so that one walk compares another pattern with them all.

    Behind the positions of each pattern, of which the last accepts, a guard keeps what moves from reaching the next.
    """

    _end_of_each: tuple[int, ...]
    _starts: int = field(repr=False)
    _ends: int = field(repr=False)
    _guards: int = field(repr=False)
    _manys: int = field(repr=False)
    _held: int = field(repr=False)
    _ones: int = field(repr=False)
    _singles: int = field(repr=False)
    _literals: Mapping[str, int] = field(repr=False)

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> Patterns:
        """Put these patterns side by side."""
        starts = ends = guards = manys = held = ones = 0
        literals: dict[str, int] = {}
        end_of_each = []
        offset = 0
        for pattern in patterns:
            length = len(pattern.symbols)
            starts |= 1 << offset
            manys |= pattern.manys << offset
            held |= pattern.held << offset
            ones |= pattern.ones << offset
            for character, positions in pattern.literals.items():
                literals[character] = literals.get(character, 0) | positions << offset
            end_of_each.append(offset + length)
            ends |= 1 << offset + length
            guards |= 1 << offset + length + 1
            offset += length + 2
        singles = ones
        for positions in literals.values():
            singles |= positions
        return cls(tuple(end_of_each), starts, ends, guards, manys, held, ones, singles, literals)

    def overlapping(self, other: Pattern) -> tuple[int, ...]:
        """Return the places, counted from 0, of those patterns that have a text in common with `other`."""
        accepted = self._walk(other.symbols) & self._ends
        return tuple(place for place, end in enumerate(self._end_of_each) if accepted >> end & 1) if accepted else ()

    def covers(self, other: Pattern) -> bool:
        """Return whether one of the patterns covers `other`."""
        positions = self._with_empty_manys(self._starts)
        for symbol in other.symbols:
            if symbol is Wildcard.MANY:
                positions &= self._held
            else:
                taking = self._ones if symbol is Wildcard.ONE else self._ones | self._literals.get(symbol, 0)
                positions = self._with_empty_manys((positions & taking) << 1 | positions & self._manys)
            if not positions:
                return False
        return bool(positions & self._ends)

    def _walk(self, symbols: Iterable[Symbol]) -> int:
        """Return the positions that are reached together with the end of `symbols`, by any text that fits them."""
        positions = self._with_empty_manys(self._starts)
        for symbol in symbols:
            if symbol is Wildcard.MANY:
                # Within each pattern, every position from the lowest on: below its guard, minus a number sets them.
                positions = (self._guards - positions | positions) & ~self._guards
                continue
            taking = self._singles if symbol is Wildcard.ONE else self._ones | self._literals.get(symbol, 0)
            positions = self._with_empty_manys((positions & taking) << 1 | positions & self._manys)
            if not positions:
                break
        return positions

    def _with_empty_manys(self, positions: int) -> int:
        return positions | (positions & self._manys) << 1


def _many_first(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Write each run of wildcards as at most one `*` and then its `?`s: `?*?*` fits what `*??` fits."""
    ordered: list[Symbol] = []
    ones = 0
    many = False
    for symbol in symbols:
        if symbol is Wildcard.MANY:
            many = True
        elif symbol is Wildcard.ONE:
            ones += 1
        else:
            ordered += [Wildcard.MANY] * many + [Wildcard.ONE] * ones + [symbol]
            ones, many = 0, False
    return (*ordered, *[Wildcard.MANY] * many, *[Wildcard.ONE] * ones)
