"""Makes the keys of a CloudFormation template, with what its own parts tell about values known only at deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

from kms_rule.findings import Place, Unjudged, policy_text
from kms_rule.sources.cloudformation.inputs import NOTHING_GIVEN, TemplateInputs
from kms_rule.sources.cloudformation.intrinsics import (
    Branches,
    conditions_in,
    function_in,
    resolved,
)
from kms_rule.sources.contents import (
    DEFAULT_POLICY,
    DEFAULT_POLICY_REMARK,
    Candidate,
    Contents,
    DefinedKey,
    InputError,
    checked_size,
    state_of,
)
from kms_rule.sources.files import shown
from kms_rule.sources.json_positions import NOWHERE, LocatedObject, Position, RepeatedNameError, located
from kms_rule.sources.late import LateText
from kms_rule.sources.names import usable_alias
from kms_rule.sources.policy import statement_positions
from kms_rule.sources.unresolved import policy_document
from least_privilege.key import KEY_RESOURCE_TYPE, Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge_key

KEY_TYPES = frozenset({KEY_RESOURCE_TYPE, "AWS::KMS::ReplicaKey"})
ALIAS_TYPE = "AWS::KMS::Alias"
NESTED_STACK_TYPE = "AWS::CloudFormation::Stack"
DECIDING_PROPERTIES = ("Enabled", "KeyPolicy")
NOT_READ = frozenset({"Principal", "NotPrincipal", "Resource", "NotResource", "Sid", "Id", "Version"})
MAX_CONDITIONS = 6
MAX_TEMPLATE_LENGTH = 1024 * 1024
LOOP = "Fn::ForEach"
TRANSFORM = "Fn::Transform"
TO_JSON = "Fn::ToJsonString"
# These are known to leave keys as they are. Source: CloudFormation Template Reference, "Transform reference".
TRANSFORMS_THAT_LEAVE_KEYS = (
    "AWS::CodeDeployBlueGreen",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager-",
    "AWS::Serverless-",
)
PROCESSED = "aws cloudformation get-template --template-stage Processed"


def read_json(text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN) -> Contents:
    """Make the keys of a template whose text is known to be JSON. Raises `InputError` as `read_yaml` does."""
    _refuse_large(text)
    try:
        content = located(text, names_once=True)
    except RepeatedNameError as error:
        raise InputError(f"Its JSON is ambiguous ({error}): correct it.", error.position) from error
    except RecursionError as error:
        raise InputError("Its JSON is nested too deeply: correct it.") from error
    return Template(content, source, parameters, inputs).contents()


def read_yaml(
    text: str, source: str, parameters: RuleParameters, inputs: TemplateInputs = NOTHING_GIVEN
) -> Contents | None:
    """Make the keys of a template in YAML, or None where the text turns out not to be a template.

    Raises `InputError` where it is broken, or larger than the 1 MB that CloudFormation takes.
    """
    # It takes long to load, and keys in JSON do without it.
    from kms_rule.sources.cloudformation.yaml_text import located_yaml  # noqa: PLC0415

    _refuse_large(text)
    content = located_yaml(text)
    if not isinstance(content, LocatedObject) or not isinstance(content.get("Resources"), LocatedObject):
        return None
    return Template(content, source, parameters, inputs).contents()


def _refuse_large(text: str) -> None:
    if len(text) > MAX_TEMPLATE_LENGTH:
        raise InputError(
            f"It is a template of {len(text):,} characters, and CloudFormation takes {MAX_TEMPLATE_LENGTH:,} at most: "
            f"split it."
        )


@dataclass(frozen=True)
class Template:
    """A parsed template. `content` has an object of `Resources`."""

    content: LocatedObject
    source: str
    parameters: RuleParameters
    inputs: TemplateInputs = NOTHING_GIVEN

    def contents(self) -> Contents:
        """Make its keys, in the template's order."""
        found = [*self._keys()]
        return Contents((*found, *self._loops(), *self._transforms(found)), tuple(self._remarks(found)))

    @cached_property
    def _resources(self) -> LocatedObject:
        resources: LocatedObject = self.content["Resources"]
        return resources

    def _of_type(self, types: frozenset[str]) -> dict[str, LocatedObject]:
        return {
            name: resource
            for name, resource in self._resources.items()
            if isinstance(resource, LocatedObject) and resource.get("Type") in types
        }

    @cached_property
    def _key_resources(self) -> dict[str, LocatedObject]:
        return self._of_type(KEY_TYPES)

    @cached_property
    def _aliases(self) -> tuple[Alias, ...]:
        return tuple(Alias(name, resource) for name, resource in self._of_type(frozenset({ALIAS_TYPE})).items())

    def _keys(self) -> Iterator[DefinedKey | Unjudged]:
        for name, resource in self._key_resources.items():
            place = self._place(name)
            aliases = tuple(alias for alias in self._aliases if alias.mentions(name))
            try:
                candidates = KeyResource(name, resource, aliases, self.parameters).candidates()
                yield DefinedKey(place, tuple(candidates))
            except InputError as error:
                yield Unjudged(place, str(error))

    def _place(self, name: str) -> Place:
        return Place(self.source, *self._resources.names.get(name, NOWHERE), shown(name))

    def _loops(self) -> Iterator[Unjudged]:
        for name, body in self._resources.items():
            if name.startswith(LOOP) and mentions_a_key_type(body):
                reason = f"The keys of a loop are not judged: check what CloudFormation makes of it ({PROCESSED})."
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
        if self._of_type(frozenset({NESTED_STACK_TYPE})):
            yield f"{self.source}: Nested stacks are not followed: check their templates too."
        if not found:
            for name in self._transform_names():
                yield f"{self.source}: The transform {shown(name)} may add keys; what it adds is not judged."
        for alias in self._aliases:
            if found and alias.is_lost(self._key_resources):
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
    return isinstance(value, str) and value in KEY_TYPES


