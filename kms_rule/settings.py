"""The rule's parameters for the command: those of the rule's own file, of which single ones can be given otherwise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from kms_rule import RULE_FOLDER
from kms_rule.errors import CommandError
from kms_rule.parameter_files import parameters_in
from least_privilege.parameters import RuleParameters
from least_privilege.text import RuleError

RULES_OWN_FILE = RULE_FOLDER / "parameters.json"
EXAMPLES_REMARK = (
    "The keys are judged with example parameters that come with kms-rule ({}): give those of your deployed rule with "
    "--parameters or --parameter."
)


def chosen_parameters(arguments: argparse.Namespace) -> tuple[RuleParameters, tuple[str, ...]]:
    """Return the parameters that the arguments name, and what people must know about them, a sentence each.

    Raises `CommandError` like `rule_parameters`, and where those of a deployed rule cannot be read.
    """
    if not arguments.rule:
        given = arguments.parameters, arguments.parameter
        return rule_parameters(*given), remarks_on(*given)
    # boto3 takes its time to load, and files are checked without it.
    from kms_rule.sources.live.accounts import first  # noqa: PLC0415
    from kms_rule.sources.live.deployed import deployed_parameters  # noqa: PLC0415

    deployed = deployed_parameters(first(arguments), arguments.rule)
    return rule_parameters(None, arguments.parameter, deployed), ()


def rule_parameters(
    file: Path | None, changes: Sequence[str], deployed: Mapping[str, object] | None = None
) -> RuleParameters:
    """Read the parameters from `file`, the rule's own where it is None, and let `NAME=VALUE` texts replace single ones.

    With `deployed`, those of a deployed rule, they are read from no file.

    Blank values count as not given, as RDK treats them. Raises `CommandError` where the file cannot be read or holds no
    parameters of a rule, or where the rule does not take a name or value.
    """
    given = parameters_in(file or RULES_OWN_FILE) if deployed is None else {**deployed}
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
        f"{name} = {value}" for name, value in parameters_in(RULES_OWN_FILE).items() if value and name not in given
    ]
    return (EXAMPLES_REMARK.format(", ".join(examples)),) if examples else ()


def given_texts(parameters: RuleParameters) -> dict[str, str]:
    """Return the value of each parameter as text, by its name, unless that is blank."""
    return {name: text for name, text in parameters.texts().items() if text}
