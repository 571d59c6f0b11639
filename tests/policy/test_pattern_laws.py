"""What holds of every pattern. Each law is the docstring of its test; the oracles are Python's own `fnmatch`.

Two kinds of test: some list every short pattern and text and miss none, the others let Hypothesis choose longer ones.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from least_privilege.pattern import Pattern, Patterns, lower_case
from least_privilege.permission import BY_POLICY, BY_USER, DutyTable

# The machine's speed decides nothing: no deadline, no check of how long generating takes, the same examples each time.
LAW = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

# `x` is the letter that occurs in no pattern.
PATTERNS = st.text("ab*?", max_size=12)
FEW_STARS = st.text("ab*?", max_size=6).filter(lambda pattern: pattern.count("*") <= 3)
TEXTS = st.text("abx", max_size=16)
ANY_TEXT = st.text(max_size=12)


def fits(pattern: str, text: str) -> bool:
    """The oracle: what a shell makes of the pattern, whose brackets are not wildcards to us."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def words(letters: str, longest: int) -> Iterator[str]:
    return ("".join(word) for length in range(longest + 1) for word in product(letters, repeat=length))


@dataclass(frozen=True)
class Listing:
    """Every short pattern of some symbols, each with all short texts that fit it, and the patterns it covers."""

    fitting: dict[str, frozenset[str]]
    covered: dict[str, frozenset[str]]
    texts: tuple[str, ...]


def listing(symbols: str, most_symbols: int, letters: str, longest_text: int) -> Listing:
    texts = tuple(words(letters, longest_text))
    patterns = {text: Pattern.of(text) for text in words(symbols, most_symbols)}
    oracles = {text: re.compile(fnmatch.translate(text)).match for text in patterns}
    return Listing(
        fitting={text: frozenset(filter(oracle, texts)) for text, oracle in oracles.items()},
        covered={
            text: frozenset(narrow for narrow in patterns if pattern.covers(patterns[narrow]))
            for text, pattern in patterns.items()
        },
        texts=texts,
    )


# The texts are long enough to tell: a pattern of n symbols that fails to cover another already refuses a text in which
# each `*` of the other stands for at most n + 1 characters, fewer where it has letters or stars itself.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("a*?", 4, "ax", 10), id="one letter, four symbols"),
        pytest.param(("ab*?", 3, "abx", 7), id="two letters, three symbols"),
    ],
)
def listed(request: pytest.FixtureRequest) -> Listing:
    symbols, most_symbols, letters, longest_text = request.param
    return listing(symbols, most_symbols, letters, longest_text)


def test_matches_agrees_with_the_listing(listed: Listing) -> None:
    """A pattern matches the texts that the listing has for it, and no others."""
    wrong = [
        text
        for text, fitting in listed.fitting.items()
        if frozenset(filter(Pattern.of(text).matches, listed.texts)) != fitting
    ]
    assert wrong == []


def test_covers_agrees_with_the_listing(listed: Listing) -> None:
    """A pattern covers another exactly if every text that fits the other fits it."""
    wrong = [
        (wide, narrow)
        for wide, narrow in product(listed.fitting, repeat=2)
        if (narrow in listed.covered[wide]) != (listed.fitting[narrow] <= listed.fitting[wide])
    ]
    assert wrong == []


def test_covers_is_transitive_in_the_listing(listed: Listing) -> None:
    """What is covered by a covered pattern is covered."""
    wrong = [
        (wide, middle)
        for wide, covered in listed.covered.items()
        for middle in covered
        if not listed.covered[middle] <= covered
    ]
    assert wrong == []


def test_beginnings_agree_with_the_listing(listed: Listing) -> None:
    """A pattern fits some text that begins with a prefix exactly if one of the listed texts that fit it does."""
    prefixes = [text for text in listed.texts if len(text) <= 3]
    wrong = [
        (text, prefix)
        for text, fitting in listed.fitting.items()
        for prefix in prefixes
        if Pattern.of(text).fits_some_text_beginning_with(prefix) != any(fit.startswith(prefix) for fit in fitting)
    ]
    assert wrong == []


@LAW
@given(PATTERNS, TEXTS)
@example("*a*a*a*a*a*a*a*a*b", "a" * 100)
@example("?*?", "a")
def test_matches_agrees_with_fnmatch(pattern: str, text: str) -> None:
    """A pattern matches what `fnmatchcase` matches."""
    assert Pattern.of(pattern).matches(text) == fits(pattern, text)


@LAW
@given(ANY_TEXT, ANY_TEXT)
@example("[!a]", "b")
@example("?", "\n")
@example("\N{KELVIN SIGN}", "k")
def test_matches_agrees_with_fnmatch_on_any_characters(pattern: str, text: str) -> None:
    """Of all characters there are, only `*` and `?` are special."""
    assert Pattern.of(pattern).matches(text) == fits(pattern, text)


@LAW
@given(ANY_TEXT)
def test_a_text_without_wildcards_matches_itself(text: str) -> None:
    """A pattern without `*` and `?` matches its own text, and not that text with a character more or fewer."""
    plain = text.replace("*", "").replace("?", "")
    pattern = Pattern.of(plain)
    assert pattern.matches(plain)
    assert not pattern.matches(plain + "x")
    assert not plain or not pattern.matches(plain[:-1])


@LAW
@given(ANY_TEXT)
def test_covers_is_reflexive(pattern: str) -> None:
    """A pattern covers itself."""
    assert Pattern.of(pattern).covers(Pattern.of(pattern))


