"""To whom a condition on the caller's user id limits a statement, and why one limits nobody: tables and laws."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from AWSConfigRuleKMSPolicy import KeyPolicy, Statement, covering
from least_privilege.condition import (
    ANY_USER_ID,
    MIN_LETTERS_BEFORE_A_WILDCARD,
    Condition,
    Unknown,
    UserId,
    weakness,
)
from least_privilege.pattern import LITERAL_WILDCARDS, Pattern, Wildcard, symbols_of_user_id
from tests.policy.strategies import (
    ANY_JSON,
    ANY_TEXT,
    CONDITIONS,
    LIMITS,
    ODD_USER_IDS,
    USER_IDS,
    USER_OPERATORS,
    Json,
    law,
    recased,
)

YES = True
NO = False

KILOBYTES_32 = 32 * 1024

BLANK = "it is blank"
VARIABLE = "it holds a policy variable"
WILDCARD = "fewer than five characters stand before its first * or ?"
NOT_A_STRING = "it is not a string"


def allowing(**elements: object) -> Statement:
    return Statement.parse({"Effect": "Allow", **elements}, 1)


def texts(statement: Statement) -> tuple[str, ...]:
    return tuple(user_id.text for user_id in statement.user_ids)


# --- user conditions: operator and key -----------------------------------------------------------------------------

OPERATORS = [
    ("StringLike", YES),
    ("StringEquals", YES),
    ("StringEqualsIgnoreCase", YES),
    ("ForAnyValue:StringLike", YES),
    ("ForAnyValue:StringEquals", YES),
    ("ForAnyValue:StringEqualsIgnoreCase", YES),
    ("stringlike", YES),
    ("STRINGEQUALS", YES),
    ("stringEqualsIGNOREcase", YES),
    ("foranyvalue:stringlike", YES),
    ("FORANYVALUE:STRINGEQUALS", YES),
    ("fOrAnYvAlUe:sTrInGeQuAlSiGnOrEcAsE", YES),
    # they hold when the request carries no user id
    ("StringLikeIfExists", NO),
    ("StringEqualsIfExists", NO),
    ("StringEqualsIgnoreCaseIfExists", NO),
    ("ForAnyValue:StringLikeIfExists", NO),
    ("ForAllValues:StringLike", NO),
    ("ForAllValues:StringEquals", NO),
    ("ForAllValues:StringEqualsIgnoreCase", NO),
    # they exclude instead of limiting
    ("StringNotLike", NO),
    ("StringNotEquals", NO),
    ("StringNotEqualsIgnoreCase", NO),
    ("ForAnyValue:StringNotLike", NO),
    ("ForAnyValue:StringNotEquals", NO),
    # others
    ("ArnLike", NO),
    ("ArnEquals", NO),
    ("Null", NO),
    ("Bool", NO),
    ("BinaryEquals", NO),
    ("StringLikes", NO),
    ("String", NO),
    ("", NO),
    (" StringLike", NO),
    ("StringLike ", NO),
    ("ForAnyValue: StringLike", NO),
    ("ForAnyValue:", NO),
    ("ForAnyValue:ForAnyValue:StringLike", NO),
    ("\N{LATIN SMALL LETTER LONG S}tringLike", NO),
    ("StringLi\N{KELVIN SIGN}e", NO),
]


@pytest.mark.parametrize(("operator", "counts"), OPERATORS)
def test_which_operators_limit_users(operator: str, *, counts: bool) -> None:
    statement = allowing(Action="kms:Encrypt", Condition={operator: {"aws:userId": "AROAOTTERABC:alice"}})
    assert statement.limits_users is counts
    assert texts(statement) == (("AROAOTTERABC:alice",) if counts else ())


KEYS = [
    ("aws:userId", YES),
    ("aws:userid", YES),
    ("AWS:USERID", YES),
    ("Aws:uSERiD", YES),
    ("aws:username", NO),
    ("aws:PrincipalArn", NO),
    ("aws:PrincipalAccount", NO),
    ("kms:CallerAccount", NO),
    ("kms:ViaService", NO),
    ("userId", NO),
    ("aws:user", NO),
    ("aws:userId/a", NO),
    ("aws:userId ", NO),
    ("aws:user*", NO),
    ("aw\N{LATIN SMALL LETTER LONG S}:userId", NO),
    ("", NO),
]


@pytest.mark.parametrize(("key", "counts"), KEYS)
def test_which_condition_keys_limit_users(key: str, *, counts: bool) -> None:
    statement = allowing(Action="kms:Encrypt", Condition={"StringLike": {key: ["AROAOTTER*", "AROAHERON*"]}})
    assert statement.limits_users is counts
    assert texts(statement) == (("AROAOTTER*", "AROAHERON*") if counts else ())


# --- user conditions: values ---------------------------------------------------------------------------------------

# Whatever the operator, a value is read as written.
VALUE_OPERATORS = ["StringLike", "StringEquals", "ForAnyValue:StringEqualsIgnoreCase"]

LIMITING_VALUES = [
    "AROAOTTERABC:alice",
    "AROAOTTERABC:*",
    "AROAOTTER*",
    "AROAOTTER?",
    "AROAB*",
    "AROAB?",
    "12345*",
    "111122223333",
    "A",
    "AROA",
    "$",
    "{aws:userid}",
    "$ {aws:userid}",
    "AROAOTTER$*",
    "${*}",
    "${?}",
    "${$}",
    "${$}{aws:userid}",
    "AROA${*}*",
    "${*}${?}${$}AB*",
    "AROAOTTER${*}",
]

LIMITLESS_VALUES: dict[str, list[object]] = {
    WILDCARD: [
        "*",
        "**",
        "?",
        "??*",
        "?????",
        "*:*",
        "*:alice",
        "*AROAOTTERABC",
        "?ROAOTTERABC",
        "A*",
        "AR?AOTTERABC",
        "AROA*",
        "AROA?",
        "AROA*AOTTER",
        "AROA*:alice",
        "AIDA*",
        "    *",
        "${*}*",
        "${*}${?}${$}A*",
        "A${*}?OTTER",
    ],
    VARIABLE: [
        "${aws:userid}",
        "${AWS:userId}",
        "${aws:username}",
        "AROAOTTERABC:${aws:username}",
        "AROAOTTERABC:${aws:PrincipalTag/team, 'otters'}",
        "$${aws:userid}",
        "${*}${aws:userid}",
        "${*",
        "${**}",
        "${ *}",
        "${}",
        "${${*}}",
        # the variable is told rather than the wildcard
        "*${aws:userid}",
        "AROA*${",
    ],
    BLANK: ["", " ", "\t\n", "\N{IDEOGRAPHIC SPACE}", "\N{NO-BREAK SPACE}"],
    NOT_A_STRING: [
        0,
        111122223333,
        1.5,
        True,
        False,
        None,
        [],
        ["AROAOTTER*"],
        {},
        {"AROAOTTER*": "AROAOTTER*"},
    ],
}
WEAK_VALUES = [value for values in LIMITLESS_VALUES.values() for value in values]


@pytest.mark.parametrize("value", LIMITING_VALUES)
@pytest.mark.parametrize("operator", VALUE_OPERATORS)
def test_values_that_name_somebody(operator: str, value: str) -> None:
    condition = {operator: {"aws:userId": value}}
    assert weakness(value) is None
    assert texts(allowing(Action="kms:Encrypt", Condition=condition)) == (value,)


@pytest.mark.parametrize(
    ("value", "reason"), [(value, reason) for reason, values in LIMITLESS_VALUES.items() for value in values], ids=repr
)
def test_values_that_limit_nobody_and_why(value: object, reason: str) -> None:
    assert weakness(value) == reason


@pytest.mark.parametrize("value", WEAK_VALUES, ids=repr)
@pytest.mark.parametrize("operator", VALUE_OPERATORS)
def test_one_bad_alternative_spoils_a_condition(operator: str, value: object) -> None:
    lists = [[value], ["AROAOTTER*", value], [value, "AROAOTTER*"], ["AROAOTTER*", value, "AROAHERON*"]]
    statements = [allowing(Action="kms:Encrypt", Condition={operator: {"aws:userId": values}}) for values in lists]
    assert [(statement.limits_users, texts(statement)) for statement in statements] == [(False, ())] * 4


UNLISTED_VALUES = ["*", "AROA*", "${aws:userid}", "", 5, None, True, {}, []]


@pytest.mark.parametrize("value", UNLISTED_VALUES, ids=repr)
def test_a_value_outside_a_list_is_judged_alike(value: object) -> None:
    statement = allowing(Action="kms:Encrypt", Condition={"StringLike": {"aws:userId": value}})
    assert not statement.limits_users


HOSTILE_VALUES = [
    pytest.param("AROAB" + "*a" * (KILOBYTES_32 // 2), None, id="stars and letters after five characters"),
    pytest.param("${*}" * (KILOBYTES_32 // 4), None, id="plain stars"),
    pytest.param("*" * KILOBYTES_32, WILDCARD, id="stars"),
    pytest.param("${" * (KILOBYTES_32 // 2) + "}", VARIABLE, id="openings of variables"),
    pytest.param(" " * KILOBYTES_32, BLANK, id="spaces"),
]


@pytest.mark.parametrize(("value", "expected"), HOSTILE_VALUES)
def test_why_32_kilobytes_limit_nobody(value: str, expected: str | None) -> None:
    assert weakness(value) == expected


# --- user conditions: several --------------------------------------------------------------------------------------

OTTERS = "AROAOTTER*"
HERONS = "AROAHERON*"

SEVERAL_CONDITIONS = [
    pytest.param({}, (), id="none"),
    pytest.param({"StringLike": {}}, (), id="an operator without a key"),
    pytest.param({"StringLike": {"aws:userId": []}}, (), id="an empty list"),
    pytest.param({"StringLike": {"aws:userId": [OTTERS, HERONS]}}, (OTTERS, HERONS), id="a list"),
    pytest.param(
        {"StringLike": {"aws:userId": OTTERS}, "StringEquals": {"aws:userId": ["A", "B"]}},
        (OTTERS, "A", "B"),
        id="two operators",
    ),
    pytest.param(
        {"StringLike": {"aws:userId": OTTERS}, "StringEquals": {"AWS:userid": HERONS}},
        (OTTERS, HERONS),
        id="two spellings of the key",
    ),
    pytest.param(
        {"StringLike": {"aws:userId": OTTERS}, "foranyvalue:stringlike": {"aws:userId": HERONS}},
        (OTTERS, HERONS),
        id="an operator with and without a quantifier",
    ),
    pytest.param(
        {"StringLike": {"aws:userId": "*"}, "StringEquals": {"aws:userId": "A"}}, ("A",), id="one that does not count"
    ),
    pytest.param(
        {"StringLike": {"aws:userId": [HERONS, "*"]}, "StringEquals": {"aws:userId": "A"}},
        ("A",),
        id="one that a value spoils",
    ),
    pytest.param(
        {"StringLike": {"aws:userId": OTTERS}, "StringLikeIfExists": {"aws:userId": HERONS}},
        (OTTERS,),
        id="one with an operator that does not count",
    ),
    pytest.param(
        {"StringLike": {"aws:userId": "*"}, "StringEquals": {"aws:userId": ""}}, (), id="two that do not count"
    ),
    pytest.param(
        {"Bool": {"aws:SecureTransport": "true"}, "StringLike": {"kms:ViaService": "*", "aws:userId": OTTERS}},
        (OTTERS,),
        id="beside others",
    ),
]


@pytest.mark.parametrize(("condition", "expected"), SEVERAL_CONDITIONS)
def test_conditions_that_count_contribute_together(condition: Json, expected: tuple[str, ...]) -> None:
    statement = allowing(Action="kms:Encrypt", Condition=condition)
    assert texts(statement) == expected
    assert statement.limits_users is bool(expected)


CONDITIONS_OF = [
    # operator, key, values; whether it is on the user id, limits users by its operator, and is effective
    ("StringLike", "aws:userId", ["AROAOTTER*"], YES, YES, YES),
    ("ForAnyValue:StringEquals", "AWS:USERID", "A", YES, YES, YES),
    ("StringLike", "aws:userId", [], YES, YES, NO),
    ("StringLike", "aws:userId", ["AROAOTTER*", "*"], YES, YES, NO),
    ("StringNotLike", "aws:userId", ["AROAOTTER*"], YES, NO, NO),
    ("StringLikeIfExists", "aws:userid", "AROAOTTER*", YES, NO, NO),
    ("StringLike", "aws:username", ["AROAOTTER*"], NO, NO, NO),
    ("Bool", "aws:SecureTransport", True, NO, NO, NO),
]


@pytest.mark.parametrize(("operator", "key", "values", "on_user_id", "limits", "effective"), CONDITIONS_OF)
def test_a_condition_says_what_it_is(
    operator: str, key: str, values: object, on_user_id: object, limits: object, effective: object
) -> None:
    condition = Condition.of(operator, key, values)
    listed = tuple(values) if isinstance(values, list) else (values,)
    assert (condition.operator, condition.key, condition.values) == (operator, key, listed)
    found = (condition.is_on_user_id, condition.limits_users, condition.is_effective)
    assert found == (on_user_id, limits, effective)
    assert tuple(user_id.text for user_id in condition.user_ids) == (listed if effective else ())


def test_each_weak_value_is_told_with_its_reason() -> None:
    condition = Condition.of("StringLike", "aws:userId", ["AROAOTTER*", "*", 5, "AROAHERON*", "", Unknown("<Role>*")])
    assert condition.weak_values == (("*", WILDCARD), (5, NOT_A_STRING), ("", BLANK))
    assert Condition.of("StringLike", "aws:userId", ["AROAOTTER*"]).weak_values == ()


def test_all_conditions_of_a_statement_are_kept_in_its_order() -> None:
    condition = {"Bool": {"b": "true", "a": []}, "StringLike": {"aws:userId": OTTERS}}
    found = allowing(Action="kms:Encrypt", Condition=condition).conditions
    assert found == (
        Condition.of("Bool", "b", "true"),
        Condition.of("Bool", "a", []),
        Condition.of("StringLike", "aws:userId", OTTERS),
    )


# --- values that are known only at deployment ----------------------------------------------------------------------

# Its known characters alone decide; what is unknown stands in angle brackets.
UNKNOWN_VALUES = [
    ("<Administrator>", None),
    ("<Ref>", None),
    ("<Ref>*", None),
    ("AROAOTTER:<Name>", None),
    ("AROAO*<Name>", None),
    ("A<Name>*", None),
    ("*<Name>", WILDCARD),
    ("AROA*<Name>", WILDCARD),
    ("<a>?", WILDCARD),
    ("<Name>${aws:userid}", VARIABLE),
    ("${*}${?}<Name>", None),
    ("", BLANK),
]


@pytest.mark.parametrize(("text", "expected"), UNKNOWN_VALUES)
def test_the_known_characters_of_an_unknown_value_decide_its_weakness(text: str, expected: str | None) -> None:
    assert weakness(Unknown(text)) == expected
    statement = allowing(Action="kms:Put*", Condition={"StringLike": {"aws:userId": [Unknown(text), "AROAOTTER*"]}})
    assert statement.limits_users is (expected is None)
    assert texts(statement) == ((text, "AROAOTTER*") if expected is None else ())


@pytest.mark.parametrize(("text", "expected"), UNKNOWN_VALUES)
def test_an_unknown_value_that_may_be_anything_limits_nobody(text: str, expected: str | None) -> None:
    unknown = Unknown(text, may_be_anything=True)
    assert weakness(unknown) == (expected or "it is known only at deployment")
    statement = allowing(Action="kms:Put*", Condition={"StringLike": {"aws:userId": [unknown, "AROAOTTER*"]}})
    assert statement.limits_users is False


def administered_by(*user_ids: object) -> KeyPolicy:
    condition = {"StringLike": {"aws:userId": list(user_ids)}}
    return KeyPolicy.parse({"Statement": {"Effect": "Allow", "Action": "kms:Put*", "Condition": condition}})


EVERY_USER_ID = ["*", "**", "?*", "*?", "?????*", "*?????", "?*?*?*?*?*"]
NOT_EVERY_USER_ID = ["??????*", "?????", "A*", "*A", "*:*", "AROAOTTER:<Name>", "AROAOTTER:*", "<*", "", "${*}"]


@pytest.mark.parametrize("allowed", EVERY_USER_ID)
def test_an_unknown_user_id_is_listed_where_a_pattern_covers_everything(allowed: str) -> None:
    policy = administered_by(Unknown("AROAOTTER:<Name>"))
    assert policy.unlisted_administrators([Pattern.of(allowed)]) == ()


@pytest.mark.parametrize("allowed", NOT_EVERY_USER_ID)
def test_an_unknown_user_id_is_no_listed_administrator(allowed: str) -> None:
    policy = administered_by("AROAOTTER:alice", Unknown("AROAOTTER:<Name>"))
    patterns = [Pattern.of("AROAOTTER:alice"), Pattern.of(allowed)]
    assert policy.unlisted_administrators(patterns) == ("AROAOTTER:<Name>",)


ALIKE = "AROAOTTER:<Name>"


@pytest.mark.parametrize("user_ids", [(ALIKE, Unknown(ALIKE)), (Unknown(ALIKE), ALIKE)], ids=["first", "last"])
def test_an_unknown_user_id_is_not_listed_because_a_known_one_has_its_text(user_ids: tuple[object, ...]) -> None:
    apart = [{**STATEMENT, "Condition": {"StringLike": {"aws:userId": user_id}}} for user_id in user_ids]
    for policy in (administered_by(*user_ids), KeyPolicy.parse({"Statement": apart})):
        assert policy.unlisted_administrators([Pattern.of("AROAOTTER*")]) == (ALIKE,)


COVERING = [
    ("AROAOTTER:*", ["AROAOTTER*"], "AROAOTTER*"),
    ("AROAOTTER:*", ["AIDASEAL", "AROAOTTER:*", "*"], "AROAOTTER:*"),
    ("AROAOTTER:*", ["*", "AROAOTTER:*"], "*"),
    ("AROAOTTER*", ["AROAOTTER:*", "AROAOTTER?"], None),
    ("AROAOTTER*", [], None),
]


@pytest.mark.parametrize(("wanted", "patterns", "expected"), COVERING)
def test_the_first_pattern_that_covers_another_is_found(wanted: str, patterns: list[str], expected: str | None) -> None:
    found = covering(Pattern.of(wanted), map(Pattern.of, patterns))
    assert (found.text if found else None) == expected


# --- laws ----------------------------------------------------------------------------------------------------------

STATEMENT: Json = {"Effect": "Allow", "Action": "kms:Put*"}


def plain_weakness(value: object) -> str | None:
    """The oracle: the specification's three clauses, one after the other, character by character."""
    if isinstance(value, Unknown):
        return plain_weakness(value.text)
    if not isinstance(value, str):
        return NOT_A_STRING
    if all(character.isspace() for character in value):
        return BLANK
    if holds_a_variable(value):
        return VARIABLE
    for characters, symbol in enumerate(symbols_of_user_id(value)):
        if isinstance(symbol, Wildcard):
            return WILDCARD if characters < 5 else None
    return None


