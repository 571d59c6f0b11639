"""Patterns of letters, `*` and `?`: whether a text fits one, whether one covers another, and whether two overlap.

A policy's author chooses its patterns, so no question may cost more than a polynomial in their length: patterns are
compared by walking sets of positions, never by a regular expression that backtracks.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

LOWER_CASE_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Wildcard(Enum):
    """The two symbols of a pattern that stand for other characters."""

    ONE = "?"
    MANY = "*"


type Symbol = str | Wildcard

WILDCARDS: Mapping[str, Wildcard] = {wildcard.value: wildcard for wildcard in Wildcard}
LITERAL_WILDCARDS: Mapping[str, str] = {"${*}": "*", "${?}": "?", "${$}": "$"}
MAX_SYMBOL_LENGTH = len("${*}")
# In a row of patterns, where no character stands; behind each pattern are its end and a guard.
BLANK = "\0"
BEHIND_EACH = (BLANK, BLANK)
MAX_BITS_KEPT = 1 << 26  # 8 MB


def lower_case(text: str) -> str:
    """Lower the ASCII letters only: to AWS a Kelvin sign is not a `k`, though `str.lower` makes it one."""
    return text.lower() if text.isascii() else text.translate(LOWER_CASE_ASCII)


def symbols_of(text: str) -> tuple[Symbol, ...]:
    """Read each `*` and `?` of `text` as a wildcard and everything else as the character itself."""
    return tuple(map(WILDCARDS.get, text, text))


def symbols_of_user_id(text: str) -> tuple[Symbol, ...]:
    """Read `text` like `symbols_of`, but `${*}`, `${?}` and `${$}` as the plain characters `*`, `?` and `$`.

    Source: IAM User Guide, "IAM policy elements: Variables and tags", on special characters.
    """
    if "${" not in text:
        return symbols_of(text)
    symbols: list[Symbol] = []
    start = 0
    while start < len(text):
        literal = LITERAL_WILDCARDS.get(text[start : start + MAX_SYMBOL_LENGTH], "")
        symbols += literal or symbols_of(text[start])
        start += MAX_SYMBOL_LENGTH if literal else 1
    return tuple(symbols)


@dataclass(frozen=True)
class Pattern:
    """A sequence of characters and wildcards that texts fit, or do not; `text` is what it was made of.

    Within a run of wildcards the `*` is kept first and only once.
    """

    text: str = field(compare=False)
    symbols: tuple[Symbol, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Make the pattern that `text` spells, where `*` stands for any characters and `?` for exactly one."""
        return cls._of_symbols(text, symbols_of(text))

    @classmethod
    def of_user_id(cls, text: str) -> Pattern:
        """Make the pattern that a value of `aws:userId` spells, in which `${*}` is a plain `*`."""
        return cls._of_symbols(text, symbols_of_user_id(text))

    @classmethod
    def _of_symbols(cls, text: str, symbols: tuple[Symbol, ...]) -> Pattern:
        return cls(text, _many_first(symbols) if "*" in text else symbols)

    @cached_property
    def _alone(self) -> Patterns:
        return Patterns.of((self,))

    def matches(self, text: str) -> bool:
        """Return whether `text`, every character of it read as itself, fits this pattern."""
        return self._alone.take(text)

    def covers(self, other: Pattern) -> bool:
        """Return whether everything that fits `other` fits this pattern too.

        Exact, because some character occurs in neither pattern: only a wildcard can take that one.
        """
        return self._alone.covers(other)

    def overlaps(self, other: Pattern) -> bool:
        """Return whether some text fits both patterns."""
        return bool(self._alone.overlapping(other))

    def fits_some_text_beginning_with(self, prefix: str) -> bool:
        """Return whether any text that begins with `prefix` fits this pattern."""
        return self.overlaps(Pattern(prefix, (*prefix, Wildcard.MANY)))


class _Taking(dict[Symbol, int]):
    """By character, the positions in a row from which a walk goes on with it.

    Each is worked out when it is first asked for. A row of a million different characters would need a million such
    integers of a million bits, so they are kept only while there is room.
    """

    def __init__(self, row: str, letters: int, ones: int) -> None:
        """Take the row, where in it the characters stand for themselves, and where a `?` stands."""
        super().__init__()
        self._row, self._letters, self._ones = row, letters, ones

    def __missing__(self, character: Symbol) -> int:
        """Look for the character in the row."""
        taking = self._ones
        if isinstance(character, str) and character in self._row:
            taking |= _bits(_places(self._row, character)) & self._letters
        if (len(self) + 1) * len(self._row) <= MAX_BITS_KEPT:
            self[character] = taking
        return taking