def properties_of(resource: Mapping[str, Any]) -> Any:
    """Return the properties of a resource, as its template writes them."""
    return {} if resource.get("Properties") is None else resource["Properties"]


def condition_of(resource: Mapping[str, Any]) -> str:
    """Return the name of the condition under which a resource exists, or nothing."""
    condition = resource.get("Condition")
    return condition if isinstance(condition, str) else ""


@dataclass(frozen=True)
class Alias:
    """An alias that a template defines."""

    name: str
    resource: Mapping[str, Any]

    @property
    def properties(self) -> Any:
        """The alias's properties, as the template writes them."""
        return properties_of(self.resource)

    def mentions(self, key: str) -> bool:
        """Return whether the alias may name this key."""
        return isinstance(self.properties, Mapping) and key in str(self.properties.get("TargetKeyId"))

    def is_lost(self, keys: Mapping[str, Any]) -> bool:
        """Return whether the alias mentions a key, but in no way that tells that it names it."""
        mentioned = [key for key in keys if self.mentions(key)]
        if not mentioned or len(self.conditions) > MAX_CONDITIONS:
            return False
        return not any(self.names(key, branches) for branches in all_branches(self.conditions) for key in mentioned)

    @cached_property
    def conditions(self) -> frozenset[str]:
        """The names of the conditions that it depends on."""
        return frozenset(filter(None, (*conditions_in(self.properties), condition_of(self.resource))))

    def names(self, key: str, branches: Branches) -> bool:
        """Return whether the alias exists and names this key, where the conditions are so."""
        if not branches.get(condition_of(self.resource), True):
            return False
        target = resolved(self.properties, branches)
        target = target.get("TargetKeyId") if isinstance(target, Mapping) else target
        if not isinstance(target, LateText) or len(target.parts) > 1:
            return False
        [late] = target.late_values
        return late.function in {f"Ref {key}", f"GetAtt {key}.KeyId", f"GetAtt {key}.Arn"}

    def alias_name(self, branches: Branches) -> object:
        """Return the name that it gives the key."""
        return resolved(self.properties, branches).get("AliasName")


def all_branches(conditions: frozenset[str], holding: str = "") -> Iterator[dict[str, bool]]:
    """Yield every way that conditions may turn out, where the one that is `holding` holds.

    Raises `InputError` where there are too many.
    """
    free = sorted(conditions - {holding})
    if len(free) > MAX_CONDITIONS:
        raise InputError(
            f"It depends on {len(free)} conditions, of which all combinations are judged for up to {MAX_CONDITIONS}: "
            f"check what is deployed with kms-rule scan."
        )
    for truths in product((True, False), repeat=len(free)):
        yield dict(zip(free, truths, strict=True)) | ({holding: True} if holding else {})


