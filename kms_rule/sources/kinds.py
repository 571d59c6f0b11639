"""Tells what a file is by its content, and makes its contents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from AWSConfigRuleKMS import RuleParameters
from kms_rule.sources import plan, policy, template
from kms_rule.sources.contents import Contents, InputError
from kms_rule.sources.located import Position

# A template in YAML has its Resources at the beginning of a line.
TEMPLATE_IN_YAML = re.compile(r"""^(["']?)Resources\1[ \t]*:""", re.MULTILINE)


def read(text: str, source: str, parameters: RuleParameters) -> Contents | None:
    """Make the contents of a text, or None where it is no key policy, CloudFormation template or Terraform plan.

    Raises `InputError` where it is broken, or cannot be judged as a whole.
    """
    if text.lstrip().startswith(("{", "[")):
        return _of_json(text, source, parameters)
    if TEMPLATE_IN_YAML.search(text):
        return template.read_yaml(text, source, parameters)
    return None


def _of_json(text: str, source: str, parameters: RuleParameters) -> Contents | None:
    content = from_json(text)
    if not isinstance(content, dict):
        return None
    if plan.is_plan(content):
        return plan.read(content, source, parameters)
    if "Statement" in content:
        return policy.read(text, source)
    if isinstance(content.get("Resources"), Mapping):
        return template.read_json(text, source, parameters)
    return None


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
