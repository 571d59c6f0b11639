"""Fixes single statements of a key policy after a plan for the whole: takes actions out, splits, and limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from AWSConfigRuleKMSPolicy import AWS_PRINCIPALS, Statement, covering
from kms_rule.explanation.sentences import listing, title
from kms_rule.remediation.actions import Part, parts_of
from least_privilege.condition import USER_KEY, USER_OPERATORS, Condition, UserId, shared, weakness
from least_privilege.parameters import ADMINISTRATORS, WHITELIST
from least_privilege.pattern import Pattern, lower_case
from least_privilege.permission import Duty, Permission
from least_privilege.text import name_in_sentence

# As long as the ids that IAM gives to roles, and like none of them.
USER = "AROAEXAMPLEUSERROLEID:*"
WRITTEN_USER_KEY = "aws:userId"
# A service acts for the resources of an account, which has this number until a person gives the right one.
EXAMPLE_ACCOUNT = "111122223333"
WRITTEN_SOURCE_KEY = "aws:SourceAccount"
EQUALS_OPERATORS = ("StringEquals", "StringLike", "ForAnyValue:StringEquals", "ForAnyValue:StringLike")
# The two operators that know wildcards and count as a limit.
LIKE_OPERATORS = ("StringLike", "ForAnyValue:StringLike")
PRINCIPAL_OF_IAM = re.compile(r"arn:[\w-]+:iam::\d+:(role|user)/(?:[!-~]+/)?([\w+=,.@-]+)")
PRINCIPAL_OF_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?")

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What every statement has to keep to.

    `administrators` are the user ids for statements that grant administration and name nobody. `given_up` are the
    permissions that no statement may grant any more, and `why` says so. `allowed` are the patterns one of which every
    administrator has to fit, or None where the rule lets anybody administer who is named. `placeholders` are the user
    ids that a person has to replace. Where users are kept apart, `administering` are the user ids that will administer:
    none of them may use the key.
    """

    administrators: tuple[str, ...]
    placeholders: frozenset[str] = frozenset({USER})
    given_up: tuple[Permission, ...] = ()
    why: str = ""
    allowed: tuple[Pattern, ...] | None = None
    administering: tuple[UserId, ...] = ()

    def may_administer(self, user_id: UserId) -> bool:
        """Return whether this user id can keep administration."""
        return self.allowed is None or covering(user_id.pattern, self.allowed) is not None

    def may_use(self, user_id: UserId) -> bool:
        """Return whether this user id can keep usage."""
        return shared((user_id,), self.administering) is None

    def may_have(self, user_id: UserId, duty: Duty) -> bool:
        """Return whether this user id can keep a duty."""
        return self.may_administer(user_id) if duty is Duty.ADMINISTRATION else self.may_use(user_id)


