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
from functools import cached_property
from typing import NoReturn

from least_privilege.condition import Condition, UserId
from least_privilege.pattern import Pattern
from least_privilege.permission import PERMISSIONS, ActionPattern, Duty, Permission, action_pattern

ALLOW = "Allow"
AWS_PRINCIPALS = "AWS"
EVERYBODY = "*"

type Json = Mapping[str, object]


class PolicyError(ValueError):
    """Raised when a key policy is malformed; the message says what is wrong, and in which statement."""


@dataclass(frozen=True)
class Statement:
    """One statement of a key policy.

    `number` is its position, counted from 1; `sid` is empty where the policy gives no text; `content` is its JSON.
    """

    number: int
    sid: str
    content: Json = field(compare=False, repr=False)
    actions: tuple[ActionPattern, ...] | None
    not_actions: tuple[ActionPattern, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, content: object, number: int) -> Statement:
        """Read the parsed JSON of the statement at position `number`.

        Raises `PolicyError` where it is not an object, does not have exactly one of `Action` and `NotAction`, or one
        of these or `Condition` has a wrong type. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
        """
        if not isinstance(content, Mapping):
            raise PolicyError(f"statement {number} is no JSON object")
        sid = content.get("Sid")
        if "Action" in content and "NotAction" in content:
            raise PolicyError(f"statement {number} has both Action and NotAction")
        if "Action" not in content and "NotAction" not in content:
            raise PolicyError(f"statement {number} has neither Action nor NotAction")
        return cls(
            number=number,
            sid=sid if isinstance(sid, str) else "",
            content=content,
            actions=_entries(content, "Action", number) if "Action" in content else None,
            not_actions=_entries(content, "NotAction", number) if "NotAction" in content else (),
            conditions=_conditions(content.get("Condition", {}), number),
        )

    @property
    def effect(self) -> object:
        """The statement's `Effect`, whatever the policy gives; None where it gives none."""
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
            return frozenset(PERMISSIONS).difference(*(entry.exempted for entry in self.not_actions))
        return frozenset[Permission]().union(*(entry.granted for entry in self.actions))

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

    @cached_property
    def user_ids(self) -> tuple[UserId, ...]:
        """The user ids of all effective conditions, in the policy's order."""
        return tuple(user_id for condition in self.conditions for user_id in condition.user_ids)

    def grants(self, duty: Duty) -> bool:
        """Return whether a permission of this duty is among the statement's."""
        return any(permission.duty is duty for permission in self.permissions)

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
        return tuple(
            entry.written for entry in self.actions if any(permission.duty in duties for permission in entry.granted)
        )


def _listed(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _entries(content: Json, element: str, number: int) -> tuple[ActionPattern, ...]:
    entries = _listed(content[element])
    if not all(isinstance(entry, str) for entry in entries):
        raise PolicyError(f"the {element} of statement {number} is neither a string nor a list of strings")
    return tuple(action_pattern(entry) for entry in entries if isinstance(entry, str))


def _conditions(condition: object, number: int) -> tuple[Condition, ...]:
    if not isinstance(condition, Mapping) or not all(isinstance(keys, Mapping) for keys in condition.values()):
        raise PolicyError(f"the Condition of statement {number} is not an object of objects")
    return tuple(
        Condition.of(operator, key, values) for operator, keys in condition.items() for key, values in keys.items()
    )


@dataclass(frozen=True)
class KeyPolicy:
    """A key policy, and the questions that the scenarios ask of it. Only its Allow statements answer."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str | Json) -> KeyPolicy:
        """Read a key policy, given as JSON text or as parsed JSON, whose conditions may hold `Unknown` values.

        Raises `PolicyError` where it is not JSON, names a thing twice in one object (readers disagree which of the
        two holds), is not an object, has no `Statement`, or one of its statements, Deny included, is malformed.
        """
        content = _from_json(document) if isinstance(document, str) else document
        if not isinstance(content, Mapping):
            raise PolicyError("it is no JSON object")
        if "Statement" not in content:
            raise PolicyError("it has no Statement")
        statements = _listed(content["Statement"])
        return cls(tuple(Statement.parse(statement, number) for number, statement in enumerate(statements, 1)))

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

    def granting_without_user_condition(self) -> tuple[Statement, ...]:
        """Return the statements that grant a duty to callers whom no condition on the user id limits."""
        return tuple(statement for statement in self.granting(*Duty) if not statement.limits_users)

    def permissions(self, duty: Duty) -> tuple[Permission, ...]:
        """Return the permissions of this duty that the policy's statements grant, taken together."""
        granted = frozenset[Permission]().union(*(statement.permissions for statement in self.allowing))
        return tuple(permission for permission in PERMISSIONS if permission.duty is duty and permission in granted)

    @cached_property
    def administrators(self) -> Mapping[UserId, tuple[int, ...]]:
        """The user ids with administration, in the policy's order, each with the numbers of its statements."""
        found: dict[UserId, tuple[int, ...]] = {}
        for statement in self.granting(Duty.ADMINISTRATION):
            for user_id in dict.fromkeys(statement.user_ids):
                found[user_id] = (*found.get(user_id, ()), statement.number)
        return found

    def unlisted_administrators(self, allowed: Iterable[Pattern]) -> tuple[str, ...]:
        """Return the user ids with administration that none of the `allowed` patterns covers."""
        patterns = tuple(allowed)
        unlisted = (each.text for each in self.administrators if covering(each.pattern, patterns) is None)
        return tuple(dict.fromkeys(unlisted))


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
