"""Where the rule's parameters come from: files of RDK, of people, of the deployment templates, and AWS Config."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError

from dev.emulator.account import EmulatedAccount
from kms_rule.cli import main
from kms_rule.errors import CommandError
from kms_rule.parameter_files import parameters_in
from kms_rule.settings import RULES_OWN_FILE, rule_parameters
from least_privilege.parameters import PARAMETERS
from tests.command.checking import USERS_MAY_USE, write

GIVEN = {"CMK_Whitelist": "Fox*", "Admin_User_Id": "AROAFOX*", "StrictSeparationOfDuties": "true"}
OF_TEMPLATE = {name.replace("_", ""): value for name, value in GIVEN.items()}
DEPLOYMENT = {"CodeBucket": "bucket", "CodeKey": "key", "MemorySize": "512", "FunctionRoleArns": "a,b"}
LISTED = [{"ParameterKey": name, "ParameterValue": value} for name, value in (OF_TEMPLATE | DEPLOYMENT).items()]
RDK = {"Parameters": {"RuleName": "a", "InputParameters": json.dumps(GIVEN)}}
AS_YAML = "# mine\nCMKWhitelist: Fox*\nAdminUserId: AROAFOX*\nStrictSeparationOfDuties: true\nMemorySize: 512\n"

FORMS: dict[str, tuple[str, object]] = {
    "RDK's own": ("a.json", RDK),
    "a plain object": ("a.json", GIVEN),
    "the template's names": ("a.json", OF_TEMPLATE | DEPLOYMENT),
    "values of other types": ("a.json", {**GIVEN, "CMK_Whitelist": ["Fox*"], "StrictSeparationOfDuties": True}),
    "below Parameters": ("a.json", {"Parameters": OF_TEMPLATE | DEPLOYMENT, "Tags": {}}),
    "a list": ("parameters.json", LISTED),
    "a byte order mark": ("a.json", "\ufeff" + json.dumps(GIVEN)),
    "blank ones": ("a.yaml", AS_YAML + "ReportResourceAs:\nExecutionRoleName: ''\n"),
    "the template's names in YAML": ("a.yaml", AS_YAML),
    "below Parameters in YAML": ("a.yml", "Parameters:\n" + "".join(f"  {line}\n" for line in AS_YAML.splitlines())),
}


def file_of(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_parameters(tmp_path: Path, form: str) -> None:
    name, content = FORMS[form]
    found = rule_parameters(file_of(tmp_path, name, content), [])
    assert {name: text for name, text in found.texts().items() if name in GIVEN} == GIVEN


def test_every_parameter_of_the_rule_has_its_name_in_the_template(tmp_path: Path) -> None:
    content = {name.replace("_", ""): "x" for name in PARAMETERS}
    assert parameters_in(file_of(tmp_path, "a.json", content)) == dict.fromkeys(PARAMETERS, "x")


def test_the_rules_own_file_is_one() -> None:
    assert "Admin_User_Id" in parameters_in(RULES_OWN_FILE)


WRONG: dict[str, tuple[str, object, str]] = {
    "a misspelt name": (
        "a.json",
        {"CMKWhitelist": "a", "AdminUserID": "a"},
        'has a parameter "AdminUserID", which neither the rule nor a deployment template has: remove or rename it; '
        "those of the rule are CMK_Whitelist, Admin_User_Id, ",
    ),
    "nothing of the rule": ("a.json", DEPLOYMENT, "has no Parameters: give a file like the rule's own"),
    "nothing": ("a.json", {}, "has no Parameters"),
    "a text": ("a.json", '"text"', "has no Parameters"),
    "Parameters that are a list": ("a.json", {"Parameters": []}, "has no Parameters"),
    "a list of others": ("a.json", [{"ParameterKey": "AdminUserId"}], "has no ParameterValue: correct the file."),
    "a name that is no text": (
        "a.json",
        [{"ParameterKey": {"a": 1}, "ParameterValue": "a"}, *LISTED],
        "which neither the rule nor a deployment template has",
    ),
    "two names of one": (
        "a.json",
        {"Admin_User_Id": "AROAFOX*", "AdminUserId": "AROAELK*"},
        "has the parameter Admin_User_Id twice: remove one of the two.",
    ),
    "broken YAML": ("a.yaml", "a: [", "cannot be read: It is not YAML that CloudFormation reads"),
    "broken JSON": ("a.json", "{", "are not JSON"),
}


@pytest.mark.parametrize("form", WRONG)
def test_another_file_is_one_sentence(tmp_path: Path, form: str) -> None:
    name, content, sentence = WRONG[form]
    with pytest.raises(CommandError) as caught:
        parameters_in(file_of(tmp_path, name, content))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"Admin_User_Id": "\xff"}')
    with pytest.raises(CommandError, match="are not UTF-8"):
        parameters_in(tmp_path / "a.json")


def test_without_a_reader_yaml_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CommandError, match=r"a\.yaml cannot be read: .* pip install "):
        parameters_in(file_of(tmp_path, "a.yaml", AS_YAML))


# Those of a deployed rule.


def checked(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> Any:
    main(["check", write(folder, "key.json", USERS_MAY_USE), "--format", "json", *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return json.loads(shown.out)


@pytest.mark.parametrize("name", ["Keys", "OrgConfigRule-Keys-a1b2c3d4"])
def test_a_deployed_rule_s_parameters_are_taken(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    account.config.add_rule(name, GIVEN)
    account.config.add_rule("OrgConfigRule-Keys-of-others-a1b2c3d4", {"Admin_User_Id": "x"})
    account.config.calls.clear()
    content = checked(capsys, tmp_path, "--rule", "Keys")
    assert content["parameters"]["Admin_User_Id"] == ["AROAFOX*"]
    assert content["remarks"] == []
    assert {str(call) for call in account.config.calls} == {"config:DescribeConfigRules"}
    content = checked(capsys, tmp_path, "--rule", "Keys", "--parameter", "Admin_User_Id=AROAELK*")
    assert content["parameters"]["Admin_User_Id"] == ["AROAELK*"]
    assert content["parameters"]["CMK_Whitelist"] == ["Fox*"]


@pytest.mark.parametrize("arguments", [["scan"], ["check", "key.json"]])
def test_the_page_names_the_rule_that_has_them(
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "key.json", USERS_MAY_USE)
    account.config.add_rule("Keys", GIVEN)
    assert main([*arguments, "--rule", "Keys", "--format", "html", "--region", "us-east-1"]) == 0
    page = capsys.readouterr().out
    assert "<dt>Rule</dt><dd>Keys</dd>" in page
    assert "<em>example</em>" not in page


@pytest.mark.parametrize("arguments", [["scan"], ["explain", "key.json"], ["check", "key.json"]])
def test_every_command_that_judges_takes_them(
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "key.json", USERS_MAY_USE)
    account.config.add_rule("Keys", GIVEN)
    assert main([*arguments, "--rule", "Keys", "--format", "json", "--region", "us-east-1"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["CMK_Whitelist"] == ["Fox*"]


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    return shown.err.removeprefix("kms-rule: ").strip()


@pytest.mark.usefixtures("account")
def test_a_rule_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "scan", "--rule", "Nobody") == (
        "AWS Config in us-east-1 has no rule Nobody: correct the name, or name the Region and role of an account that "
        "has it."
    )


def test_a_rule_without_parameters_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.config.add_rule("Other")
    assert error_of(capsys, "scan", "--rule", "Other").startswith("The rule parameter Admin_User_Id is null")


@pytest.mark.usefixtures("account")
def test_a_rule_that_may_not_be_read_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_response: ConfigResponse) -> str:
        raise JsonRESTError("AccessDeniedException", "no")

    monkeypatch.setattr(ConfigResponse, "describe_config_rules", denied)
    assert error_of(capsys, "scan", "--rule", "Keys") == (
        "The parameters of the rule Keys cannot be read with config:DescribeConfigRules: get the permission that AWS "
        "names (AccessDeniedException: no)."
    )


def test_a_file_and_a_rule_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["scan", "--rule", "a", "--parameters", "b"])
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
