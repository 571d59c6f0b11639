"""The rule's parameters for the command: those of the rule's own file, of which single ones can be given otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kms_rule import RULE_FOLDER
from kms_rule.errors import CommandError
from least_privilege.parameters import RuleParameters
from least_privilege.text import RuleError

RULES_OWN_FILE = RULE_FOLDER / "parameters.json"
PARAMETER_LISTS = ("InputParameters", "OptionalParameters")
EXAMPLES_REMARK = (
    "The keys are judged with example parameters that come with kms-rule ({}): give those of your deployed rule with "
    "--parameters or --parameter."
)


def rule_parameters(file: Path | None, changes: Sequence[str]) -> RuleParameters:
    """Read the parameters from `file`, the rule's own where it is None, and let `NAME=VALUE` texts replace single ones.

    Blank values count as not given, as RDK treats them. Raises `CommandError` where the file cannot be read or holds no
    parameters of a rule, or where the rule does not take a name or value.
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
    """Return what people must know who gave `rule_parameters` these arguments: which parameters are the example's."""
    if file:
        return ()
    given = {change.partition("=")[0] for change in changes}
    examples = [
        f"{name} = {value}" for name, value in _parameters_in(RULES_OWN_FILE).items() if value and name not in given
    ]
    return (EXAMPLES_REMARK.format(", ".join(examples)),) if examples else ()


def given_texts(parameters: RuleParameters) -> dict[str, str]:
    """Return the value of each parameter as text, by its name, unless that is blank."""
    return {name: text for name, text in parameters.texts().items() if text}


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
        raise CommandError(f"The {name} in {file} are not a JSON object written as text: correct the file.")
    return content
