"""What a template gets from outside: the values of its parameters, where the person who runs the command gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kms_rule.errors import CommandError
from kms_rule.given_files import content_of
from kms_rule.sources.cloudformation.choices import Option
from kms_rule.sources.late import LateText

FORMS = (
    'give a list of {"ParameterKey": …, "ParameterValue": …}, an object with "Parameters", or an object of names and '
    "values"
)


class Exports(Protocol):
    """What other templates export."""

    def options_of(self, name: str) -> Sequence[Option]:
        """Return what an export of this name may be; nothing where that is not known."""


class NoExports:
    """Nothing is exported."""

    def options_of(self, _name: str) -> Sequence[Option]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class TemplateInputs:
    """What a template gets from outside.

    `given` are the values of parameters, as texts, by their names, and `exports` what it can import.
    """

    given: Mapping[str, str | LateText] = field(default_factory=dict)
    exports: Exports = field(default_factory=NoExports)


NOTHING_GIVEN = TemplateInputs()


def template_inputs(files: Sequence[Path]) -> TemplateInputs:
    """Read the values of a template's parameters from files; a later file replaces what an earlier one gives.

    The forms are those of the AWS CLI (`create-stack --parameters`, `deploy --parameter-overrides`), of template
    configuration files, and a plain object. Raises `CommandError` where a file cannot be read or has none of them.
    """
    given: dict[str, str] = {}
    for file in files:
        given |= _values_in(file)
    return TemplateInputs(given)


def _values_in(file: Path) -> dict[str, str]:
    content = content_of(file, "The template parameters")
    if isinstance(content, Mapping) and isinstance(content.get("Parameters"), Mapping):
        content = content["Parameters"]
    pairs = content.items() if isinstance(content, Mapping) else _pairs(content, file)
    return {str(name): _text(name, value, file) for name, value in pairs}


def _pairs(content: object, file: Path) -> Iterator[tuple[str, object]]:
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, str) and "=" in entry:
            name, _, value = entry.partition("=")
            yield name, value
        elif not isinstance(entry, Mapping) or not isinstance(entry.get("ParameterKey"), str):
            raise CommandError(f"{file} has no template parameters: {FORMS}.")
        elif "ParameterValue" in entry:
            yield entry["ParameterKey"], entry["ParameterValue"]


def _text(name: object, value: object, file: Path) -> str:
    if isinstance(value, list):
        return ",".join(_text(name, member, file) for member in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise CommandError(f"The value of the template parameter {name} in {file} is not a text: correct the file.")
