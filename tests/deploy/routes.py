"""What a template and a Terraform module deploy, both written as `resource.property.part`: value, in Terraform's names.

A resource or property of the template that has another name in Terraform stands in a table here; every other name is
the same but for its spelling (`MemorySize`, `memory_size`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.deploy.templates import ACCOUNT_ID, REGION

type Deployed = dict[str, Any]

RESOURCES = {
    "LogGroup": "aws_cloudwatch_log_group.function",
    "FailureQueue": "aws_sqs_queue.failures",
    "FunctionRole": "aws_iam_role.function",
    "Function": "aws_lambda_function.rule",
    "FailureDestination": "aws_lambda_function_event_invoke_config.failures",
    "ErrorAlarm": "aws_cloudwatch_metric_alarm.errors",
    "ThrottleAlarm": "aws_cloudwatch_metric_alarm.throttles",
    "FailureAlarm": "aws_cloudwatch_metric_alarm.failures",
    "OverdueAlarm": "aws_cloudwatch_metric_alarm.overdue",
    "Permission": "aws_lambda_permission.config",
    "Rule": "aws_config_config_rule.rule",
    "MemberRole": "aws_iam_role.member",
}
# Inline policies are resources of their own in Terraform.
POLICIES = {
    "LogAndKeepFailures": "aws_iam_role_policy.log_and_keep_failures",
    "AssumeExecutionRole": "aws_iam_role_policy.work",
    "ReadKeysAndReport": "aws_iam_role_policy.work",
}
MEMBER_POLICIES = {"ReadKeysAndReport": "aws_iam_role_policy.read_keys_and_report"}
PROPERTIES = {
    "aws_cloudwatch_log_group.function.log_group_name": "name",
    "aws_sqs_queue.failures.queue_name": "name",
    "aws_sqs_queue.failures.message_retention_period": "message_retention_seconds",
    "aws_iam_role.function.role_name": "name",
    "aws_iam_role.function.assume_role_policy_document": "assume_role_policy",
    "aws_iam_role.member.role_name": "name",
    "aws_iam_role.member.assume_role_policy_document": "assume_role_policy",
    "aws_config_config_rule.rule.config_rule_name": "name",
    "aws_config_config_rule.rule.evaluation_modes": "evaluation_mode",
}
PARTS = {"variables": "variables", "metrics": "metric_query", "source_details": "source_detail"}
# These are values as they are, whatever their keys are called.
WHOLE = {"AssumeRolePolicyDocument", "PolicyDocument", "InputParameters", "Variables"}
ARNS = {
    "Function.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:AWSConfigRuleKMS",
    "FunctionRole.Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/AWSConfigRuleKMS-{REGION}",
    "FailureQueue.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:AWSConfigRuleKMS-failures",
    "FailureQueue.QueueName": "AWSConfigRuleKMS-failures",
}
# In these the two may differ, for the reason that docs/deploying.md gives too.
DIFFERENCES = {
    "aws_lambda_function.rule.code.s3_bucket": "Terraform uploads the package itself",
    "aws_lambda_function.rule.code.s3_key": "Terraform uploads the package itself",
    "aws_lambda_function.rule.filename": "Terraform uploads the package itself",
    "aws_lambda_function.rule.source_code_hash": "tells Terraform of another package in the same file",
    "aws_cloudwatch_metric_alarm.overdue.metric_query.1.return_data": "explicit in Terraform, a template's default",
}
# What the provider writes where nothing is given: an alarm without limits of its own, a function without a reserve.
NOTHING: tuple[object, ...] = (None, "", [], {}, -1)


def of_template(resources: Mapping[str, Any]) -> Deployed:
    """Return what a template's resources, worked out, are; policies are resources of their own, as in Terraform."""
    deployed: Deployed = {}
    for name, resource in resources.items():
        address, properties = RESOURCES[name], dict(resource["Properties"])
        named = MEMBER_POLICIES if name == "MemberRole" else POLICIES
        for policy in properties.pop("Policies", ()):
            own = {"role": properties["RoleName"], "name": policy["PolicyName"], "policy": policy["PolicyDocument"]}
            deployed |= _leaves(own, named[policy["PolicyName"]])
        deployed |= _leaves(_renamed(properties, address), address)
    return deployed


