"""Key policies in files: how each is judged, where the finding points, and what the command ends with."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kms_rule.findings import ExitCode
from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.scenarios import judge
from tests.command.checking import (
    ADMINISTRATION,
    EVERYTHING_OPEN,
    MALFORMED,
    NONE,
    OPEN,
    PARAMETERS,
    SEPARATED,
    UNLIMITED,
    USAGE,
    USERS_MAY_USE,
    checked,
    policy,
    positions,
    reasons,
    remarks,
    scenarios,
    statement,
    write,
)
from tests.policy.real_policies import REAL_POLICIES


@pytest.mark.parametrize(
    ("content", "scenario", "exit_code"),
    [
        (USERS_MAY_USE, SEPARATED, ExitCode.COMPLIANT),
        (EVERYTHING_OPEN, OPEN, ExitCode.NON_COMPLIANT),
        ({"Statement": statement("kms:Decrypt")}, UNLIMITED, ExitCode.NON_COMPLIANT),
        ({"Statement": []}, NONE, ExitCode.NON_COMPLIANT),
        ({"Statement": [{"Effect": "Allow"}]}, MALFORMED, ExitCode.NON_COMPLIANT),
        ({"Statement": "kms"}, MALFORMED, ExitCode.NON_COMPLIANT),
        # The rule's own reading of JSON is stricter than that of most.
        ('{"Statement": [], "Statement": []}', MALFORMED, ExitCode.NON_COMPLIANT),
        ('{"Statement": NaN}', MALFORMED, ExitCode.NON_COMPLIANT),
        # What is told apart is told by content: neither the other names nor their order matter.
        ({"Resources": {}, "Statement": []}, NONE, ExitCode.NON_COMPLIANT),
    ],
)
def test_a_key_policy_is_judged_as_the_rule_does_and_reported_under_its_files_name(
    tmp_path: Path, content: Any, scenario: str, exit_code: ExitCode
) -> None:
    findings = checked(write(tmp_path, "key.txt", content))
    assert scenarios(findings) == {"key.txt": scenario}
    assert findings.exit_code == exit_code


def test_the_sentence_is_the_rules_own_with_the_files_name(tmp_path: Path) -> None:
    [finding] = checked(write(tmp_path, "key.json", EVERYTHING_OPEN)).judged
    assert finding.annotation == (
        "in Key Policy for key.json, statement does have open KMS permissions and CMK is not whitelisted "
        '[scenario 3: "All" (kms:*)]'
    )


LINES_OF_STATEMENTS = """
{
  "Statement": [
    {"Effect": "Deny", "Action": "kms:*"},
    {
      "Sid": "a \\" { [ in a text", "Effect": "Allow", "Action": "kms:Decrypt"
    }, {"Effect": "Allow", "Action": "kms:Encrypt"}
  ]
}
"""


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (LINES_OF_STATEMENTS, (5, 5)),
        (LINES_OF_STATEMENTS.replace("\n", "\r\n"), (5, 5)),
        ('\ufeff{"Statement": {"Effect": "Allow", "Action": "kms:*"}}', (1, 15)),
        ('{"Id": {"Statement": [1]}, "Statement":[ {"Effect": "Allow", "Action": "kms:*"}]}', (1, 42)),
        ('\t\n {"Statement": [{"Effect": "Allow"}]}', (2, 2)),
        ('{"Statement": [],\n"Statement": [{"Effect": "Allow", "Action": "kms:*"}]}', (1, 1)),
    ],
)
def test_a_finding_points_at_the_first_statement_that_decided_or_else_at_the_policy(
    tmp_path: Path, text: str, position: tuple[int, int]
) -> None:
    assert positions(checked(write(tmp_path, "key.json", text))) == [position]


def test_all_files_are_judged_in_the_order_given_and_the_worst_gives_the_exit_code(tmp_path: Path) -> None:
    names = [
        write(tmp_path, "b.json", USERS_MAY_USE),
        write(tmp_path, "a.json", EVERYTHING_OPEN),
        str(tmp_path / "missing.json"),
        write(tmp_path, "c.json", USERS_MAY_USE),
    ]
    findings = checked(*names, names[0])
    assert [finding.reported_id for finding in findings.judged] == ["b.json", "a.json", "c.json"]
    assert reasons(findings) == {
        "missing.json": "It cannot be read (No such file or directory): name a file that exists and may be read."
    }
    assert findings.exit_code == ExitCode.INCOMPLETE
    assert checked(*names[:2]).exit_code == ExitCode.NON_COMPLIANT


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(EVERYTHING_OPEN).encode())))
    [finding] = checked("-").judged
    assert (finding.reported_id, finding.place.source, finding.place.line) == ("standard input", "-", 1)


def test_a_folder_is_searched_in_order_and_what_is_not_of_these_kinds_is_passed_over(tmp_path: Path) -> None:
    for name in ("z.json", "b/key.json", "b/a.template", "b/c/d/deep.yml", "a.yaml"):
        content = "Resources: {Key: {Type: AWS::KMS::Key}}" if name.endswith(("ml", "template")) else USERS_MAY_USE
        write(tmp_path, name, content)
    for passed_over in ("key.txt", "node_modules/key.json", ".terraform/key.json", ".hidden/key.json"):
        write(tmp_path, passed_over, EVERYTHING_OPEN)
    write(tmp_path, "package.json", {"name": "kms"})
    write(tmp_path, "list.json", [1])
    write(tmp_path, "values.yaml", "kms: [1, 2")
    write(tmp_path, "broken.json", "{")
    os.mkfifo(tmp_path / "pipe.json")
    findings = checked(str(tmp_path))
    sources = [str(Path(finding.place.source).relative_to(tmp_path)) for finding in findings.judged]
    assert sources == ["a.yaml", "z.json", "b/a.template", "b/key.json", "b/c/d/deep.yml"]
    assert findings.unjudged == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("key.json", '{"Statement": [{"Action": "KMS:*",}]}'),
        ("key.json", '{"Statement": "kms"}'.encode("utf-16")),
        ("key.json", b'{"Statement": "kms \xe9"}'),
        ("template.yaml", "Resources:\n\tKey: {Type: AWS::KMS::Key}"),
        ("template.yaml", "---\n  Resources:\n\tKey: {Type: AWS::KMS::Key}"),
        ("template.yaml", "--- {Resources: {Key: {Type: AWS::KMS::Key}"),
        ("key.json", {"Policy": json.dumps(EVERYTHING_OPEN), "PolicyName": "default"}),
        ("state.json", {"version": 4, "terraform_version": "1.11.4", "lineage": "a", "resources": ["aws_kms_key"]}),
        ("plan.json", b"PK\x03\x04aws_kms_key"),
    ],
)
def test_in_a_folder_what_cannot_be_judged_and_names_kms_is_not_lost(tmp_path: Path, name: str, content: Any) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    write(tmp_path, name, content)
    findings = checked(str(tmp_path))
    assert scenarios(findings) == {"good.json": SEPARATED}
    assert [*reasons(findings)] == [name]
    assert findings.exit_code == ExitCode.INCOMPLETE


SEEM_TO_DEFINE_A_KEY = {
    "a Serverless Framework file": "resources:\n  Resources:\n    Key:\n      Type: AWS::KMS::Key\n",
    "a part of a template": "Key:\n  Type: 'AWS::KMS::ReplicaKey'\n",
    "a broken part": "Key: {Type: AWS::KMS::Key",
    "a key policy in YAML": "Version: 2012-10-17\nStatement:\n- Effect: Allow\n  Action: KMS:*\n",
    "one in flow style": "--- {Statement: [{Effect: Allow, Action: 'kms:*'}]}",
    "one with an indented root": "---\n# Otter\n  'Statement':\n    Action: kms:*\n",
    "a key policy below a comment": f"// Otter\n{json.dumps(EVERYTHING_OPEN)}",
}


@pytest.mark.parametrize("content", SEEM_TO_DEFINE_A_KEY.values(), ids=list(SEEM_TO_DEFINE_A_KEY))
def test_in_a_folder_what_is_passed_over_though_it_seems_to_define_a_key_is_remarked_on(
    tmp_path: Path, content: str
) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    write(tmp_path, "other.yaml", content)
    findings = checked(str(tmp_path))
    assert findings.remarks == [
        f"{tmp_path}/other.yaml: Passed over, though it seems to define a KMS key: it is not a CloudFormation "
        "template, and a key policy must be JSON."
    ]
    assert (scenarios(findings), findings.unjudged) == ({"good.json": SEPARATED}, [])
    assert findings.exit_code == ExitCode.COMPLIANT


DEFINE_NO_KEY: list[Any] = [
    "Type: AWS::KMS::KeyGrant",
    "Statement: [{Action: s3:*}]",
    "Document: {Statement: [{Action: kms:*}]}",
    "Document:\n  Statement:\n  - Action: kms:*\n",
    "KeyPolicy: kms:* [\n  - x: {",
    {"Document": {"Statement": "kms:*", "Type": "AWS::KMS::Key"}},
]


@pytest.mark.parametrize("content", DEFINE_NO_KEY, ids=str)
def test_in_a_folder_nothing_is_said_of_what_does_not_seem_to_define_a_key(tmp_path: Path, content: Any) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    write(tmp_path, "other.yaml", content)
    findings = checked(str(tmp_path))
    assert (findings.remarks, findings.unjudged) == ([], [])


def test_a_folder_without_any_key_says_so(tmp_path: Path) -> None:
    write(tmp_path, "package.json", {})
    assert reasons(checked(str(tmp_path))) == {
        tmp_path.name: "There is no key policy, CloudFormation template or output of 'terraform show -json' in this "
        "folder: name another."
    }
    write(tmp_path, "template.yaml", "Resources: {Bucket: {Type: AWS::S3::Bucket}}")
    findings = checked(str(tmp_path))
    assert (findings.unjudged, findings.exit_code) == ([], ExitCode.COMPLIANT)
    assert findings.remarks == [f"{tmp_path}: There is no KMS key in the files of this folder."]


def test_a_folder_that_cannot_be_listed_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a/key.json", USERS_MAY_USE)
    (tmp_path / "b").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    findings = checked(str(tmp_path))
    assert scenarios(findings) == {"key.json": SEPARATED}
    assert "cannot be listed (Permission denied)" in reasons(findings)[tmp_path.name]


def test_an_interruption_keeps_what_was_judged_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [write(tmp_path, name, USERS_MAY_USE) for name in ("a.json", "b.json", "c.json")]
    parse = json.loads

    def interrupted(text: str, **settings: Any) -> Any:
        if settings == {} and "here" in text:
            raise KeyboardInterrupt
        return parse(text, **settings)

    write(tmp_path, "b.json", '{"Statement": "here"}')
    monkeypatch.setattr("json.loads", interrupted)
    findings = checked(*names)
    assert scenarios(findings) == {"a.json": SEPARATED}
    assert reasons(findings) == {
        "b.json": "Interrupted here, so that this and what follows is not judged: run it again."
    }
    assert findings.exit_code == ExitCode.INCOMPLETE


def test_a_policy_that_kms_refuses_for_its_size_is_judged_with_a_remark_up_to_a_limit(tmp_path: Path) -> None:
    large = policy(*(statement(USAGE, f"AROAUSER{number:04}:*") for number in range(300)))
    findings = checked(write(tmp_path, "large.json", large))
    assert scenarios(findings) == {"large.json": SEPARATED}
    size = (tmp_path / "large.json").stat().st_size
    assert remarks(findings) == [
        f"Its key policy has {size:,} bytes, and KMS takes 32,768 at most: KMS will refuse it."
    ]
    endless = policy(statement(ADMINISTRATION, *(f"AROAOTTER{number:08}" for number in range(7_000))))
    assert reasons(checked(write(tmp_path, "endless.json", endless)))["endless.json"].endswith(
        "and is not judged, since KMS takes 32,768 bytes at most: shorten it."
    )


def test_a_name_with_control_characters_or_no_unicode_is_shown_in_printable_characters(tmp_path: Path) -> None:
    name = os.fsdecode(b"esc\x1b[31m\xff.json")
    [finding] = checked(write(tmp_path, name, EVERYTHING_OPEN)).judged
    assert finding.place.source == f"{tmp_path}/esc\\x1b[31m\\udcff.json"
    assert finding.reported_id == "esc\\x1b[31m\\udcff.json"


def test_policies_collected_from_public_repositories_get_the_verdicts_of_the_rule(tmp_path: Path) -> None:
    for name, content in REAL_POLICIES.items():
        write(tmp_path, f"{name}.json", json.dumps(content, indent=2))
    findings = checked(str(tmp_path))
    found = {finding.reported_id.removesuffix(".json"): finding for finding in findings.judged}
    assert findings.unjudged == []
    assert len(found) == len(REAL_POLICIES)
    for name, content in REAL_POLICIES.items():
        verdict = judge(Facts(policy=json.dumps(content)), PARAMETERS)
        finding = found[name]
        assert finding.scenario is verdict.scenario
        assert finding.annotation == annotate(verdict, finding.reported_id)
        assert finding.statements == verdict.evidence.statements
        assert finding.place.line > 1 or not verdict.evidence.statements
