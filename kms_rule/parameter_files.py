"""The rule's parameters in a file: as RDK, AWS Config or the deployment templates write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kms_rule import TEMPLATES_FOLDER
from kms_rule.errors import CommandError
from least_privilege.parameters import PARAMETERS
from least_privilege.text import quoted

PARAMETER_LISTS = ("InputParameters", "OptionalParameters")
YAML_SUFFIXES = (".yaml", ".yml")
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
    content = _content_of(file)
    if isinstance(content, list):
        content = {_member(each, "ParameterKey", file): _member(each, "ParameterValue", file) for each in content}
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


def _content_of(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"The parameters in {file} cannot be read ({error.strerror}): give another file.") from error
    except ValueError as error:
        raise CommandError(f"The parameters in {file} are not UTF-8 ({error}): save the file as UTF-8.") from error
    if file.suffix in YAML_SUFFIXES:
        return _yaml(text, file)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The parameters in {file} are not JSON ({error}): correct the file.") from error


def _yaml(text: str, file: Path) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with cfn-lint, and without types
    except ImportError as error:
        raise CommandError(
            f"The parameters in {file} are YAML, which needs cfn-lint to be read: pip install cfn-lint, or write JSON."
        ) from error
    try:
        # As texts: true and 012345678901 are what they look like.
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes texts, lists and dictionaries alone
    except (yaml.YAMLError, RecursionError) as error:
        [reason, *_] = str(error).splitlines() or ["nested too deeply"]
        raise CommandError(f"The parameters in {file} are not YAML ({reason}): correct the file.") from error


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
    others = _deployment_parameters()
    found: dict[str, object] = {}
    for name, value in given.items():
        if name in PARAMETERS or name in RULE_NAMES:
            found[RULE_NAMES.get(name, name)] = value
        elif name not in others:
            raise CommandError(
                f"{file} has a parameter {quoted(name)}, which neither the rule nor a deployment template has: "
                f"remove or rename it; those of the rule are {', '.join(PARAMETERS)}."
            )
    if not found:
        raise _no_parameters(file)
    return found


def _deployment_parameters() -> Sequence[str]:
    """Return the names of all parameters that the deployment templates have."""
    sections = (DECLARED.search(path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES_FOLDER.glob("*.yaml")))
    return [name for section in sections if section for name in DECLARED_NAME.findall(section[1])]
