"""The rule's tables are the only ones: what they say shows everywhere, and a new row does without another change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from kms_rule.cli import main
from least_privilege.parameters import PARAMETERS, RuleParameters
from tests.command.checking import EVERYTHING_OPEN, Json, policy, statement, write

ROOT = Path(__file__).parents[2]

# --- a row of scenarios ----------------------------------------------------------------------------------------------

NEW_NAME = "sign-action-not-compliant"
NEW_QUESTION = "Does an Allow statement let somebody sign with the key?"
TABLE = "POLICY_SCENARIOS = ("
TABLE_WITH_A_NEW_ROW = f"""def _signs(case: Case) -> Answer:
    signing = [each for each in case.policy.allowing if "kms:Sign" in [entry.written for entry in each.entries]]
    return Answer(bool(signing), StatementsEvidence(grants(signing, Duty.USAGE), "nobody may sign"))


{TABLE}
    Scenario(
        "{NEW_NAME}",
        9,
        "{NEW_QUESTION}",
        _signs,
        Compliance.NON_COMPLIANT,
        "in Key Policy for {{id}}, statement lets somebody sign: take kms:Sign out",
    ),"""
ANNOTATION = (
    "in Key Policy for key.json, statement lets somebody sign: take kms:Sign out "
    '[scenario 9: "Sign" (kms:Encrypt, kms:Decrypt)]'
)
SIGNING = policy(statement(["kms:Sign", "kms:Encrypt", "kms:Decrypt"], "AROAUSER1234:*", Sid="Sign"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rule and the command, with one row more in the table and no other change."""
    folder = tmp_path_factory.mktemp("checkout")
    copied(folder, "scenarios.py", {TABLE: TABLE_WITH_A_NEW_ROW})
    write(folder, "key.json", SIGNING)
    write(folder, "other.json", EVERYTHING_OPEN)
    return folder


