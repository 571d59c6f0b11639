"""The resources in the output of `terraform show -json`, of a plan or of a state.

What a plan makes is in `planned_values`, what only applying it will know in `resource_changes`, and which expression
gives a value in `configuration`. Source: Terraform documentation, "JSON Output Format".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kms_rule.sources.contents import InputError
from kms_rule.sources.terraform.resource_types import TYPES_READ

DATA = "data"
FORGET = ["forget"]
MAX_MODULE_DEPTH = 100


@dataclass(frozen=True)
class Module:
    """One instance of a module: what the configuration says of it, and how its parent calls it."""

    address: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    parent: Module | None = None
    depth: int = 0

    def child(self, name: str, address: str) -> Module:
        """Return the module of this address that is called by this name."""
        call = mapping(mapping(self.configuration.get("module_calls")).get(name))
        return Module(address, mapping(call.get("module")), call, self, self.depth + 1)

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """What the configuration says of each resource, by type and name."""
        listed_here = map(mapping, listed(self.configuration.get("resources")))
        return {str(each.get("address", "")): each for each in listed_here}


@dataclass(frozen=True)
class Resource:
    """One instance of a resource, or one that it has left behind in the state ("deposed").

    `change` is what becomes of it: what of it only applying will tell, and what must not be shown.
    """

    content: Mapping[str, Any]
    module: Module
    change: Mapping[str, Any]

    @cached_property
    def address(self) -> str:
        """The address that Terraform shows."""
        address = str(self.content.get("address", ""))
        return f"{address} (deposed object {self.content['deposed_key']})" if self.is_deposed else address

    @cached_property
    def type(self) -> str:
        """The type, such as `aws_kms_key`, or `data.aws_iam_policy_document` where it is only read."""
        return type_of(self.content)

    @cached_property
    def name(self) -> str:
        """The type and name, without the index, as expressions of the same module refer to it."""
        return f"{self.type}.{self.content.get('name', '')}"

    @property
    def index(self) -> str:
        """The index of the instance as references write it, with its brackets, or nothing."""
        index = self.content.get("index")
        return "" if index is None else f"[{json.dumps(index, ensure_ascii=False)}]"

    @property
    def is_deposed(self) -> bool:
        """Whether another object has taken its place."""
        return "deposed_key" in self.content

    @property
    def is_forgotten(self) -> bool:
        """Whether the plan leaves it as it is, and Terraform will not know it any more."""
        return self.change.get("actions") == FORGET

    @cached_property
    def configuration(self) -> Mapping[str, Any]:
        """What the configuration says of it, nothing where it is not known."""
        return self.module.resources.get(self.name, {})

    @property
    def expressions(self) -> Mapping[str, Any]:
        """The expressions that give its attributes."""
        return mapping(self.configuration.get("expressions"))

    @property
    def values(self) -> object:
        """What it will be, None where the output does not say."""
        return self.change.get("before") if self.is_forgotten else self.content.get("values")

    def value(self, attribute: str) -> object:
        """Return the value of an attribute, None where it has none, or none yet."""
        return mapping(self.values).get(attribute)

    def unknown(self, attribute: str) -> object:
        """Return what of an attribute only applying the plan will tell: True for all of it."""
        return mapping(self.change.get("after_unknown")).get(attribute)

    def is_sensitive(self, attribute: str) -> bool:
        """Return whether the attribute's value, or a part of it, must not be shown."""
        marks = (
            self.content.get("sensitive_values"),
            self.change.get("before_sensitive" if self.is_forgotten else "after_sensitive"),
        )
        return any(mark is True or _has_mark(mapping(mark).get(attribute)) for mark in marks)

    def is_configured(self, attribute: str) -> bool:
        """Return whether the configuration gives the attribute; where there is no configuration it may."""
        return not self.configuration or attribute in self.expressions


def _has_mark(marks: object) -> bool:
    waiting = [marks]
    while waiting:
        mark = waiting.pop()
        if mark is True:
            return True
        waiting += mark.values() if isinstance(mark, Mapping) else listed(mark)
    return False


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value where it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """Return the value where it is a list, otherwise an empty one."""
    return value if isinstance(value, list) else []


def type_of(resource: Mapping[str, Any]) -> str:
    """Return the type of a resource as the output describes it, with `data.` before it where it is only read."""
    return f"{'data.' if resource.get('mode') == DATA else ''}{resource.get('type', '')}"


@dataclass(frozen=True)
class Plan:
    """The parsed output of `terraform show -json`."""

    content: Mapping[str, Any]

    def resources(self) -> Iterator[Resource]:
        """Yield every resource of a type in `TYPES_READ` that will be there, in the output's order, parents first.

        Raises `InputError` where modules are nested too deeply.
        """
        values = mapping(self.content.get("planned_values", self.content.get("values")))
        configuration = mapping(mapping(self.content.get("configuration")).get("root_module"))
        waiting = [(mapping(values.get("root_module")), Module(configuration=configuration))]
        while waiting:
            content, module = waiting.pop()
            for resource in map(mapping, listed(content.get("resources"))):
                if type_of(resource) in TYPES_READ:
                    yield Resource(resource, module, self._change_of(resource))
            children = map(mapping, listed(content.get("child_modules")))
            waiting += [(child, _child(module, str(child.get("address", "")))) for child in children][::-1]

    def _change_of(self, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._changes.get((str(resource.get("address", "")), resource.get("deposed_key")), {})

    @cached_property
    def _changes(self) -> dict[tuple[str, object], Mapping[str, Any]]:
        changes = map(mapping, listed(self.content.get("resource_changes")))
        return {(str(each.get("address", "")), each.get("deposed")): mapping(each.get("change")) for each in changes}

    @property
    def deferred(self) -> list[str]:
        """The addresses of the resources of a type in `TYPES_READ` whose changes are put off to another plan."""
        changes = [
            mapping(mapping(each).get("resource_change")) for each in listed(self.content.get("deferred_changes"))
        ]
        return [str(change.get("address", "")) for change in changes if type_of(change) in TYPES_READ]


def _child(parent: Module, address: str) -> Module:
    if parent.depth >= MAX_MODULE_DEPTH:
        raise InputError(
            f"Its modules are nested more than {MAX_MODULE_DEPTH} deep: plan the inner ones by themselves."
        )
    # `a` of `module.a["x"]`
    name = address.removeprefix(f"{parent.address}.").removeprefix("module.").partition("[")[0]
    return parent.child(name, address)
