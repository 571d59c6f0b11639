"""The language of KMS key policies: what a policy grants, and to whom it limits what it grants.

A document is parsed once into frozen values, a `KeyPolicy` of `Statement`s, which then answer questions. They keep all
that the document says, so that nobody has to look at its JSON again. What a statement is made of stands in the package
`least_privilege`: patterns, permissions and conditions. Nothing here calls AWS, reads a clock or looks at the
environment.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NoReturn

from least_privilege.condition import Condition, UserId, shared
from least_privilege.pattern import Pattern, Patterns, lower_case
from least_privilege.permission import BY_POLICY, UNKNOWN_ACTIONS, ActionPattern, Duty, DutyTable, Permission
from least_privilege.text import quoted

ALLOW = "Allow"
AWS_PRINCIPALS = "AWS"
SERVICE_PRINCIPALS = "Service"
EFFECTS = (ALLOW, "Deny")
EVERYBODY = "*"

# Source: IAM User Guide, "Grammar of the IAM JSON policy language".
ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
# Of each pair a statement has one element at most; of the last, exactly one.
ALTERNATIVES = (("Principal", "NotPrincipal"), ("Resource", "NotResource"), ("Action", "NotAction"))

type Json = Mapping[str, object]


class PolicyError(ValueError):
    """Raised when a key policy is malformed; the message says what is wrong, and in which statement."""


@dataclass(frozen=True)
class Statement:
    """One statement of a key policy.

    `number` is its position, counted from 1; `sid` is empty where the policy gives no text; `content` is its JSON, and
    `table` says which permissions are duties.
    """

    number: int
    sid: str
    content: Json = field(compare=False, repr=False)
    table: DutyTable = field(repr=False)
    actions: tuple[ActionPattern, ...] | None
    not_actions: tuple[ActionPattern, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, content: object, number: int, table: DutyTable = BY_POLICY) -> Statement:
        """Read the parsed JSON of the statement at position `number`.

        Raises `PolicyError` where it is malformed, or can be read in two ways: see `_refuse_malformed`.
        """
        if not isinstance(content, Mapping):
            raise PolicyError(f"statement {number} is no JSON object")
        _refuse_malformed(content, number)
        sid = content.get("Sid")
        return cls(
            number=number,
            sid=sid if isinstance(sid, str) else "",
            content=content,
            table=table,
            actions=_entries(content, "Action", number, table) if "Action" in content else None,
            not_actions=_entries(content, "NotAction", number, table) if "NotAction" in content else (),
            conditions=_conditions(content["Condition"], number) if "Condition" in content else (),
        )

    @property
    def effect(self) -> object:
        """The statement's `Effect`, which is `Allow` or `Deny`."""
        return self.content.get("Effect")

    @property
    def allows(self) -> bool:
        """Whether the effect is exactly `Allow`."""
        return self.effect == ALLOW

    @property
    def entries(self) -> tuple[ActionPattern, ...]:
        """The entries of the statement's `Action`, or of its `NotAction`."""
        return self.not_actions if self.actions is None else self.actions

    def principals(self, kind: str) -> tuple[str, ...]:
        """Return the principals of a kind, such as `AWS` or `Service`, that it names; a bare `*` is of kind `AWS`."""
        named = self.content.get("Principal")
        given = named.get(kind, ()) if isinstance(named, Mapping) else named if kind == AWS_PRINCIPALS else ()
        return tuple(name for name in _listed(given) if isinstance(name, str))

    @property
    def all_principals(self) -> tuple[str, ...]:
        """The principals of every kind that it names."""
        named = self.content.get("Principal")
        kinds = named if isinstance(named, Mapping) else (AWS_PRINCIPALS,)
        return tuple(name for kind in kinds for name in self.principals(kind))

    @property
    def is_for_services_alone(self) -> bool:
        """Whether its `Principal` names AWS services and nobody else."""
        named = self.content.get("Principal")
        return isinstance(named, Mapping) and list(named) == [SERVICE_PRINCIPALS]

    @property
    def names_principals(self) -> bool:
        """Whether it has a `Principal` or `NotPrincipal` with something in it, as KMS wants."""
        return bool(self.content.get("Principal") or self.content.get("NotPrincipal"))

    @property
    def names_resources(self) -> bool:
        """Whether it has a `Resource`; without one, KMS ignores the statement."""
        return "Resource" in self.content

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """The permissions that the statement's actions cover, whether it allows or denies them."""
        if self.actions is None:
            return frozenset(self.table.permissions).difference(*(entry.exempted for entry in self.not_actions))
        return frozenset[Permission]().union(*(entry.granted for entry in self.actions))

    def duty_of(self, permission: Permission) -> Duty | None:
        """Return the duty that a permission is in this statement: all that services may ask for is usage."""
        return Duty.USAGE if permission.duty and self.is_for_grants_of_services else permission.duty

    @cached_property
    def by_duty(self) -> Mapping[Duty, frozenset[Permission]]:
        """The permissions that are duties in this statement."""
        found: dict[Duty, list[Permission]] = {duty: [] for duty in Duty}
        for permission in self.permissions:
            duty = self.duty_of(permission)
            if duty:
                found[duty].append(permission)
        return {duty: frozenset(permissions) for duty, permissions in found.items()}

    @cached_property
    def is_for_grants_of_services(self) -> bool:
        """Whether only grants for AWS services can be made by it, and the table tells services from users."""
        return self.table.by_user and any(condition.is_on_grants_for_services for condition in self.conditions)

    @property
    def opens_every_action(self) -> bool:
        """Whether its actions cover every KMS action there is or could be."""
        if self.actions is None:
            return not any(entry.concerns_kms for entry in self.not_actions)
        return any(entry.covers_every_action for entry in self.actions)

    @property
    def limits_users(self) -> bool:
        """Whether at least one condition on the caller's user id is effective."""
        return any(condition.is_effective for condition in self.conditions)

    @property
    def is_limited_to_a_service(self) -> bool:
        """Whether it lets nobody but AWS services use the key, and those for their own resources alone."""
        return (
            self.table.by_user
            and self.is_for_services_alone
            and not self.grants(Duty.ADMINISTRATION)
            and any(condition.limits_to_a_source for condition in self.conditions)
        )

    @property
    def is_limited(self) -> bool:
        """Whether it says who may have the duties that it grants."""
        return self.limits_users or self.is_limited_to_a_service

    @cached_property
    def user_ids(self) -> tuple[UserId, ...]:
        """The user ids of all effective conditions, in the policy's order."""
        return tuple(user_id for condition in self.conditions for user_id in condition.user_ids)

    def grants(self, duty: Duty) -> bool:
        """Return whether a permission of this duty is among the statement's."""
        return bool(self.by_duty[duty])

    def granting(self, permission: Permission) -> tuple[str, ...]:
        """Return the entries, as written, that grant a permission. A `NotAction` is returned as one text."""
        if self.actions is None:
            return self.deciding_actions()
        return tuple(entry.written for entry in self.actions if permission in entry.granted)

    def deciding_actions(self, *duties: Duty) -> tuple[str, ...]:
        """Return the entries, as written, by which the statement has permissions of these duties.

        With no duty given: the entries by which it opens every action. A `NotAction` is returned as one text.
        """
        if self.actions is None:
            return ("NotAction " + (", ".join(entry.written for entry in self.not_actions) or "[]"),)
        if not duties:
            return tuple(entry.written for entry in self.actions if entry.covers_every_action)
        wanted = frozenset[Permission]().union(*(self.by_duty[duty] for duty in duties))
        return tuple(entry.written for entry in self.actions if not wanted.isdisjoint(entry.granted))