def copied(folder: Path, module: str, changes: Mapping[str, str]) -> None:
    """Copy the rule and the command to a folder, with these texts of one of the rule's modules replaced by others."""
    for name in ("AWSConfigRuleKMS", "kms_rule"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.zip"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    path = folder / "AWSConfigRuleKMS" / "least_privilege" / module
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def shown(checkout: Path, *arguments: str) -> str:
    """What the command of the changed copy prints of what is not compliant."""
    ended = ran(checkout, *arguments)
    assert (ended.returncode, ended.stderr) == (1, "")
    return ended.stdout


def ran(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "kms_rule", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def on_one_line(text: str) -> str:
    """The words of a table, whose cells may have been broken into lines."""
    return " ".join(text.replace("│", " ").replace("┃", " ").split())


def question_of(content: Json) -> Json:
    [question] = [each for each in content["questions"] if each["scenario"] == NEW_NAME]
    return dict(question)


def test_explain_asks_the_new_question_and_tells_its_evidence(checkout: Path) -> None:
    content = json.loads(shown(checkout, "explain", "key.json", "--format", "json"))
    assert question_of(content) == {
        "scenario": NEW_NAME,
        "number": 9,
        "question": NEW_QUESTION,
        "answer": "yes",
        "evidence": 'Statement 1 ("Sign") by kms:Encrypt and kms:Decrypt',
    }
    assert content["verdict"] == {
        "compliance": "NON_COMPLIANT",
        "scenario": NEW_NAME,
        "number": 9,
        "annotations": {"key.json": ANNOTATION},
    }
    asked = [each["scenario"] for each in content["questions"]]
    assert asked.index(NEW_NAME) == asked.index("key-policy-denied-not-compliant") - 1


def test_explain_answers_the_new_question_with_no_where_it_does_not_hold(checkout: Path) -> None:
    question = question_of(json.loads(shown(checkout, "explain", "other.json", "--format", "json")))
    assert (question["answer"], question["evidence"]) == ("no", "nobody may sign")


def test_people_see_the_new_question_and_the_new_verdict(checkout: Path) -> None:
    text = shown(checkout, "explain", "key.json")
    assert f"NON_COMPLIANT: {NEW_NAME}" in text.splitlines()
    assert ANNOTATION in text.splitlines()
    assert "Does an Allow statement let somebody" in on_one_line(text)
    assert ANNOTATION in on_one_line(shown(checkout, "check", "key.json"))


def test_programs_get_the_new_scenario(checkout: Path) -> None:
    content = json.loads(shown(checkout, "check", "key.json", "--format", "json"))
    [finding] = content["findings"]
    assert finding["scenario"] == {"name": NEW_NAME, "number": 9}
    assert finding["annotation"] == ANNOTATION
    assert finding["statements"] == [{"number": 1, "sid": "Sign"}]


def test_code_scanning_gets_the_new_scenario_as_a_rule_and_the_result(checkout: Path) -> None:
    [run] = json.loads(shown(checkout, "check", "key.json", "--format", "sarif"))["runs"]
    [result] = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"]) == (NEW_NAME, NEW_NAME)
    assert rule["fullDescription"]["text"] == f"{NEW_QUESTION} If so, the key is NON_COMPLIANT."
    assert result["message"]["text"] == ANNOTATION


def test_the_page_shows_the_new_scenario_and_its_result(checkout: Path) -> None:
    page = shown(checkout, "check", "key.json", "other.json", "--format", "html")
    assert f"<p>{NEW_QUESTION}</p>" in page
    assert f'<option value="{NEW_NAME}">{NEW_NAME}</option>' in page
    assert f'<b>9</b> <a href="#scenario-{NEW_NAME}">{NEW_NAME}</a>' in page
    assert f"<p>{ANNOTATION}</p>" in page.replace("&quot;", '"')


# --- a row of parameters ---------------------------------------------------------------------------------------------

FIELD, ROW = "    strict: bool\n", '        _choice(STRICT, "strict", ("false", "true"), decides=True),\n'
NEW_PARAMETER = {
    FIELD: f"{FIELD}    in_spring: bool\n",
    ROW: f'{ROW}        _choice("Season", "in_spring", ("Winter", "Spring"), decides=True),\n',
}


@pytest.fixture(scope="module")
def with_a_parameter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rule and the command, with one parameter more and no other change."""
    folder = tmp_path_factory.mktemp("checkout")
    copied(folder, "parameters.py", NEW_PARAMETER)
    write(folder, "other.json", EVERYTHING_OPEN)
    return folder


SHOWN = {
    "explain, to people": (["explain"], "StrictSeparationOfDuties = false, Season = {}, SeparateDutiesBy = Policy\n"),
    "explain, to programs": (["explain", "--format", "json"], '"Season": "{}",\n    "SeparateDutiesBy": "Policy"'),
    "check, to people": (["check"], "StrictSeparationOfDuties = false, Season = {}, SeparateDutiesBy = Policy, "),
    "check, to programs": (["check", "--format", "json"], '"Season": "{}",\n    "SeparateDutiesBy": "Policy"'),
    "the page": (["check", "--format", "html"], "<dt>Season</dt><dd><code>{}</code></dd>"),
}


@pytest.mark.parametrize(("arguments", "words"), SHOWN.values(), ids=list(SHOWN))
def test_a_new_parameter_shows_with_its_value(with_a_parameter: Path, arguments: list[str], words: str) -> None:
    assert words.format("Winter") in shown(with_a_parameter, *arguments, "other.json")
    assert words.format("Spring") in shown(with_a_parameter, *arguments, "other.json", "--parameter", "Season=Spring")


def test_a_new_parameter_is_among_those_that_are_allowed(with_a_parameter: Path) -> None:
    for given, words in (
        ("Season=Autumn", "allowed are Winter, Spring."),
        ("Weather=dry", "StrictSeparationOfDuties, Season, "),
    ):
        ended = ran(with_a_parameter, "check", "other.json", "--parameter", given)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert words in ended.stderr


# --- the parameters --------------------------------------------------------------------------------------------------

GIVEN: dict[str, str] = {
    "CMK_Whitelist": "alias/Otter*, Fox?,,Otter*",
    "Admin_User_Id": " AROAOTTER*,AIDASEAL , A?B** ",
    "StrictSeparationOfDuties": "true",
    "SeparateDutiesBy": "User",
    "ReportResourceAs": "KeyId",
    "ReadKeysFrom": "Config",
    "ExecutionRoleName": "path/Auditor",
}
OTHERS: dict[str, str] = {
    "CMK_Whitelist": "",
    "Admin_User_Id": "*",
    "StrictSeparationOfDuties": "false",
    "SeparateDutiesBy": "Policy",
    "ReportResourceAs": "Alias",
    "ReadKeysFrom": "KMS",
    "ExecutionRoleName": "",
}


def as_given(value: object) -> str:
    """A value in JSON as the event of a rule has it."""
    if isinstance(value, list):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("given", [GIVEN, OTHERS], ids=["every one", "none but the required"])
@pytest.mark.parametrize("command", ["check", "explain"])
def test_the_parameters_in_json_are_those_of_the_rule_and_give_the_same_when_they_are_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, given: dict[str, str]
) -> None:
    assert given.keys() == PARAMETERS.keys()
    options = [word for name, value in given.items() for word in ("--parameter", f"{name}={value}")]
    main([command, write(tmp_path, "key.json", EVERYTHING_OPEN), "--format", "json", *options])
    told = json.loads(capsys.readouterr().out)["parameters"]
    assert list(told) == list(PARAMETERS)
    parsed = RuleParameters.parse(given)
    read_again = RuleParameters.parse({name: as_given(value) for name, value in told.items()})
    assert read_again == parsed
    assert read_again.values() == parsed.values() == told


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_parameter_alone_is_told_in_json_and_read_again(name: str) -> None:
    given = {**OTHERS, name: GIVEN[name]}
    parsed = RuleParameters.parse(given)
    assert parsed != RuleParameters.parse(OTHERS)
    told = parsed.values()
    assert RuleParameters.parse({each: as_given(value) for each, value in told.items()}) == parsed
    assert RuleParameters.parse(parsed.texts()) == parsed
