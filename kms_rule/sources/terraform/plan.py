"""Makes the keys of a Terraform plan or state, as `terraform show -json` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from kms_rule.findings import Place, Unjudged, policy_text
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
from kms_rule.sources.late import LateText, LateValue
from kms_rule.sources.names import fits_whatever_it_becomes, usable_alias
from kms_rule.sources.terraform.attachments import Attachments
from kms_rule.sources.terraform.documents import document_of, late_values, with_any_values
from kms_rule.sources.terraform.documents import is_sensitive as has_sensitive_arguments
from kms_rule.sources.terraform.plan_resources import Plan, Resource
from kms_rule.sources.terraform.references import instances, referents
from kms_rule.sources.terraform.resource_types import (
    ALIAS_TYPES,
    ATTACHED_TYPES,
    DOCUMENT_TYPE,
    KEY_TYPES,
    POLICY_TYPES,
    TYPES_OF_STACKS,
    attribute_of_policy,
)
from kms_rule.sources.unresolved import policy_document
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge, judge_key

VALUES = ("planned_values", "values")
# All that the output says of a state without any resource.
NAMES_OF_EMPTY_STATE = frozenset({"format_version", "terraform_version"})
ATTRIBUTES_OF_DOCUMENT = ("json", "minified_json", "")
NAME_PREFIX = "name_prefix"
GENERATED = LateValue("generated")

type Policy = str | Mapping[str, Any]


def is_plan(content: Mapping[str, Any]) -> bool:
    """Return whether a parsed file is the output of `terraform show -json`."""
    if "format_version" not in content:
        return False
    return any(name in content for name in VALUES) or content.keys() <= NAMES_OF_EMPTY_STATE


def read(content: Mapping[str, Any], source: str, parameters: RuleParameters) -> Contents:
    """Make the keys of the parsed output of `terraform show -json`.

    Raises `InputError` where its modules are nested too deeply.
    """
    plan = Plan(content)
    contents = PlannedKeys(source, parameters, Attachments(plan.resources())).contents()
    if content.get("errored") is True:
        reason = "Planning ended with an error, so that keys may be missing: correct it and plan again."
        return replace(contents, keys=(*contents.keys, Unjudged(Place(source), reason)))
    if content.get("complete") is False:
        return replace(contents, remarks=(*contents.remarks, f"{source}: {_remark_on_incomplete(plan.deferred)}"))
    return contents


def _remark_on_incomplete(deferred: Sequence[str]) -> str:
    named = f"; Terraform defers {', '.join(map(shown, deferred))}" if deferred else ""
    return f"The plan is not complete{named}, so keys may be missing: plan without -target, or again after applying."


@dataclass(frozen=True)
class PlannedKeys:
    """The keys of a plan, and what is attached to each."""

    source: str
    parameters: RuleParameters
    attachments: Attachments

    def contents(self) -> Contents:
        """Make the keys in the order of the plan, then the policies whose key is not in it, or not certain."""
        found = [self._defined(key) for key in self._keys]
        for policy in self.attachments.of(POLICY_TYPES):
            keys = self.attachments.named_by(policy)
            if keys is None or len(keys) != 1:
                found.append(self._defined_alone(policy))
        return Contents(tuple(found), tuple(self._remarks()))

    @cached_property
    def _keys(self) -> list[Resource]:
        return self.attachments.of(KEY_TYPES)

    def _defined(self, key: Resource) -> DefinedKey | Unjudged:
        place = Place(self.source, resource=shown(key.address))
        policies = self.attachments.attached_to(key, POLICY_TYPES) or [key]
        aliases = self.attachments.attached_to(key, ALIAS_TYPES)
        try:
            candidates = tuple(self._candidate(key, policy, aliases) for policy in policies)
        except InputError as error:
            return Unjudged(place, str(error))
        return DefinedKey(place, candidates, hidden=any(map(self._is_sensitive, (*policies, *aliases))))

    def _defined_alone(self, policy: Resource) -> DefinedKey | Unjudged:
        place = Place(self.source, resource=shown(policy.address))
        try:
            document, remarks = self._policy_of(policy)
        except InputError as error:
            return Unjudged(place, str(error))
        remark = "Its key is not in this plan, or not known to be, so the policy is judged by itself."
        candidate = Candidate(Key(shown(policy.address), Facts(policy=document)), remarks=(remark, *remarks))
        return DefinedKey(place, (candidate,), hidden=self._is_sensitive(policy))

    def _candidate(self, key: Resource, policy: Resource, aliases: Sequence[Resource]) -> Candidate:
        enabled, remarks_on_state = _enabled(key)
        names, remarks_on_names = self._alias_names(aliases)
        facts = Facts(names, state=state_of(enabled=enabled))
        document: Policy | None = None
        remarks: tuple[str, ...] = ()
        try:
            document, remarks = self._policy_of(policy)
        except InputError:
            if not judge_key(facts, self.parameters):
                raise
        source = () if policy is key else (f"Its policy is that of {shown(policy.address)}.",)
        return Candidate(
            Key(shown(key.address), replace(facts, policy=document)),
            remarks=(*source, *remarks_on_state, *remarks, *remarks_on_names),
        )

    def _policy_of(self, resource: Resource) -> tuple[Policy, tuple[str, ...]]:
        """Return the policy that a resource gives, and remarks.

        Raises `InputError` where only applying the plan will tell. A policy that is not configured is "known after
        apply" too, since KMS chooses it.
        """
        attribute = attribute_of_policy(resource.type)
        value = resource.value(attribute)
        if (rival := self._rivals.get(resource.address)) or not isinstance(resource.values, Mapping):
            raise InputError(_reason_of_unknown_policy(rival))
        if isinstance(value, Mapping):
            value = json.dumps(value)
        if isinstance(value, str) and value:
            return value, (*_remark_on_forgotten(resource), *checked_size(value))
        if resource.unknown(attribute) and resource.is_configured(attribute):
            return self._policy_of_document(resource, attribute)
        if self._rival_of_all:
            raise InputError(_reason_of_unknown_policy(self._rival_of_all))
        return DEFAULT_POLICY, (DEFAULT_POLICY_REMARK,)

    @cached_property
    def _rivals(self) -> Mapping[str, str]:
        """The policy that may be that of a key among several, by the key's address."""
        found: dict[str, str] = {}
        seen: set[int] = set()
        for policy, keys in self.attachments.uncertain(POLICY_TYPES):
            # Instances of one resource have the same keys.
            if keys and id(keys) not in seen:
                seen.add(id(keys))
                found |= {key.address: policy.address for key in keys}
        return found

    @cached_property
    def _rival_of_all(self) -> str:
        """A policy that may be that of any key, or nothing."""
        uncertain = self.attachments.uncertain(POLICY_TYPES)
        return next((policy.address for policy, keys in uncertain if keys is None), "")

    def _policy_of_document(self, resource: Resource, attribute: str) -> tuple[Policy, tuple[str, ...]]:
        """Return the policy that is read when the plan is applied, where nothing that is unknown yet decides."""
        document = self._document_of(resource)
        if document is None:
            raise InputError(
                f"The {attribute} of {shown(resource.address)} is known only after the plan is applied: check the "
                f"state then, or give the policy values that are known before."
            )
        policy = document_of(document)
        by_user = self.parameters.separate_by_user
        judged, remarks = policy_document(policy, by_user=by_user)
        loosest, _ = policy_document(with_any_values(policy), by_user=by_user)
        verdicts = {judge(Facts(policy=each), self.parameters).compliance for each in (judged, loosest)}
        if len(verdicts) > 1:
            raise InputError(_reason_of_unknown_users(policy))
        source = f"Its policy is that of {shown(document.address)}, which Terraform reads when the plan is applied."
        return judged, (source, *remarks, *checked_size(policy_text(judged) or ""))

    def _document_of(self, resource: Resource) -> Resource | None:
        """Return the document that is a resource's policy, None where it is anything else, or one of several."""
        meant = referents(resource, attribute_of_policy(resource.type))
        if not meant or any(each.attribute not in ATTRIBUTES_OF_DOCUMENT for each in meant):
            return None
        names = {each.name for each in meant}
        found = [*instances(meant, self.attachments.by_name)]
        is_one = len(names) == len(found) == 1 and found[0].type == DOCUMENT_TYPE
        return found[0] if is_one else None

    def _is_sensitive(self, resource: Resource) -> bool:
        attached = ATTACHED_TYPES.get(resource.type)
        attribute = attached.given if attached else KEY_TYPES[resource.type].policy
        if resource.is_sensitive(attribute):
            return True
        is_read_late = resource.type not in ALIAS_TYPES and resource.value(attribute) is None
        document = self._document_of(resource) if is_read_late else None
        return document is not None and has_sensitive_arguments(document)

    def _alias_names(self, aliases: Sequence[Resource]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        names: list[str] = []
        remarks: list[str] = []
        for alias in aliases:
            name = alias.value(ALIAS_TYPES[alias.type].given)
            generated = LateText((str(alias.value(NAME_PREFIX) or ""), GENERATED))
            if usable_alias(name):
                names.append(name)
            elif name is not None:
                remarks.append(f"Its alias {shown(alias.address)} is left out: KMS takes no alias of that name.")
            elif fits_whatever_it_becomes(generated, self.parameters.whitelist):
                names.append(str(generated))
                remarks.append(
                    f"The name of its alias {shown(alias.address)} is known only after the plan is applied "
                    f"({generated}): whatever it will be, it fits CMK_Whitelist."
                )
            else:
                remarks.append(
                    f"The name of its alias {shown(alias.address)} is known only after the plan is applied, so it is "
                    f"not compared with CMK_Whitelist."
                )
        return tuple(names), tuple(remarks)

    def _remarks(self) -> Iterator[str]:
        if stacks := self.attachments.of(TYPES_OF_STACKS):
            others = f" and {len(stacks) - 1:,} more" if len(stacks) > 1 else ""
            yield (
                f"{self.source}: The templates that {shown(stacks[0].address)}{others} may deploy are not followed: "
                f"check them too."
            )
        if not self._keys:
            return
        uncertain = (alias for alias, _ in self.attachments.uncertain(ALIAS_TYPES))
        for _, group in groupby(uncertain, key=lambda alias: (alias.module.address, alias.name)):
            yield f"{self.source}: {_remark_on_uncertain([*group])}"
        for alias in self.attachments.of(ALIAS_TYPES):
            target = alias.value(ALIAS_TYPES[alias.type].key)
            if target is not None and len(self.attachments.named_by(alias) or ()) > 1:
                yield (
                    f"{self.source}: {shown(alias.address)} names {shown(str(target))}, which several keys are called, "
                    f"so that alias is attached to none: name the key by its ARN."
                )


def _remark_on_uncertain(aliases: Sequence[Resource]) -> str:
    first = aliases[0]
    if len(aliases) == 1:
        return (
            f"Which key {shown(first.address)} names is certain only once the plan is applied, so that alias is "
            f"attached to none."
        )
    resource = ".".join(filter(None, (first.module.address, first.name)))
    return (
        f"Which keys the {len(aliases):,} aliases of {shown(resource)} name is certain only once the plan is applied, "
        f"so they are attached to none."
    )


def _reason_of_unknown_policy(rival: str | None) -> str:
    if not rival:
        return "The plan does not say what will become of it: check what is deployed with kms-rule scan."
    return (
        f"Its policy may be that of {shown(rival)}, and which key that names is certain only once the plan is applied: "
        f"check the state then."
    )


def _reason_of_unknown_users(policy: Mapping[str, Any]) -> str:
    late = {str(value) for statement in policy["Statement"] for value in late_values(statement)}
    names = ", ".join(sorted(late))
    return (
        f"Its policy limits who may use it by {names}, which is known only after the plan is applied, and a plan does "
        f"not tell what else stands in that value: apply what makes it first (-target), plan again, and check that."
    )


def _remark_on_forgotten(resource: Resource) -> tuple[str, ...]:
    if not resource.is_forgotten:
        return ()
    return ("Terraform leaves it as it is and will not manage it any more, so it is judged by what it is now.",)


def _enabled(key: Resource) -> tuple[bool, tuple[str, ...]]:
    attribute = KEY_TYPES[key.type].enabled
    if key.unknown(attribute) and key.is_configured(attribute):
        return True, ("Whether it is enabled is known only after the plan is applied; it is judged as if it is.",)
    return key.value(attribute) is not False, ()
