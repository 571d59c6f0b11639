"""A policy that is not one, or that can be read in two ways, is malformed: each kind, with what just misses it.

Readers of JSON disagree which of two names holds, and people do not see which of two elements does. So such a policy is
never judged by one of its readings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge
from tests.policy.strategies import Json, law, policy_text

MALFORMED = "malformed-policy-not-compliant"
BY_POLICY = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*"})
BY_USER = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*", "SeparateDutiesBy": "User"})
BOTH = [pytest.param(BY_POLICY, id="Policy"), pytest.param(BY_USER, id="User")]

# A statement that lets one user decrypt; alone it is compliant.
STATEMENT: Json = {
    "Sid": "Use",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringLike": {"aws:userId": "AROABADGER:*"}},
}


def scenario(policy: str, parameters: RuleParameters) -> str:
    return judge(Facts(policy=policy), parameters).scenario.name


def problem(policy: str, parameters: RuleParameters = BY_POLICY) -> str:
    """Return what the annotation says is wrong, without the sentence before it and the brackets around it."""
    verdict = judge(Facts(policy=policy), parameters)
    annotation = annotate(verdict, "alias/testkey")
    assert verdict.scenario.name == MALFORMED
    assert len(annotation) <= 256
    sentence, _, rest = annotation.partition(" [")
    assert sentence == "Key Policy for alias/testkey is malformed, correct it"
    return rest.removesuffix("]")


def without(*elements: str) -> Json:
    return {name: value for name, value in STATEMENT.items() if name not in elements}


def written(content: Mapping[str, Any], *repeated: str) -> str:
    """Write a statement as JSON, with members such as `"Sid": 1` after its own, even of a name that it has."""
    return "{" + ", ".join([json.dumps(dict(content))[1:-1], *repeated]) + "}"


def policy_of(statement: str) -> str:
    return '{"Version": "2012-10-17", "Statement": [' + statement + "]}"


# --- what is malformed, and what the annotation says ---------------------------------------------------------------

NO_JSON = [
    "",
    " ",
    "{",
    "kms:*",
    '{"Statement": [],}',
    '{"Statement": []} x',
    "{'Statement': []}",
    '\ufeff{"Statement": []}',
]


@pytest.mark.parametrize("policy", NO_JSON)
def test_a_document_that_is_not_json_is_malformed(policy: str) -> None:
    said = problem(policy)
    assert said == problem(policy, BY_USER)
    assert said.startswith("it is not JSON (")
    assert said.endswith(")")


WRONG_DOCUMENTS = [
    ('{"Statement": NaN}', "it is not JSON (NaN is no JSON value)"),
    ('{"Statement": [], "Id": Infinity}', "it is not JSON (Infinity is no JSON value)"),
    ('{"Statement": [], "Id": -Infinity}', "it is not JSON (-Infinity is no JSON value)"),
    ("null", "it is no JSON object"),
    ("[]", "it is no JSON object"),
    ('"kms:*"', "it is no JSON object"),
    ("{}", "it has no Statement"),
    ('{"statement": []}', "it has no Statement"),
    ('{"Statement": null}', "statement 1 is no JSON object"),
    ('{"Statement": "kms:Decrypt"}', "statement 1 is no JSON object"),
    ('{"Statement": [[]]}', "statement 1 is no JSON object"),
    ('{"Statement": [5]}', "statement 1 is no JSON object"),
]


@pytest.mark.parametrize(("policy", "expected"), WRONG_DOCUMENTS)
def test_a_document_that_is_no_policy_is_malformed(policy: str, expected: str) -> None:
    assert problem(policy) == problem(policy, BY_USER) == expected


NEITHER_NOR = "statement 1 has neither Action nor NotAction"
NO_OBJECTS = "the Condition of statement 1 is not an object of objects"
WRONG_STATEMENTS = [
    # elements that IAM does not have, in exactly these letters
    ({**STATEMENT, "action": "kms:*"}, 'statement 1 has the element "action", which IAM does not have'),
    ({**STATEMENT, "ACTION": "kms:*"}, 'statement 1 has the element "ACTION", which IAM does not have'),
    ({**STATEMENT, "Actions": "kms:*"}, 'statement 1 has the element "Actions", which IAM does not have'),
    ({**STATEMENT, "Action ": "kms:*"}, 'statement 1 has the element "Action ", which IAM does not have'),
    ({**STATEMENT, "condition": {}}, 'statement 1 has the element "condition", which IAM does not have'),
    ({**STATEMENT, "SID": "Use"}, 'statement 1 has the element "SID", which IAM does not have'),
    ({**STATEMENT, "Id": "Use"}, 'statement 1 has the element "Id", which IAM does not have'),
    ({**STATEMENT, "Version": "2012-10-17"}, 'statement 1 has the element "Version", which IAM does not have'),
    ({**STATEMENT, "Notresource": "*"}, 'statement 1 has the element "Notresource", which IAM does not have'),
    ({**STATEMENT, "": ""}, 'statement 1 has the element "", which IAM does not have'),
    ({**STATEMENT, "\u0410ction": ""}, 'statement 1 has the element "\\u0410ction", which IAM does not have'),
    # both of two, even with the same value
    ({**STATEMENT, "NotPrincipal": {"AWS": "*"}}, "statement 1 has both Principal and NotPrincipal"),
    ({**STATEMENT, "NotPrincipal": None}, "statement 1 has both Principal and NotPrincipal"),
    ({**STATEMENT, "NotResource": "*"}, "statement 1 has both Resource and NotResource"),
    ({**STATEMENT, "NotResource": []}, "statement 1 has both Resource and NotResource"),
    ({**STATEMENT, "NotAction": "kms:*"}, "statement 1 has both Action and NotAction"),
    ({**STATEMENT, "NotAction": []}, "statement 1 has both Action and NotAction"),
    # neither of two
    (without("Action"), NEITHER_NOR),
    ({"Effect": "Deny"}, NEITHER_NOR),
    # the effect
    (without("Effect"), "statement 1 has no Effect, write Allow or Deny"),
    ({**STATEMENT, "Effect": "allow"}, 'statement 1 has the Effect "allow", write Allow or Deny'),
    ({**STATEMENT, "Effect": "DENY"}, 'statement 1 has the Effect "DENY", write Allow or Deny'),
    ({**STATEMENT, "Effect": "Allow "}, 'statement 1 has the Effect "Allow ", write Allow or Deny'),
    ({**STATEMENT, "Effect": ""}, 'statement 1 has the Effect "", write Allow or Deny'),
    ({**STATEMENT, "Effect": None}, "statement 1 has the Effect null, write Allow or Deny"),
    ({**STATEMENT, "Effect": True}, "statement 1 has the Effect true, write Allow or Deny"),
    ({**STATEMENT, "Effect": ["Allow"]}, 'statement 1 has the Effect ["Allow"], write Allow or Deny'),
    ({**STATEMENT, "Effect": {}}, "statement 1 has the Effect {}, write Allow or Deny"),
    # the type of the entries
    ({**STATEMENT, "Action": None}, "the Action of statement 1 is neither a string nor a list of strings"),
    ({**STATEMENT, "Action": {}}, "the Action of statement 1 is neither a string nor a list of strings"),
    ({**STATEMENT, "Action": 1}, "the Action of statement 1 is neither a string nor a list of strings"),
    (
        {**STATEMENT, "Action": ["kms:Decrypt", 1]},
        "the Action of statement 1 is neither a string nor a list of strings",
    ),
    ({**STATEMENT, "Action": [["kms:Decrypt"]]}, "the Action of statement 1 is neither a string nor a list of strings"),
    (
        {**without("Action"), "NotAction": [None]},
        "the NotAction of statement 1 is neither a string nor a list of strings",
    ),
    # white space, and characters beyond ASCII, in an entry
    (
        {**STATEMENT, "Action": "kms:Decrypt "},
        'the Action of statement 1 has white space or non-ASCII characters in "kms:Decrypt "',
    ),
    (
        {**STATEMENT, "Action": " kms:Decrypt"},
        'the Action of statement 1 has white space or non-ASCII characters in " kms:Decrypt"',
    ),
    (
        {**STATEMENT, "Action": ["kms:Sign", "kms:*\n"]},
        'the Action of statement 1 has white space or non-ASCII characters in "kms:*\\n"',
    ),
    (
        {**STATEMENT, "Action": "kms:De\tcrypt"},
        'the Action of statement 1 has white space or non-ASCII characters in "kms:De\\tcrypt"',
    ),
    (
        {**STATEMENT, "Action": " "},
        'the Action of statement 1 has white space or non-ASCII characters in " "',
    ),
    (
        {**STATEMENT, "Action": "\N{KELVIN SIGN}ms:*"},
        'the Action of statement 1 has white space or non-ASCII characters in "\\u212ams:*"',
    ),
    (
        {**STATEMENT, "Action": "kms:*\u200b"},
        'the Action of statement 1 has white space or non-ASCII characters in "kms:*\\u200b"',
    ),
    (
        {**without("Action"), "NotAction": ["kms:Put*", "kms:D\u00e9crypt"]},
        'the NotAction of statement 1 has white space or non-ASCII characters in "kms:D\\u00e9crypt"',
    ),
    (
        {**STATEMENT, "Action": "s3:Get\u00a0Object"},
        'the Action of statement 1 has white space or non-ASCII characters in "s3:Get\\u00a0Object"',
    ),
    # the form of the condition
    ({**STATEMENT, "Condition": None}, NO_OBJECTS),
    ({**STATEMENT, "Condition": []}, NO_OBJECTS),
    ({**STATEMENT, "Condition": "aws:userId"}, NO_OBJECTS),
    ({**STATEMENT, "Condition": {"StringLike": []}}, NO_OBJECTS),
    ({**STATEMENT, "Condition": {"StringLike": None}}, NO_OBJECTS),
    ({**STATEMENT, "Condition": {"StringLike": {}, "Bool": "true"}}, NO_OBJECTS),
    # names in a condition that are the same but for upper and lower case
    (
        {**STATEMENT, "Condition": {"StringLike": {}, "stringlike": {}}},
        'the Condition of statement 1 has both "StringLike" and "stringlike", keep one',
    ),
    (
        {**STATEMENT, "Condition": {"StringLike": {"aws:userId": "AROAOTTER1", "aws:UserId": "AROAOTTER1"}}},
        'the Condition of statement 1 has both "aws:userId" and "aws:UserId", keep one',
    ),
    (
        {**STATEMENT, "Condition": {"Bool": {}, "StringLike": {"a": 1, "aws:userid": 1, "b": 1, "AWS:USERID": 1}}},
        'the Condition of statement 1 has both "aws:userid" and "AWS:USERID", keep one',
    ),
    (
        {**STATEMENT, "Condition": {"Null": {"x": {"deep": 1, "Deep": 2}}}},
        'the Condition of statement 1 has both "deep" and "Deep", keep one',
    ),
    (
        {**STATEMENT, "Condition": {"Null": {"x": [1, [{"deep": 1, "Deep": 2}]]}}},
        'the Condition of statement 1 has both "deep" and "Deep", keep one',
    ),
]


@pytest.mark.parametrize(("statement", "expected"), WRONG_STATEMENTS)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_statement_is_malformed_and_the_annotation_says_why(statement: Json, expected: str, effect: str) -> None:
    changed = {**statement, "Effect": effect} if statement.get("Effect") == "Allow" else statement
    assert problem(policy_text([changed])) == problem(policy_text([changed]), BY_USER) == expected


@pytest.mark.parametrize(("statement", "expected"), WRONG_STATEMENTS)
def test_the_annotation_names_the_statement_by_its_number(statement: Json, expected: str) -> None:
    """It is found wherever it stands, and no compliant statement beside it helps."""
    policy = policy_text([STATEMENT, STATEMENT, statement])
    assert problem(policy) == problem(policy, BY_USER) == expected.replace("statement 1 ", "statement 3 ")


SAME_NAMES = [
    pytest.param(policy_of(written(STATEMENT, '"Action": "kms:*"')), "Action", id="Action"),
    pytest.param(policy_of(written(STATEMENT, '"Action": "kms:Decrypt"')), "Action", id="the same Action"),
    pytest.param(policy_of(written(STATEMENT, '"Effect": "Deny"')), "Effect", id="Effect"),
    pytest.param(policy_of(written(STATEMENT, '"Sid": "Use"')), "Sid", id="Sid"),
    pytest.param(policy_of(written(STATEMENT, '"\\u0041ction": "kms:*"')), "Action", id="a name with an escape"),
    pytest.param(policy_of(written(STATEMENT, '"Condition": {}')), "Condition", id="Condition"),
    pytest.param(
        policy_of(written(without("Condition"), '"Condition": {"StringLike": {}, "StringLike": {}}')),
        "StringLike",
        id="an operator",
    ),
    pytest.param(
        policy_of(written(without("Condition"), '"Condition": {"StringLike": {"aws:userId": 1, "aws:userId": 1}}')),
        "aws:userId",
        id="a condition key",
    ),
    pytest.param(
        policy_of(written(without("Principal"), '"Principal": {"AWS": "*", "AWS": "*"}')), "AWS", id="in Principal"
    ),
    pytest.param(
        policy_of(written(without("Sid"), '"Sid": [[{"a": 1, "a": 1}]]')), "a", id="deep in what nobody reads"
    ),
    pytest.param('{"Statement": [], "Statement": []}', "Statement", id="Statement"),
    pytest.param('{"Version": 1, "Version": 1, "Statement": []}', "Version", id="Version"),
    pytest.param('{"Statement": [], "Id": {"x": 1, "y": 2, "x": 3}}', "x", id="in what nobody reads"),
    pytest.param('{"Statement": [], "": 1, "": 1}', "", id="an empty name"),
]


@pytest.mark.parametrize(("policy", "name"), SAME_NAMES)
def test_two_names_that_are_the_same_make_a_policy_malformed(policy: str, name: str) -> None:
    assert problem(policy) == problem(policy, BY_USER) == f'it has "{name}" twice in one object'


# --- what just misses it -------------------------------------------------------------------------------------------

USED = "separation-of-duty-compliant"
NOTHING = "no-scenario-not-compliant"
FINE_STATEMENTS = [
    pytest.param(STATEMENT, USED, id="each element once"),
    pytest.param(without("Sid", "Principal", "Resource"), USED, id="elements left out"),
    pytest.param(
        {**without("Principal", "Resource"), "NotPrincipal": {"AWS": "*"}, "NotResource": "*"}, USED, id="the Nots"
    ),
    pytest.param({**STATEMENT, "Sid": None, "Principal": 5, "Resource": {}}, USED, id="odd values of what is not read"),
    pytest.param({**STATEMENT, "Sid": {"a": 1, "A": 2}}, USED, id="names alike outside of Condition"),
    pytest.param({**STATEMENT, "Principal": {"Service": "x", "service": "y"}}, USED, id="names alike in Principal"),
    pytest.param({**STATEMENT, "Action": []}, NOTHING, id="no entry"),
    pytest.param({**STATEMENT, "Action": [""]}, NOTHING, id="an empty entry"),
    pytest.param({**STATEMENT, "Action": ["kms:Decrypt", "kms:Decrypt"]}, USED, id="an entry twice"),
    pytest.param({**STATEMENT, "Action": ["kms:Decrypt", "KMS:DECRYPT"]}, USED, id="entries alike"),
    pytest.param({**STATEMENT, "Action": ["kms:Decrypt", "s3:[x]~\x7f"]}, USED, id="odd ASCII in an entry"),
    pytest.param({**without("Condition"), "Action": "kms:GetKeyPolicy"}, NOTHING, id="no Condition"),
    pytest.param({**without("Condition"), "Action": "kms:GetKeyPolicy", "Condition": {}}, NOTHING, id="an empty one"),
    pytest.param(
        {**STATEMENT, "Condition": {**STATEMENT["Condition"], "Bool": {}}}, USED, id="an operator without keys"
    ),
    pytest.param(
        {**STATEMENT, "Condition": {"StringLike": {"aws:userId": "AROABADGER:*"}, "stringequals": {}}},
        USED,
        id="other operators",
    ),
    pytest.param(
        {
            **STATEMENT,
            "Condition": {"StringLike": {"aws:userId": "AROABADGER:*"}, "StringEquals": {"AWS:USERID": "AROABADGER:b"}},
        },
        USED,
        id="keys alike under two operators",
    ),
    pytest.param(
        {**STATEMENT, "Condition": {"StringLike": {"aws:userId": ["AROABADGER:*", "AROABADGER:*", "arOABADGER:*"]}}},
        USED,
        id="values alike",
    ),
    pytest.param(
        {
            **STATEMENT,
            "Condition": {
                "StringLike": {"aws:userId": "AROABADGER:*", "k": 1, "\N{KELVIN SIGN}": 1, "\u017f": 1, "s": 1}
            },
        },
        USED,
        id="keys alike beyond ASCII",
    ),
    pytest.param(
        {**STATEMENT, "Condition": {"StringLike": {"aws:userId": "AROABADGER:*", "aws:userid ": 1, " aws:userid": 1}}},
        USED,
        id="keys that differ in white space",
    ),
]


@pytest.mark.parametrize(("statement", "expected"), FINE_STATEMENTS)
@pytest.mark.parametrize("parameters", BOTH)
def test_a_statement_that_can_be_read_in_one_way_is_judged(
    statement: Json, expected: str, parameters: RuleParameters
) -> None:
    assert scenario(policy_text([statement]), parameters) == expected
    assert scenario(policy_text(statement), parameters) == expected


FINE_DOCUMENTS = [
    ('{"Statement": []}', NOTHING),
    ('  {"Statement": []}\r\n', NOTHING),
    ('{"Statement": [], "statement": 5, "STATEMENT": {"a": 1, "A": 2}, "Foo": "NaN"}', NOTHING),
    ('{"Statement": [], "Condition": {"a": 1, "A": 2}}', NOTHING),
    ('{"Statement": [], "Id": {"x": {"x": {"x": 1}}}, "Version": [{"x": 1}, {"x": 1}]}', NOTHING),
    ('{"Statement": [], "Id": 1e999}', NOTHING),
    (policy_of(written(STATEMENT) + ", " + written(STATEMENT)), USED),
]


@pytest.mark.parametrize(("policy", "expected"), FINE_DOCUMENTS)
@pytest.mark.parametrize("parameters", BOTH)
def test_a_document_that_can_be_read_in_one_way_is_judged(
    policy: str, expected: str, parameters: RuleParameters
) -> None:
    assert scenario(policy, parameters) == expected


# --- whatever the names --------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["Action", "kms:*", "x" * 300, "\n", "[", '"', "\ud800", "\N{OTTER}" * 90, ""]) | st.text(
    max_size=9
)
ODD_NAMES = NAMES.filter(
    lambda name: name not in STATEMENT and name not in ("NotPrincipal", "NotAction", "NotResource")
)


@law(60)
@given(ODD_NAMES, st.integers(0, 120))
def test_the_annotation_of_an_odd_element_names_the_statement_and_fits(name: str, before: int) -> None:
    """However long or odd the name of an element, the annotation says which statement has it, in printable ASCII."""
    policy = policy_text([*[STATEMENT] * before, {**STATEMENT, name: 1}])
    said = problem(policy)
    assert said.startswith(f'statement {before + 1} has the element "')
    assert said.endswith(", which IAM does not have")
    assert said.isascii()
    assert said.isprintable()


@law(60)
@given(st.sampled_from(["a", "ab" * 200, "\ne", '"x', "\N{OTTER}x" * 60]) | st.text("abC\n\N{OTTER}", min_size=1))
def test_the_annotation_of_names_alike_says_what_to_correct_and_fits(name: str) -> None:
    """However long or odd the two names, the annotation says which statement has them and to keep one of them."""
    pair = {name + "x": 1, name + "X": 1}
    said = problem(policy_text([STATEMENT, {**STATEMENT, "Condition": {"StringLike": pair}}]))
    assert said.startswith('the Condition of statement 2 has both "')
    assert said.endswith(", keep one")
    assert said.isascii()
    assert said.isprintable()