@dataclass(slots=True)
class StatementFixer:
    """Fixes the statements of one policy, and keeps what has to be said about it.

    `sids` are those in use: KMS wants each only once.
    """

    plan: Plan
    sids: frozenset[str]
    changes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def steps(self) -> Iterator[str]:
        """Yield what was done, and then what is left for a person to do."""
        if self.plan.why:
            yield self.plan.why
        yield from self.changes
        yield from dict.fromkeys(self.advice)

    def fixed(self, statement: Statement) -> list[Json]:
        """Return the JSON that takes the place of a statement: nothing, its own, or parts of it."""
        going = statement.permissions.intersection(self.plan.given_up)
        duties = frozenset[Permission]().union(*statement.by_duty.values())
        unlimited = duties > going and not self._limits_enough(statement)
        if not statement.allows or not (statement.opens_every_action or going or unlimited):
            return [statement.content]
        self._say_what_goes(statement, going)
        if unlimited:
            return list(self._split(statement))
        entries = _without_repeats(part.entry for part in self._parts(statement, split=False))
        return [with_actions(statement.content, entries)] if entries else []

    def _limits_enough(self, statement: Statement) -> bool:
        return statement.is_limited and all(
            self.plan.may_have(user_id, duty)
            for duty in Duty
            if statement.grants(duty)
            for user_id in statement.user_ids
        )

    def _say_what_goes(self, statement: Statement, going: frozenset[Permission]) -> None:
        names = listing(permission.name for permission in statement.table.permissions if permission in going)
        if statement.opens_every_action:
            opening = listing(map(name_in_sentence, statement.deciding_actions()))
            without = f", without {names}" if names else ""
            unseen = "" if statement.table.by_user else "The rule does not look at most of them, so take"
            self.changes.append(
                f"{title(statement)} opens all KMS actions by {opening}: list those that KMS has today{without}. "
                f"{unseen or 'Take'} out what nobody needs."
            )
        elif names:
            self.changes.append(f"{title(statement)}: take out {names}.")

    def _parts(self, statement: Statement, *, split: bool) -> Iterator[Part]:
        """Yield what stays of a statement: entries as written where they lose nothing and need no `split`."""
        for entry, parts in parts_of(statement):
            kept = [part for part in parts if part.permission not in self.plan.given_up]
            mixed = split and len({part.duty for part in kept}) > 1
            if len(kept) < len(parts) or mixed:
                yield from kept
            else:
                yield replace(kept[0], entry=entry)

    def _split(self, statement: Statement) -> Iterator[Json]:
        content = statement.content
        parts = list(self._parts(statement, split=True))
        entries = {duty: _without_repeats(part.entry for part in parts if part.duty is duty) for duty in (None, *Duty)}
        alone = sum(map(bool, entries.values())) == 1
        if entries[None]:
            yield with_actions(content, entries[None])
        for duty in Duty:
            if entries[duty]:
                named = content if alone else {**content, **self._sid(statement, duty)}
                yield from self._limited(statement, with_actions(named, entries[duty]), duty)

    def _sid(self, statement: Statement, duty: Duty) -> Json:
        """Return the `Sid` for the part of a statement that grants this duty, where the statement has one."""
        if not statement.sid:
            return {}
        sid = f"{statement.sid} {duty.value}"
        while sid in self.sids:
            sid += " too"
        return {"Sid": sid}

    def _limited(self, statement: Statement, content: Json, duty: Duty) -> Iterator[Json]:
        """Yield `content`, the part of a statement that grants this duty, for named users, if any may have it."""
        entries = listing(
            map(name_in_sentence, content["Action"] if isinstance(content["Action"], list) else [content["Action"]])
        )
        for_services = statement.table.by_user and statement.is_for_services_alone and not statement.limits_users
        if for_services and duty is Duty.USAGE:
            yield from self._for_a_source(statement, content, entries)
            return
        wanted = self.plan.administrators if duty is Duty.ADMINISTRATION else (USER,)
        condition = limited(content.get("Condition", {}), wanted, lambda user_id: self.plan.may_have(user_id, duty))
        if condition is None:
            self.changes.append(f"{title(statement)}: take out {entries}, which nobody whom it names may have.")
            return
        new = {**content, "Condition": condition}
        user_ids = [user_id.text for user_id in Statement.parse(new, statement.number).user_ids]
        self.changes.append(f"{title(statement)}: let {listing(map(name_in_sentence, user_ids))} alone have {entries}.")
        self.advice.extend(_advice(statement, duty, user_ids, self.plan))
        yield new

    def _for_a_source(self, statement: Statement, content: Json, entries: str) -> Iterator[Json]:
        """Yield `content`, what a statement grants to services alone, for the resources of one account."""
        condition = content.get("Condition", {})
        taken = {
            lower_case(each.operator)
            for each in statement.conditions
            if lower_case(each.key) == lower_case(WRITTEN_SOURCE_KEY)
        }
        operator = next((name for name in EQUALS_OPERATORS if lower_case(name) not in taken), None)
        if operator is None:
            self.changes.append(
                f"{title(statement)}: take out {entries}, since it has no place for another {WRITTEN_SOURCE_KEY}."
            )
            return
        services = listing(map(name_in_sentence, statement.all_principals))
        self.changes.append(
            f"{title(statement)}: let {services} have {entries} for the resources of account {EXAMPLE_ACCOUNT} alone."
        )
        self.advice.append(f"Replace {EXAMPLE_ACCOUNT} by the account whose resources the service is to act for.")
        yield {**content, "Condition": _with_key(condition, operator, WRITTEN_SOURCE_KEY, EXAMPLE_ACCOUNT)}


def _advice(statement: Statement, duty: Duty, user_ids: Sequence[str], plan: Plan) -> Iterator[str]:
    """Yield what a person has to see to where a statement is limited to these user ids."""
    for user_id in plan.placeholders.intersection(user_ids):
        who = "use" if user_id == USER else "administer"
        yield f"Replace {user_id} by the user ids of those who are to {who} the key. {_where_to_find(statement)}"
    if duty is Duty.ADMINISTRATION:
        yield from _advice_on_administrators(statement, user_ids, plan)
    for service in statement.principals("Service"):
        instead = (
            "give it a statement of its own, limited by aws:SourceAccount or aws:SourceArn"
            if statement.table.by_user
            else f"whitelist an alias of the key in {WHITELIST} instead"
        )
        yield (
            f"The service {name_in_sentence(service)} calls with no user id that you could name: if it needs the key "
            f"itself, {instead}."
        )


