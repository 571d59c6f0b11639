"""Files that are nearly right, by the hundred: none ends the run, none is lost, and none makes kms-rule itself fail."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kms_rule.findings import Findings, Place
from tests.command.checking import ADMINISTRATION, EVERYTHING_OPEN, USAGE, USERS_MAY_USE, checked, policy, statement
from tests.policy.real_policies import REAL_POLICIES

FOLDER = Path(__file__).parent
FAILED = "kms-rule itself failed"
# The same files each time, whatever the machine.
SEEDS = range(3)
MUTANTS_OF_EACH = 8

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"User": {"Type": "String", "Default": "AROAUSER:*", "AllowedValues": ["AROAUSER:*", "*"]}},
    "Mappings": {"Users": {"prod": {"Id": "AROAUSER:*"}, "test": {"Id": "*"}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "User"}, "*"]},
        "IsTest": {"Fn::Not": [{"Condition": "IsProd"}]},
    },
    "Resources": {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Condition": "IsTest",
            "Properties": {
                "Enabled": {"Fn::If": ["IsProd", True, False]},
                "KeyPolicy": policy(
                    statement(USAGE, {"Fn::Sub": "${Role.RoleId}:*"}, Sid="Use"),
                    statement(ADMINISTRATION, {"Fn::FindInMap": ["Users", {"Ref": "Stage"}, "Id"]}),
                    {"Fn::If": ["IsTest", statement("kms:*", {"Ref": "User"}), {"Ref": "AWS::NoValue"}]},
                    statement(USAGE, {"Fn::Join": [":", [{"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}, "*"]]}),
                ),
            },
        },
        "Replica": {"Type": "AWS::KMS::ReplicaKey", "Properties": {"KeyPolicy": {"Fn::ToJsonString": USERS_MAY_USE}}},
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": {"Fn::Sub": "alias/${User}"}, "TargetKeyId": {"Ref": "Key"}},
        },
        "Everywhere": {
            "Type": "AWS::CloudFormation::StackSet",
            "Properties": {"TemplateBody": json.dumps({"Resources": {"Inner": {"Type": "AWS::KMS::Key"}}})},
        },
    },
    "Outputs": {"Out": {"Value": {"Ref": "Key"}, "Export": {"Name": "out"}}},
}
IN_YAML = """
Resources:
  Key: &key
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
          - {Effect: Allow, Principal: '*', Action: 'kms:Decrypt', Condition: {StringLike: {aws:userid: !Ref User}}}
          - !If [IsProd, {Effect: Allow, Principal: '*', Action: !Sub 'kms:${What}'}, !Ref AWS::NoValue]
  Other:
    <<: *key
  Alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/otter, TargetKeyId: !GetAtt Key.Arn}
"""
PLANS = [json.loads((FOLDER / "terraform" / name).read_text(encoding="utf-8")) for name in ("new.json",)]
DOCUMENTS: list[Any] = [
    TEMPLATE,
    {"TemplateBody": TEMPLATE, "StagesAvailable": ["Original"]},
    {"Policy": json.dumps(EVERYTHING_OPEN), "PolicyName": "default"},
    *PLANS,
    *[*REAL_POLICIES.values()][:20],
]

ODD: list[Any] = [
    None, True, 0, -1, 1e308, "", "*", "kms:*", "\0", "\ud800", "${", "{{resolve:", [], {}, [[]], [{}], {"": ""},
    {"Ref": []}, {"Ref": "Key"}, {"Fn::If": []}, {"Fn::Sub": ["${a}", {"a": {"Ref": "a"}}]}, {"Fn::GetAtt": {}},
    {"Fn::Transform": {"Name": "Macro"}}, "9" * 5_000, "AWS::KMS::Key", EVERYTHING_OPEN, json.dumps(EVERYTHING_OPEN),
]  # fmt: skip


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list within a value, with each of its names or positions."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, dict | list):
            yield from ((each, name) for name in (each if isinstance(each, dict) else range(len(each))))
            rest += each.values() if isinstance(each, dict) else each


def replaced(chance: random.Random, content: Any) -> None:
    where, name = chance.choice([*places_in(content)])
    where[name] = json.loads(json.dumps(chance.choice(ODD)))


def removed(chance: random.Random, content: Any) -> None:
    where, name = chance.choice([*places_in(content)])
    del where[name]


def moved(chance: random.Random, content: Any) -> None:
    places = [*places_in(content)]
    (where, name), (other, source) = chance.choice(places), chance.choice(places)
    where[name] = json.loads(json.dumps(other[source]))


def renamed(chance: random.Random, content: Any) -> None:
    where, name = chance.choice([place for place in places_in(content) if isinstance(place[0], dict)])
    where[chance.choice([f"{name}x", name.upper(), "Fn::If", "Ref", "Type", "Statement", ""])] = where.pop(name)


def nested(chance: random.Random, content: Any) -> None:
    where, name = chance.choice([*places_in(content)])
    for _ in range(chance.choice([1, 90, 101, 300])):
        where[name] = [where[name]] if chance.random() < 0.5 else {"Fn::If": where[name]}


CHANGES: list[Callable[[random.Random, Any], None]] = [replaced, removed, moved, renamed, nested]


def cut(chance: random.Random, text: str) -> bytes:
    """A text with one part of it replaced, which then may be neither JSON nor YAML nor UTF-8."""
    start = chance.randrange(len(text))
    end = min(len(text), start + chance.choice([0, 1, 5, 200]))
    inserted = chance.choice(
        [b"", b",", b"}", b"[", b'"', b"\t", b"\xff", b"\0", b"// kms\n", b"# kms\n", b"&a ", b"*a "]
    )
    return text[:start].encode(errors="replace") + inserted + text[end:].encode(errors="replace")


def mutants(seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    for document in DOCUMENTS:
        for _ in range(MUTANTS_OF_EACH):
            content = json.loads(json.dumps(document))
            for change in chance.choices(CHANGES, k=chance.choice([1, 1, 3])):
                if [*places_in(content)]:
                    change(chance, content)
            yield json.dumps(content).encode()
            yield cut(chance, json.dumps(document, indent=chance.choice([None, 1])))
    for _ in range(10 * MUTANTS_OF_EACH):
        yield cut(chance, IN_YAML)


def told_of(findings: Findings, file: Path) -> bool:
    name = str(file)
    places = [*(each.place for each in findings.judged), *(each.place for each in findings.unjudged)]
    return any(place.source == name for place in places) or any(
        remark.startswith(f"{name}:") for remark in findings.remarks
    )


def verdicts(findings: Findings) -> set[tuple[Place, str, str]]:
    return {(each.place, each.reported_id, each.annotation) for each in findings.judged}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_file_is_lost_and_none_makes_the_command_fail(tmp_path: Path, seed: int) -> None:
    files = []
    for number, content in enumerate(mutants(seed)):
        files.append(tmp_path / f"{number:04}.{'yaml' if number % 3 else 'json'}")
        files[-1].write_bytes(content)
    in_folder = checked(str(tmp_path))
    untold = [file for file in files if not told_of(in_folder, file)]
    assert len(untold) == in_folder.passed_over
    named = checked(*map(str, files))
    assert [file.name for file in files if not told_of(named, file)] == []
    for findings in (in_folder, named):
        assert [str(each.place) for each in findings.unjudged if FAILED in each.reason] == []
        assert findings.judged
    # In a folder, most files are not even parsed.
    assert verdicts(in_folder) == verdicts(named)
