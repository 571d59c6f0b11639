"""A policy's text for people: nothing in it is changed but white space, and its statements are told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_rule.formats.html.policy_text import MAX_INDENTATION, Passage, laid_out, passages

FIRST = '{"Sid": "One", "Action": ["a", "b"], "Resource": "*"}'
SECOND = '{"Action":"c","Condition":{}}'

LAID_OUT = [
    ("{}", "{}"),
    ("[ ]", "[]"),
    (' { "a" : 1 } ', '{\n\t"a": 1\n}'),
    ('{"a":[1,{"b":null}],"c":{}}', '{\n\t"a": [\n\t\t1,\n\t\t{\n\t\t\t"b": null\n\t\t}\n\t],\n\t"c": {}\n}'),
    # What looks like JSON within a word, and a word's own spelling.
    (r'["{\"a\": [1,2]}", "\\", "\u0041\/"]', '[\n\t"{\\"a\\": [1,2]}",\n\t"\\\\",\n\t"\\u0041\\/"\n]'),
    ("[1.10, 1e400, -0, 12345678901234567890]", "[\n\t1.10,\n\t1e400,\n\t-0,\n\t12345678901234567890\n]"),
    # Python's `splitlines` takes these for line breaks.
    ('["a\u2028b\u0085c"]', '[\n\t"a\u2028b\u0085c"\n]'),
]


@pytest.mark.parametrize(("written", "shown"), LAID_OUT)
def test_each_entry_has_a_line_of_its_own_in_its_own_spelling(written: str, shown: str) -> None:
    assert laid_out(written) == shown


WITH_STATEMENTS = [
    ("a list", f'{{"Version": "1", "Statement": [{FIRST}, {SECOND}], "Id": "x"}}', [FIRST, SECOND]),
    ("a list after other entries", f'{{"Id": ["x", {{"a": {{}}}}], "Statement": [{FIRST}]}}', [FIRST]),
    ("one object", f'{{"Id": "x", "Statement": {SECOND}, "Version": {{"a": 1}}}}', [SECOND]),
    ("one object after a list", f'{{"Id": [{{"a": 1}}], "Statement": {SECOND}}}', [SECOND]),
    ("another spelling of the word", f'{{"\\u0053tatement": [{FIRST}, {SECOND}]}}', [FIRST, SECOND]),
    ("another Statement deeper down", f'{{"Id": {{"Statement": [{SECOND}]}}, "Statement": [{FIRST}]}}', [FIRST]),
    ("a word that goes on", f'{{"Statement: [": [{SECOND}], "Statement": [{FIRST}]}}', [FIRST]),
    ("a word with a quotation mark", f'{{"\\"Statement\\": [": [{SECOND}], "Statement": [{FIRST}]}}', [FIRST]),
    ("a name of another case", f'{{"statement": [{SECOND}], "Statement": [{FIRST}]}}', [FIRST]),
]


@pytest.mark.parametrize(
    ("policy", "statements"), [row[1:] for row in WITH_STATEMENTS], ids=[row[0] for row in WITH_STATEMENTS]
)
def test_each_statement_can_be_told_from_the_rest(policy: str, statements: list[str]) -> None:
    for number, statement in enumerate(statements, 1):
        [deciding] = [passage.text for passage in passages(policy, frozenset({number})) if passage.decides]
        assert meaning(deciding) == json.loads(statement)
    assert not [passage for passage in passages(policy, frozenset({len(statements) + 1})) if passage.decides]


def meaning(lines: str) -> object:
    """Read the lines of a statement, which stands in a list or is the only one."""
    text = lines.strip().removesuffix(",")
    return json.loads(f"{{{text}}}")["Statement"] if text.startswith('"') else json.loads(text)


@pytest.mark.parametrize("text", ["", "no JSON", '{"Statement": [', "\n\n[\r\n}", "[" * 200_000])
def test_what_is_no_json_is_left_as_it_is(text: str) -> None:
    assert list(passages(text, frozenset({1}))) == [Passage(text)]


def test_deep_nesting_does_not_square_the_length() -> None:
    text = "[" * 900 + "]" * 900
    [*_, deepest] = sorted(laid_out(text).split("\n"), key=len)
    assert deepest == "\t" * MAX_INDENTATION + "[]"[: len(deepest) - MAX_INDENTATION]
    assert len("".join(passage.text for passage in passages(text))) < 900 * 2 * (MAX_INDENTATION + 3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("Statement"), inner),
)


@given(json_values, st.booleans())
def test_laid_out_json_means_the_same_and_keeps_every_word(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    text = json.dumps(value, ensure_ascii=ascii_only)
    shown = laid_out(text)
    assert json.dumps(json.loads(shown), ensure_ascii=ascii_only) == text
    assert laid_out(shown) == shown


@given(json_values, st.frozensets(st.integers(1, 3)))
def test_passages_are_the_laid_out_text_whatever_decides(value: object, deciding: frozenset[int]) -> None:
    text = json.dumps(value)
    assert "".join(passage.text for passage in passages(text, deciding)) == laid_out(text) + "\n"
