"""Reads the text of a template, be it JSON or YAML, within the limits that it has."""

from __future__ import annotations

import json
from typing import Any

from kms_rule.sources.budget import MAX_DEPTH, Budget
from kms_rule.sources.contents import InputError
from kms_rule.sources.json_positions import LocatedObject, RepeatedNameError, located, position_in

MAX_TEMPLATE_LENGTH = 1024 * 1024
MAX_STEPS = 1_200_000
MAX_VALUES = 250_000
BEFORE_A_VALUE = ",[{"
TOO_MUCH = (
    "There is too much to work out in this template, so the rest of it is not judged: split it, or give the values of "
    "its parameters with --template-parameters."
)


def budget_of_file() -> Budget:
    """Return what may be done for one template."""
    return Budget(MAX_STEPS, TOO_MUCH)


def parsed(text: str) -> Any:
    """Return the value of the text of a template. Raises `InputError` as `parsed_json` and `parsed_yaml` do."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return parsed_yaml(text)
    return parsed_json(text)


def parsed_json(text: str) -> Any:
    """Return the value of a text that is known to be JSON.

    Raises `InputError` where it is larger than the 1 MB that CloudFormation takes, is nested more than 100 deep, or
    names a thing twice in one object.
    """
    _refuse_large(text)
    try:
        content = located(text, names_once=True)
    except RepeatedNameError as error:
        raise InputError(f"Its JSON is ambiguous ({error}): correct it.", error.position) from error
    except RecursionError as error:
        raise InputError("Its JSON is nested too deeply: correct it.") from error
    _refuse_deep(content)
    return content


def parsed_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises `InputError` where it is broken, too large, too deep, or names a thing twice in one object.
    """
    # It takes its time to load, and keys in JSON do without it.
    from kms_rule.sources.cloudformation.yaml_text import located_yaml  # noqa: PLC0415

    _refuse_large(text)
    return located_yaml(text)


def _refuse_large(text: str) -> None:
    if len(text) > MAX_TEMPLATE_LENGTH:
        raise InputError(
            f"It is a template of {len(text):,} characters, and CloudFormation takes {MAX_TEMPLATE_LENGTH:,} at most: "
            f"split it."
        )
    if sum(map(text.count, BEFORE_A_VALUE)) > MAX_VALUES:
        raise InputError(f"It is larger than {MAX_VALUES:,} values: split it.")


def _refuse_deep(content: Any) -> None:
    level = [content]
    for _ in range(MAX_DEPTH + 1):
        level = [
            member
            for each in level
            if isinstance(each, dict | list)
            for member in (each.values() if isinstance(each, LocatedObject) else each)
        ]
        if not level:
            return
    deepest = next((position_in(each) for each in level if isinstance(each, dict | list)), position_in(content))
    raise InputError(f"It is nested more than {MAX_DEPTH} deep: write it flatter.", deepest)
