from __future__ import annotations

import pytest

from AWSConfigRuleKMS import RuleError, RuleParameters
from AWSConfigRuleKMSPolicy import Pattern

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
    ],
)
def test_whitelist_is_read_as_patterns_without_their_prefix(given: dict[str, str], expected: tuple[str, ...]) -> None:
    assert tuple(RuleParameters.parse({**NEEDED, **given}).whitelist) == expected


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
    "ReportResourceAs, ReadKeysFrom, ExecutionRoleName."
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
    assert tuple(parameters.whitelist) == ("alias/a",)