def _listed(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _refuse_malformed(content: Json, number: int) -> None:
    """Raise `PolicyError` where a statement's elements are not those of IAM's grammar, each in its only spelling."""
    if not ELEMENTS.issuperset(content):
        odd = next(element for element in content if element not in ELEMENTS)
        raise PolicyError(f"statement {number} has the element {quoted(odd)}, which IAM does not have")
    for element, other in ALTERNATIVES:
        if element in content and other in content:
            raise PolicyError(f"statement {number} has both {element} and {other}")
    if "Action" not in content and "NotAction" not in content:
        raise PolicyError(f"statement {number} has neither Action nor NotAction")
    effect = content.get("Effect")
    if effect not in EFFECTS:
        given = f"has the Effect {quoted(effect)}" if "Effect" in content else "has no Effect"
        raise PolicyError(f"statement {number} {given}, write Allow or Deny")


def _entries(content: Json, element: str, number: int, table: DutyTable) -> tuple[ActionPattern, ...]:
    patterns = []
    for entry in _listed(content[element]):
        if not isinstance(entry, str):
            raise PolicyError(f"the {element} of statement {number} is neither a string nor a list of strings")
        pattern = table.action_pattern(entry)
        if not pattern.is_plain:
            odd = quoted(entry)
            raise PolicyError(f"the {element} of statement {number} has white space or non-ASCII characters in {odd}")
        patterns.append(pattern)
    return tuple(patterns)


def _conditions(condition: object, number: int) -> tuple[Condition, ...]:
    if not isinstance(condition, Mapping) or not all(isinstance(keys, Mapping) for keys in condition.values()):
        raise PolicyError(f"the Condition of statement {number} is not an object of objects")
    _refuse_names_alike(condition, number)
    return tuple(
        Condition.of(operator, key, values) for operator, keys in condition.items() for key, values in keys.items()
    )


def _refuse_names_alike(condition: Json, number: int) -> None:
    """Raise `PolicyError` where two names in an object of a condition differ in upper and lower case alone."""
    objects: list[object] = [condition]
    while objects:
        value = objects.pop()
        members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        objects += [member for member in members if isinstance(member, dict | list)]
        if not isinstance(value, Mapping) or len(value) == len(set(map(lower_case, value))):
            continue
        [(name, _)] = Counter(map(lower_case, value)).most_common(1)
        first, second, *_ = (quoted(other) for other in value if lower_case(other) == name)
        raise PolicyError(f"the Condition of statement {number} has both {first} and {second}, keep one")


@dataclass(frozen=True)
class KeyPolicy:
    """A key policy, and the questions that the scenarios ask of it. Only its Allow statements answer."""

    statements: tuple[Statement, ...]
    table: DutyTable = field(default=BY_POLICY, repr=False)

    @classmethod
    def parse(cls, document: str | Json, table: DutyTable = BY_POLICY) -> KeyPolicy:
        """Read a key policy, given as JSON text or as parsed JSON, whose conditions may hold `Unknown` values.

        Raises `PolicyError` where it is not JSON, names a thing twice in one object (readers disagree which of the
        two holds), is not an object, has no `Statement`, or one of its statements, Deny included, is malformed. The
        `table` says which permissions are duties.
        """
        content = _from_json(document) if isinstance(document, str) else document
        if not isinstance(content, Mapping):
            raise PolicyError("it is no JSON object")
        if "Statement" not in content:
            raise PolicyError("it has no Statement")
        statements = _listed(content["Statement"])
        return cls(
            tuple(Statement.parse(statement, number, table) for number, statement in enumerate(statements, 1)), table
        )

    @cached_property
    def allowing(self) -> tuple[Statement, ...]:
        """The statements whose effect is exactly `Allow`."""
        return tuple(statement for statement in self.statements if statement.allows)

    def opening_every_action(self) -> tuple[Statement, ...]:
        """Return the statements that open all KMS actions."""
        return tuple(statement for statement in self.allowing if statement.opens_every_action)

    def granting(self, *duties: Duty) -> tuple[Statement, ...]:
        """Return the statements that grant at least one of these duties."""
        return tuple(statement for statement in self.allowing if any(map(statement.grants, duties)))

    def granting_without_limit(self) -> tuple[Statement, ...]:
        """Return the statements that grant a duty and do not say who may have it."""
        return tuple(statement for statement in self.granting(*Duty) if not statement.is_limited)

    def permissions(self, duty: Duty) -> tuple[Permission, ...]:
        """Return the permissions that the policy's statements, taken together, grant as this duty."""
        granted = frozenset[Permission]().union(*(statement.by_duty[duty] for statement in self.allowing))
        return tuple(permission for permission in (*self.table.permissions, UNKNOWN_ACTIONS) if permission in granted)

    @cached_property
    def administrators(self) -> Mapping[UserId, tuple[int, ...]]:
        """The user ids with administration, in the policy's order, each with the numbers of its statements."""
        found: dict[UserId, tuple[int, ...]] = {}
        for statement in self.granting(Duty.ADMINISTRATION):
            for user_id in dict.fromkeys(statement.user_ids):
                found[user_id] = (*found.get(user_id, ()), statement.number)
        return found

    def user_ids(self, duty: Duty) -> tuple[UserId, ...]:
        """Return the distinct user ids of the statements that grant a duty."""
        return tuple(dict.fromkeys(user_id for statement in self.granting(duty) for user_id in statement.user_ids))

    @cached_property
    def sharing(self) -> tuple[UserId, UserId] | None:
        """A user id with usage and one with administration that one caller can fit both, or None."""
        return shared(self.user_ids(Duty.USAGE), self.user_ids(Duty.ADMINISTRATION))

    def unlisted_administrators(self, allowed: Iterable[Pattern]) -> tuple[str, ...]:
        """Return the user ids with administration that none of the `allowed` patterns covers."""
        patterns = _side_by_side(tuple(allowed))
        unlisted = (each.text for each in self.administrators if not patterns.covers(each.pattern))
        return tuple(dict.fromkeys(unlisted))


# A run judges all its keys with the same patterns.
_side_by_side = lru_cache(maxsize=4)(Patterns.of)


def covering(wanted: Pattern, patterns: Iterable[Pattern]) -> Pattern | None:
    """Return the first of the patterns that covers the wanted one, or None."""
    return next((pattern for pattern in patterns if pattern.covers(wanted)), None)


def _from_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except PolicyError:
        raise
    except ValueError as error:
        raise PolicyError(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise PolicyError("its JSON is nested too deeply") from error


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        [(repeated, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise PolicyError(f"it has {json.dumps(repeated)} twice in one object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise PolicyError(f"it is not JSON ({name} is no JSON value)")
