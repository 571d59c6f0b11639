"""The templates in `deploy/`, worked out as CloudFormation would with given parameters.

moto leaves out the alarms and the on-failure destination, so these are looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

DEPLOY = Path(__file__).parents[2] / "deploy"
RULE = DEPLOY / "rule.yaml"
ORGANIZATION = DEPLOY / "organization.yaml"
MEMBER_ROLE = DEPLOY / "member-role.yaml"
TEMPLATES = (RULE, ORGANIZATION, MEMBER_ROLE)

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PSEUDO_PARAMETERS = {"AWS::AccountId": ACCOUNT_ID, "AWS::Partition": "aws", "AWS::Region": REGION}
FUNCTION_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/AWSConfigRuleKMS-{REGION}"
# What a template cannot know.
NEEDED = {
    "AdminUserId": "AROAOTTER*",
    "CodeBucket": "otter-packages",
    "CodeKey": "AWSConfigRuleKMS/1.zip",
    "FunctionRoleArns": FUNCTION_ROLE_ARN,
}
# The property that gives a resource the name that a `Ref` to it stands for.
NAME_PROPERTIES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
}
NO_VALUE = object()


def read(path: Path) -> dict[str, Any]:
    """Return a template as it is written, its short functions (`!Ref`) as long ones (`{"Ref": …}`)."""
    template: dict[str, Any] = cfn_yaml.load(str(path))
    return template


def parameters(path: Path, **given: str) -> dict[str, str]:
    """Return the parameters that a stack of this template needs, `given` ones among or beside them."""
    declared = read(path)["Parameters"]
    assert given.keys() <= declared.keys()
    return {name: value for name, value in NEEDED.items() if name in declared} | given


def resources(path: Path, **given: str) -> dict[str, Any]:
    """Return the resources that a stack with these parameters makes, every function worked out.

    The attribute `Arn` of the resource `Role` is written `Role.Arn`; a `Ref` to it is its name.
    """
    template = read(path)
    stack = _Stack(template, parameters(path, **given))
    return {
        name: stack.worked_out(resource)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or stack.holds(resource["Condition"])
    }


def allowed_actions(path: Path, role: str = "FunctionRole", **given: str) -> dict[str, tuple[str, ...]]:
    """Return the actions that a role of the template allows, each with the resources that it allows it on."""
    allowed: dict[str, tuple[str, ...]] = {}
    for statement in statements(path, role, **given):
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            allowed[action] = (*allowed.get(action, ()), *_listed(statement["Resource"]))
    return allowed


def statements(path: Path, role: str = "FunctionRole", **given: str) -> list[dict[str, Any]]:
    """Return the statements of a role's policies."""
    policies = resources(path, **given)[role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True)
class _Stack:
    template: Mapping[str, Any]
    given: Mapping[str, str]

    def holds(self, condition: str) -> bool:
        return bool(self.worked_out(self.template["Conditions"][condition]))

    def worked_out(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for item in node if (value := self.worked_out(item)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        for name, argument in node.items():
            if name in FUNCTIONS:
                return FUNCTIONS[name](self, argument)
            assert not name.startswith("Fn::"), f"the function {name} is not known here"
        return {name: value for name, item in node.items() if (value := self.worked_out(item)) is not NO_VALUE}

    def reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.template["Resources"]:
            resource = self.template["Resources"][name]
            return self.worked_out(resource["Properties"][NAME_PROPERTIES[resource["Type"]]])
        declared = self.template["Parameters"][name]
        value = self.given.get(name, declared.get("Default"))
        assert value is not None, f"the parameter {name} is needed"
        return value.split(",") if declared["Type"] == "CommaDelimitedList" else value

    def choose(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.worked_out(then if self.holds(condition) else otherwise)

    def substitute(self, argument: str | list[Any]) -> str:
        text, names = (argument, {}) if isinstance(argument, str) else argument
        values = self.worked_out(names)

        def value(hit: re.Match[str]) -> str:
            return str(values[hit[1]] if hit[1] in values else self.reference(hit[1]))

        return re.sub(r"\$\{([\w:]+)\}", value, text)

    def join(self, argument: list[Any]) -> str:
        separator, parts = argument
        return str(separator.join(self.worked_out(parts)))

    def split(self, argument: list[Any]) -> list[str]:
        separator, text = argument
        return str(self.worked_out(text)).split(separator)

    def select(self, argument: list[Any]) -> Any:
        index, values = argument
        return self.worked_out(values)[index]

    def equals(self, argument: list[Any]) -> bool:
        left, right = self.worked_out(argument)
        return bool(left == right)

    def negate(self, argument: list[Any]) -> bool:
        return not self.worked_out(argument)[0]


FUNCTIONS: Mapping[str, Callable[[_Stack, Any], Any]] = {
    "Ref": _Stack.reference,
    "Fn::Equals": _Stack.equals,
    "Fn::GetAtt": lambda _, argument: ".".join(argument),
    "Fn::If": _Stack.choose,
    "Fn::Join": _Stack.join,
    "Fn::Not": _Stack.negate,
    "Fn::Select": _Stack.select,
    "Fn::Split": _Stack.split,
    "Fn::Sub": _Stack.substitute,
}
