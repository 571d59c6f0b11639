"""Short ways to write templates, for the tests of what `kms-rule check` makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kms_rule.findings import Findings
from least_privilege.parameters import RuleParameters
from tests.command.checking import PARAMETERS, Json, checked, write


def key(**properties: Any) -> Json:
    return {"Type": "AWS::KMS::Key", "Properties": properties}


def alias(name: Any, target: Any, **more: Any) -> Json:
    return {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": name, "TargetKeyId": target}, **more}


def get_att(*names: str) -> Json:
    return {"Fn::GetAtt": [*names]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def if_(condition: str, holds: Any, does_not: Any) -> Json:
    return {"Fn::If": [condition, holds, does_not]}


NO_VALUE = {"Ref": "AWS::NoValue"}
ROLES = {name: {"Type": "AWS::IAM::Role"} for name in ("AdminRole", "Role")}


def judged(folder: Path, resources: Json, parameters: RuleParameters | None = None, **more: Any) -> Findings:
    name = write(folder, "template.json", {"Resources": {**ROLES, **resources}, **more})
    return checked(name, parameters=parameters or PARAMETERS)
