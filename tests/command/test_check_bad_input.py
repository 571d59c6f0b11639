"""Files that are broken, hostile or none of the three kinds: each is told in one sentence, with its position."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kms_rule.findings import ExitCode
from kms_rule.sources.detect import read
from least_privilege.scenarios import judge
from tests.command.checking import SEPARATED, USERS_MAY_USE, checked, reasons, scenarios, write

NONE_OF_THESE = (
    "It is not a key policy as JSON, a CloudFormation template or the output of 'terraform show -json': name another "
    "file."
)
KINDS = "a key policy as JSON, a CloudFormation template or the output of 'terraform show -json'"
PASSED_OVER = f"Passed over, since it is not {KINDS}."
POLICY_AS_NO_JSON = "It seems to be a key policy, which must be JSON: write it as JSON, without comments."
OWN_STATE = "It is Terraform's own state: give 'kms-rule check' the output of 'terraform show -json' on it."
ZIP = "It is a zip file, as Terraform's own plan is: give 'kms-rule check' the output of 'terraform show -json' on it"
NOT_A_FILE = (
    "It is a pipe or a device, which is not read: save its content as a file, or pipe it to 'kms-rule check -'."
)
NOT_YAML = "It is not YAML that CloudFormation reads"
NESTED_ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
NESTED_MERGES = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9))

# Each row: the content, the line and column, and how the sentence begins.
BROKEN: list[tuple[str | bytes, tuple[int, int], str]] = [
    # JSON
    ('{"Statement": [\n  {"Action": "kms:*" 7}\n]}', (2, 22), "It is not JSON (Expecting ',' delimiter): correct it."),
    ('{"Statement": [', (1, 16), "It is not JSON (Expecting value): correct it."),
    ('{"Statement": []} {}', (1, 19), "It is not JSON (Extra data): correct it."),
    ("{'Statement': []}", (1, 2), "It is not JSON (Expecting property name enclosed in double quotes): correct it."),
    ('{"Statement": "a\tb"}', (1, 17), "It is not JSON (Invalid control character at): correct it."),
    ('{"Statement": ' + "[" * 100_000, (0, 0), "It is nested more than 100 deep: write it flatter."),
    ('{"Statement": ' + "9" * 5_000 + "}", (0, 0), "Its JSON cannot be read (Exceeds the limit"),
    ('{"Resources": {"A": {},\n "A": {}}}', (2, 2), 'Its JSON is ambiguous ("A" stands twice in one object): cor'),
    ('{"Resources": {"A": ' + '{"a":' * 5_000 + "1" + "}" * 5_002, (0, 0), "It is nested more than 100 deep: write it"),
    # What might be YAML is told as JSON where it is not a template in YAML either.
    ("{Resources: [a", (1, 2), "It is not JSON (Expecting property name enclosed in double quotes): correct it."),
    ("{Resources: kms}", (1, 2), "It is not JSON (Expecting property name enclosed in double quotes): correct it."),
    ("{a: {Resources: {}}}", (1, 2), "It is not JSON (Expecting property name enclosed in double quotes): correct it."),
    # JSON takes no comments, wherever they stand.
    ('// Otter\n{"Statement": []}', (1, 1), "It is not JSON, which takes no comments: take them out."),
    ('/* Otter\n // */ {"Statement": []}', (1, 1), "It is not JSON, which takes no comments: take them out."),
    ('{\n  // Otter\n  "Resources": {}}', (2, 3), "It is not JSON, which takes no comments: take them out."),
    ('{"Statement": [1, /* Otter */ 2]}', (1, 19), "It is not JSON, which takes no comments: take them out."),
    # YAML
    (
        "Resources:\n  1: {}\n  1: {}",
        (3, 3),
        f"{NOT_YAML} ('1' stands twice in one object, first in line 2): correct it.",
    ),
    ("Resources: {[a]: {}}", (1, 13), f"{NOT_YAML} (a name is not a text): correct it."),
    ("Resources: {{a: 1}: {}}", (1, 13), f"{NOT_YAML} (a name is not a text): correct it."),
    ("a: &a [b]\nResources: {*a : {}}", (2, 13), f"{NOT_YAML} (a name is not a text): correct it."),
    ("Resources: {<<: a}", (1, 17), f"{NOT_YAML} (what is merged is not an object): correct it."),
    ("Resources: !!python/name:os.system a", (1, 12), f"{NOT_YAML} (the tag 'tag:yaml.org,2002:python/"),
    ("Resources:\n\tKey: {}", (2, 1), f"{NOT_YAML} (found character that cannot start any token): correct it."),
    ("---\n  Resources:\n    Key: [a\n", (4, 1), f"{NOT_YAML} (did not find expected ',' or ']'): correct it."),
    ("--- {'Resources': {", (2, 1), f"{NOT_YAML} (did not find expected node content): correct it."),
    ("Resources:\n  Key: [a, b\n", (3, 1), f"{NOT_YAML} (did not find expected ',' or ']'): correct it."),
    ("Resources: {}\nResources: {}", (2, 1), f"{NOT_YAML} ('Resources' stands twice in one object, first in "),
    ("Resources:\n  Key: *nobody", (2, 8), f"{NOT_YAML} (found undefined alias): correct it."),
    ("Resources: &all {Key: *all}", (1, 23), f"{NOT_YAML} (an alias stands within what it names): corre"),
    ("Resources: {}\n---\nResources: {}", (2, 1), f"{NOT_YAML} (expected a single document in the stream): correct"),
    ("Resources: !!python/object:os.system {}", (1, 12), f"{NOT_YAML} (the tag 'tag:yaml.org,2002:python/"),
    ("Resources: {~: {}}", (1, 13), f"{NOT_YAML} (a name is missing): correct it."),
    ("Resources: " + "9" * 5_000, (1, 12), f"{NOT_YAML} (Exceeds the limit"),
    ("Resources: \x07", (0, 0), f"{NOT_YAML} (unacceptable character #x0007: control characters are not allowed): c"),
    # What a reader that calls itself would end the process by.
    ("Resources: " + "[" * 100_000, (1, 111), "It is nested more than 100 deep: write it flatter."),
    ("Resources:\n " + "- " * 300_000 + "a", (2, 200), "It is nested more than 100 deep: write it flatter."),
    ("Resources: " + "{a: " * 100_000, (1, 408), "It is nested more than 100 deep: write it flatter."),
    # What would fill the memory.
    (f"a0: &a0 [v, v]\n{NESTED_ALIASES}Resources: {{}}", (6, 58), "It is larger than 250,000 values: split it."),
    (f"a0: &a0 {{k: v}}\n{NESTED_MERGES}Resources: {{}}", (7, 63), "It is larger than 250,000 values: split it."),
    ("Resources: {}\n#" + "x" * 1_100_000, (0, 0), "It is a template of 1,100,015 characters, and CloudFormation tak"),
    # No text
    (b"", (0, 0), "It is empty: name another file."),
    (" \r\n\t", (0, 0), "It is empty: name another file."),
    (b"\xef\xbb\xbf", (0, 0), "It is empty: name another file."),
    (b'{"Statement": "\xe9"}', (0, 0), "It is not UTF-8 (byte 16): save it as UTF-8."),
    ('{"Statement": []}'.encode("utf-16"), (0, 0), "It is UTF-16 (byte 1): save it as UTF-8."),
    # What another option, or another way to write it, would have made one of them
    ('{"version": 4, "terraform_version": "1.11.4", "lineage": "", "resources": []}', (0, 0), OWN_STATE),
    (b"PK\x03\x04\x14\x00", (0, 0), ZIP),
    (b"PK\x03\x04\xff", (0, 0), ZIP),
    ("Statement:\n  - Action: kms:*", (0, 0), POLICY_AS_NO_JSON),
    ('"Statement": [{Action: KMS:*}]', (0, 0), POLICY_AS_NO_JSON),
    ("%YAML 1.1\n---\n  # Otter\n  Version: 2012-10-17\n  Statement: [{Action: kms:*}]", (0, 0), POLICY_AS_NO_JSON),
    ("--- {Version: 2012-10-17, Statement: [{Action: 'kms:*'}]}", (0, 0), POLICY_AS_NO_JSON),
    # What defines a key, but is none of the kinds
    ("resources: {Resources: {Key: {Type: AWS::KMS::Key}}}", (0, 0), NONE_OF_THESE),
    ('{"Key": {"Type": "AWS::KMS::Key"}}', (0, 0), NONE_OF_THESE),
]


@pytest.mark.parametrize(("content", "position", "beginning"), BROKEN, ids=lambda value: repr(value)[:60])
def test_a_named_file_that_cannot_be_judged_is_told_in_one_sentence_with_its_position(
    tmp_path: Path, content: str | bytes, position: tuple[int, int], beginning: str
) -> None:
    findings = checked(write(tmp_path, "file", content), write(tmp_path, "good.json", USERS_MAY_USE))
    [unjudged] = findings.unjudged
    assert (unjudged.place.line, unjudged.place.column) == position
    assert unjudged.reason.startswith(beginning)
    assert unjudged.reason.endswith(".")
    assert "\n" not in unjudged.reason
    assert scenarios(findings) == {"good.json": SEPARATED}
    assert findings.exit_code == ExitCode.INCOMPLETE


HOLD_NO_KEY: list[str | bytes] = [
    "[]",
    "{}",
    "kms:*",
    '"kms"',
    '{"Resources": []}',
    "Resources: kms",
    "Resource: {}",
    '{"Policy": "Otter", "PolicyName": "default"}',
    '{"Policy": {"Id": "Otter"}}',
    '{"Policy": "{}", "RoleName": "Otter"}',
    '{"format_version": "1.2", "resource_changes": []}',
    '{"version": 4, "terraform_version": "1.11.4", "resources": []}',
    "Statement: []",
    "Policy:\n  Statement: []",
    "Policy: {Statement: []}",
    # Nothing in these could be a key's, so that it does not matter that they are broken.
    '{\n  // comments, as some tools take them\n  "compilerOptions": {},\n}',
    b'{"name": "caf\xe9"}',
    "{{ if .Values.key }}\nkind: Secret",
]


@pytest.mark.parametrize("content", HOLD_NO_KEY, ids=repr)
def test_a_named_file_that_holds_no_key_passes_with_a_remark_so_that_a_hook_can_name_the_changed_ones(
    tmp_path: Path, content: str | bytes
) -> None:
    name = write(tmp_path, "file", content)
    findings = checked(name)
    assert (findings.unjudged, findings.exit_code) == ([], ExitCode.COMPLIANT)
    assert findings.remarks == [f"{name}: {PASSED_OVER}"]


@pytest.mark.parametrize("content", ["{}", "kms:*", '{"name": "web"}'])
def test_what_is_piped_to_the_command_must_be_of_one_of_the_kinds(
    monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert reasons(checked("-")) == {"-": NONE_OF_THESE}


def test_a_file_that_may_not_be_read_or_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path, "key.json", USERS_MAY_USE)

    def refusing(*_arguments: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refusing)
    assert reasons(checked(name)) == {
        "key.json": "It cannot be read (Permission denied): name a file that exists and may be read."
    }


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_standard_input_with_nothing_in_it_points_at_the_command_before_the_pipe(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert reasons(checked("-")) == {
        "-": "Standard input is empty: the command before the pipe may have failed, so look at its error."
    }


def test_a_file_is_read_up_to_a_limit_only(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    large.touch()
    os.truncate(large, 64 * 1024 * 1024 + 1)
    assert reasons(checked(str(large))) == {"large.json": "It is larger than 64 MB: split it."}


def test_what_is_not_a_regular_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, target in (("pipe.json", tmp_path / "pipe"), ("device.json", "/dev/zero"), ("nowhere.json", "nowhere")):
        (tmp_path / name).symlink_to(target)
    write(tmp_path, "good.json", USERS_MAY_USE)
    findings = checked(str(tmp_path))
    assert scenarios(findings) == {"good.json": SEPARATED}
    assert reasons(findings) == {
        "pipe.json": NOT_A_FILE,
        "device.json": NOT_A_FILE,
        "nowhere.json": "It cannot be read (No such file or directory): name a file that exists and may be read.",
    }
    assert reasons(checked(str(tmp_path / "pipe"), "/dev/zero")) == {"pipe": NOT_A_FILE, "zero": NOT_A_FILE}


def test_standard_input_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert reasons(checked("-")) == {
        "-": "Standard input is closed: pipe something to 'kms-rule check -', or name a file."
    }


@pytest.mark.parametrize("depth", [101, 250, 480, 5_000])
def test_a_policy_that_is_nested_deeply_is_told_wherever_it_stands(tmp_path: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    policy = f'{{"Statement": [{{"Effect": "Allow", "Action": "kms:*", "Principal": "*", "Resource": {deep}}}]}}'
    resources = f'{{"Key": {{"Type": "AWS::KMS::Key", "Properties": {{"KeyPolicy": {policy}}}}}}}'
    names = [
        write(tmp_path, "policy.json", policy),
        write(tmp_path, "answer.json", {"Policy": policy}),
        write(tmp_path, "template.json", f'{{"Resources": {resources}}}'),
        write(tmp_path, "template.yaml", f"Resources: {resources}"),
        write(tmp_path, "body.json", {"TemplateBody": f"Resources: {resources}"}),
    ]
    told = reasons(checked(*names))
    assert set(told.values()) == {"It is nested more than 100 deep: write it flatter."}
    assert len(told) == len(names)


@pytest.mark.parametrize(("broken", "works"), [("read", read), ("judge", judge)])
def test_whatever_goes_wrong_in_one_file_keeps_no_other_from_being_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, works: Callable[..., object]
) -> None:
    names = [write(tmp_path, name, USERS_MAY_USE) for name in ("a.json", "b.json", "c.json")]
    calls = count()

    def fails_once(*arguments: Any) -> Any:
        if next(calls) == 1:
            raise IndexError
        return works(*arguments)

    monkeypatch.setattr(f"kms_rule.commands.check.{broken}", fails_once)
    findings = checked(*names)
    assert [*scenarios(findings)] == ["a.json", "c.json"]
    assert reasons(findings) == {
        "b.json": "It could not be finished, since kms-rule itself failed (IndexError): report it, with what 'kms-rule "
        "--debug' prints in addition."
    }


def test_without_pyyaml_a_template_in_yaml_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    resources = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": USERS_MAY_USE}}}}
    findings = checked(
        write(tmp_path, "template.yaml", "Resources: {Key: {Type: AWS::KMS::Key}}"),
        write(tmp_path, "template.json", resources),
    )
    assert reasons(findings) == {
        "template.yaml": "It seems to be a CloudFormation template in YAML, which needs PyYAML to be read: pip "
        "install PyYAML."
    }
    assert scenarios(findings) == {"Key": SEPARATED}
