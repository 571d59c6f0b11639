"""What in a template may make keys that do not stand in it: nested stacks, stack sets, applications and modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kms_rule.sources.cloudformation.choices import UndecidedError
from kms_rule.sources.cloudformation.definitions import object_in
from kms_rule.sources.cloudformation.inputs import TemplateInputs
from kms_rule.sources.cloudformation.intrinsics import function_in, resolved
from kms_rule.sources.cloudformation.text import parsed
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.contents import InputError
from kms_rule.sources.json_positions import LocatedObject
from kms_rule.sources.late import LateText, LateValue, scalar_text

STACK_SET_TYPE = "AWS::CloudFormation::StackSet"
MODULE_SUFFIX = "::MODULE"
NOT_FOLLOWED: Mapping[str, str] = {
    "AWS::CloudFormation::Stack": "Nested stacks are not followed: check their templates too.",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": (
        "Products of Service Catalog are not followed: check their templates too."
    ),
    "AWS::Serverless::Application": "Serverless applications are not followed: check their templates too.",
    MODULE_SUFFIX: "Modules are not followed, and may make keys: check what they become too.",
    STACK_SET_TYPE: "Stack sets whose template stands elsewhere are not followed: check their templates too.",
    "": "The type of a resource is not a text, so it may be a module that makes keys: check what it becomes too.",
}
TEMPLATE_BODY = "TemplateBody"
NOT_A_TEMPLATE = "The template that it deploys has no Resources, or is known only at deployment: check it by itself."
MAX_EMBEDDED = 5
TOO_DEEP = f"Its template deploys others more than {MAX_EMBEDDED} deep: check them by themselves."


def remarks_on(resources: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence about each kind of resources that may make keys, and is not followed."""
    kinds = {_kind_of(resource) for resource in resources.values() if isinstance(resource, Mapping)}
    yield from (sentence for kind, sentence in NOT_FOLLOWED.items() if kind in kinds)


def _kind_of(resource: Mapping[str, Any]) -> str | None:
    """Return what of `NOT_FOLLOWED` a resource is."""
    written = resource.get("Type")
    if not isinstance(written, str):
        return "" if written is not None else None
    if written == STACK_SET_TYPE:
        return None if TEMPLATE_BODY in object_in(resource, "Properties") else written
    return MODULE_SUFFIX if written.endswith(MODULE_SUFFIX) else written


def stack_sets(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and properties of each stack set whose template stands in it."""
    for name, resource in resources.items():
        if isinstance(resource, Mapping) and resource.get("Type") == STACK_SET_TYPE:
            properties = object_in(resource, "Properties")
            if TEMPLATE_BODY in properties:
                yield name, properties


def template_of(properties: Mapping[str, Any]) -> LocatedObject:
    """Return the template that a stack set deploys.

    Raises `InputError` where it is none, or known only at deployment.
    """
    body = properties[TEMPLATE_BODY]
    content = parsed(body) if isinstance(body, str) else body
    if not isinstance(content, LocatedObject) or function_in(content) or "Resources" not in content:
        raise InputError(NOT_A_TEMPLATE)
    if not isinstance(content["Resources"], LocatedObject):
        raise InputError(NOT_A_TEMPLATE)
    return content


def inputs_of(properties: Mapping[str, Any], world: World, names: Iterable[str]) -> TemplateInputs:
    """Return what a stack set gives its template, whose parameters have these names, as far as that is known.

    The world's remarks say what was assumed of it.
    """
    given: dict[str, str | LateText] = {}
    try:
        with world.decidedly():
            for name, value in _pairs(resolved(properties.get("Parameters"), world)):
                text = scalar_text(value)
                given[name] = text if text is not None else _unknown(name)
            # Any of these may be another one in some account.
            for name, _ in _overrides(resolved(properties.get("StackInstancesGroup"), world)):
                given[name] = _unknown(name)
    except UndecidedError:
        # What is given, and what is left to its default, only deployment will know. So it is with what is secret.
        given = dict(zip(names, map(_unknown, names), strict=True))
    return TemplateInputs(given, world.definitions.inputs.exports)


def _pairs(parameters: object) -> Iterator[tuple[str, Any]]:
    for each in _known_objects(parameters):
        name = _known(each.get("ParameterKey"))
        if isinstance(name, str):
            yield name, each.get("ParameterValue")


def _overrides(groups: object) -> Iterator[tuple[str, Any]]:
    for each in _known_objects(groups):
        yield from _pairs(each.get("ParameterOverrides"))


def _known_objects(value: object) -> list[Mapping[str, Any]]:
    members = _known(value) if isinstance(_known(value), list) else []
    return [each for each in map(_known, members) if isinstance(each, Mapping)]


def _known(value: object) -> Any:
    if isinstance(value, LateText):
        raise UndecidedError
    return value


def _unknown(name: str) -> LateText:
    return LateText((LateValue(f"Ref {name}"),))