def _places(row: str, character: str) -> Iterator[int]:
    place = row.find(character)
    while place >= 0:
        yield place
        place = row.find(character, place + 1)


def _bits(places: Iterable[int]) -> int:
    """Return the integer whose bits in these places, named in their order, are set."""
    content = bytearray()
    for place in places:
        content.extend(bytes((place >> 3) + 1 - len(content)))
        content[-1] |= 1 << (place & 7)
    return int.from_bytes(content, "little")


@dataclass(frozen=True, slots=True)
class Patterns:
    """Several patterns side by side in one row of positions, so that one walk compares another pattern with them all.

    The positions are the bits of an integer: bit `n` is set while a walk may stand before the symbol in place `n` of
    the row. Behind the positions of each pattern, of which the last accepts, a guard keeps what moves from reaching
    the next. `_singles` are the positions before a character or `?`, and `_held` those that a walk keeps whatever a
    `*` of another pattern stands for.
    """

    _end_of_each: Sequence[int]
    _starts: int = field(repr=False)
    _ends: int = field(repr=False)
    _manys: int = field(repr=False)
    _held: int = field(repr=False)
    _ones: int = field(repr=False)
    _singles: int = field(repr=False)
    _taking: _Taking = field(repr=False, compare=False)

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> Patterns:
        """Put these patterns side by side."""
        row: list[Symbol] = []
        starts, end_of_each = [], []
        for pattern in patterns:
            starts.append(len(row))
            row += pattern.symbols
            end_of_each.append(len(row))
            row += BEHIND_EACH
        ones, manys = (
            _bits(place for place, symbol in enumerate(row) if symbol is wildcard)
            for wildcard in (Wildcard.ONE, Wildcard.MANY)
        )
        ends = _bits(end_of_each)
        singles = (1 << len(row)) - 1 & ~(manys | ends | ends << 1)
        # The sum carries a bit through the `?`s behind a `*` to the position behind them.
        behind = manys << 1
        held = manys | behind | (ones + (behind & ones)) ^ ones
        text = "".join(symbol if isinstance(symbol, str) else BLANK for symbol in row)
        taking = _Taking(text, singles & ~ones, ones)
        return cls(end_of_each, _bits(starts), ends, manys, held, ones, singles, taking)

    def overlapping(self, other: Pattern) -> tuple[int, ...]:
        """Return the places, counted from 0, of those patterns that have a text in common with `other`."""
        manys, taking, guards = self._manys, self._taking, self._ends << 1
        positions = self._first
        for symbol in other.symbols:
            if symbol is Wildcard.MANY:
                # Within each pattern, every position from the lowest on: below its guard, minus a number sets them.
                positions = (guards - positions | positions) & ~guards
                continue
            moved = (positions & (self._singles if symbol is Wildcard.ONE else taking[symbol])) << 1
            reached = moved | positions & manys
            positions = reached | (reached & manys) << 1
            if not positions:
                return ()
        accepted = positions & self._ends
        return tuple(place for place, end in enumerate(self._end_of_each) if accepted >> end & 1) if accepted else ()

    def covers(self, other: Pattern) -> bool:
        """Return whether one of the patterns covers `other`."""
        return self.take(other.symbols)

    def take(self, symbols: Iterable[Symbol]) -> bool:
        """Return whether one of the patterns takes these symbols, whatever stands for the wildcards among them."""
        manys, taking = self._manys, self._taking
        positions = self._first
        for symbol in symbols:
            if symbol is Wildcard.MANY:
                positions &= self._held
            else:
                # What stands for a `?` may be any character, which only a wildcard takes.
                moved = (positions & (self._ones if symbol is Wildcard.ONE else taking[symbol])) << 1
                reached = moved | positions & manys
                positions = reached | (reached & manys) << 1
            if not positions:
                return False
        return bool(positions & self._ends)

    @property
    def _first(self) -> int:
        return self._starts | (self._starts & self._manys) << 1


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
