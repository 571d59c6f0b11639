"""Makes the keys of a Terraform plan or state, as `terraform show -json` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kms_rule.findings import Place, Unjudged
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
from kms_rule.sources.names import usable_alias
from kms_rule.sources.terraform.plan_resources import Plan, Resource
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge_key

VALUES = ("planned_values", "values")
# All that the output says of a state without any resource.
NAMES_OF_EMPTY_STATE = frozenset({"format_version", "terraform_version"})
INDEX_REFERENCES = frozenset({"count.index", "each.key", "each.value"})
IDENTIFYING_ATTRIBUTES = ("key_id", "arn", "id")
IDENTIFYING_ENDS = (None, *(f".{attribute}" for attribute in IDENTIFYING_ATTRIBUTES))
REFERENCE = re.compile(r"(?P<name>\w+\.[\w-]+)(?P<index>\[.*\])?(?P<attribute>\.\w+)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeyType:
    """The attributes of a type of keys."""

    policy: str
    enabled: str


@dataclass(frozen=True, slots=True)
class AttachedType:
    """The attributes of a type that gives a key something: what it gives, and the key that it names."""

    given: str
    key: str


# Sources: the documentation of the providers hashicorp/aws and hashicorp/awscc.
KEY_TYPES: Mapping[str, KeyType] = {
    "aws_kms_key": KeyType("policy", "is_enabled"),
    "aws_kms_external_key": KeyType("policy", "enabled"),
    "aws_kms_replica_key": KeyType("policy", "enabled"),
    "aws_kms_replica_external_key": KeyType("policy", "enabled"),
    "awscc_kms_key": KeyType("key_policy", "enabled"),
    "awscc_kms_replica_key": KeyType("key_policy", "enabled"),
}
ALIAS_TYPES: Mapping[str, AttachedType] = {
    "aws_kms_alias": AttachedType("name", "target_key_id"),
    "awscc_kms_alias": AttachedType("alias_name", "target_key_id"),
}
POLICY_TYPES: Mapping[str, AttachedType] = {"aws_kms_key_policy": AttachedType("policy", "key_id")}
ATTACHED_TYPES: Mapping[str, AttachedType] = {**ALIAS_TYPES, **POLICY_TYPES}


def is_plan(content: Mapping[str, Any]) -> bool:
    """Return whether a parsed file is the output of `terraform show -json`."""
    if "format_version" not in content:
        return False
    return any(name in content for name in VALUES) or content.keys() <= NAMES_OF_EMPTY_STATE


def read(content: Mapping[str, Any], source: str, parameters: RuleParameters) -> Contents:
    """Make the keys of the parsed output of `terraform show -json`."""
    resources = tuple(Plan(content).resources())
    return PlannedKeys(source, parameters, resources, failed=content.get("errored") is True).contents()


@dataclass(frozen=True)
class PlannedKeys:
    """The keys among the resources of a plan, and what is attached to each; `failed` if planning came to no end."""

    source: str
    parameters: RuleParameters
    resources: tuple[Resource, ...]
    failed: bool = False

    def contents(self) -> Contents:
        """Make the keys in the order of the plan, then the policies whose key is not in it."""
        found = [self._defined(key) for key in self._keys]
        found += [
            self._defined_alone(policy) for policy in self._of(POLICY_TYPES) if self._named[policy.address] is None
        ]
        if self.failed:
            reason = "Planning ended with an error, so that keys may be missing: correct it and plan again."
            found.append(Unjudged(Place(self.source), reason))
        return Contents(tuple(found), tuple(self._remarks()))

    def _of(self, types: Mapping[str, object]) -> list[Resource]:
        return [resource for resource in self.resources if resource.type in types]

    @cached_property
    def _keys(self) -> list[Resource]:
        return self._of(KEY_TYPES)

    @cached_property
    def _named(self) -> dict[str, Resource | None]:
        """The key that each alias and policy names, by address; None where it is not in the plan, or uncertain."""
        return {each.address: self._key_named_by(each) for each in self._of(ATTACHED_TYPES)}

    def _key_named_by(self, attached: Resource) -> Resource | None:
        attribute = ATTACHED_TYPES[attached.type].key
        value = attached.value(attribute)
        if value is None:
            return self._key_referred_to(attached, attached.references(attribute))
        return _only([key for key in self._keys if value in map(key.value, IDENTIFYING_ATTRIBUTES)])

    def _key_referred_to(self, attached: Resource, references: frozenset[str]) -> Resource | None:
        """Return the one key that an expression can mean; none where it refers to anything else or to several keys."""
        found: list[Resource] = []
        for reference in references - INDEX_REFERENCES:
            keys = self._keys_meant(attached.module, reference, references)
            if keys is None:
                return None
            found += keys
        return _only(found) or self._key_of_same_index(attached, found, references)

    def _keys_meant(self, module: str, reference: str, references: frozenset[str]) -> list[Resource] | None:
        """Return the instances that a reference means, or None where it is to no key of the module."""
        if reference.startswith("each.value."):
            return []
        parts = REFERENCE.fullmatch(reference)
        if not parts or parts["name"].partition(".")[0] not in KEY_TYPES or parts["attribute"] not in IDENTIFYING_ENDS:
            return None
        instances = [key for key in self._keys if (key.module, key.name) == (module, parts["name"])]
        if parts["index"]:
            return [key for key in instances if _index(key) == parts["index"]]
        # Terraform lists `a` beside `a[0].arn`; alone, or beside a running index, it may be any instance.
        is_part = any(other.startswith(f"{reference}[") for other in references)
        return [] if is_part and not references & INDEX_REFERENCES else instances

    def _key_of_same_index(
        self, attached: Resource, keys: Sequence[Resource], references: frozenset[str]
    ) -> Resource | None:
        """Return the key with the same index, where all instances of both stand side by side."""
        names = {key.name for key in keys}
        indexed = any(reference.startswith(f"{name}[") for name in names for reference in references)
        if not references & INDEX_REFERENCES or len(names) != 1 or indexed:
            return None
        siblings = [each for each in self.resources if (each.module, each.name) == (attached.module, attached.name)]
        if {_index(each) for each in siblings} != {_index(key) for key in keys}:
            return None
        return _only([key for key in keys if _index(key) == _index(attached)])

    def _attached(self, key: Resource, types: Mapping[str, AttachedType]) -> list[Resource]:
        return [each for each in self._of(types) if (named := self._named[each.address]) and named is key]

    def _defined(self, key: Resource) -> DefinedKey | Unjudged:
        place = Place(self.source, resource=shown(key.address))
        policies = self._attached(key, POLICY_TYPES) or [key]
        aliases = self._attached(key, ALIAS_TYPES)
        try:
            candidates = tuple(self._candidate(key, policy, aliases) for policy in policies)
        except InputError as error:
            return Unjudged(place, str(error))
        return DefinedKey(place, candidates, hidden=any(map(_is_sensitive, (*policies, *aliases))))

    def _defined_alone(self, policy: Resource) -> DefinedKey | Unjudged:
        place = Place(self.source, resource=shown(policy.address))
        try:
            text, remarks = _policy_of(policy)
        except InputError as error:
            return Unjudged(place, str(error))
        remark = "Its key is not in this plan, or not known to be, so the policy is judged by itself."
        candidate = Candidate(Key(shown(policy.address), Facts(policy=text)), remarks=(remark, *remarks))
        return DefinedKey(place, (candidate,), hidden=_is_sensitive(policy))

    def _candidate(self, key: Resource, policy: Resource, aliases: Sequence[Resource]) -> Candidate:
        enabled, remarks_on_state = _enabled(key)
        names, remarks_on_names = _alias_names(aliases)
        source = () if policy is key else (f"Its policy is that of {shown(policy.address)}.",)
        facts = Facts(names, state=state_of(enabled=enabled))
        try:
            text, remarks = _policy_of(policy)
        except InputError:
            if not judge_key(facts, self.parameters):
                raise
            text, remarks = None, ()
        return Candidate(
            Key(shown(key.address), replace(facts, policy=text)),
            remarks=(*source, *remarks_on_state, *remarks, *remarks_on_names),
        )

    def _remarks(self) -> Iterator[str]:
        for alias in self._of(ALIAS_TYPES):
            unresolved = alias.value(ALIAS_TYPES[alias.type].key) is None and self._keys
            if unresolved and self._named[alias.address] is None:
                yield (
                    f"{self.source}: Which key {shown(alias.address)} names is certain only once the plan is applied, "
                    f"so that alias is attached to none."
                )


def _only(keys: Sequence[Resource]) -> Resource | None:
    distinct = {key.address: key for key in keys}
    return next(iter(distinct.values())) if len(distinct) == 1 else None


def _index(resource: Resource) -> str:
    """Return the index of an instance as references write it, with its brackets, or nothing."""
    return "" if resource.index is None else f"[{json.dumps(resource.index, ensure_ascii=False)}]"


def _attribute_of_policy(resource: Resource) -> str:
    of_key = KEY_TYPES.get(resource.type)
    return of_key.policy if of_key else POLICY_TYPES[resource.type].given


def _policy_of(resource: Resource) -> tuple[str | None, tuple[str, ...]]:
    """Return the policy that a resource gives, and remarks.

    Raises `InputError` where only applying the plan will tell. A policy that is not configured is "known after apply"
    too, since KMS chooses it.
    """
    attribute = _attribute_of_policy(resource)
    value = resource.value(attribute)
    if isinstance(value, Mapping):
        value = json.dumps(value)
    if isinstance(value, str) and value:
        return value, checked_size(value)
    if resource.is_unknown(attribute) and resource.is_configured(attribute):
        raise InputError(
            f"The {attribute} of {shown(resource.address)} is known only after the plan is applied: check the state "
            f"then, or give the policy values that are known before."
        )
    return DEFAULT_POLICY, (DEFAULT_POLICY_REMARK,)


def _enabled(key: Resource) -> tuple[bool, tuple[str, ...]]:
    attribute = KEY_TYPES[key.type].enabled
    if key.is_unknown(attribute) and key.is_configured(attribute):
        return True, ("Whether it is enabled is known only after the plan is applied; it is judged as if it is.",)
    return key.value(attribute) is not False, ()


def _alias_names(aliases: Sequence[Resource]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    values = {alias.address: alias.value(ALIAS_TYPES[alias.type].given) for alias in aliases}
    known = tuple(value for value in values.values() if usable_alias(value))
    remarks = (
        f"The name of its alias {shown(address)} is known only after the plan is applied, so it is not compared with "
        f"CMK_Whitelist."
        if value is None
        else f"Its alias {shown(address)} is left out: KMS takes no alias of that name."
        for address, value in values.items()
        if not usable_alias(value)
    )
    return known, tuple(remarks)


def _is_sensitive(resource: Resource) -> bool:
    attached = ATTACHED_TYPES.get(resource.type)
    return resource.is_sensitive(attached.given if attached else KEY_TYPES[resource.type].policy)
