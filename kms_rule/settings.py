"""The rule's parameters for the command: those of the rule's own file, of which single ones can be given otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from AWSConfigRuleKMS import (
    ADMINISTRATORS,
    EXECUTION_ROLE,
    READ_FROM,
    REPORT_AS,
    STRICT,
    WHITELIST,
    RuleError,
    RuleParameters,
)
from kms_rule import RULE_FOLDER
from kms_rule.actions import spelled
from kms_rule.errors import CommandError

RULES_OWN_FILE = RULE_FOLDER / "parameters.json"
PARAMETER_LISTS = ("InputParameters", "OptionalParameters")
EXAMPLES_REMARK = (
    "The keys are judged with the example parameters that come with kms-rule: give those of your deployed rule with "
    "--parameters or --parameter."
)


def rule_parameters(file: Path | None, changes: Sequence[str]) -> RuleParameters:
    """Read the parameters from `file`, the rule's own where it is None, and let `NAME=VALUE` texts replace single ones.

    Blank values count as not given, as RDK treats them. Raises `CommandError` where the file cannot be read or holds no
    parameters of a rule, or where a name or value is none that the rule takes.
    """
    given = _parameters_in(file or RULES_OWN_FILE)
    for change in changes:
        name, separator, value = change.partition("=")
        if not separator:
            raise CommandError(f"The parameter {change!r} has no value: write it as NAME=VALUE.")
        given[name] = value
    try:
        return RuleParameters.parse(given)
    except RuleError as error:
        raise CommandError(str(error)) from error


def remarks_on(file: Path | None, changes: Sequence[str]) -> tuple[str, ...]:
    """Return what people must know who gave `rule_parameters` these arguments: that they got the examples."""
    return () if file or changes else (EXAMPLES_REMARK,)


def values(parameters: RuleParameters) -> Iterator[tuple[str, str]]:
    """Yield the name of each parameter and its value as text, unless that is blank."""
    given = {
        WHITELIST: ", ".join(parameters.whitelist),
        ADMINISTRATORS: ", ".join(map(spelled, parameters.administrators)),
        STRICT: str(parameters.strict).lower(),
        REPORT_AS: "KeyId" if parameters.report_key_id else "Alias",
        READ_FROM: "Config" if parameters.read_from_config else "KMS",
        EXECUTION_ROLE: parameters.execution_role_name,
    }
    yield from ((name, value) for name, value in given.items() if value)


def _parameters_in(file: Path) -> dict[str, object]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"The parameters in {file} cannot be read ({error.strerror}): give another file.") from error
    except ValueError as error:
        raise CommandError(f"The parameters in {file} are not JSON ({error}): correct the file.") from error
    described = content.get("Parameters") if isinstance(content, Mapping) else None
    if not isinstance(described, Mapping):
        raise CommandError(f"{file} has no Parameters: give a file like the rule's own parameters.json.")
    given: dict[str, object] = {}
    for name in PARAMETER_LISTS:
        given |= _listed(described.get(name, "{}"), name, file)
    return given


def _listed(text: object, name: str, file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        content = None
    if not isinstance(content, Mapping):
        raise CommandError(f"The {name} in {file} are no JSON object written as text: correct the file.")
    return content
