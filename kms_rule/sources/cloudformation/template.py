"""Makes the keys of a CloudFormation template, with what its own parts tell about values known only at deployment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from kms_rule.findings import Place, Unjudged
from kms_rule.sources.budget import Budget
from kms_rule.sources.cloudformation import embedded
from kms_rule.sources.cloudformation.choices import Choices
from kms_rule.sources.cloudformation.definitions import Definitions, object_in
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs
from kms_rule.sources.cloudformation.intrinsics import TRANSFORM
from kms_rule.sources.cloudformation.keys import PROCESSED, TOO_DEEP, Alias, KeyResource, condition_of
from kms_rule.sources.cloudformation.text import budget_of_file, parsed_json, parsed_yaml
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.contents import Candidate, Contents, DefinedKey, InputError
from kms_rule.sources.files import shown
from kms_rule.sources.json_positions import NOWHERE, LocatedObject, Position
from least_privilege.key import KEY_RESOURCE_TYPE
from least_privilege.parameters import RuleParameters

KEY_TYPES = frozenset({KEY_RESOURCE_TYPE, "AWS::KMS::ReplicaKey"})
ALIAS_TYPE = "AWS::KMS::Alias"
LOOP = "Fn::ForEach"
# A loop fills its variables in, also in types.
TYPE_TO_COMPLETE = re.compile(r"AWS::(?:KMS::[^:]*)?[$&]\{")
# These are known to leave keys as they are. Source: CloudFormation Template Reference, "Transform reference".
TRANSFORMS_THAT_LEAVE_KEYS = (
    "AWS::CodeDeployBlueGreen",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager-",
    "AWS::Serverless-",
)
# No key may use more than this part of what its template may.
PART_FOR_A_KEY = 2
MAX_STEPS_FOR_REMARKS = 100_000
TOO_MUCH_FOR_A_KEY = (
    "It may turn out in more ways than can be judged: write more of it out, give the values of its parameters with "
    "--template-parameters, or check what is deployed with kms-rule scan."
)


def read_json(text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN) -> Contents:
    """Make the keys of a template whose text is known to be JSON. Raises `InputError` as `read_yaml` does."""
    return Template(parsed_json(text), source, parameters, inputs).contents()


def read_yaml(
    text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN
) -> Contents | None:
    """Make the keys of a template in YAML, or None where the text turns out not to be a template.

    Raises `InputError` where it is broken, or larger than the 1 MB that CloudFormation takes.
    """
    content = parsed_yaml(text)
    if not isinstance(content, LocatedObject) or not isinstance(content.get("Resources"), LocatedObject):
        return None
    return Template(content, source, parameters, inputs).contents()


@dataclass(frozen=True)
class Template:
    """A parsed template. `content` has an object of `Resources`.

    `within` is the place of the stack set that deploys it, where it is not a file of its own; `has_positions` is
    whether the positions in it are those of the file, and `depth` how many stack sets it stands in.
    """

    content: LocatedObject
    source: str
    parameters: RuleParameters
    inputs: TemplateInputs = NOTHING_GIVEN
    budget: Budget = field(default_factory=budget_of_file)
    within: Place | None = None
    has_positions: bool = True
    depth: int = 0

    def contents(self) -> Contents:
        """Make its keys, in the template's order, and then those of the stack sets in it.

        Once there is too much to work out, one finding says so for all that follows.
        """
        found: list[DefinedKey | Unjudged] = []
        remarks: list[str] = []
        try:
            found += self._keys(remarks)
            inner = [Contents(tuple(found)), *self._stack_sets()]
            found = [key for contents in inner for key in contents.keys]
            remarks += [remark for contents in inner for remark in contents.remarks]
            found += [*self._loops(), *self._transforms(found)]
            remarks += self._remarks(found)
        except (InputError, RecursionError) as error:
            reason = TOO_DEEP if isinstance(error, RecursionError) else str(error)
            found.append(Unjudged(self.within or Place(self.source), reason))
        return Contents(tuple(found), tuple(dict.fromkeys(remarks)))

    @cached_property
    def _resources(self) -> LocatedObject:
        resources: LocatedObject = self.content["Resources"]
        return resources

    @cached_property
    def _definitions(self) -> Definitions:
        return Definitions(self.content, self.inputs, self.budget)

    def _of_type(self, types: frozenset[str]) -> dict[str, LocatedObject]:
        return {
            name: resource
            for name, resource in self._resources.items()
            if isinstance(resource, LocatedObject) and isinstance(kind := resource.get("Type"), str) and kind in types
        }

    @cached_property
    def _key_resources(self) -> dict[str, LocatedObject]:
        return self._of_type(KEY_TYPES)

    @cached_property
    def _aliases(self) -> tuple[Alias, ...]:
        return tuple(Alias(name, resource) for name, resource in self._of_type(frozenset({ALIAS_TYPE})).items())

    @cached_property
    def _aliases_by_key(self) -> dict[str, list[Alias]]:
        """The aliases that may name each key."""
        found: dict[str, list[Alias]] = {}
        for alias in self._aliases:
            for name in alias.mentioned:
                found.setdefault(name, []).append(alias)
        return found

    def _keys(self, remarks: list[str]) -> Iterator[DefinedKey | Unjudged]:
        for name, resource in self._key_resources.items():
            place = self._place(name)
            # An expensive key leaves something for the others.
            part = Budget(max(self.budget.left // PART_FOR_A_KEY, 1), TOO_MUCH_FOR_A_KEY, self.budget)
            definitions = replace(self._definitions, budget=part)
            aliases = tuple(self._aliases_by_key.get(name, ()))
            try:
                candidates, is_secret = KeyResource(name, resource, aliases, self.parameters, definitions).candidates()
            except InputError as error:
                if self.budget.is_spent:
                    raise
                yield Unjudged(place, str(error))
                continue
            if candidates:
                yield DefinedKey(place, tuple(map(self._placed, candidates)), is_secret)
            else:
                condition = shown(condition_of(resource))
                remarks.append(
                    f"{self.source}: {place.resource} is not made, since the condition {condition} is false."
                )

    def _placed(self, candidate: Candidate) -> Candidate:
        return candidate if self.has_positions else replace(candidate, position=NOWHERE, statements=())

    def _place(self, name: str) -> Place:
        if self.within is None:
            return Place(self.source, *self._resources.names.get(name, NOWHERE), shown(name))
        position = self._resources.names.get(name, NOWHERE) if self.has_positions else NOWHERE
        line, column = position if position.line else (self.within.line, self.within.column)
        return Place(self.source, line, column, f"{self.within.resource}.{shown(name)}")

    def _stack_sets(self) -> Iterator[Contents]:
        for name, properties in embedded.stack_sets(self._resources):
            place = self._place(name)
            try:
                contents, assumed = self._embedded(properties, place)
                remarks = [f"{self.source}: {remark}" for remark in (assumed if contents.keys else ())]
                yield replace(contents, remarks=(*contents.remarks, *remarks))
            except InputError as error:
                if self.budget.is_spent:
                    raise
                yield Contents((Unjudged(place, str(error)),))

    def _embedded(self, properties: Mapping[str, Any], place: Place) -> tuple[Contents, Iterable[str]]:
        """Return what a stack set deploys, and what was assumed of the values that it gives."""
        if self.depth >= embedded.MAX_EMBEDDED:
            raise InputError(embedded.TOO_DEEP)
        content = embedded.template_of(properties)
        has_positions = self.has_positions and not isinstance(properties[embedded.TEMPLATE_BODY], str)
        world = World(self._definitions, Choices())
        inputs = embedded.inputs_of(properties, world, object_in(content, "Parameters"))
        inner = replace(
            self, content=content, inputs=inputs, within=place, has_positions=has_positions, depth=self.depth + 1
        )
        return inner.contents(), world.remarks

    def _loops(self) -> Iterator[Unjudged]:
        for name, body in self._resources.items():
            is_resource = isinstance(body, Mapping) and "Type" in body
            if not is_resource and name != TRANSFORM and mentions_a_key_type(body):
                what = "a loop" if name.startswith(LOOP) else "what is not a resource"
                reason = f"The keys of {what} are not judged: check what CloudFormation makes of it ({PROCESSED})."
                yield Unjudged(self._place(name), reason)

    def _transforms(self, found: list[DefinedKey | Unjudged]) -> Iterator[Unjudged]:
        for name in self._transform_names() if found else ():
            reason = (
                f"The transform {shown(name)} may change these keys or add others: check what CloudFormation makes of "
                f"it ({PROCESSED})."
            )
            yield Unjudged(Place(self.source, *self._position_of_transform()), reason)

    def _transform_names(self) -> list[str]:
        """Return the names of the transforms that may change keys or add some."""
        whole = self.content.get("Transform", [])
        wanted = [*(whole if isinstance(whole, list) else [whole]), *self._included()]
        names = [str(each.get("Name", "")) if isinstance(each, Mapping) else str(each) for each in wanted]
        return [name for name in names if not name.startswith(TRANSFORMS_THAT_LEAVE_KEYS)]

    def _included(self) -> list[Any]:
        return [each[TRANSFORM] for each in (self.content, self._resources) if TRANSFORM in each]

    def _position_of_transform(self) -> Position:
        places = (
            self.content.names.get("Transform"),
            self.content.names.get(TRANSFORM),
            self._resources.names.get(TRANSFORM),
        )
        return next(filter(None, places), NOWHERE)

    def _remarks(self, found: list[DefinedKey | Unjudged]) -> Iterator[str]:
        for sentence in embedded.remarks_on(self._resources):
            yield f"{self.source}: {sentence}"
        if not found:
            for name in self._transform_names():
                yield f"{self.source}: The transform {shown(name)} may add keys; what it adds is not judged."
        part = Budget(min(MAX_STEPS_FOR_REMARKS, max(self.budget.left, 1)), TOO_MUCH_FOR_A_KEY, self.budget)
        for alias in self._aliases:
            if found and alias.is_lost(self._key_resources, replace(self._definitions, budget=part)):
                yield (
                    f"{self.source}: Only deployment will know which key the alias {shown(alias.name)} names, so it "
                    f"is attached to none."
                )


def mentions_a_key_type(value: object) -> bool:
    """Return whether one of the types of keys is anywhere within a value of a template."""
    if isinstance(value, Mapping):
        return any(map(mentions_a_key_type, value.values()))
    if isinstance(value, list):
        return any(map(mentions_a_key_type, value))
    return isinstance(value, str) and bool(value in KEY_TYPES or TYPE_TO_COMPLETE.match(value))