def _where_to_find(statement: Statement) -> str:
    found = [
        match.groups() for name in statement.principals(AWS_PRINCIPALS) if (match := PRINCIPAL_OF_IAM.fullmatch(name))
    ]
    kind, name = found[0] if found else ("role", "NAME")
    sessions = ", to be followed by :* for its sessions" if kind == "role" else ""
    return (
        f"`aws iam get-{kind} --{kind}-name {name} --query {kind.title()}.{kind.title()}Id --output text` prints that "
        f"of a {kind}{sessions}."
    )


def _advice_on_administrators(statement: Statement, user_ids: Sequence[str], plan: Plan) -> Iterator[str]:
    others = "" if plan.allowed else " Beside usage, the rule accepts other named users there as well."
    yield (
        f"Whoever is to administer the key must have a user id like {listing(map(name_in_sentence, user_ids))} and be "
        f"among the principals of the statement. Put the policy as such a user: KMS refuses one that its caller could "
        f"not change again.{others}"
    )
    accounts = [
        match[1] for name in statement.principals(AWS_PRINCIPALS) if (match := PRINCIPAL_OF_ACCOUNT.fullmatch(name))
    ]
    if accounts and not _lets_in("StringLike", user_ids, accounts[0]):
        yield (
            f"The account's root user could no longer change the policy when no such user is left: to let it, add its "
            f"user id, {accounts[0]}, to {ADMINISTRATORS} and to the statement."
        )


# ---------------------------------------------------------------------------------------------------------------------
# The JSON of a statement
# ---------------------------------------------------------------------------------------------------------------------


def with_actions(content: Json, entries: Sequence[str]) -> Json:
    """Return a statement with this `Action` in place of its own, or of its `NotAction`."""
    new = _one_or_list(entries)
    return {
        ("Action" if element == "NotAction" else element): (new if element in {"Action", "NotAction"} else value)
        for element, value in content.items()
    }


def limited(condition: Json, wanted: Sequence[str], may_stay: Callable[[UserId], bool]) -> Json | None:
    """Return a condition that holds for named users alone, and never where the given one does not hold.

    Each condition on the user id keeps those of its values that name somebody who `may_stay`; where none does, the
    `wanted` ones that it lets in anyway take their place. Where that leaves no limit, one for the `wanted` is added.
    None where a condition names only others, or where there is no place for another one.
    """
    new = {operator: dict(keys) for operator, keys in condition.items()}
    limits = False
    for operator, key in _conditions_on_user_id(condition):
        values = condition[operator][key]
        listed = values if isinstance(values, list) else [values]
        kept = [value for value in listed if any(map(may_stay, user_ids_of(operator, key, value)))]
        kept = kept or [name for name in wanted if _lets_in(operator, listed, name)]
        if kept:
            new[operator][key] = _one_or_list(kept)
            limits = True
        elif listed and not any(map(weakness, listed)):
            return None
    return new if limits else _with_another(new, wanted)


def user_ids_of(operator: str, key: str, value: object) -> tuple[UserId, ...]:
    """Return the user id that one value of a condition is by itself, whatever stands beside it; none if it is weak."""
    return Condition.of(operator, key, [value]).user_ids


def _conditions_on_user_id(condition: Json) -> Iterator[tuple[str, str]]:
    for operator, keys in condition.items():
        if lower_case(operator) in USER_OPERATORS:
            yield from ((operator, key) for key in keys if lower_case(key) == USER_KEY)


def _lets_in(operator: str, values: Iterable[object], name: str) -> bool:
    """Return whether a user condition with these values surely lets in everybody who is like `name`.

    Other operators read a wildcard as a character, which no user id has.
    """
    if lower_case(operator) not in map(lower_case, LIKE_OPERATORS):
        return False
    patterns = (Pattern.of_user_id(value) for value in values if isinstance(value, str))
    return covering(Pattern.of_user_id(name), patterns) is not None


def _with_another(condition: Json, wanted: Sequence[str]) -> Json | None:
    """Return a condition that wants the user id to be like `wanted` too, under an operator that has none as yet."""
    taken = {lower_case(operator) for operator, _ in _conditions_on_user_id(condition)}
    free = next((operator for operator in LIKE_OPERATORS if lower_case(operator) not in taken), None)
    if free is None:
        return None
    return _with_key(condition, free, WRITTEN_USER_KEY, _one_or_list(wanted))


def _with_key(condition: Json, operator: str, key: str, value: object) -> Json:
    """Return a condition with another key under an operator, however that is written in it."""
    written = next((name for name in condition if lower_case(name) == lower_case(operator)), operator)
    return {**condition, written: {**condition.get(written, {}), key: value}}


def _one_or_list(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _without_repeats(entries: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(entries))
