"""One of the ways in which what is not known of a template may turn out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kms_rule.sources.cloudformation.choices import Choices, Option, UndecidedError
from kms_rule.sources.cloudformation.definitions import Definitions, late
from kms_rule.sources.late import LateText

NO_VALUE: Final = object()
NO_VALUE_NAME = "AWS::NoValue"


class World:
    """What is chosen and assumed in it. `remarks` are sentences about that, each once.

    `holds_secrets` is whether a parameter was used whose value is not to be shown; `conditions` are those that are
    known to hold or not, `asked` those that are being worked out, and the one that is `holding` holds.
    """

    def __init__(self, definitions: Definitions, choices: Choices, holding: str = "") -> None:
        """Take what the template says, what is chosen, and the condition that holds."""
        self.definitions = definitions
        self.budget = definitions.budget
        self.choices = choices
        self.holding = holding
        self.remarks: dict[str, None] = {}
        self.holds_secrets = False
        self.conditions: dict[str, bool] = {}
        self.asked: list[str] = []
        self._is_quiet = False
        self._is_decided = False

    @contextmanager
    def decidedly(self) -> Iterator[None]:
        """Let nothing be chosen that was not so before."""
        before, self._is_decided = self._is_decided, True
        try:
            yield
        finally:
            self._is_decided = before

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Let nothing be chosen or remarked that was not so before."""
        before, self._is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self._is_quiet = before

    def choose(self, kind: str, what: str, options: Sequence[Option]) -> Any:
        """Return what this is in this world. Raises `UndecidedError` where it is not chosen, and is not to be."""
        option = options[0]
        if len(options) > 1:
            if (self._is_quiet or self._is_decided) and (kind, what) not in self.choices:
                raise UndecidedError
            option = self.choices.choose(kind, what, options)
        self.holds_secrets = self.holds_secrets or option.is_secret
        if option.remark and not self._is_quiet:
            self.remarks[option.remark] = None
        return option.value

    def reference(self, name: str) -> Any:
        """Return what a reference to this name is."""
        return NO_VALUE if name == NO_VALUE_NAME else self.choose("value", name, self.definitions.options_of(name))

    def attribute(self, attribute: str) -> LateText:
        """Return what an attribute of a resource is, such as `Role.RoleId`."""
        return late(f"GetAtt {attribute}", is_id=self.definitions.is_id(attribute))

    @staticmethod
    def identity(part: object, *values: object) -> str:
        """Return what tells an unknown from others that are written like it, by the part of the template that it is.

        It is nothing where all that are written so are the same.
        """
        lates = (value for value in values if isinstance(value, LateText))
        return "" if all(late.is_the_same_everywhere for late in lates) else str(id(part))

    def surely_differs(self, unknown: LateText, text: str) -> bool:
        """Return whether something unknown is not this text, because it is so in another world."""
        return text in self._constants(unknown)

    def is_anything_else(self, unknown: LateText) -> bool:
        """Return whether something unknown is none of the texts that the template knows of it."""
        return bool(self._constants(unknown))

    def _constants(self, unknown: LateText) -> tuple[str, ...]:
        first = unknown.late_values[0].function
        name = first.removeprefix("Ref ")
        return self.definitions.constants_of(name) if len(unknown.parts) == 1 and name != first else ()
