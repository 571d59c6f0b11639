"""Files for the workloads that check files, as large as people may have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dev.bench.account import policy_text
from dev.bench.results import CHECKS, Workload

FILES_IN_A_FOLDER = 50
# Of so many files of a repository, one is a template with a key, and nine are other JSON.
FILES_FOR_A_TEMPLATE, OTHERS_IN_JSON = 40, 10
OTHER_RESOURCES = 20
BYTES_A_MEGABYTE = 1_000_000
RESOURCES_FOR_A_KEY = 1_000

SHORT_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["kms:Encrypt", "kms:Decrypt"],
            "Resource": "*",
            "Condition": {"StringLike": {"aws:userId": "AROABEAVER:*"}},
        }
    ],
}

type Json = dict[str, Any]


def write_policies(folder: Path, number: int) -> None:
    """Write so many key policies as people do, a file each."""
    folder.mkdir()
    for each in range(number):
        text = json.dumps(json.loads(policy_text(each)), indent=2)
        (folder / f"policy-{each:04}.json").write_text(text, encoding="utf-8")


def write_repository(folder: Path, number: int) -> None:
    """Write so many files of a repository, of which one in forty is a template with a key."""
    for each in range(number):
        parent = folder / f"folder-{each // FILES_IN_A_FOLDER:03}"
        parent.mkdir(parents=True, exist_ok=True)
        name, text = _file(each)
        (parent / name).write_text(text, encoding="utf-8")


def _file(number: int) -> tuple[str, str]:
    kind = number % FILES_FOR_A_TEMPLATE
    if kind == 0:
        return f"template-{number:04}.json", json.dumps(_template(number), indent=2)
    settings = {f"setting{each}": f"value {each}" for each in range(100)}
    if kind < OTHERS_IN_JSON:
        return f"settings-{number:04}.json", json.dumps(settings, indent=2)
    lines = (f"  {name}: {value}\n" for name, value in settings.items())
    return f"service-{number:04}.yaml", f"kind: Service\nspec:\n{''.join(lines)}"


def _template(number: int) -> Json:
    others = {f"Topic{each}": {"Type": "AWS::SNS::Topic", "Properties": {}} for each in range(OTHER_RESOURCES)}
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": json.loads(policy_text(number))}}
    return {"Resources": {**others, "Key": key}}


def write_aliases(file: Path, number: int) -> None:
    """Write a plan with so many keys of one short policy, each with an alias that names it by its index."""
    keys = [_resource("aws_kms_key", each, policy=json.dumps(SHORT_POLICY), is_enabled=True) for each in range(number)]
    aliases = [_resource("aws_kms_alias", each, name=f"alias/key-{each}") for each in range(number)]
    configured = [
        {"address": "aws_kms_key.this", "expressions": {"policy": {}}},
        {
            "address": "aws_kms_alias.this",
            "expressions": {"target_key_id": {"references": ["aws_kms_key.this", "count.index"]}},
        },
    ]
    _write_plan(file, [*aliases, *keys], configured)


def write_plan(file: Path, megabytes: int) -> None:
    """Write a plan of so many megabytes, in which one resource of a thousand is a key."""
    resources: list[Json] = []
    size = 0
    while size < megabytes * BYTES_A_MEGABYTE:
        number = len(resources)
        if number % RESOURCES_FOR_A_KEY:
            tags = {f"tag{each}": f"value {each}" for each in range(10)}
            resources.append(_resource("aws_s3_object", number, content="x" * 400, tags=tags))
        else:
            resources.append(_resource("aws_kms_key", number, policy=policy_text(number)))
        size += len(json.dumps(resources[-1]))
    _write_plan(file, resources, [])


def _resource(kind: str, index: int, **values: Any) -> Json:
    address = f"{kind}.this[{index}]"
    return {"address": address, "mode": "managed", "type": kind, "name": "this", "index": index, "values": values}


def _write_plan(file: Path, resources: list[Json], configured: list[Json]) -> None:
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": resources}},
        "configuration": {"root_module": {"resources": configured}},
    }
    file.write_text(json.dumps(plan), encoding="utf-8")


# How the files of a workload are made, at a place, and as many as it has `keys`.
INPUTS: Mapping[Workload, Callable[[Path, int], None]] = {
    **dict.fromkeys(CHECKS, write_policies),
    "check repository": write_repository,
    "checkov repository": write_repository,
    "check aliases": write_aliases,
    "check plan": write_plan,
    "json.load plan": write_plan,
}
