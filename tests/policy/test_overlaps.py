"""Whether two patterns have a text in common: a table, a listing of every short text, and laws."""

from __future__ import annotations

import fnmatch
import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from least_privilege.pattern import Pattern, Patterns
from tests.policy.strategies import THOROUGH, law

YES = True
NO = False

OVERLAPS = [
    # letters
    ("", "", YES),
    ("", "a", NO),
    ("a", "a", YES),
    ("a", "A", NO),
    ("a", "b", NO),
    ("a", "aa", NO),
    ("ab", "ba", NO),
    # `?` is exactly one character
    ("?", "a", YES),
    ("?", "?", YES),
    ("?", "", NO),
    ("?", "ab", NO),
    ("a?", "?b", YES),
    ("a?", "?ab", NO),
    ("a?c", "ab?", YES),
    ("a?c", "?d?", YES),
    ("a?c", "??d", NO),
    ("??", "???", NO),
    # `*` is any characters, or none
    ("*", "", YES),
    ("*", "a", YES),
    ("*", "*", YES),
    ("a*", "*", YES),
    ("a*", "", NO),
    ("a*", "a", YES),
    ("a*", "b*", NO),
    ("a*", "*b", YES),
    ("*a", "*b", NO),
    ("a*b", "b*a", NO),
    ("a*b", "*c*", YES),
    ("a*c", "a*b*c", YES),
    ("a*a", "a", NO),
    ("a*a", "aa", YES),
    ("*a*", "b", NO),
    ("*a*", "b*", YES),
    ("*a*b", "b*a", NO),
    ("ab*", "a*b", YES),
    ("ab*ab", "ab", NO),
    ("ab*ab", "ab?", NO),
    ("ab*ab", "ab?b", YES),
    ("aba*", "*aba", YES),
    # the two meet in the middle: neither covers the other
    ("a*c", "ab*", YES),
    ("*ab*", "*ba*", YES),
    ("ab*", "*ba", YES),
    # both wildcards
    ("?*", "", NO),
    ("?*", "a", YES),
    ("*?", "?", YES),
    ("?*?", "a", NO),
    ("?*?", "a*", YES),
    ("*??", "?", NO),
    ("a*??", "a?", NO),
    ("a*??", "a??", YES),
    ("a*?b", "a?", NO),
    ("a*?b", "ab*", YES),
    ("a*?b", "ab", NO),
    # what other languages of patterns read as special is a plain character
    ("[ab]", "a", NO),
    ("[ab]", "[ab]", YES),
    ("a.c", "abc", NO),
    ("(a|b)", "a", NO),
    # beyond ASCII, and what breaks lines
    ("\N{OTTER}*", "*\N{OTTER}", YES),
    ("\N{OTTER}", "?", YES),
    ("\N{OTTER}", "??", NO),
    ("a?b", "a\nb", YES),
    # user ids
    ("AROAOTTER:*", "AROAOTTER:alice", YES),
    ("AROAOTTER:*", "AROABADGER:*", NO),
    ("AROAOTTER:a*", "AROAOTTER:*e", YES),
    ("AROAOTTER:a*", "AROAOTTER:b*", NO),
    ("AROAOTTER*", "AROAO*:alice", YES),
    ("AROAOTTER?:x", "AROAOTTER:x", NO),
    ("AROAOTTER?:x", "AROAOTTERS:*", YES),
    ("AIDAOTTER", "AIDAOTTERS", NO),
]

