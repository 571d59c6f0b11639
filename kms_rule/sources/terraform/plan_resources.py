"""The resources in the output of `terraform show -json`, of a plan or of a state.

What a plan makes is in `planned_values`, what only applying it will know in `resource_changes`, and which expression
gives a value in `configuration`. Source: Terraform documentation, "JSON Output Format".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MANAGED = "managed"


@dataclass(frozen=True)
class Resource:
    """One instance of a managed resource; `module` is the address of the module that it is in.

    `change` is what becomes of it: what of it only applying will tell, and what must not be shown.
    """

    content: Mapping[str, Any]
    module: str
    configuration: Mapping[str, Any]
    change: Mapping[str, Any]

    @property
    def address(self) -> str:
        """The address that Terraform shows."""
        return str(self.content.get("address", ""))

    @property
    def type(self) -> str:
        """The type, such as `aws_kms_key`."""
        return str(self.content.get("type", ""))

    @property
    def name(self) -> str:
        """The type and name, without the index, as expressions of the same module refer to it."""
        return f"{self.type}.{self.content.get('name', '')}"

    @property
    def index(self) -> object:
        """The index or key of the instance, None where it is the only one."""
        return self.content.get("index")

    def value(self, attribute: str) -> object:
        """Return the value of an attribute, None where it has none, or none yet."""
        return mapping(self.content.get("values")).get(attribute)

    def is_unknown(self, attribute: str) -> bool:
        """Return whether only applying the plan will tell the attribute's value."""
        return bool(mapping(self.change.get("after_unknown")).get(attribute))

    def is_sensitive(self, attribute: str) -> bool:
        """Return whether the attribute's value must not be shown."""
        marks = (self.content.get("sensitive_values"), self.change.get("after_sensitive"))
        return any(mark is True or bool(mapping(mark).get(attribute)) for mark in marks)

    def is_configured(self, attribute: str) -> bool:
        """Return whether the configuration gives the attribute; where there is no configuration it may."""
        return not self.configuration or attribute in mapping(self.configuration.get("expressions"))

    def references(self, attribute: str) -> frozenset[str]:
        """Return what the expression of an attribute refers to, and that of `for_each` where it is about its values."""
        own = _references(mapping(self.configuration.get("expressions")).get(attribute))
        through = _references(self.configuration.get("for_each_expression")) if "each.value" in own else frozenset()
        return own | through


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value where it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """Return the value where it is a list, otherwise an empty one."""
    return value if isinstance(value, list) else []


def _references(expression: object) -> frozenset[str]:
    return frozenset(str(each) for each in listed(mapping(expression).get("references")))


@dataclass(frozen=True)
class Plan:
    """The parsed output of `terraform show -json`."""

    content: Mapping[str, Any]

    def resources(self) -> Iterator[Resource]:
        """Yield every managed resource that will be there, in the output's order, those of the root module first."""
        values = mapping(self.content.get("planned_values", self.content.get("values")))
        configuration = mapping(mapping(self.content.get("configuration")).get("root_module"))
        yield from self._in_module(mapping(values.get("root_module")), configuration)

    def _in_module(self, module: Mapping[str, Any], configuration: Mapping[str, Any]) -> Iterator[Resource]:
        address = str(module.get("address", ""))
        by_name = {each.get("address"): each for each in map(mapping, listed(configuration.get("resources")))}
        for content in map(mapping, listed(module.get("resources"))):
            if content.get("mode") == MANAGED:
                name = f"{content.get('type', '')}.{content.get('name', '')}"
                change = self._changes.get(str(content.get("address", "")), {})
                yield Resource(content, address, mapping(by_name.get(name)), change)
        calls = mapping(configuration.get("module_calls"))
        for child in map(mapping, listed(module.get("child_modules"))):
            call = mapping(calls.get(_call(str(child.get("address", "")), address)))
            yield from self._in_module(child, mapping(call.get("module")))

    @cached_property
    def _changes(self) -> dict[str, Mapping[str, Any]]:
        changes = map(mapping, listed(self.content.get("resource_changes")))
        return {str(each.get("address", "")): mapping(each.get("change")) for each in changes}


def _call(address: str, parent: str) -> str:
    """Return the name by which the parent module calls a module, which may have an index: `a` of `module.a["x"]`."""
    return address.removeprefix(f"{parent}.").removeprefix("module.").partition("[")[0]
