"""What a pattern of letters, `*` and `?` fits, case by case."""

from __future__ import annotations

import tracemalloc

import pytest

from least_privilege.pattern import Pattern, Symbol, Wildcard, lower_case, symbols_of_user_id

YES = True
NO = False

KILOBYTES_32 = 32 * 1024
MANY_STARS = "*" * KILOBYTES_32
MANY_ONES = "?" * KILOBYTES_32
STARS_AND_LETTERS = "*a" * (KILOBYTES_32 // 2)

MATCHES = [
    # letters
    ("", "", YES),
    ("", "a", NO),
    ("a", "", NO),
    ("a", "a", YES),
    ("a", "A", NO),
    ("a", "aa", NO),
    ("aa", "a", NO),
    ("ab", "ba", NO),
    ("kms:Encrypt", "kms:Encrypt", YES),
    ("kms:Encrypt", "kms:Encrypt ", NO),
    # `?` is exactly one character
    ("?", "", NO),
    ("?", "a", YES),
    ("?", "\n", YES),
    ("?", "\N{OTTER}", YES),
    ("?", "ab", NO),
    ("a?c", "abc", YES),
    ("a?c", "ac", NO),
    ("a?c", "abbc", NO),
    ("??", "a", NO),
    ("??", "ab", YES),
    # `*` is any characters, or none
    ("*", "", YES),
    ("*", "a", YES),
    ("*", "a\nb", YES),
    ("a*", "a", YES),
    ("a*", "abc", YES),
    ("a*", "ba", NO),
    ("*a", "a", YES),
    ("*a", "cba", YES),
    ("*a", "ab", NO),
    ("a*b", "ab", YES),
    ("a*b", "acb", YES),
    ("a*b", "abab", YES),
    ("a*b", "aba", NO),
    ("a*a", "a", NO),
    ("a*a", "aa", YES),
    ("*a*", "bab", YES),
    ("*a*", "bb", NO),
    ("**", "", YES),
    ("a**b", "ab", YES),
    ("*ab*ab*", "abab", YES),
    ("*ab*ab*", "aab", NO),
    # both side by side
    ("?*", "", NO),
    ("?*", "a", YES),
    ("*?", "", NO),
    ("*?", "abc", YES),
    ("?*?", "a", NO),
    ("?*?", "ab", YES),
    ("*?*?*", "a", NO),
    ("*?*?*", "abc", YES),
    ("a*??b", "axb", NO),
    ("a*??b", "axxb", YES),
    ("a*??b", "axxxb", YES),
    # what other languages of patterns read as special is a plain character
    ("[ab]", "a", NO),
    ("[ab]", "[ab]", YES),
    ("a.c", "abc", NO),
    ("a+", "aa", NO),
    ("^a$", "a", NO),
    ("a|b", "a", NO),
    (r"\*", "*", NO),
    (r"\*", r"\x", YES),
    ("{a,b}", "a", NO),
    # a `*` or `?` of the text is itself
    ("a", "*", NO),
    ("a", "?", NO),
    ("?", "*", YES),
    ("*", "?", YES),
]

HOSTILE_MATCHES = [
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", "kms:" + "a" * 5000, NO, id="eight stars, the last letter missing"),
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", "kms:" + "a" * 5000 + "b", YES, id="eight stars"),
    pytest.param(MANY_STARS, "", YES, id="32 KB of stars, nothing"),
    pytest.param(MANY_STARS, "kms:Encrypt", YES, id="32 KB of stars"),
    pytest.param(MANY_STARS + "b", "kms:Encrypt", NO, id="32 KB of stars and a letter"),
    pytest.param(MANY_ONES, "a" * KILOBYTES_32, YES, id="32 KB of question marks"),
    pytest.param(MANY_ONES, "a" * (KILOBYTES_32 - 1), NO, id="32 KB of question marks, one too many"),
    pytest.param("*" + MANY_ONES, "a" * (KILOBYTES_32 + 1), YES, id="a star and 32 KB of question marks"),
    pytest.param("*?" * 5000, "a" * 5000, YES, id="5000 times a star and a question mark"),
    pytest.param("*?" * 5000, "a" * 4999, NO, id="5000 times a star and a question mark, one too many"),
    pytest.param(STARS_AND_LETTERS, "a" * (KILOBYTES_32 // 2), YES, id="32 KB of stars and letters"),
    pytest.param(STARS_AND_LETTERS, "a" * (KILOBYTES_32 // 2 - 1), NO, id="32 KB of stars and letters, one too many"),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), [*MATCHES, *HOSTILE_MATCHES])
def test_a_pattern_matches_a_text(pattern: str, text: str, *, expected: bool) -> None:
    assert Pattern.of(pattern).matches(text) is expected


COVERS = [
    # letters
    ("", "", YES),
    ("", "a", NO),
    ("a", "a", YES),
    ("a", "A", NO),
    ("a", "b", NO),
    ("a", "?", NO),
    ("a", "*", NO),
    # `?`
    ("?", "a", YES),
    ("?", "?", YES),
    ("?", "", NO),
    ("?", "*", NO),
    ("?", "ab", NO),
    ("??", "a?", YES),
    ("a?", "??", NO),
    ("AROAOTTER?", "AROAOTTER*", NO),
    ("AROAOTTER?", "AROAOTTER?", YES),
    ("AROAOTTER?", "AROAOTTERA", YES),
    # `*`
    ("*", "", YES),
    ("*", "*", YES),
    ("*", "?", YES),
    ("**", "*", YES),
    ("*", "**", YES),
    ("*a", "a", YES),
    ("*a", "*ba", YES),
    ("*a", "a*", NO),
    ("a*", "*a", NO),
    ("a*b", "ab", YES),
    ("a*b", "a*c*b", YES),
    ("a*b", "a*", NO),
    ("*a*", "a", YES),
    ("*a*", "*", NO),
    ("*a*a*", "*a*", NO),
    ("*a*", "*a*a*", YES),
    ("*ab*", "*a*b*", NO),
    ("*a*b*", "*ab*", YES),
    ("a*a", "a", NO),
    ("a*a", "aa", YES),
    ("AROAOTTER*", "AROAOTTERABC:*", YES),
    ("AROAOTTER*", "AROAOTTER", YES),
    ("AROAOTTER*", "AROAOTTER?", YES),
    ("AROAOTTER*", "AROAO*", NO),
    ("AROAOTTER*", "arOAOTTER*", NO),
    # both side by side: `?*` and `*?` are the same
    ("?*", "*?", YES),
    ("*?", "?*", YES),
    ("?*", "*", NO),
    ("*?", "?", YES),
    ("?*?", "?*", NO),
    ("?*", "?*?", YES),
    ("*??", "?*?", YES),
    ("*??", "*?", NO),
    ("*?a", "*a", NO),
    ("*?a", "*ba", YES),
    ("*?a", "*?ba", YES),
    ("*a", "*?a", YES),
    # actions
    ("kms:*", "kms:?*", YES),
    ("kms:?*", "kms:?*", YES),
    ("kms:**", "kms:?*", YES),
    ("k*", "kms:?*", YES),
    ("????*", "kms:?*", YES),
    ("?????*", "kms:?*", YES),
    ("??????*", "kms:?*", NO),
    ("kms:??*", "kms:?*", NO),
    ("kms:D*", "kms:?*", NO),
    ("kms:C*", "kms:create*", NO),
    ("kms:c*", "kms:create*", YES),
    ("kms:create?*", "kms:create*", NO),
    ("kms:*create*", "kms:create*", YES),
]

HOSTILE_COVERS = [
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", "kms:" + "*a" * 500, NO, id="eight stars, the last letter missing"),
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", "kms:" + "*a" * 500 + "*b", YES, id="eight stars"),
    pytest.param("kms:*", "kms:*a*a*a*a*a*a*a*a*b", YES, id="eight stars on the other side"),
    pytest.param(MANY_STARS, MANY_STARS, YES, id="32 KB of stars"),
    pytest.param("kms:" + MANY_STARS, "kms:?*", YES, id="32 KB of stars after the letters"),
    pytest.param(MANY_STARS + "b", MANY_STARS, NO, id="32 KB of stars and a letter"),
    pytest.param("*" * 20 + "?" * 20, "*" * 20 + "?" * 19, NO, id="twenty of each, against one fewer"),
    pytest.param("*" * 20 + "?" * 19, "?" * 20 + "*" * 20, YES, id="twenty of each, one fewer"),
    pytest.param("*a" + "?" * 20, "*" * 20 + "a" + "?" * 20, YES, id="a star, a letter, twenty question marks"),
    pytest.param("*a" + "?" * 20, "*a" + "?" * 20 + "*", NO, id="a star, a letter, twenty question marks, a star"),
    pytest.param(MANY_ONES, "*" + MANY_ONES, NO, id="32 KB of question marks, against a star more"),
    pytest.param("*" + MANY_ONES, MANY_ONES, YES, id="a star and 32 KB of question marks"),
    pytest.param(STARS_AND_LETTERS, STARS_AND_LETTERS, YES, id="32 KB of stars and letters"),
    pytest.param(STARS_AND_LETTERS + "*a", STARS_AND_LETTERS, NO, id="32 KB of stars and letters, one too many"),
]


@pytest.mark.parametrize(("wide", "narrow", "expected"), [*COVERS, *HOSTILE_COVERS])
def test_a_pattern_covers_another(wide: str, narrow: str, *, expected: bool) -> None:
    assert Pattern.of(wide).covers(Pattern.of(narrow)) is expected


def test_patterns_that_say_the_same_are_one() -> None:
    assert {Pattern.of("a?*"), Pattern.of("a*?"), Pattern.of("a**?*")} == {Pattern.of("a*?")}


WRITTEN = ["", "a", "a?*", "a*?", "a**?*", "${*}", "A${*}B", "${aws:userid}", " KMS:* ", "\n", "\N{OTTER}*"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_pattern_keeps_the_text_that_it_was_made_of(text: str) -> None:
    assert Pattern.of(text).text == text
    assert Pattern.of_user_id(text).text == text


SAME_SYMBOLS = [
    (Pattern.of("a?*"), Pattern.of("a**?"), YES),
    (Pattern.of("AROA"), Pattern.of_user_id("AROA"), YES),
    (Pattern.of("A*"), Pattern.of_user_id("A*"), YES),
    (Pattern.of("A{*}"), Pattern.of_user_id("A{*}"), YES),
    (Pattern.of_user_id("A$"), Pattern.of_user_id("A${$}"), YES),
    (Pattern.of("A${*}"), Pattern.of_user_id("A${*}"), NO),
    (Pattern.of("A*"), Pattern.of_user_id("A${*}"), NO),
    (Pattern.of("a"), Pattern.of("A"), NO),
]


@pytest.mark.parametrize(("one", "other", "expected"), SAME_SYMBOLS)
def test_patterns_are_compared_by_their_symbols_and_not_by_their_text(
    one: Pattern, other: Pattern, *, expected: bool
) -> None:
    assert (one == other) is expected
    assert (hash(one) == hash(other)) is expected
    assert (one.covers(other) and other.covers(one)) is expected


BEGINNINGS = [
    ("", "", YES),
    ("", "k", NO),
    ("a", "", YES),
    ("kms:Put*", "kms:", YES),
    ("kms:", "kms:", YES),
    ("kms", "kms:", NO),
    ("KMS:*", "kms:", NO),
    ("*", "kms:", YES),
    ("k*", "kms:", YES),
    ("*Grant", "kms:", YES),
    ("km*:Grant", "kms:", YES),
    ("kms?", "kms:", YES),
    ("kms?*", "kms:", YES),
    ("???", "kms:", NO),
    ("????", "kms:", YES),
    ("*????", "kms:", YES),
    ("?ms:Encrypt", "kms:", YES),
    ("s3:*", "kms:", NO),
    ("s*", "kms:", NO),
    (" kms:*", "kms:", NO),
    ("*s3", "kms:", YES),
    ("a*", "*", NO),
    ("?", "?", YES),
    ("a", "?", NO),
]

HOSTILE_BEGINNINGS = [
    pytest.param("kms:*a*a*a*a*a*a*a*a*b", "kms:" + "a" * 5000, YES, id="eight stars"),
    pytest.param(MANY_STARS, "kms:", YES, id="32 KB of stars"),
    pytest.param("s" + MANY_STARS, "kms:", NO, id="32 KB of stars after another letter"),
    pytest.param(MANY_ONES, "kms:", YES, id="32 KB of question marks"),
    pytest.param(MANY_ONES, "a" * (KILOBYTES_32 + 1), NO, id="32 KB of question marks, one too few"),
]


@pytest.mark.parametrize(("pattern", "beginning", "expected"), [*BEGINNINGS, *HOSTILE_BEGINNINGS])
def test_a_pattern_fits_some_text_beginning_with(pattern: str, beginning: str, *, expected: bool) -> None:
    assert Pattern.of(pattern).fits_some_text_beginning_with(beginning) is expected


ONE = Wildcard.ONE
MANY = Wildcard.MANY

USER_ID_SYMBOLS = [
    ("", ()),
    ("AB", ("A", "B")),
    ("A*", ("A", MANY)),
    ("?A", (ONE, "A")),
    ("${*}", ("*",)),
    ("${?}", ("?",)),
    ("${$}", ("$",)),
    ("A${*}B", ("A", "*", "B")),
    ("${*}*", ("*", MANY)),
    ("*${?}?", (MANY, "?", ONE)),
    ("${*}${?}", ("*", "?")),
    ("$${*}", ("$", "*")),
    ("${$}{*}", ("$", "{", MANY, "}")),
    ("${*", ("$", "{", MANY)),
    ("$*", ("$", MANY)),
    ("${a}", ("$", "{", "a", "}")),
]


@pytest.mark.parametrize(("text", "expected"), USER_ID_SYMBOLS)
def test_the_escaped_wildcards_of_a_user_id_are_plain_characters(text: str, expected: tuple[Symbol, ...]) -> None:
    assert symbols_of_user_id(text) == expected


DIFFERENT = "".join(map(chr, range(0x10000, 0x10000 + 24_000)))
BYTES_A_CHARACTER = 1_000


@pytest.mark.parametrize("behind", ["", "*", "?"])
def test_the_memory_of_a_pattern_does_not_grow_with_its_different_characters(behind: str) -> None:
    tracemalloc.start()
    try:
        pattern = Pattern.of("*" + DIFFERENT + behind)
        assert pattern.matches(DIFFERENT * 2) is (behind != "?")
        assert pattern.covers(Pattern.of(DIFFERENT)) is (behind != "?")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < BYTES_A_CHARACTER * len(DIFFERENT)


LITERAL_STAR = [
    ("matches", "AROA*", YES),
    ("matches", "AROAB", NO),
    ("matches", "AROA", NO),
    ("covers", "AROA*", NO),
    ("covers", "AROA?", NO),
]


@pytest.mark.parametrize(("relation", "text", "expected"), LITERAL_STAR)
def test_a_pattern_with_a_plain_star_fits_only_that_star(relation: str, text: str, *, expected: bool) -> None:
    pattern = Pattern.of_user_id("AROA${*}")
    answer = pattern.matches(text) if relation == "matches" else pattern.covers(Pattern.of(text))
    assert answer is expected


LOWERED = [
    ("", ""),
    ("KMS:CreateGrant", "kms:creategrant"),
    ("aws:userId", "aws:userid"),
    ("kms:*?1_-", "kms:*?1_-"),
    ("\N{KELVIN SIGN}MS", "\N{KELVIN SIGN}ms"),
    ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}D", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}d"),
    ("\N{LATIN CAPITAL LETTER A WITH DIAERESIS}A", "\N{LATIN CAPITAL LETTER A WITH DIAERESIS}a"),
]


@pytest.mark.parametrize(("text", "expected"), LOWERED)
def test_lower_case_changes_the_26_ascii_letters_only(text: str, expected: str) -> None:
    assert lower_case(text) == expected
