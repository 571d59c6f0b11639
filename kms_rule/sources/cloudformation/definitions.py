"""What a template says of its own values: parameters, mappings, conditions, and which attributes are ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kms_rule.sources.budget import Budget
from kms_rule.sources.cloudformation.choices import Option, in_words
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from kms_rule.sources.files import shown
from kms_rule.sources.late import LateText, LateValue, scalar_text

# Source: CloudFormation Template Reference, "AWS::IAM::Role", "Return values": the only type of IAM that has its id.
ATTRIBUTES_THAT_ARE_IDS = frozenset({("AWS::IAM::Role", "RoleId")})
# Source: CloudFormation Template Reference, "Pseudo parameters"; it is the user id of the account's root user.
PSEUDO_PARAMETERS_THAT_ARE_IDS = frozenset({"AWS::AccountId"})
# Their values are names of parameters in Systems Manager, and what those hold is known only at deployment.
TYPES_OF_NAMES = "AWS::SSM::Parameter::"
LISTS = ("CommaDelimitedList", "List<")
MEMBERS_OF_PAIR = 2


def late(function: str, *, is_id: bool = False) -> LateText:
    """Return what only deployment will know, by the function that will give it."""
    return LateText((LateValue(function, is_id),))


def object_in(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object under a name, or an empty one where there is none."""
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class Definitions:
    """What a parsed template, with what it gets from outside, says of its values."""

    content: Mapping[str, Any]
    inputs: TemplateInputs
    budget: Budget

    @cached_property
    def conditions(self) -> Mapping[str, Any]:
        """The definitions of the conditions."""
        return object_in(self.content, "Conditions")

    @cached_property
    def mappings(self) -> Mapping[str, Any]:
        """The maps that values are looked up in."""
        return object_in(self.content, "Mappings")

    def is_id(self, attribute: str) -> bool:
        """Return whether an attribute, such as `Role.RoleId`, is one of a resource of this template, and an id."""
        name, _, rest = attribute.partition(".")
        kind = object_in(object_in(self.content, "Resources"), name).get("Type")
        return isinstance(kind, str) and (kind, rest) in ATTRIBUTES_THAT_ARE_IDS

    def options_of(self, name: str) -> tuple[Option, ...]:
        """Return what a reference to this name may be: one option, unless it has several."""
        if name not in self._options:
            self._options[name] = self._made_options(name)
        return self._options[name]

    def constants_of(self, name: str) -> tuple[str, ...]:
        """Return the values that a reference to this name is compared with, or looked up by."""
        return tuple(self._constants.get(name, ()))

    @cached_property
    def _options(self) -> dict[str, tuple[Option, ...]]:
        return {}

    def _made_options(self, name: str) -> tuple[Option, ...]:
        unknown = Option(late(f"Ref {name}", is_id=name in PSEUDO_PARAMETERS_THAT_ARE_IDS))
        definition = object_in(self.content, "Parameters").get(name)
        compared = tuple(map(Option, self.constants_of(name)))
        if not isinstance(definition, Mapping):
            return (*compared, unknown)
        kind = str(definition.get("Type", ""))
        if kind.startswith(TYPES_OF_NAMES):
            return (*compared, unknown)
        is_secret = str(definition.get("NoEcho", "")).lower() == "true"
        options = self._known_options(name, definition) or self._assumed_options(name, definition, is_secret=is_secret)
        return tuple(
            Option(_as_list(option.value) if kind.startswith(LISTS) else option.value, option.remark, is_secret)
            for option in options or (*compared, unknown)
        )

    def _known_options(self, name: str, definition: Mapping[str, Any]) -> tuple[Option, ...]:
        given = self.inputs.given.get(name)
        if isinstance(given, str):
            return (Option(given),)
        allowed = definition.get("AllowedValues")
        texts = [scalar_text(value) for value in allowed] if isinstance(allowed, list) else []
        return tuple(Option(text) for text in dict.fromkeys(texts) if text is not None)

    def _assumed_options(self, name: str, definition: Mapping[str, Any], *, is_secret: bool) -> tuple[Option, ...]:
        """Return the default beside what the parameter is compared with; the default stands for whatever is neither."""
        default = scalar_text(definition.get("Default"))
        constants = self.constants_of(name)
        # What is given may be unknown, and then it is not the default.
        if default is None or default in constants or name in self.inputs.given:
            return ()
        words = "" if is_secret else f", {in_words(default)}"
        compared = ", and with what the template compares it with" if constants else ""
        remark = (
            f"The parameter {shown(name)} is judged with its default{words}{compared}: give the value that you deploy "
            f"with --template-parameters."
        )
        return (*map(Option, constants), Option(default, remark))

    @cached_property
    def _constants(self) -> dict[str, dict[str, None]]:
        found: dict[str, dict[str, None]] = {}
        for name, value in (*self._compared(), *(self._looked_up() if self.mappings else ())):
            found.setdefault(name, {})[value] = None
        return found

    def _compared(self) -> Iterator[tuple[str, str]]:
        for pair in self._arguments_of("Fn::Equals", self.conditions):
            for name, text in (pair, pair[::-1]) if len(pair) == MEMBERS_OF_PAIR else ():
                value = scalar_text(text)
                if value is not None and (reference := _reference(name)):
                    yield reference, value

    def _looked_up(self) -> Iterator[tuple[str, str]]:
        for name, *keys in self._arguments_of("Fn::FindInMap", self.content):
            found = self.mappings.get(name) if isinstance(name, str) else None
            if not isinstance(found, Mapping) or len(keys) < MEMBERS_OF_PAIR:
                continue
            inner = dict.fromkeys(key for each in found.values() if isinstance(each, Mapping) for key in each)
            for argument, names in zip(keys, (found, inner), strict=False):
                reference = _reference(argument)
                for key in names if reference else ():
                    self.budget.spend()
                    yield reference, key

    def _arguments_of(self, function: str, value: object) -> Iterator[list[Any]]:
        """Yield each list that is the argument of this function, anywhere within a value."""
        waiting = [value]
        while waiting:
            self.budget.spend()
            each = waiting.pop()
            if isinstance(each, Mapping):
                if isinstance(argument := each.get(function), list) and argument:
                    yield argument
                waiting += reversed([*each.values()])
            elif isinstance(each, list):
                waiting += reversed(each)


def _reference(value: object) -> str:
    """Return the name that a value refers to, or nothing."""
    if not isinstance(value, Mapping) or [*value] != ["Ref"]:
        return ""
    return value["Ref"] if isinstance(value["Ref"], str) else ""


def _as_list(value: object) -> object:
    """Return the list that the value of a parameter is, whose type is a list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
