"""The rule's parameters for the command: those of the rule's own file, of which single ones can be given otherwise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ChosenParameters:
    """Parameters to judge keys with: `rule` is the deployed rule that has them, blank where none was named.

    `examples` are the names of those that were not given, and have the values of the rule's own file.
    """

    parameters: RuleParameters
    rule: str = ""
    examples: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people must know about them, a sentence each."""
        return (examples_remark(self.examples),) if self.examples else ()


def chosen_parameters(arguments: argparse.Namespace) -> ChosenParameters:
    """Return the parameters that the arguments name.

    Raises `CommandError` like `rule_parameters`, and where those of a deployed rule cannot be read.
    """
    if not arguments.rule:
        given = arguments.parameters, arguments.parameter
        return ChosenParameters(rule_parameters(*given), examples=example_names(*given))
    # boto3 takes its time to load, and files are checked without it.
    from kms_rule.sources.live.accounts import first  # noqa: PLC0415
    from kms_rule.sources.live.deployed import deployed_parameters  # noqa: PLC0415

    deployed = deployed_parameters(first(arguments), arguments.rule)
    return ChosenParameters(rule_parameters(None, arguments.parameter, deployed), arguments.rule)


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


def example_names(file: Path | None, changes: Sequence[str]) -> tuple[str, ...]:
    """Return which parameters `rule_parameters` takes from the rule's own file, given these arguments, by name."""
    if file:
        return ()
    given = {change.partition("=")[0] for change in changes}
    return tuple(name for name, value in parameters_in(RULES_OWN_FILE).items() if value and name not in given)


def examples_remark(names: Sequence[str]) -> str:
    """Return the sentence that the parameters of these names are the example's; nothing where there are none."""
    if not names:
        return ""
    values = parameters_in(RULES_OWN_FILE)
    return EXAMPLES_REMARK.format(", ".join(f"{name} = {values[name]}" for name in names))


def given_texts(parameters: RuleParameters) -> dict[str, str]:
    """Return the value of each parameter as text, by its name, unless that is blank."""
    return {name: text for name, text in parameters.texts().items() if text}
