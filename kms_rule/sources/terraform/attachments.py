"""Which key each alias and each policy of a plan names, and where that is not certain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from kms_rule.sources.terraform.plan_resources import Resource
from kms_rule.sources.terraform.references import Referent, instances, referents
from kms_rule.sources.terraform.resource_types import ATTACHED_TYPES, KEY_TYPES, POLICY_TYPES

IDENTIFYING_ATTRIBUTES = ("key_id", "arn", "id")

type Keys = tuple[Resource, ...]


class Attachments:
    """Finds the keys that aliases and policies name, each in the time of a look-up.

    A `key_id` that is known joins with the key that has it. One that is unknown yet is that of the one key that its
    expression refers to. Where that may be several, nothing in a plan tells which: `key[count.index]` and
    `key[1 - count.index]` look alike in it.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        """Take all resources of the plan."""
        self._resources = tuple(resources)
        self._referred: dict[tuple[str, str], Keys | None] = {}

    def of(self, types: Mapping[str, object]) -> list[Resource]:
        """Return the resources of these types, in the order of the plan."""
        return [resource for resource in self._resources if resource.type in types]

    def named_by(self, attached: Resource) -> Keys | None:
        """Return the keys that an alias or policy may name: one is certain, none is not in the plan.

        None stands for any key.
        """
        value = attached.value(ATTACHED_TYPES[attached.type].key)
        if value is not None:
            return tuple(self._by_id.get(value, ())) if isinstance(value, str) else ()
        return self._shared.get(attached.address) or self._referred_by(attached)

    def _referred_by(self, attached: Resource) -> Keys | None:
        name = (attached.module.address, attached.name)
        if name not in self._referred:
            self._referred[name] = self._keys_meant(referents(attached, ATTACHED_TYPES[attached.type].key))
        return self._referred[name]

    def attached_to(self, key: Resource, types: Mapping[str, object]) -> list[Resource]:
        """Return what certainly names the key, out of these types."""
        return [each for each in self._certain.get(key.address, ()) if each.type in types]

    def uncertain(self, types: Mapping[str, object]) -> Iterator[tuple[Resource, Keys | None]]:
        """Yield what may name several keys that are not made yet, each with those, out of these types."""
        for attached in self.of(types):
            keys = self.named_by(attached)
            if attached.value(ATTACHED_TYPES[attached.type].key) is None and (keys is None or len(keys) > 1):
                yield attached, keys

    @cached_property
    def _certain(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for attached in self.of(ATTACHED_TYPES):
            keys = self.named_by(attached)
            if keys and len(keys) == 1:
                found[keys[0].address].append(attached)
        return found

    @cached_property
    def _by_id(self) -> Mapping[str, list[Resource]]:
        found: dict[str, dict[str, Resource]] = defaultdict(dict)
        for key in self.of(KEY_TYPES):
            for value in map(key.value, IDENTIFYING_ATTRIBUTES):
                if isinstance(value, str):
                    found[value][key.address] = key
        return {value: [*keys.values()] for value, keys in found.items()}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], list[Resource]]:
        """The instances of each resource, by the address of their module and their name, without what is deposed."""
        found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for resource in self._resources:
            if not resource.is_deposed:
                found[resource.module.address, resource.name].append(resource)
        return found

    def _keys_meant(self, meant: frozenset[Referent] | None) -> Keys | None:
        if not meant or not all(map(_is_to_a_key, meant)):
            return None
        keys = [*{key.address: key for key in instances(meant, self.by_name)}.values()]
        if len({(each.module, each.name) for each in meant}) == 1:
            # The id of an instance that is there already would be known.
            keys = [key for key in keys if not any(map(key.value, IDENTIFYING_ATTRIBUTES))]
        return tuple(keys) or None

    @cached_property
    def _shared(self) -> Mapping[str, Keys]:
        """The keys of policies that are as many as the keys they may name, and all the same text.

        Since a key has one policy, each key gets that text, whichever instance names it.
        """
        found: dict[str, Keys] = {}
        for policies in self.by_name.values():
            policy_type = POLICY_TYPES.get(policies[0].type)
            if policy_type and len({str(policy.value(policy_type.given)) for policy in policies}) == 1:
                late = [policy for policy in policies if policy.value(policy_type.key) is None]
                keys = self._referred_by(late[0]) if late else None
                if keys and len(keys) == len(late):
                    found |= {policy.address: (key,) for policy, key in zip(late, keys, strict=True)}
        return found


def _is_to_a_key(referent: Referent) -> bool:
    kind = referent.name.partition(".")[0]
    return kind in KEY_TYPES and referent.attribute in ("", *IDENTIFYING_ATTRIBUTES)
