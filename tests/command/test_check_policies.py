"""Key policies in files: how each is judged, where the finding points, and what the command ends with."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kms_rule.commands.check import check
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
    Json,
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
    {"Effect": "Deny", "Action": "kms:*", "Principal": "*"},
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
        ('\ufeff{"Statement": {"Effect": "Allow", "Action": "kms:*", "Principal": "*"}}', (1, 15)),
        ('{"Id": [[1]], "Statement":[ {"Effect": "Allow", "Action": "kms:*", "Principal": "*"}]}', (1, 29)),
        ('\t\n {"Statement": [{"Effect": "Allow"}]}', (2, 2)),
        ('{"Statement": [],\n"Statement": [{"Effect": "Allow", "Action": "kms:*", "Principal": "*"}]}', (1, 1)),
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
        ("key.json", f"// Otter\n{json.dumps(EVERYTHING_OPEN)}"),
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
    "a part of a template in JSON": json.dumps({"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}),
    "a list of such": json.dumps([{"Type": "AWS::KMS::ReplicaKey"}]),
    "policies under names": json.dumps({"orders": EVERYTHING_OPEN}),
    "a policy as text under a name": json.dumps({"orders": {"document": json.dumps(EVERYTHING_OPEN)}}),
    "a snapshot of AWS Config": json.dumps({"configurationItems": [{"resourceType": "AWS::KMS::Key"}]}),
    "a preview of Pulumi": json.dumps({"steps": [{"newState": {"type": "aws:kms/key:Key"}}]}),
    "a program of Pulumi in YAML": "runtime: yaml\nresources:\n  key:\n    type: aws:kms:Key\n",
    "a state of Terraform's own": json.dumps({"resources": [{"type": "aws_kms_key"}], "version": 4}),
    "the same with escapes": json.dumps({"resources": [{"type": "aws_kms_key"}]}).replace("kms", "k\\u006ds"),
}


@pytest.mark.parametrize("content", SEEM_TO_DEFINE_A_KEY.values(), ids=list(SEEM_TO_DEFINE_A_KEY))
def test_in_a_folder_what_is_passed_over_though_it_seems_to_define_a_key_is_remarked_on(
    tmp_path: Path, content: str
) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    write(tmp_path, "other.yaml", content)
    findings = checked(str(tmp_path))
    assert findings.remarks == [
        f"{tmp_path}/other.yaml: Passed over, though it seems to define a KMS key: it is not a key policy as JSON, a "
        "CloudFormation template or the output of 'terraform show -json'."
    ]
    assert (scenarios(findings), findings.unjudged) == ({"good.json": SEPARATED}, [])
    assert findings.exit_code == ExitCode.COMPLIANT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("main.tf", 'resource "aws_kms_key" "orders" {\n}\n'),
        ("cdk.tf.json", json.dumps({"resource": {"aws_kms_key": {"orders": {}}}})),
    ],
)
def test_terraform_configuration_that_defines_a_key_is_told_with_how_to_get_its_plan(
    tmp_path: Path, name: str, content: str
) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    file = write(tmp_path, name, content)
    in_folder = checked(str(tmp_path))
    [remark] = in_folder.remarks
    assert remark.startswith(f"{file}: Passed over, though it seems to define a KMS key: It is Terraform configuration")
    assert "'terraform show -json'" in remark
    assert in_folder.exit_code == ExitCode.COMPLIANT
    assert reasons(checked(file))[name].startswith("It is Terraform configuration")


DEFINE_NO_KEY: list[Any] = [
    "Type: AWS::KMS::KeyGrant",
    "Statement: [{Action: s3:*}]",
    "Document: {Statement: [{Action: kms:*}]}",
    "Document:\n  Statement:\n  - Action: kms:*\n",
    "KeyPolicy: kms:* [\n  - x: {",
    {"Type": ["AWS::KMS::Key"], "name": "AWS::KMS::Key", "aws_kms_key": "kms:*"},
    {"SourceEvents": "AWS::KMS::Key", "x": {"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}},
    {"Role": {"Policy": policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})}},
    {"Policy": "{kms:", "Other": '{"Statement": "kms:'},
]


@pytest.mark.parametrize("content", DEFINE_NO_KEY, ids=str)
def test_in_a_folder_nothing_is_said_of_what_does_not_seem_to_define_a_key(tmp_path: Path, content: Any) -> None:
    write(tmp_path, "good.json", USERS_MAY_USE)
    write(tmp_path, "other.yaml", content)
    findings = checked(str(tmp_path))
    assert (findings.remarks, findings.unjudged) == ([], [])


def test_a_folder_without_any_key_passes_and_says_so(tmp_path: Path) -> None:
    for content in ("{}", "Resources: {Bucket: {Type: AWS::S3::Bucket}}"):
        write(tmp_path, "file.yaml", content)
        findings = checked(str(tmp_path))
        assert (findings.unjudged, findings.exit_code) == ([], ExitCode.COMPLIANT)
        assert findings.remarks == [f"{tmp_path}: There is no KMS key in the files of this folder."]
        assert findings.passed_over == 1


NO_PRINCIPAL = "none of its statements names a principal"
NO_KMS = "none of its statements names an action of KMS"
BUCKET = "arn:aws:s3:::orders/*"
OTHER_POLICIES: list[tuple[Json, str]] = [
    ({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}, NO_PRINCIPAL),
    ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, NO_PRINCIPAL),
    ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, NO_KMS),
    ({"Effect": "Deny", "Principal": "*", "Action": ["s3:Get*", "s3:Put*"], "Resource": BUCKET}, NO_KMS),
    ({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": [BUCKET]}, NO_KMS),
    ({"Effect": "Deny", "NotPrincipal": "*", "NotAction": "s3:*", "Resource": BUCKET}, NO_KMS),
]


@pytest.mark.parametrize(("given", "why"), OTHER_POLICIES, ids=str)
def test_a_policy_of_something_else_is_passed_over(tmp_path: Path, given: Json, why: str) -> None:
    for content in (policy(given), {"Statement": given}, {"Policy": json.dumps(policy(given))}):
        name = write(tmp_path, "policy.json", content)
        findings = checked(name)
        assert findings.remarks == [f"{name}: Passed over, since it is not a key policy: {why}."]
        assert (findings.judged, findings.exit_code) == ([], ExitCode.COMPLIANT)
        assert checked(str(tmp_path)).passed_over == 1


@pytest.mark.parametrize(
    "given",
    [
        {"Action": "*", "Resource": "*"},
        {"Action": "K*", "Resource": "*"},
        {"Action": ["s3:*", "?m?:Decrypt"]},
        {"Action": "kms:Decrypt", "Resource": BUCKET},
        {"Action": "*", "Resource": [BUCKET, "arn:aws:kms:us-east-1:111122223333:key/a"]},
        {"Action": "*", "Resource": [BUCKET, 1]},
        {"Action": "s3:*", "Actions": "kms:*"},
        {"NotAction": "s3:*", "Resource": "*"},
        {"Action": 1},
        {},
    ],
    ids=str,
)
def test_a_policy_that_may_be_a_keys_is_judged_wherever_it_is(tmp_path: Path, given: Json) -> None:
    name = write(tmp_path, "key.json", policy({"Effect": "Allow", "Principal": "*", **given}))
    for findings in (checked(name), checked(str(tmp_path))):
        assert [*scenarios(findings)] == ["key.json"]


ANSWERS = {
    "a policy": json.dumps({"Policy": json.dumps(EVERYTHING_OPEN, indent=1), "PolicyName": "default"}, indent=1),
    "a policy as text": json.dumps(json.dumps(EVERYTHING_OPEN)),
}


@pytest.mark.parametrize(("text", "line"), [(ANSWERS["a policy"], 2), (ANSWERS["a policy as text"], 0)])
def test_the_answer_of_get_key_policy_is_judged_as_the_policy_in_it(tmp_path: Path, text: str, line: int) -> None:
    name = write(tmp_path, "key.json", text)
    for findings in (checked(name), checked(str(tmp_path))):
        [finding] = findings.judged
        assert (finding.reported_id, finding.scenario.name, finding.place.line) == ("key.json", OPEN, line)
        assert finding.place_of(finding.statements[0]) == finding.place


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
        if "here" in text:
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
    endless = policy(statement(ADMINISTRATION, *(f"AROAOTTER{number:08}" for number in range(12_000))))
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


# ---------------------------------------------------------------------------------------------------------------------
# Which files of a folder
# ---------------------------------------------------------------------------------------------------------------------


def sources(folder: Path, *names: str, exclude: Sequence[str] = ()) -> list[str]:
    """The files that were judged, relative to a folder."""
    findings = check(names or [str(folder)], PARAMETERS, exclude=exclude)
    assert findings.unjudged == []
    return [os.path.relpath(finding.place.source, folder) for finding in findings.judged]


@pytest.mark.parametrize("name", ["OPEN.JSON", "open.Json", "open.YAML", "open.Template"])
def test_a_name_in_upper_case_is_searched_too(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, EVERYTHING_OPEN)
    assert sources(tmp_path) == [name]


EXCLUDED = [
    ("b", ["a.json", "c/b.json"]),
    ("b/", ["a.json", "c/b.json"]),
    ("*.json", []),
    ("b.json", ["a.json", "b/a.json", "b/c/a.json"]),
    ("b/*", ["a.json", "c/b.json"]),
    ("b/c", ["a.json", "b/a.json", "c/b.json"]),
    ("c", ["a.json", "b/a.json"]),
    ("[ab].json", []),
    ("*/c/*", ["a.json", "b/a.json", "c/b.json"]),
    ("A.json", ["a.json", "b/a.json", "b/c/a.json", "c/b.json"]),
    ("son", ["a.json", "b/a.json", "b/c/a.json", "c/b.json"]),
]


@pytest.mark.parametrize(("glob", "left"), EXCLUDED)
def test_what_is_excluded_is_left_out_of_folders_and_of_what_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, glob: str, left: list[str]
) -> None:
    files = ["a.json", "b/a.json", "b/c/a.json", "c/b.json"]
    for name in files:
        write(tmp_path, name, EVERYTHING_OPEN)
    monkeypatch.chdir(tmp_path)
    assert sources(tmp_path, ".", exclude=[glob]) == left
    assert sources(tmp_path, *files, exclude=[glob]) == left
    assert sources(tmp_path, "a.json", exclude=["nothing", glob]) == [name for name in left if name == "a.json"]


def test_each_file_is_judged_once_whatever_names_it_has(tmp_path: Path) -> None:
    names = [write(tmp_path, name, EVERYTHING_OPEN) for name in ("a.json", "b/c.json")]
    (tmp_path / "b" / "link.json").symlink_to(names[0])
    (tmp_path / "folder").symlink_to(tmp_path / "b")
    spellings = [*names, f"{tmp_path}/b/../a.json", f"{tmp_path}/b/link.json", str(tmp_path), f"{tmp_path}/folder"]
    assert sources(tmp_path, *spellings) == ["a.json", "b/c.json"]
    assert sources(tmp_path, *reversed(spellings)) == ["folder/c.json", "folder/link.json"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose rules ignore some of its files."""
    git(tmp_path, "init", "--quiet")
    write(tmp_path, ".gitignore", "build/\n*.tmp.json\ntracked.json\n")
    for name in ("a.json", "b.tmp.json", "build/c.json", "d/build/e.json", "d/f.json", "tracked.json"):
        write(tmp_path, name, EVERYTHING_OPEN)
    git(tmp_path, "add", "--force", "tracked.json")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), *arguments]
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a fixed command


def test_what_git_ignores_is_left_out_of_folders_but_not_of_what_is_named(repository: Path) -> None:
    assert sources(repository) == ["a.json", "tracked.json", "d/f.json"]
    assert sources(repository, str(repository / "d")) == ["d/f.json"]
    assert sources(repository, str(repository / "build")) == ["build/c.json"]
    assert sources(repository, str(repository / "b.tmp.json")) == ["b.tmp.json"]


def test_in_a_hook_the_rules_are_those_of_the_folder(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert sources(repository) == ["a.json", "tracked.json", "d/f.json"]


def test_a_repository_that_somebody_else_made_starts_nothing(repository: Path) -> None:
    write(repository, "monitor", f"#!/bin/sh\ntouch {repository}/started\n")
    (repository / "monitor").chmod(0o755)
    git(repository, "config", "core.fsmonitor", f"{repository}/monitor")
    assert "a.json" in sources(repository)
    assert not (repository / "started").exists()


def test_without_git_or_a_repository_nothing_is_ignored(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert len(sources(repository)) == 6
