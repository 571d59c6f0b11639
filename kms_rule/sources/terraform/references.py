"""What the expressions of a configuration refer to, followed through variables and outputs of modules.

The output of `terraform show -json` lists what an expression refers to, not the expression. Each reference stands there
with all that it begins with: `aws_kms_key.a[0].arn` is followed by `aws_kms_key.a[0]` and `aws_kms_key.a`. What a
`local` stands for is not in the output. Source: Terraform documentation, "JSON Output Format", and what it writes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kms_rule.sources.terraform.plan_resources import Module, Resource, listed, mapping

PART = re.compile(r'(?:^|\.)(?P<name>[\w-]+)|(?P<index>\[(?:\d+|"(?:[^"\\]|\\.)*")\])')
# What only numbers or names the instance in which the expression stands.
INDEXES = frozenset({"count.index", "each.key"})


@dataclass(frozen=True, slots=True)
class Referent:
    """An attribute of a resource that an expression refers to.

    `index` is that of one instance, with its brackets, and empty where the reference has none; `attribute` is empty for
    the whole resource.
    """

    module: str
    name: str
    index: str
    attribute: str


@dataclass(frozen=True, slots=True)
class _Expression:
    """An expression, where it stands, and the `for_each` that its `each.value` is of."""

    module: Module
    content: object
    for_each: object


def references(expression: object) -> list[str]:
    """Return what an expression refers to, in its order, without what each reference begins with."""
    found: list[str] = []
    last = ""
    for reference in map(str, listed(mapping(expression).get("references"))):
        if not (last.startswith(reference) and last[len(reference) :].startswith((".", "["))):
            found.append(reference)
        last = reference
    return found


def referents(resource: Resource, attribute: str) -> frozenset[Referent] | None:
    """Return all that an attribute's expression refers to in the end, None where that is not all in the plan.

    Indexes such as `count.index` do not count: they tell which instance is meant, but not how.
    """
    for_each = resource.configuration.get("for_each_expression")
    found: set[Referent] = set()
    waiting = [_Expression(resource.module, resource.expressions.get(attribute), for_each)]
    seen: set[tuple[str, str, int]] = set()
    while waiting:
        expression = waiting.pop()
        for reference in references(expression.content):
            visit = (expression.module.address, reference, id(expression.for_each))
            if reference in INDEXES or visit in seen:
                continue
            seen.add(visit)
            meant = _meant(reference, expression)
            if meant is None:
                return None
            if isinstance(meant, Referent):
                found.add(meant)
            else:
                waiting.append(meant)
    return frozenset(found)


def _meant(reference: str, expression: _Expression) -> Referent | _Expression | None:
    """Return what a reference is to, or the expression that gives its value; None where it cannot be followed."""
    first, *others = _parts(reference)
    module = expression.module
    if [first, *others[:1]] == ["each", "value"]:
        return _given(module, expression.for_each)
    if first == "var" and module.parent and others:
        return _given(module.parent, mapping(module.call.get("expressions")).get(others[0]), module.call)
    if first == "module":
        return _output(others, module)
    if first == "data":
        return _referent(f"{first}.{'.'.join(others[:2])}", others[2:], module)
    return _referent(f"{first}.{'.'.join(others[:1])}", others[1:], module)


def _parts(reference: str) -> list[str]:
    return [match["name"] or match["index"] for match in PART.finditer(reference)] or [""]


def _given(module: Module, content: object, call: Mapping[str, Any] | None = None) -> _Expression | None:
    """Return an expression that refers to something, None for any other."""
    if not references(content):
        return None
    return _Expression(module, content, (call or {}).get("for_each_expression"))


def _output(parts: list[str], module: Module) -> _Expression | None:
    """Return the expression of an output of a module, None for the whole module.

    Of several instances of the module, one without its index is none of them, so that nothing is found in it.
    """
    name, *others = [*parts, ""]
    index = others.pop(0) if others[0].startswith("[") else ""
    child = module.child(name, f"{module.address}.module.{name}{index}".removeprefix("."))
    output = mapping(mapping(child.configuration.get("outputs")).get(others[0]))
    return _given(child, output.get("expression"))


def _referent(name: str, others: list[str], module: Module) -> Referent:
    index = others.pop(0) if others and others[0].startswith("[") else ""
    return Referent(module.address, name, index, others[0] if others else "")


def instances(meant: frozenset[Referent], by_name: Mapping[tuple[str, str], list[Resource]]) -> Iterator[Resource]:
    """Yield the instances that referents may mean, out of those by module and name; each once."""
    indexes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in meant:
        indexes[each.module, each.name].add(each.index)
    for name, wanted in indexes.items():
        yield from (resource for resource in by_name.get(name, ()) if "" in wanted or resource.index in wanted)
