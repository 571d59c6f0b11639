"""A key that a template defines, and its aliases, in every way in which what is not known may turn out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kms_rule.findings import policy_text
from kms_rule.sources.budget import CHARACTERS_PER_STEP
from kms_rule.sources.cloudformation.choices import ImpossibleError, all_ways
from kms_rule.sources.cloudformation.definitions import Definitions
from kms_rule.sources.cloudformation.intrinsics import condition_holds, function_in, resolved
from kms_rule.sources.cloudformation.world import World
from kms_rule.sources.contents import (
    DEFAULT_POLICY,
    DEFAULT_POLICY_REMARK,
    MAX_POLICY_BYTES,
    Candidate,
    InputError,
    checked_size,
    state_of,
)
from kms_rule.sources.files import shown
from kms_rule.sources.json_positions import NOWHERE, LocatedObject, Position
from kms_rule.sources.late import LateText
from kms_rule.sources.names import fits_whatever_it_becomes, usable_alias
from kms_rule.sources.policy import statement_positions
from kms_rule.sources.unresolved import policy_document
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge_key

DECIDING_PROPERTIES = ("Enabled", "KeyPolicy")
NAME = re.compile(r"\w+")
PROCESSED = "aws cloudformation get-template --template-stage Processed"
TOO_DEEP = "It is nested too deeply: write it flatter."
CONTRADICTS = (
    "No value of the template's parameters agrees with its mappings: correct the template, or what "
    "--template-parameters gives."
)
# Judging a policy costs some times what making its text does; what KMS will refuse is worth less.
STEPS_OF_JUDGING = 8
STEPS_OF_JUDGING_WHAT_IS_REFUSED = 32
STEPS_FOR_A_WILDCARD = 20
# KMS takes 50 for a key, unless more are asked for. Source: AWS KMS Developer Guide, "Resource quotas".
MAX_ALIASES = 500


def properties_of(resource: Mapping[str, Any]) -> Any:
    """Return the properties of a resource, as its template writes them."""
    return {} if resource.get("Properties") is None else resource["Properties"]


def exists(resource: Mapping[str, Any], world: World) -> bool:
    """Return whether a resource is made in this world."""
    condition = condition_of(resource)
    return not condition or condition_holds(condition, world)


def condition_of(resource: Mapping[str, Any]) -> str:
    """Return the name of the condition under which a resource exists, or nothing."""
    condition = resource.get("Condition")
    return condition if isinstance(condition, str) else ""


def all_worlds(definitions: Definitions, holding: str = "") -> Iterator[World]:
    """Yield every world in which a condition holds, where one is given, as far as they are asked for."""
    for choices in all_ways():
        definitions.budget.spend()
        yield World(definitions, choices, holding)


@dataclass(frozen=True)
class Alias:
    """An alias that a template defines."""

    name: str
    resource: Mapping[str, Any]

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """All words in what says which key it names."""
        return frozenset(NAME.findall(str(self._properties.get("TargetKeyId"))))

    @cached_property
    def _properties(self) -> Mapping[str, Any]:
        properties = properties_of(self.resource)
        return properties if isinstance(properties, Mapping) else {}

    def is_lost(self, keys: Iterable[str], definitions: Definitions) -> bool:
        """Return whether the alias mentions one of these keys, but in no way that tells that it names it."""
        mentioned = self.mentioned.intersection(keys)
        if not mentioned:
            return False
        try:
            return not any(self.names(key, world) for world in all_worlds(definitions) for key in mentioned)
        except (InputError, ImpossibleError, RecursionError):
            return False

    def names(self, key: str, world: World) -> bool:
        """Return whether the alias exists and names this key, and no transform may change that."""
        if function_in(self.resource) or function_in(self._properties) or not exists(self.resource, world):
            return False
        target = resolved(self._properties.get("TargetKeyId"), world)
        if not isinstance(target, LateText) or len(target.parts) > 1:
            return False
        [late] = target.late_values
        return late.function in {f"Ref {key}", f"GetAtt {key}.KeyId", f"GetAtt {key}.Arn"}

    def alias_name(self, world: World) -> object:
        """Return the name that it gives the key."""
        return resolved(self._properties.get("AliasName"), world)


@dataclass(frozen=True)
class KeyResource:
    """A key that a template defines, and the aliases that may name it."""

    name: str
    resource: LocatedObject
    aliases: tuple[Alias, ...]
    parameters: RuleParameters
    definitions: Definitions

    def candidates(self) -> tuple[tuple[Candidate, ...], bool]:
        """Return what the key may be, each once, and whether something of it is secret.

        There is nothing where its condition never holds. Raises `InputError` where something that decides is known only
        at deployment, `BudgetError` where there is too much to judge.
        """
        if len(self.aliases) > MAX_ALIASES:
            raise InputError(f"It may have {len(self.aliases):,} aliases, more than KMS takes for a key: name fewer.")
        try:
            return self._candidates()
        except RecursionError as error:
            raise InputError(TOO_DEEP) from error

    def _candidates(self) -> tuple[tuple[Candidate, ...], bool]:
        found: dict[object, Candidate] = {}
        assumed: dict[str, None] = {}
        condition = condition_of(self.resource)
        is_secret = is_made = False
        for world in all_worlds(self.definitions, condition):
            try:
                if not exists(self.resource, world):
                    continue
                is_made = True
                candidate = self._candidate(world)
            except ImpossibleError:
                continue
            is_secret = is_secret or world.holds_secrets
            assumed |= world.remarks
            policy = policy_text(candidate.key.facts.policy) or ""
            self._spend_on(policy)
            facts = (policy, candidate.key.facts.aliases, candidate.key.facts.state, *candidate.remarks)
            found.setdefault(facts, self._with_remarks(candidate, world, condition))
        if is_made and not found:
            raise InputError(CONTRADICTS)
        # That one world is no worse than another rests on what is assumed in either.
        return tuple(
            replace(candidate, remarks=(*candidate.remarks, *assumed)) for candidate in found.values()
        ), is_secret

    def _spend_on(self, policy: str) -> None:
        is_refused = len(policy) > MAX_POLICY_BYTES
        steps = STEPS_OF_JUDGING_WHAT_IS_REFUSED if is_refused else STEPS_OF_JUDGING
        wildcards = policy.count("*") + policy.count("?")
        self.definitions.budget.spend(len(policy) * steps // CHARACTERS_PER_STEP + wildcards * STEPS_FOR_A_WILDCARD)

    def _with_remarks(self, candidate: Candidate, world: World, condition: str) -> Candidate:
        held = (
            (f"It is judged as if the condition {shown(condition)} holds, on which it depends.",) if condition else ()
        )
        words = world.choices.words
        chosen = (
            (f"It is judged for every combination of what is not known; this is the worst verdict, where {words}.",)
            if words
            else ()
        )
        return replace(candidate, remarks=(*candidate.remarks, *held, *chosen))

    def _candidate(self, world: World) -> Candidate:
        properties = resolved(self._deciding(), world)
        if not isinstance(properties, Mapping) or function_in(self.resource):
            raise InputError(
                f"Its properties are not an object, or known only at deployment: write them out, or check what "
                f"CloudFormation makes of it ({PROCESSED})."
            )
        enabled, remarks_on_state = _enabled(properties.get("Enabled", True))
        names, remarks_on_names = self._alias_names(world)
        key = Key(shown(self.name), Facts(names, state=state_of(enabled=enabled)))
        try:
            candidate = self._with_policy(key, properties)
        except InputError:
            if not judge_key(key.facts, self.parameters):
                raise
            candidate = Candidate(key)
        return replace(candidate, remarks=(*remarks_on_state, *candidate.remarks, *remarks_on_names))

    def _deciding(self) -> Any:
        properties = properties_of(self.resource)
        if not isinstance(properties, Mapping) or function_in(properties):
            return properties
        return {name: properties[name] for name in DECIDING_PROPERTIES if name in properties}

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

    def _alias_names(self, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known: list[str] = []
        remarks: list[str] = []
        for alias in self.aliases:
            if not alias.names(self.name, world):
                continue
            name = alias.alias_name(world)
            if usable_alias(name):
                known.append(name)
            elif isinstance(name, LateText) and fits_whatever_it_becomes(name, self.parameters.whitelist):
                known.append(str(name))
                remarks.append(
                    f"The name of its alias {shown(alias.name)} is known only at deployment ({name}): whatever it will "
                    f"be, it fits CMK_Whitelist."
                )
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