KILOBYTES_8 = 8 * 1024
STARS_AND_LETTERS = "*a" * (KILOBYTES_8 // 2)
HOSTILE = [
    pytest.param("*" * KILOBYTES_8, "*" * KILOBYTES_8, YES, id="stars"),
    pytest.param("*" * KILOBYTES_8 + "a", "*" * KILOBYTES_8 + "b", NO, id="stars and another letter"),
    pytest.param("?" * KILOBYTES_8, "?" * KILOBYTES_8, YES, id="question marks"),
    pytest.param("?" * KILOBYTES_8, "?" * (KILOBYTES_8 - 1), NO, id="question marks, one too many"),
    pytest.param("?" * KILOBYTES_8, "*" + "?" * (KILOBYTES_8 + 1), NO, id="a star more, and a question mark too many"),
    pytest.param(STARS_AND_LETTERS, STARS_AND_LETTERS + "*b", NO, id="stars and letters, the last letter missing"),
    pytest.param(STARS_AND_LETTERS, STARS_AND_LETTERS + "*", YES, id="stars and letters, a star more"),
    pytest.param(STARS_AND_LETTERS, "b" + STARS_AND_LETTERS, YES, id="stars and letters after another letter"),
    pytest.param("b" + "*a" * 500, "*a" * 500 + "b", NO, id="stars and letters, no common end"),
    pytest.param("a" * KILOBYTES_8, "a*" * 500 + "b", NO, id="letters, the last one missing"),
]


@pytest.mark.parametrize(("one", "other", "expected"), [*OVERLAPS, *HOSTILE])
def test_two_patterns_overlap(one: str, other: str, *, expected: bool) -> None:
    assert Pattern.of(one).overlaps(Pattern.of(other)) is expected
    assert Pattern.of(other).overlaps(Pattern.of(one)) is expected


# `${*}`, `${?}` and `${$}` of a user id are plain characters, which a wildcard takes like any other.
ESCAPES = [
    ("AROAOTTER${*}", "AROAOTTER${*}", YES),
    ("AROAOTTER${*}", "AROAOTTER", NO),
    ("AROAOTTER${*}", "AROAOTTERS", NO),
    ("AROAOTTER${*}", "AROAOTTER?", YES),
    ("AROAOTTER${*}", "AROAOTTER*", YES),
    ("AROAOTTER${*}", "AROAOTTER??", NO),
    ("AROAOTTER${?}", "AROAOTTER${*}", NO),
    ("AROAOTTER${?}*", "AROAOTTER?S", YES),
    ("AROAOTTER${$}", "AROAOTTER$", YES),
]


@pytest.mark.parametrize(("one", "other", "expected"), ESCAPES)
def test_the_escapes_of_a_user_id_are_plain_characters(one: str, other: str, *, expected: bool) -> None:
    assert Pattern.of_user_id(one).overlaps(Pattern.of_user_id(other)) is expected
    assert Pattern.of_user_id(other).overlaps(Pattern.of_user_id(one)) is expected


# --- every short pattern -------------------------------------------------------------------------------------------

LONGEST = 4 if THOROUGH else 3


def words(letters: str, longest: int) -> list[str]:
    return ["".join(word) for length in range(longest + 1) for word in product(letters, repeat=length)]


def test_overlaps_agrees_with_a_listing_of_every_short_text() -> None:
    """Two patterns overlap exactly if one of all texts, twice as long as they are, fits both.

    No longer text is needed: of the shortest one that fits both, every character is taken by a symbol of either that is
    no `*`. Nor are other letters: whatever a wildcard takes could be an `a`.
    """
    texts = words("ab", 2 * LONGEST)
    fitting = {
        pattern: frozenset(filter(re.compile(fnmatch.translate(pattern)).match, texts))
        for pattern in words("ab*?", LONGEST)
    }
    patterns = {text: Pattern.of(text) for text in fitting}
    wrong = [
        (one, other)
        for one, other in product(fitting, repeat=2)
        if patterns[one].overlaps(patterns[other]) == fitting[one].isdisjoint(fitting[other])
    ]
    assert wrong == []
    found = {fitting[one].isdisjoint(fitting[other]) for one, other in product(fitting, repeat=2)}
    assert found == {YES, NO}


# --- laws ----------------------------------------------------------------------------------------------------------

PATTERNS = st.text("ab*?", max_size=12)
FEW_WILDCARDS = st.text("ab*?", max_size=7)
TEXTS = st.text("abx*?", max_size=12)
ANY_PATTERN = PATTERNS | st.text(max_size=8)


def fits(pattern: str, text: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


@law(200)
@given(ANY_PATTERN, ANY_PATTERN)
def test_overlapping_is_symmetric(one: str, other: str) -> None:
    """If a pattern overlaps another, the other overlaps it."""
    assert Pattern.of(one).overlaps(Pattern.of(other)) == Pattern.of(other).overlaps(Pattern.of(one))


@law(150)
@given(ANY_PATTERN)
@example("")
def test_a_pattern_overlaps_itself(pattern: str) -> None:
    """Every pattern has a text that fits it, so it overlaps itself."""
    assert Pattern.of(pattern).overlaps(Pattern.of(pattern))


@law(300)
@given(PATTERNS, PATTERNS)
@example("a*", "a?b")
@example("*", "")
def test_a_pattern_overlaps_what_it_covers(wide: str, narrow: str) -> None:
    """A pattern that covers another overlaps it."""
    assert Pattern.of(wide).overlaps(Pattern.of(narrow)) or not Pattern.of(wide).covers(Pattern.of(narrow))


@st.composite
def widened_apart(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw a text, and two patterns that are made of it by putting wildcards in the place of what they fit."""
    text = draw(st.text("ab", max_size=10))
    patterns = []
    for _ in range(2):
        symbols = [draw(st.sampled_from([letter, letter, "?", "*", "**"])) for letter in text]
        place = draw(st.integers(0, len(symbols)))
        patterns.append("".join([*symbols[:place], draw(st.sampled_from(["", "*"])), *symbols[place:]]))
    return text, patterns[0], patterns[1]


@law(250)
@given(widened_apart())
def test_patterns_that_one_text_fits_overlap(drawn: tuple[str, str, str]) -> None:
    """Two patterns that are fitted by one text overlap, however each was widened."""
    text, one, other = drawn
    assert fits(one, text)
    assert fits(other, text)
    assert Pattern.of(one).overlaps(Pattern.of(other))


@law(250)
@given(PATTERNS, st.text("ab", max_size=12))
@example("*a", "ba")
def test_to_overlap_a_literal_is_to_match_it(pattern: str, text: str) -> None:
    """A pattern overlaps one without wildcards exactly if it matches the only text that fits that one."""
    assert Pattern.of(pattern).overlaps(Pattern.of(text)) == Pattern.of(pattern).matches(text) == fits(pattern, text)


@law(200)
@given(PATTERNS, PATTERNS, PATTERNS)
def test_what_overlaps_a_covered_pattern_overlaps_the_covering_one(wide: str, narrow: str, third: str) -> None:
    """A pattern that is loosened to a wider one loses no overlap."""
    if Pattern.of(wide).covers(Pattern.of(narrow)) and Pattern.of(narrow).overlaps(Pattern.of(third)):
        assert Pattern.of(wide).overlaps(Pattern.of(third))


@law(250)
@given(st.lists(FEW_WILDCARDS, max_size=8), PATTERNS)
@example(["", "", ""], "")
@example(["*", "", "*"], "*")
@example(["a", "b"], "a*b")
@example(["a*", "*b", "b"], "*")
@example(["??", "?", "???"], "??")
def test_many_patterns_side_by_side_answer_as_one_by_one(patterns: list[str], other: str) -> None:
    """`Patterns.overlapping` returns the places of just those patterns that overlap the other one by themselves."""
    many = [Pattern.of(pattern) for pattern in patterns]
    one_by_one = tuple(place for place, each in enumerate(many) if each.overlaps(Pattern.of(other)))
    assert Patterns.of(many).overlapping(Pattern.of(other)) == one_by_one


SIDE_BY_SIDE = [
    ((), "*", ()),
    (("a", "b", "ab"), "a", (0,)),
    (("a", "b", "ab"), "a*", (0, 2)),
    (("a", "b", "ab"), "?", (0, 1)),
    (("a", "b", "ab"), "*", (0, 1, 2)),
    (("a", "b", "ab"), "", ()),
    (("a*", "*"), "ba", (1,)),
    (("*", "a*", "*"), "", (0, 2)),
    # nothing that walks through one pattern goes on in the next
    (("a", "b"), "ab", ()),
    (("a*", "b"), "ab", (0,)),
    (("*", "b"), "ab", (0,)),
    (("a", "", "b"), "a?b", ()),
    (("?", "?", "?"), "??", ()),
    (("a", "a"), "a", (0, 1)),
]


@pytest.mark.parametrize(("patterns", "other", "expected"), SIDE_BY_SIDE)
def test_patterns_side_by_side(patterns: tuple[str, ...], other: str, expected: tuple[int, ...]) -> None:
    assert Patterns.of(map(Pattern.of, patterns)).overlapping(Pattern.of(other)) == expected


@law(80)
@given(st.lists(FEW_WILDCARDS, max_size=6), PATTERNS, st.integers(1, 40))
def test_walks_do_not_reach_over_a_row_of_patterns(patterns: list[str], other: str, times: int) -> None:
    """Patterns far behind others, beyond one machine word, are answered as the first ones are."""
    many = [Pattern.of(pattern) for pattern in patterns]
    first = Patterns.of(many).overlapping(Pattern.of(other))
    repeated = Patterns.of(many * times).overlapping(Pattern.of(other))
    assert repeated == tuple(turn * len(many) + place for turn in range(times) for place in first)