def holds_a_variable(text: str) -> bool:
    place = 0
    while place < len(text):
        if text[place : place + 4] in LITERAL_WILDCARDS:
            place += 4
        elif text.startswith("${", place):
            return True
        else:
            place += 1
    return False


LONGEST_LISTED = 6


def test_in_a_small_world_every_value_has_the_weakness_that_the_specification_says() -> None:
    """Every short text of a letter, a space and all special characters has the weakness of a plain reading."""
    words = ("".join(word) for length in range(LONGEST_LISTED + 1) for word in product("A *?${}", repeat=length))
    assert [word for word in words if weakness(word) != plain_weakness(word)] == []


PIECES = (
    "${*}",
    "${?}",
    "${$}",
    "${",
    "}",
    "$",
    "{",
    "*",
    "?",
    "A",
    "AROA",
    "aws:userid",
    " ",
    "\n",
    "\u3000",
    "\ud800",
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join), USER_IDS, ANY_TEXT, ODD_USER_IDS, ANY_JSON
)


@law(400)
@given(VALUES)
@example("AROA${*}*")
@example("ARO${*}*")
@example("${$}{*}")
@example("$${*}*")
@example("\x1c")
@example("\u200b")
def test_a_value_has_the_weakness_that_the_specification_says(value: object) -> None:
    """A value limits nobody exactly if it is not a string, blank, has a variable, or a wildcard too early."""
    assert weakness(value) == plain_weakness(value)


