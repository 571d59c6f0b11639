"""`kms-rule check` as people start it: what it prints, and the code that it ends with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kms_rule.cli import main
from kms_rule.findings import ExitCode
from tests.command.checking import EVERYTHING_OPEN, USERS_MAY_USE, write

PROJECT = Path(__file__).parents[2]
PLAN = Path(__file__).parent / "terraform" / "new.json"


def kms_rule(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kms_rule", *arguments]
    return subprocess.run(  # noqa: S603 - this interpreter
        command, cwd=PROJECT, input=given, capture_output=True, text=True, check=False
    )


def test_findings_of_all_kinds_of_files_are_printed_together(tmp_path: Path) -> None:
    template = "Resources: {Late: {Type: AWS::KMS::Key, Properties: {KeyPolicy: !Ref Policy}}}"
    files = [
        write(tmp_path, "good.json", USERS_MAY_USE),
        write(tmp_path, "template.yaml", template),
        write(tmp_path, "broken.json", "{"),
        str(PLAN),
    ]
    ended = kms_rule("check", "--format", "json", *files, "-", given=json.dumps(EVERYTHING_OPEN))
    assert ended.returncode == ExitCode.INCOMPLETE
    assert ended.stderr == ""
    json.loads(ended.stdout)
    for expected in ("good.json", "Late", "broken.json", "aws_kms_key.late", "alias/Otter-first", "standard input"):
        assert expected in ended.stdout


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        (USERS_MAY_USE, ExitCode.COMPLIANT),
        (EVERYTHING_OPEN, ExitCode.NON_COMPLIANT),
        ('{"Statement"', ExitCode.INCOMPLETE),
        ({}, ExitCode.COMPLIANT),
    ],
)
def test_the_process_ends_with_the_code_of_what_was_found(tmp_path: Path, content: Any, exit_code: ExitCode) -> None:
    assert kms_rule("check", write(tmp_path, "key.json", content)).returncode == exit_code


def test_a_template_with_a_role_that_is_made_beside_the_key_shows_the_assumption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
Resources:
  AdminKey:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
          Effect: Allow
          Action: ["kms:Create*", "kms:Delete*", "kms:Put*"]
          Condition: {StringLike: {aws:userId: !Sub "${AdminRole.RoleId}:*"}}
"""
    assert main(["check", "--format", "json", write(tmp_path, "template.yaml", text)]) == ExitCode.NON_COMPLIANT
    shown = capsys.readouterr().out
    assert "The user id <GetAtt AdminRole.RoleId>:* in statement 1 is known only at deployment" in shown


def test_the_table_says_what_was_judged_with_and_whose_parameters_those_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path, "key.json", USERS_MAY_USE)
    assert main(["check", source]) == ExitCode.COMPLIANT
    by_example = capsys.readouterr().out
    assert main(["check", source, "--parameter", "CMK_Whitelist=", "--parameter", "Admin_User_Id=AROABEAVER*"]) == 0
    given = capsys.readouterr().out
    others = "StrictSeparationOfDuties = false, SeparateDutiesBy = Policy, ReportResourceAs = Alias, ReadKeysFrom = KMS"
    assert by_example.startswith(f"Judged with CMK_Whitelist = Otter*, Admin_User_Id = AROAOTTER*, {others}\n")
    assert given.startswith(f"Judged with Admin_User_Id = AROABEAVER*, {others}\n")
    assert ("example parameters" in by_example, "example parameters" in given) == (True, False)


@pytest.mark.parametrize(
    ("given", "examples"),
    [
        ([], "CMK_Whitelist = Otter*, Admin_User_Id = AROAOTTER*"),
        (["Admin_User_Id=AROABEAVER*"], "CMK_Whitelist = Otter*"),
        (["CMK_Whitelist="], "Admin_User_Id = AROAOTTER*"),
        (["StrictSeparationOfDuties=true"], "CMK_Whitelist = Otter*, Admin_User_Id = AROAOTTER*"),
        (["CMK_Whitelist=a", "Admin_User_Id=b"], ""),
    ],
)
def test_each_parameter_that_is_the_examples_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], examples: str
) -> None:
    options = [word for each in given for word in ("--parameter", each)]
    main(["check", "--format", "json", write(tmp_path, "key.json", USERS_MAY_USE), *options])
    sentence = (
        f"The keys are judged with example parameters that come with kms-rule ({examples}): give those of your "
        "deployed rule with --parameters or --parameter."
    )
    assert json.loads(capsys.readouterr().out)["remarks"] == ([sentence] if examples else [])


def test_parameters_are_those_that_the_arguments_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resources = {
        "Key": {"Type": "AWS::KMS::Key"},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/fox", "TargetKeyId": {"Ref": "Key"}}},
    }
    name = write(tmp_path, "template.json", {"Resources": resources})
    assert main(["check", name]) == ExitCode.NON_COMPLIANT
    assert main(["check", name, "--parameter", "CMK_Whitelist=fox"]) == ExitCode.COMPLIANT
    assert "alias/fox" in capsys.readouterr().out
    assert main(["check", name, "--parameter", "ReportResourceAs=KeyId", "--format", "json"]) == ExitCode.NON_COMPLIANT
    assert '"Key"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--parameter", "Admin_User_Id="], "The rule parameter Admin_User_Id"),
        (["--parameters", "nowhere.json"], "nowhere.json"),
        (["--output", "/nowhere/out.json", "--format", "json"], "/nowhere/out.json"),
    ],
)
def test_what_keeps_the_command_from_its_job_is_one_sentence_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["check", write(tmp_path, "key.json", USERS_MAY_USE), *arguments]) == ExitCode.INCOMPLETE
    error = capsys.readouterr().err
    assert error.startswith("kms-rule: ")
    assert words in error
    assert error.count("\n") == 1


def test_hostile_yaml_ends_no_process(tmp_path: Path) -> None:
    ended = kms_rule("check", write(tmp_path, "deep.yaml", "Resources: " + "[" * 100_000))
    assert ended.returncode == ExitCode.INCOMPLETE
    assert "nested" in ended.stdout + ended.stderr
