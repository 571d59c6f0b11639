"""Tells what a file is by its content, and makes its contents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from kms_rule.sources import policy
from kms_rule.sources.cloudformation import template
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs
from kms_rule.sources.contents import Contents, InputError
from kms_rule.sources.json_positions import Position
from kms_rule.sources.terraform import plan
from least_privilege.parameters import RuleParameters

# Names as YAML writes them, in block or flow style. Where one is part of the root, only a reader of YAML can tell.
RESOURCES = re.compile(r"""(?<![^\s{,])(["']?)Resources\1\s*:""")
RESOURCES_UNLIKE_JSON = re.compile(r"""(?<![^\s{,])('?)Resources\1\s*:""")
STATEMENT = re.compile(r"""(?<![^\s{,])(["']?)Statement\1\s*:""")
STATEMENT_AT_LINE_START = re.compile(r"""^(["']?)Statement\1\s*:""", re.MULTILINE)
BEFORE_THE_ROOT = re.compile(r"^(?:---(?=\s)|%.*|[ \t]*(?:#|//).*)", re.MULTILINE)
KEY_TYPE = re.compile(r"AWS::KMS::(?:Replica)?Key\b")
ACTION = re.compile("kms:", re.IGNORECASE)
NAMES_OF_STATE = frozenset({"terraform_version", "lineage"})
NAMES_OF_ANSWER = frozenset({"Policy", "PolicyName"})
POLICY_AS_NO_JSON = "It seems to be a key policy, which must be JSON: write it as JSON, without comments."
OWN_STATE = "It is Terraform's own state: give 'kms-rule check' the output of 'terraform show -json' on it."
ANSWER = "It holds a policy as text, as 'aws kms get-key-policy' answers: add --query Policy --output text to it."


def read(text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN) -> Contents | None:
    """Make the contents of a text, or None where it is not a key policy, CloudFormation template or Terraform plan.

    `inputs` are what a template gets from outside. Raises `InputError` where it is broken, or cannot be judged as a
    whole.
    """
    if _begins_as_json(text):
        return _of_json(text, source, parameters, inputs)
    if RESOURCES.search(text):
        return template.read_yaml(text, source, parameters, inputs)
    return None


def _begins_as_json(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _of_json(text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs) -> Contents | None:
    try:
        content = from_json(text)
    except InputError:
        contents = _of_flow_style(text, source, parameters, inputs)
        if contents is None:
            raise
        return contents
    return _of_content(content, text, source, parameters, inputs)


def _of_flow_style(text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs) -> Contents | None:
    """Make the keys of a template in YAML that begins as JSON does, or None where it cannot be read as one."""
    if not RESOURCES_UNLIKE_JSON.search(text):
        return None
    try:
        return template.read_yaml(text, source, parameters, inputs)
    except InputError:
        # What is wrong with it as JSON is told, since that is how it begins.
        return None


def _of_content(
    content: object, text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs
) -> Contents | None:
    if not isinstance(content, dict):
        return None
    if plan.is_plan(content):
        return plan.read(content, source, parameters)
    if "Statement" in content:
        return policy.read(text, source)
    if isinstance(content.get("Resources"), Mapping):
        return template.read_json(text, source, parameters, inputs)
    raise_if_nearly_right(content)
    return None


def raise_if_nearly_right(content: Mapping[str, Any]) -> None:
    """Raise `InputError` for a JSON object that another option of the command that made it would have made right."""
    if content.keys() >= NAMES_OF_STATE:
        raise InputError(OWN_STATE)
    policy_text = content.get("Policy")
    if content.keys() <= NAMES_OF_ANSWER and isinstance(policy_text, str) and policy_text.lstrip().startswith("{"):
        raise InputError(ANSWER)


def seems_template_in_yaml(text: str) -> bool:
    """Return whether a text does not begin as JSON and has `Resources`, be it at its root or not."""
    return not _begins_as_json(text) and bool(RESOURCES.search(text))


def seems_policy_as_no_json(text: str) -> bool:
    """Return whether a text does not begin as JSON, but has `Statement` at its root: in YAML, or below a comment."""
    if _begins_as_json(text) or "Statement" not in text:
        return False
    root = dedent(BEFORE_THE_ROOT.sub("", text)).lstrip()
    return bool((STATEMENT if root.startswith("{") else STATEMENT_AT_LINE_START).search(root))


def seems_to_define_a_key(text: str) -> bool:
    """Return whether a text that does not begin as JSON names a type of keys, or seems a policy with KMS actions."""
    if _begins_as_json(text):
        return False
    return bool(KEY_TYPE.search(text)) or (bool(ACTION.search(text)) and seems_policy_as_no_json(text))


def from_json(text: str) -> Any:
    """Parse JSON.

    Raises `InputError` with the position where it is broken, or where it is nested too deeply.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        position = Position(error.lineno, error.colno)
        raise InputError(f"It is not JSON ({error.msg}): correct it.", position) from error
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else f"cannot be read ({error})"
        raise InputError(f"Its JSON {reason}: correct it.") from error