@law(150)
@given(VALUES.filter(lambda value: isinstance(value, str)))
def test_an_unknown_value_is_as_weak_as_its_known_characters(text: str) -> None:
    """What is unknown of a value neither excuses nor condemns it."""
    assert weakness(Unknown(text)) == weakness(text)


@law(150)
@given(VALUES.filter(lambda value: isinstance(value, str)))
@example("AROA")
@example("AROAB*")
def test_every_value_that_limits_somebody_is_among_what_an_unknown_one_may_be(text: str) -> None:
    """What an unknown user id may turn out to be covers each known one that limits, but for a few plain letters."""
    pattern = Pattern.of_user_id(text)
    short = len(pattern.symbols) < MIN_LETTERS_BEFORE_A_WILDCARD
    assert weakness(text) is not None or short or ANY_USER_ID.covers(pattern)


def test_in_a_small_world_just_the_patterns_of_everything_list_an_unknown_user_id() -> None:
    """A pattern covers what is unknown exactly if it has a `*`, at most five `?`, and nothing else."""
    unknown = UserId.of(Unknown("AROAOTTER:<Name>")).pattern
    words = ["".join(word) for length in range(LONGEST_LISTED + 2) for word in product("A*?", repeat=length)]
    expected = [word for word in words if "A" not in word and "*" in word and word.count("?") <= 5]
    assert [word for word in words if Pattern.of(word).covers(unknown)] == expected


