"""The rule's parameters: one table of their names, defaults and choices, how each is read, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from least_privilege.pattern import Pattern
from least_privilege.text import RuleError, quoted

ALIAS_PREFIX = "alias/"
WHITELIST = "CMK_Whitelist"
ADMINISTRATORS = "Admin_User_Id"
STRICT = "StrictSeparationOfDuties"
SEPARATE_BY = "SeparateDutiesBy"
REPORT_AS = "ReportResourceAs"
READ_FROM = "ReadKeysFrom"
EXECUTION_ROLE = "ExecutionRoleName"
ROLE_NAME = re.compile(r"(([\w+=,.@-]+/)*[\w+=,.@-]+)?", re.ASCII)

# What a parameter is in JSON: a list of patterns, a truth value, or a text.
type ParameterValue = list[str] | bool | str


@dataclass(frozen=True, slots=True)
class RuleParameters:
    """The rule's parameters, as the `ruleParameters` of an event give them."""

    whitelist: tuple[Pattern, ...]
    administrators: tuple[Pattern, ...]
    strict: bool
    separate_by_user: bool
    report_key_id: bool
    read_from_config: bool
    execution_role_name: str

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> RuleParameters:
        """Read the parameters, of which `Admin_User_Id` is required; blank optional ones count as not given.

        Raises `RuleError` naming the parameter, its value and what is allowed.
        """
        for name, value in given.items():
            if name not in PARAMETERS:
                raise RuleError(
                    f"The rule parameter {quoted(name)}, given as {quoted(value)}, is unknown: remove or rename it; "
                    f"allowed are {', '.join(PARAMETERS)}."
                )
            if not isinstance(value, str):
                raise RuleError(f"The rule parameter {name} is {quoted(value)}: give it as a string.")
        return cls(**{row.field: row.parse(row.name, given.get(row.name)) for row in PARAMETERS.values()})

    def values(self) -> dict[str, ParameterValue]:
        """Return each parameter's value by its name, in the order of the table: what `parse` would read again."""
        return {row.name: row.value(getattr(self, row.field)) for row in PARAMETERS.values()}

    def texts(self) -> dict[str, str]:
        """Return each parameter's value as text, such as an event gives it."""
        return {name: _as_text(value) for name, value in self.values().items()}

    def whitelisting(self, aliases: Iterable[str]) -> tuple[str, str] | None:
        """Return the first of these aliases that is whitelisted and the pattern that it fits, or None."""
        return next(
            (
                (alias, pattern.text)
                for alias in aliases
                for pattern in self.whitelist
                if pattern.matches(alias.removeprefix(ALIAS_PREFIX))
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of the table of parameters.

    `field` is that of `RuleParameters`, which `parse` fills from the parameter's name and what is given (None where it
    is not); `value` is the inverse. The first of the `choices`, where there are any, is the default. `decides` says
    whether verdicts depend on the parameter.
    """

    name: str
    field: str
    parse: Callable[[str, object], Any]
    value: Callable[[Any], ParameterValue]
    choices: tuple[str, ...] = ()
    required: bool = False
    decides: bool = False


def _aliases(_name: str, given: object) -> tuple[Pattern, ...]:
    names = (entry.removeprefix(ALIAS_PREFIX) for entry in _entries(given))
    return tuple(Pattern.of(name) for name in dict.fromkeys(names) if name)


def _user_ids(name: str, given: object) -> tuple[Pattern, ...]:
    entries = _entries(given)
    if not entries:
        raise RuleError(
            f"The rule parameter {name} is {quoted(given)}: give at least one user id pattern, such as AROAOTTER*."
        )
    return tuple(map(Pattern.of, entries))


def _role_name(name: str, given: object) -> str:
    text = _stripped(given)
    if not ROLE_NAME.fullmatch(text):
        raise RuleError(
            f"The rule parameter {name} is {quoted(text)}: give the name of a role, with its path if it has one, and "
            f"no ARN."
        )
    return text


def _entries(given: object) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, _stripped(given).split(","))))


def _stripped(given: object) -> str:
    return str(given or "").strip()


def _spelled(patterns: Iterable[Pattern]) -> list[str]:
    return [pattern.text for pattern in patterns]


def _spelled_aliases(patterns: Iterable[Pattern]) -> list[str]:
    """Return the names, with the prefix that is left out elsewhere where another one follows it."""
    return [f"{ALIAS_PREFIX}{name}" if name.startswith(ALIAS_PREFIX) else name for name in _spelled(patterns)]


def _as_text(value: ParameterValue) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else value


def _choice(name: str, field: str, choices: tuple[str, str], *, decides: bool = False) -> Parameter:
    """Make the row of a parameter with two choices, of which the field says whether it is the second."""

    def parse(name: str, given: object) -> bool:
        text = _stripped(given)
        if text and text not in choices:
            raise RuleError(f"The rule parameter {name} is {quoted(text)}: allowed are {', '.join(choices)}.")
        return text == choices[1]

    value: Callable[[Any], ParameterValue] = bool if choices == ("false", "true") else partial(_chosen, choices)
    return Parameter(name, field, parse, value, choices, decides=decides)


def _chosen(choices: tuple[str, str], second: bool) -> str:  # noqa: FBT001 - it is the index
    return choices[second]


PARAMETERS: Mapping[str, Parameter] = {
    row.name: row
    for row in (
        Parameter(WHITELIST, "whitelist", _aliases, _spelled_aliases, decides=True),
        Parameter(ADMINISTRATORS, "administrators", _user_ids, _spelled, required=True, decides=True),
        _choice(STRICT, "strict", ("false", "true"), decides=True),
        _choice(SEPARATE_BY, "separate_by_user", ("Policy", "User"), decides=True),
        _choice(REPORT_AS, "report_key_id", ("Alias", "KeyId")),
        _choice(READ_FROM, "read_from_config", ("KMS", "Config")),
        Parameter(EXECUTION_ROLE, "execution_role_name", _role_name, str),
    )
}