@st.composite
def loosened(draw: st.DrawFn, pattern: str) -> str:
    """Put a `*` in the place of a stretch of the pattern, or a `?` in the place of a symbol that fits one character."""
    start = draw(st.integers(0, len(pattern)))
    if pattern[start : start + 1] not in ("", "*") and draw(st.booleans()):
        return f"{pattern[:start]}?{pattern[start + 1 :]}"
    return f"{pattern[:start]}*{pattern[draw(st.integers(start, len(pattern))) :]}"


@st.composite
def widening_chains(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw a pattern, a loosened form of it, and a loosened form of that."""
    narrow = draw(PATTERNS)
    middle = draw(loosened(narrow))
    return narrow, middle, draw(loosened(middle))


@LAW
@given(widening_chains())
def test_a_loosened_pattern_covers_what_it_was(chain: tuple[str, str, str]) -> None:
    """A wildcard in the place of what it fits widens a pattern, and widening twice covers the first pattern too."""
    narrow, middle, wide = map(Pattern.of, chain)
    assert middle.covers(narrow)
    assert wide.covers(middle)
    assert wide.covers(narrow)


@st.composite
def widened_with_a_text(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw a pattern, a loosened form of it, and a text that fits the first."""
    narrow = draw(PATTERNS)
    sizes = {"*": st.text("abx", max_size=4), "?": st.sampled_from("abx")}
    text = "".join(draw(sizes.get(symbol, st.just(symbol))) for symbol in narrow)
    return narrow, draw(loosened(narrow)), text


@LAW
@given(widened_with_a_text())
def test_what_fits_a_covered_pattern_fits_the_covering_one(drawn: tuple[str, str, str]) -> None:
    """A pattern that covers another matches every text that the other matches."""
    narrow, wide, text = drawn
    assert Pattern.of(narrow).matches(text)
    assert Pattern.of(wide).covers(Pattern.of(narrow))
    assert Pattern.of(wide).matches(text)


@LAW
@given(PATTERNS, TEXTS)
def test_covering_a_plain_text_is_matching_it(pattern: str, text: str) -> None:
    """A pattern covers a pattern without wildcards exactly if it matches the only text that fits that one."""
    assert Pattern.of(pattern).covers(Pattern.of(text)) == fits(pattern, text)


@LAW
@given(st.lists(PATTERNS, max_size=6), PATTERNS)
@example(["a", "b"], "*")
@example(["", "a"], "")
@example(["a*", "*b"], "ab")
def test_patterns_side_by_side_cover_what_one_of_them_covers(wide: list[str], narrow: str) -> None:
    """Several patterns in one row cover and overlap what each of them does by itself, never what two do together."""
    patterns, other = [Pattern.of(text) for text in wide], Pattern.of(narrow)
    row = Patterns.of(patterns)
    assert row.covers(other) is any(pattern.covers(other) for pattern in patterns)
    assert row.overlapping(other) == tuple(place for place, pattern in enumerate(patterns) if pattern.overlaps(other))


ENTRIES = st.lists(
    st.sampled_from(["*", "?", "k", "kms:", "create", "enc", "rypt", "*e", "put", "a", "delete*", "tag"]), max_size=6
).map("".join)


@LAW
@given(st.sampled_from([BY_POLICY, BY_USER]), ENTRIES)
@example(BY_USER, "kms:*")
@example(BY_USER, "kms:*t*")
def test_an_exception_takes_away_the_permissions_that_it_covers(table: DutyTable, entry: str) -> None:
    """Looking first for those whose letters fit leaves none out."""
    pattern = Pattern.of(entry)
    covered = [permission for permission in table.permissions if pattern.covers(permission.pattern)]
    assert list(table.exempted_by(pattern)) == covered


def fillings(pattern: str, longest: int) -> Iterator[str]:
    """List the texts in which the strange letter fills each `?` once and each `*` up to `longest` times."""
    head, *tails = pattern.replace("?", "x").split("*")
    for counts in product(range(longest + 1), repeat=len(tails)):
        yield head + "".join("x" * count + tail for count, tail in zip(counts, tails, strict=True))


@LAW
@given(FEW_STARS, FEW_STARS)
@example("*?a", "*a")
@example("??*", "*??")
@example("*a*b*", "*ab*")
@example("*ab*", "*a*b*")
def test_a_letter_of_no_pattern_decides_what_is_covered(wide: str, narrow: str) -> None:
    """A pattern covers another exactly if it matches each text that one strange letter makes of the other."""
    expected = all(fits(wide, text) for text in fillings(narrow, len(wide) + 1))
    assert Pattern.of(wide).covers(Pattern.of(narrow)) == expected


@LAW
@given(PATTERNS, TEXTS, TEXTS)
def test_a_text_that_fits_has_each_of_its_beginnings(pattern: str, prefix: str, rest: str) -> None:
    """Where a text fits, some text beginning as it does fits; where nothing can begin so, it does not."""
    assert Pattern.of(pattern).fits_some_text_beginning_with(prefix) or not Pattern.of(pattern).matches(prefix + rest)


@LAW
@given(PATTERNS, TEXTS)
def test_a_text_can_begin_with_what_fits_a_beginning_of_the_pattern(pattern: str, prefix: str) -> None:
    """Some text beginning with a prefix fits a pattern exactly if the prefix fits one of the pattern's beginnings."""
    expected = any(fits(pattern[:end], prefix) for end in range(len(pattern) + 1))
    assert Pattern.of(pattern).fits_some_text_beginning_with(prefix) == expected


@LAW
@given(ANY_TEXT)
@example("\N{KELVIN SIGN}")
@example("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}")
@example("KMS:Encrypt")
def test_lower_case_lowers_ascii_letters_and_nothing_else(text: str) -> None:
    """Each ASCII letter becomes its small form; every other character stays, and so does their number."""
    expected = [character.lower() if character.isascii() else character for character in text]
    assert list(lower_case(text)) == expected