def plainly_effective(operator: str, key: str, values: object) -> bool:
    """Ask the specification's question of one condition as JSON has it."""
    listed = values if isinstance(values, list) else [values]
    return (
        operator.lower() in {known.lower() for known in USER_OPERATORS}
        and key.lower() == "aws:userid"
        and len(listed) > 0
        and all(plain_weakness(value) is None for value in listed)
    )


@law(200)
@given(CONDITIONS | LIMITS)
@example({"StringLike": {"aws:userId": []}, "StringEquals": {"AWS:userId": "AROAOTTER*"}})
def test_a_condition_is_effective_exactly_as_the_specification_says(condition: dict[str, dict[str, Any]]) -> None:
    """A condition counts exactly if operator and key are of the list, and it has values, none of them weak."""
    listed = [(operator, key, values) for operator, keys in condition.items() for key, values in keys.items()]
    statement = allowing(Action="kms:Put*", Condition=condition)
    expected = [plainly_effective(*one) for one in listed]
    assert [found.is_effective for found in statement.conditions] == expected
    assert statement.limits_users is any(expected)
    values = [value for (*_, value), effective in zip(listed, expected, strict=True) if effective]
    named = [value for listed in values for value in (listed if isinstance(listed, list) else [listed])]
    assert list(texts(statement)) == named


@law(60)
@given(st.sampled_from(USER_OPERATORS).flatmap(recased), st.just("aws:userid").flatmap(recased), USER_IDS)
def test_the_case_of_operator_and_key_never_matters(operator: str, key: str, user_id: str) -> None:
    """A user condition is one however its operator and key are written, and keeps them as they are written."""
    condition = Condition.of(operator, key, user_id)
    assert (condition.operator, condition.key, condition.limits_users) == (operator, key, True)
