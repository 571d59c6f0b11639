from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given as drawn

from least_privilege.parameters import PARAMETERS, RuleParameters
from least_privilege.pattern import Pattern
from least_privilege.text import RuleError
from tests.policy import strategies

NEEDED = {"Admin_User_Id": "AROAOTTER*"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ()),
        ({"CMK_Whitelist": ""}, ()),
        ({"CMK_Whitelist": " , ,"}, ()),
        ({"CMK_Whitelist": "alias/"}, ()),
        ({"CMK_Whitelist": "Otter*"}, ("Otter*",)),
        ({"CMK_Whitelist": " alias/Otter* ,, Beaver-? "}, ("Otter*", "Beaver-?")),
        ({"CMK_Whitelist": "Otter*,Beaver-?,alias/Otter*"}, ("Otter*", "Beaver-?")),
    ],
)
def test_whitelist_is_read_as_patterns_without_their_prefix(given: dict[str, str], expected: tuple[str, ...]) -> None:
    assert RuleParameters.parse({**NEEDED, **given}).whitelist == tuple(map(Pattern.of, expected))


@pytest.mark.parametrize(
    ("whitelist", "aliases", "expected"),
    [
        ("Otter*", ["alias/Otter-EBS"], ("alias/Otter-EBS", "Otter*")),
        ("Otter*", ["alias/otter-EBS"], None),
        ("Otter*", ["alias/SecurityOtterCMK"], None),
        ("Beaver,Otter*", ["alias/a", "alias/Otter"], ("alias/Otter", "Otter*")),
        ("Otter?", ["alias/Otter"], None),
        ("Otter?", ["alias/Otters"], ("alias/Otters", "Otter?")),
        ("alias/Otter", ["alias/Otter"], ("alias/Otter", "Otter")),
        ("team/*", ["alias/team/a"], ("alias/team/a", "team/*")),
        ("*", [], None),
        ("", ["alias/Otter"], None),
    ],
)
def test_an_alias_is_whitelisted(whitelist: str, aliases: list[str], expected: tuple[str, str] | None) -> None:
    parameters = RuleParameters.parse({**NEEDED, "CMK_Whitelist": whitelist})
    assert parameters.whitelisting(aliases) == expected


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("StrictSeparationOfDuties", "", "strict", False),
        ("StrictSeparationOfDuties", " false ", "strict", False),
        ("StrictSeparationOfDuties", "true", "strict", True),
        ("ReportResourceAs", "", "report_key_id", False),
        ("ReportResourceAs", "Alias", "report_key_id", False),
        ("ReportResourceAs", " KeyId", "report_key_id", True),
        ("ReadKeysFrom", "", "read_from_config", False),
        ("ReadKeysFrom", " KMS ", "read_from_config", False),
        ("ReadKeysFrom", "Config", "read_from_config", True),
        ("ExecutionRoleName", " rdk/config-role ", "execution_role_name", "rdk/config-role"),
        ("ExecutionRoleName", "  ", "execution_role_name", ""),
    ],
)
def test_optional_parameters(name: str, value: str, attribute: str, expected: object) -> None:
    assert getattr(RuleParameters.parse({**NEEDED, name: value}), attribute) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ["Admin_User_Id", "null"]),
        ({"Admin_User_Id": ""}, ["Admin_User_Id", '""']),
        ({"Admin_User_Id": " , "}, ["Admin_User_Id", '" , "']),
        ({**NEEDED, "CMK_Whitlist": "a,b"}, ["CMK_Whitlist", '"a,b"', "CMK_Whitelist", "ExecutionRoleName"]),
        ({**NEEDED, "admin_user_id": "a"}, ["admin_user_id"]),
        ({"Admin_User_Id": 7}, ["Admin_User_Id", "7", "string"]),
        ({**NEEDED, "StrictSeparationOfDuties": True}, ["StrictSeparationOfDuties", "true", "string"]),
        ({**NEEDED, "StrictSeparationOfDuties": "True"}, ["StrictSeparationOfDuties", '"True"', "false, true"]),
        ({**NEEDED, "ReportResourceAs": "alias"}, ["ReportResourceAs", '"alias"', "Alias, KeyId"]),
        ({**NEEDED, "ReadKeysFrom": "S3"}, ["ReadKeysFrom", '"S3"', "KMS"]),
        ({**NEEDED, "ReadKeysFrom": "config"}, ["ReadKeysFrom", '"config"', "KMS, Config"]),
        ({**NEEDED, "ExecutionRoleName": "arn:aws:iam::1:role/a"}, ["ExecutionRoleName", "arn:aws:iam::1:role/a"]),
        ({**NEEDED, "ExecutionRoleName": "two words"}, ["ExecutionRoleName", '"two words"']),
        ({**NEEDED, "ExecutionRoleName": "/rdk/role"}, ["ExecutionRoleName", '"/rdk/role"']),
        ({**NEEDED, "ExecutionRoleName": "rdk/"}, ["ExecutionRoleName", '"rdk/"']),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_is_allowed(
    given: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(RuleError) as raised:
        RuleParameters.parse(given)
    sentence = str(raised.value)
    assert [word for word in words if word not in sentence] == []
    assert sentence.endswith(".")
    assert "\n" not in sentence


UNKNOWN = (
    "is unknown: remove or rename it; allowed are CMK_Whitelist, Admin_User_Id, StrictSeparationOfDuties, "
    "SeparateDutiesBy, ReportResourceAs, ReadKeysFrom, ExecutionRoleName."
)
NO_ROLE_NAME = "give the name of a role, with its path if it has one, and no ARN."

SENTENCES = [
    ({"a": "b"}, f'The rule parameter "a", given as "b", {UNKNOWN}'),
    ({"Admin_User_Id": 7}, "The rule parameter Admin_User_Id is 7: give it as a string."),
    (
        {"Admin_User_Id": ""},
        'The rule parameter Admin_User_Id is "": give at least one user id pattern, such as AROAOTTER*.',
    ),
    ({**NEEDED, "ExecutionRoleName": "a b"}, f'The rule parameter ExecutionRoleName is "a b": {NO_ROLE_NAME}'),
    ({**NEEDED, "ReadKeysFrom": "S3"}, 'The rule parameter ReadKeysFrom is "S3": allowed are KMS, Config.'),
]


@pytest.mark.parametrize(("given", "sentence"), SENTENCES)
def test_the_sentence_about_a_wrong_parameter(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(RuleError) as raised:
        RuleParameters.parse(given)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("name", ["r\u00f6le", "rdk/r\u00f6le", "r\u00f6le/a", "\u0661"])
def test_the_name_of_a_role_has_ascii_letters_only(name: str) -> None:
    with pytest.raises(RuleError, match="ExecutionRoleName"):
        RuleParameters.parse({**NEEDED, "ExecutionRoleName": name})


def test_only_an_alias_loses_its_prefix() -> None:
    parameters = RuleParameters.parse({"Admin_User_Id": "alias/a", "CMK_Whitelist": "alias/alias/a"})
    assert parameters.administrators == (Pattern.of("alias/a"),)
    assert parameters.whitelist == (Pattern.of("alias/a"),)


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_row_names_a_field_and_every_field_has_a_row() -> None:
    assert [row.field for row in PARAMETERS.values()] == [field.name for field in fields(RuleParameters)]
    assert list(PARAMETERS) == [row.name for row in PARAMETERS.values()]


def test_just_the_required_parameters_cannot_be_left_out() -> None:
    assert [row.name for row in PARAMETERS.values() if row.required] == list(NEEDED)
    assert RuleParameters.parse(NEEDED)


CHOICES = [(row.name, row.choices) for row in PARAMETERS.values() if row.choices]


@pytest.mark.parametrize(("name", "choices"), CHOICES, ids=[name for name, _ in CHOICES])
def test_the_first_choice_is_the_default_and_each_is_read_as_it_is_written(name: str, choices: tuple[str, ...]) -> None:
    assert RuleParameters.parse(NEEDED).texts()[name] == choices[0]
    given = [RuleParameters.parse({**NEEDED, name: choice}) for choice in choices]
    assert [parameters.texts()[name] for parameters in given] == list(choices)
    assert len(set(given)) == len(choices)


def test_values_are_what_a_report_in_json_says() -> None:
    given = {
        "CMK_Whitelist": "alias/Otter*,Beaver-?",
        "Admin_User_Id": "AROAOTTER*, AIDASEAL",
        "StrictSeparationOfDuties": "true",
        "ReadKeysFrom": "Config",
        "ExecutionRoleName": "rdk/config-role",
    }
    parameters = RuleParameters.parse(given)
    assert list(parameters.values().items()) == [
        ("CMK_Whitelist", ["Otter*", "Beaver-?"]),
        ("Admin_User_Id", ["AROAOTTER*", "AIDASEAL"]),
        ("StrictSeparationOfDuties", True),
        ("SeparateDutiesBy", "Policy"),
        ("ReportResourceAs", "Alias"),
        ("ReadKeysFrom", "Config"),
        ("ExecutionRoleName", "rdk/config-role"),
    ]
    assert list(parameters.texts().items()) == [
        ("CMK_Whitelist", "Otter*, Beaver-?"),
        ("Admin_User_Id", "AROAOTTER*, AIDASEAL"),
        ("StrictSeparationOfDuties", "true"),
        ("SeparateDutiesBy", "Policy"),
        ("ReportResourceAs", "Alias"),
        ("ReadKeysFrom", "Config"),
        ("ExecutionRoleName", "rdk/config-role"),
    ]


def assert_read_again(given: dict[str, str]) -> None:
    parameters = RuleParameters.parse(given)
    again = RuleParameters.parse(parameters.texts())
    assert again == parameters
    assert again.values() == parameters.values()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"CMK_Whitelist": " alias/Otter* ,, Beaver-? ,Otter*", "Admin_User_Id": "AROAOTTER*,AROAOTTER*"},
        {"CMK_Whitelist": "alias/alias/Otter"},
        {"ExecutionRoleName": " rdk/config-role "},
        *({name: choice} for name, choices in CHOICES for choice in ("", *choices)),
    ],
)
def test_what_parameters_say_of_themselves_is_read_as_the_same(given: dict[str, str]) -> None:
    assert_read_again({**NEEDED, **given})


@strategies.law(100)
@drawn(strategies.PARAMETERS)
def test_whatever_parameters_say_of_themselves_is_read_as_the_same(parameters: dict[str, str]) -> None:
    assert_read_again(parameters)