def of_state(state: Mapping[str, Any]) -> Deployed:
    """Return what the resources are that a state file holds."""
    deployed: Deployed = {}
    for resource in state["resources"]:
        [instance] = resource["instances"]
        deployed |= _of_resource(resource, instance["attributes"])
    return deployed


def of_plan(plan: Mapping[str, Any], module: str = "") -> Deployed:
    """Return what of the resources a plan knows, those of the root module or of a child."""
    planned = plan["planned_values"]["root_module"]
    if module:
        [planned] = [child for child in planned["child_modules"] if child["address"] == f"module.{module}"]
    deployed: Deployed = {}
    for resource in planned["resources"]:
        deployed |= _of_resource(resource, resource["values"])
    return deployed


def _of_resource(resource: Mapping[str, Any], values: Mapping[str, Any]) -> Deployed:
    return _leaves(values, f"{resource['type']}.{resource['name']}") if resource["mode"] == "managed" else {}


def given_in_files(plan: Mapping[str, Any], module: str = "") -> set[str]:
    """Return every property that a module's own files give a resource, in the same writing."""
    root = plan["configuration"]["root_module"]
    return {
        path
        for resource in (root["module_calls"][module]["module"] if module else root)["resources"]
        if resource["mode"] == "managed"
        for path in _given(resource["expressions"], resource["address"])
    }


def _given(expressions: Any, path: str) -> Iterator[str]:
    if isinstance(expressions, list):
        for index, block in enumerate(expressions):
            yield from _given(block, path if len(expressions) == 1 else f"{path}.{index}")
    elif {"references", "constant_value"} & expressions.keys():
        yield path
    else:
        for name, expression in expressions.items():
            yield from _given(expression, f"{path}.{name}")


def _renamed(node: Any, path: str) -> Any:
    if isinstance(node, list):
        if all(isinstance(item, dict) and item.keys() == {"Name", "Value"} for item in node):
            return {item["Name"]: item["Value"] for item in node}
        return [_renamed(item, path) for item in node]
    if not isinstance(node, dict):
        return ARNS.get(node, node) if isinstance(node, str) else node
    if "MetricStat" in node:
        statistic = dict(node["MetricStat"])
        node = {**node, "Metric": {**statistic.pop("Metric"), **statistic}}
        del node["MetricStat"]
    renamed = {}
    for key, value in node.items():
        name = _spelled(key)
        name = PROPERTIES.get(f"{path}.{name}", PARTS.get(name, name))
        renamed[name] = value if key in WHOLE else _renamed(value, f"{path}.{name}")
    return renamed


def _spelled(name: str) -> str:
    """Spell a template's name as Terraform does: `MemorySize` as `memory_size`, `CMKWhitelist` as `cmk_whitelist`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def variable(parameter: str) -> str:
    """Return what a template's parameter is called in the module."""
    return _spelled(parameter)


def _leaves(node: Any, path: str) -> Deployed:
    node = _parsed(node)
    if isinstance(node, list) and node and all(isinstance(item, dict) for item in node):
        items = sorted(node, key=_order)
        paths = [path] if len(items) == 1 else [f"{path}.{index}" for index in range(len(items))]
        return {name: leaf for item, at in zip(items, paths, strict=True) for name, leaf in _leaves(item, at).items()}
    if isinstance(node, dict) and not path.endswith((".input_parameters", "policy", ".variables", ".dimensions")):
        return {name: leaf for key, value in node.items() for name, leaf in _leaves(value, f"{path}.{key}").items()}
    if isinstance(node, list):
        node = sorted(node)
    return {} if node in NOTHING else {path: _compared(node)}


def _order(item: Mapping[str, Any]) -> str:
    return str(item.get("message_type") or item.get("id") or "")


def _parsed(node: Any) -> Any:
    """Parse policies and parameters, which Terraform keeps as JSON text."""
    return json.loads(node) if isinstance(node, str) and node.startswith("{") else node


def _compared(node: Any) -> Any:
    """Write numbers and truth values as a template's parameters do, and put the references' ARNs into a policy."""
    if isinstance(node, dict):
        return {key: _compared(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_compared(item) for item in node]
    if isinstance(node, bool):
        return str(node).lower()
    return ARNS.get(str(node), str(node))
