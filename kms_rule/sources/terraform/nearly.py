"""Tells what of Terraform is not the output of `terraform show -json`, and how to get that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kms_rule.sources.terraform.plan_resources import mapping
from kms_rule.sources.terraform.resource_types import KEY_TYPES, POLICY_TYPES

BEGINNING_OF_WRAPPED = "[command]"
TYPES = frozenset({*KEY_TYPES, *POLICY_TYPES})
DEFINITION_OF_KEY = re.compile(rf"""^[ \t]*resource[ \t]+"?(?:{"|".join(sorted(TYPES))})"?[ \t"]""", re.MULTILINE)
BLOCK = re.compile(
    r"""^[ \t]*(?:(?:resource|data)[ \t]+"[\w-]+"[ \t]+"[\w-]+"|(?:module|variable|output|provider)[ \t]+"[\w-]+"|"""
    r"""terraform|locals|moved|import|removed)[ \t]*\{""",
    re.MULTILINE,
)
# Source: Terraform documentation, "JSON Configuration Syntax".
TELLING_BLOCKS = frozenset({"resource", "data", "module", "provider", "terraform"})
NAMES_OF_BLOCKS = TELLING_BLOCKS | {"variable", "output", "locals", "import", "moved", "removed", "check", "//"}
# Source: Terraform documentation, "Machine-Readable UI".
NAMES_OF_EVENT = frozenset({"@level", "@message", "type"})
TO_JSON = "terraform plan -out plan.out && terraform show -json plan.out > plan.json"
WRAPPED = (
    "It begins with a line of the wrapper that hashicorp/setup-terraform puts around Terraform: set terraform_wrapper: "
    "false there, and make the file again."
)
STREAM = (
    f"It is the log of 'terraform plan -json', which has no policies: give 'kms-rule check' the output of 'terraform "
    f"show -json' ({TO_JSON})."
)
CONFIGURATION = (
    f"It is Terraform configuration, of which only a plan tells the policies: give 'kms-rule check' the output of "
    f"'terraform show -json' ({TO_JSON})."
)


def advice_on(text: str) -> str | None:
    """Return what to do with a text of Terraform that is not the output of `terraform show -json`, None for any other.

    That is output below the line of a wrapper, a log, and configuration in either of its two languages.
    """
    first_line = text.lstrip().partition("\n")[0]
    if first_line.startswith(BEGINNING_OF_WRAPPED) and "terraform" in first_line:
        return WRAPPED
    if not first_line.startswith("{"):
        return CONFIGURATION if BLOCK.search(text) else None
    if _object(first_line).keys() >= NAMES_OF_EVENT:
        return STREAM
    return CONFIGURATION if _blocks(text) else None


def defines_a_key(text: str) -> bool:
    """Return whether a text is Terraform configuration that defines a KMS key, or gives one its policy."""
    if not text.lstrip().startswith("{"):
        return bool(DEFINITION_OF_KEY.search(text))
    return not TYPES.isdisjoint(mapping(_blocks(text).get("resource")))


def _blocks(text: str) -> Mapping[str, Any]:
    """Return the blocks of configuration in JSON; none where a text is anything else."""
    content = _object(text)
    is_configuration = content.keys() <= NAMES_OF_BLOCKS and not content.keys().isdisjoint(TELLING_BLOCKS)
    return content if is_configuration else {}


def _object(text: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}
