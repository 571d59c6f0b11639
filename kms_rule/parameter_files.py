"""The rule's parameters in a file: as RDK, AWS Config or the deployment templates write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kms_rule import TEMPLATES_FOLDER
from kms_rule.errors import CommandError
from kms_rule.given_files import content_of
from least_privilege.parameters import PARAMETERS
from least_privilege.text import quoted

PARAMETER_LISTS = ("InputParameters", "OptionalParameters")
# CloudFormation allows no underscores.
RULE_NAMES: Mapping[str, str] = {name.replace("_", ""): name for name in PARAMETERS}
DECLARED = re.compile(r"^Parameters:\n(.*?)^\S", re.MULTILINE | re.DOTALL)
DECLARED_NAME = re.compile(r"^  (\w+):", re.MULTILINE)


def parameters_in(file: Path) -> dict[str, object]:
    """Return the rule's parameters that a file gives, by the rule's names.

    It holds the `parameters.json` of RDK, a JSON object of the rule's parameters, or parameters of the deployment
    templates, in JSON or YAML: by name, by name below `Parameters`, or as a list of `ParameterKey` and
    `ParameterValue`. Those of the deployment alone are left out. Raises `CommandError` where it is none of these.
    """
    content = content_of(file, "The parameters")
    if isinstance(content, list):
        content = {str(_member(each, "ParameterKey", file)): _member(each, "ParameterValue", file) for each in content}
    if not isinstance(content, Mapping):
        raise _no_parameters(file)
    described = content.get("Parameters", content)
    if not isinstance(described, Mapping):
        raise _no_parameters(file)
    if any(name in described for name in PARAMETER_LISTS):
        return {name: text for each in PARAMETER_LISTS for name, text in _listed(described, each, file).items()}
    return _by_rule_name(described, file)


def _no_parameters(file: Path) -> CommandError:
    return CommandError(
        f"{file} has no Parameters: give a file like the rule's own parameters.json, or of the deployment template's "
        f"parameters."
    )


def _member(each: object, name: str, file: Path) -> Any:
    if not isinstance(each, Mapping) or name not in each:
        raise CommandError(f"{quoted(each)} in {file} has no {name}: correct the file.")
    return each[name]


def _listed(described: Mapping[str, Any], name: str, file: Path) -> Mapping[str, Any]:
    text = described.get(name, "{}")
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        content = None
    if not isinstance(content, Mapping):
        raise CommandError(f"The {name} in {file} are not a JSON object written as text: correct the file.")
    return content


def _by_rule_name(given: Mapping[str, Any], file: Path) -> dict[str, object]:
    """Return parameters by the rule's names; a name of the rule may be given with underscores or without."""
    if not any(name in PARAMETERS or name in RULE_NAMES for name in given):
        raise _no_parameters(file)
    others = _deployment_parameters()
    found: dict[str, object] = {}
    for name, value in given.items():
        known = RULE_NAMES.get(name, name)
        if known in found:
            raise CommandError(f"{file} has the parameter {known} twice: remove one of the two.")
        if known in PARAMETERS:
            found[known] = _as_text(value)
        elif name not in others:
            raise CommandError(
                f"{file} has a parameter {quoted(name)}, which neither the rule nor a deployment template has: "
                f"remove or rename it; those of the rule are {', '.join(PARAMETERS)}."
            )
    return found


def _as_text(value: object) -> object:
    """Return what a template makes of a truth value, a list or nothing: text. Anything else is as it was given."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def _deployment_parameters() -> Sequence[str]:
    """Return the names of all parameters that the deployment templates have."""
    sections = (DECLARED.search(path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES_FOLDER.glob("*.yaml")))
    return [name for section in sections if section for name in DECLARED_NAME.findall(section[1])]