@dataclass(frozen=True)
class KeyResource:
    """A key that a template defines, and the aliases that may name it."""

    name: str
    resource: LocatedObject
    aliases: tuple[Alias, ...]
    parameters: RuleParameters

    def candidates(self) -> Iterator[Candidate]:
        """Yield what the key may be, for every way that the conditions may turn out.

        Raises `InputError` where something that decides is known only at deployment.
        """
        holding = condition_of(self.resource)
        conditions = frozenset(conditions_in(self._deciding(), NOT_READ)).union(
            *(alias.conditions for alias in self.aliases)
        )
        always = (f"It is judged as if the condition {shown(holding)} holds, on which it depends.",) if holding else ()
        for branches in all_branches(conditions, holding):
            candidate = self._candidate(branches)
            free = {name: holds for name, holds in branches.items() if name != holding}
            yield replace(candidate, remarks=(*candidate.remarks, *always, *_remark_on(free)))

    def _deciding(self) -> Any:
        properties = properties_of(self.resource)
        if not isinstance(properties, Mapping) or function_in(properties):
            return properties
        deciding = {name: properties[name] for name in DECIDING_PROPERTIES if name in properties}
        if function_in(deciding.get("KeyPolicy")) == TO_JSON:
            deciding["KeyPolicy"] = deciding["KeyPolicy"][TO_JSON]
        return deciding

    def _candidate(self, branches: Branches) -> Candidate:
        properties = resolved(self._deciding(), branches)
        if not isinstance(properties, Mapping) or function_in(self.resource):
            raise InputError(
                f"Its properties are not an object, or known only at deployment: write them out, or check what "
                f"CloudFormation makes of it ({PROCESSED})."
            )
        enabled, remarks_on_state = _enabled(properties.get("Enabled", True))
        names, remarks_on_names = self._alias_names(branches)
        key = Key(shown(self.name), Facts(names, state=state_of(enabled=enabled)))
        try:
            candidate = self._with_policy(key, properties)
        except InputError:
            if not judge_key(key.facts, self.parameters):
                raise
            candidate = Candidate(key)
        return replace(candidate, remarks=(*remarks_on_state, *candidate.remarks, *remarks_on_names))

    def _with_policy(self, key: Key, properties: Mapping[str, Any]) -> Candidate:
        policy = properties.get("KeyPolicy")
        if policy is None:
            return Candidate(_given(key, DEFAULT_POLICY), remarks=(DEFAULT_POLICY_REMARK,))
        document, remarks = policy_document(policy, by_user=self.parameters.separate_by_user)
        positions = statement_positions(policy) if isinstance(policy, Mapping) else ()
        remarks = (*remarks, *checked_size(policy_text(document) or ""))
        return Candidate(_given(key, document), self._position_of_policy(), positions, remarks)

    def _position_of_policy(self) -> Position:
        properties = self.resource.get("Properties")
        names = properties.names if isinstance(properties, LocatedObject) else {}
        return names.get("KeyPolicy", NOWHERE)

    def _alias_names(self, branches: Branches) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known: list[str] = []
        remarks: list[str] = []
        for alias in self.aliases:
            if not alias.names(self.name, branches):
                continue
            name = alias.alias_name(branches)
            if usable_alias(name):
                known.append(str(name))
            elif isinstance(name, LateText):
                remarks.append(
                    f"The name of its alias {shown(alias.name)} is known only at deployment ({name}), so it is not "
                    f"compared with CMK_Whitelist."
                )
            else:
                remarks.append(f"Its alias {shown(alias.name)} is left out: KMS takes no alias of that name.")
        return tuple(known), tuple(remarks)


def _given(key: Key, document: str | Mapping[str, object]) -> Key:
    return replace(key, facts=replace(key.facts, policy=document))


def _enabled(value: object) -> tuple[bool, tuple[str, ...]]:
    if isinstance(value, LateText):
        return True, (f"Whether it is enabled is known only at deployment ({value}); it is judged as if it is.",)
    return str(value).lower() != "false", ()


def _remark_on(branches: Branches) -> tuple[str, ...]:
    if not branches:
        return ()
    words = ", ".join(f"{shown(name)} is {str(holds).lower()}" for name, holds in branches.items())
    return (f"It is judged for every combination of its conditions; this is the worst verdict, where {words}.",)
