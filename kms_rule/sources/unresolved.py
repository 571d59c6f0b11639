"""Turns a key policy of which parts are known only at deployment into the document that the rule judges.

The law: filling in any value for what is not known never turns a compliant key into one that is not, unless a remark
names that value as an id, or as assumed. So what is surely an id may be any id and limits its statement, and any other
text of which a part is unknown may hold a wildcard or a variable and limits nobody. Where anything else that decides is
unknown, the policy cannot be judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from AWSConfigRuleKMSPolicy import ALLOW, KeyPolicy, PolicyError
from kms_rule.sources.contents import InputError
from kms_rule.sources.late import BEGIN, END, LateText, LateValue, text_of
from least_privilege.condition import (
    ENCRYPTION_CONTEXT,
    FORMS_OF_SOURCES,
    USER_KEY,
    USER_OPERATORS,
    Unknown,
    weakness,
)
from least_privilege.pattern import lower_case

# What stands for the marks of unknown parts while the policy model reads the text: they make every action malformed.
PLAIN = str.maketrans({BEGIN: "<", END: ">"})
GRANT_KEY = lower_case("kms:GrantIsForAWSResource")
ACCOUNT_ID = "AWS::AccountId"
OWN_ACCOUNT = LateValue(f"Ref {ACCOUNT_ID}", is_id=True)
# These never hold a wildcard or a variable. Source: CloudFormation Template Reference, "Pseudo parameters".
OF_FIXED_FORM = frozenset(f"Ref AWS::{name}" for name in ("Partition", "Region", "StackId", "StackName", "URLSuffix"))
MAX_CHARACTERS_SHOWN = 500
EXAMPLE_ACCOUNT = "111122223333"


def policy_document(policy: object, *, by_user: bool = False) -> tuple[str | Mapping[str, Any], tuple[str, ...]]:
    """Return the document to judge of a policy, which a template gives as an object or as JSON text, and remarks.

    It is text unless something had to be assumed; `by_user` is how duties are separated, which makes more conditions
    decide. Raises `InputError` where something else that decides is known only
    at deployment, or the policy is nested too deeply.
    """
    try:
        return _document(policy, _Completion(by_user))
    except RecursionError as error:
        raise InputError("The JSON of its key policy is nested too deeply: correct it.") from error


def _document(policy: object, completion: _Completion) -> tuple[str | Mapping[str, Any], tuple[str, ...]]:
    if isinstance(policy, str):
        return policy, ()
    if isinstance(policy, LateText):
        policy = _read_late_text(policy)
    if isinstance(policy, Mapping):
        policy = completion.policy(policy)
    document = _plain(policy)
    if completion.remarks and isinstance(document, Mapping):
        return document, tuple(completion.remarks)
    return json.dumps(document, default=str), ()


@dataclass(frozen=True, slots=True)
class _Completion:
    """Completes a policy, and collects the remarks on what is assumed for it."""

    by_user: bool
    remarks: list[str] = field(default_factory=list)

    def policy(self, policy: Mapping[str, Any]) -> dict[str, Any]:
        statements = policy.get("Statement")
        _refuse_late(statements, "Statement")
        members = statements if isinstance(statements, list) else [statements]
        completed = [self._statement(member, number) for number, member in enumerate(members, 1)]
        return {**policy, **({"Statement": completed} if "Statement" in policy else {})}

    def _statement(self, statement: object, number: int) -> object:
        _refuse_late(statement, f"statement {number}")
        if not isinstance(statement, Mapping):
            return statement
        _refuse_late(statement.get("Effect"), f"the Effect of statement {number}")
        completed = dict(statement)
        for element in ("Action", "NotAction"):
            if element in statement and statement.get("Effect") == ALLOW:
                _refuse_late_within(statement[element], f"the {element} of statement {number}")
            elif element in statement:
                completed[element] = _well_formed(statement[element])
        if "Condition" in statement:
            completed["Condition"] = self._condition(statement, number)
        return completed

    def _condition(self, statement: Mapping[str, Any], number: int) -> object:
        condition = statement["Condition"]
        for part in (condition, *(condition.values() if isinstance(condition, Mapping) else ())):
            _refuse_late(part, f"the Condition of statement {number}")
        if not isinstance(condition, Mapping) or statement.get("Effect") != ALLOW:
            return condition
        return {
            operator: {key: self._values(lower_case(operator), key, values, number) for key, values in keys.items()}
            if isinstance(keys, Mapping)
            else keys
            for operator, keys in condition.items()
        }

    def _values(self, operator: str, key: str, values: object, number: int) -> object:
        name = lower_case(key)
        if operator in USER_OPERATORS and name == USER_KEY:
            return self._user_ids(values, number)
        if self.by_user and name == GRANT_KEY:
            _refuse_late_within(values, f"{key} in the Condition of statement {number}")
        if self.by_user and (name in FORMS_OF_SOURCES or name.startswith(ENCRYPTION_CONTEXT)):
            return self._sources(values, key, number)
        return values

    def _user_ids(self, values: object, number: int) -> object:
        if isinstance(values, list):
            return [self._user_ids(value, number) for value in values]
        return self._unknown(values, number) if isinstance(values, LateText) else values

    def _unknown(self, late: LateText, number: int) -> Unknown:
        may_be_anything = not all(value.is_id for value in late.late_values)
        unknown = Unknown(str(late), may_be_anything)
        self._remark(
            f"The user id {_short(late)} in statement {number} is known only at deployment: {_assumed(unknown)}."
        )
        return unknown

    def _sources(self, values: object, key: str, number: int) -> object:
        if isinstance(values, list):
            return [self._sources(value, key, number) for value in values]
        if not isinstance(values, LateText):
            return values
        if OWN_ACCOUNT in values.parts:
            self._remark(
                f"{ACCOUNT_ID} in statement {number} is taken for {EXAMPLE_ACCOUNT}: the verdict is the same for any "
                f"other account."
            )
        filled_in = text_of(
            EXAMPLE_ACCOUNT if part == OWN_ACCOUNT else LateText((part,)) if isinstance(part, LateValue) else part
            for part in values.parts
        )
        if not isinstance(filled_in, LateText):
            return filled_in
        has_fixed_form = all(late.is_id or late.function in OF_FIXED_FORM for late in filled_in.late_values)
        assumed = "its known characters alone decide" if has_fixed_form else "it may be any text, and limit nobody"
        self._remark(f"{filled_in}, the {key} in statement {number}, is known only at deployment: {assumed}.")
        return filled_in if has_fixed_form else Unknown(str(filled_in), may_be_anything=True)

    def _remark(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks.append(remark)


def _assumed(unknown: Unknown) -> str:
    if not weakness(unknown):
        return "it may be any user id"
    if weakness(replace(unknown, may_be_anything=False)):
        return "its known characters alone let in too many"
    return "it may be any text, and let in everybody"


def _refuse_late(value: object, what: str) -> None:
    if isinstance(value, LateText):
        raise InputError(
            f"Its key policy cannot be judged, since {what} is known only at deployment ({_short(value)}): write it "
            f"out, or check what is deployed with kms-rule scan."
        )


def _short(late: LateText) -> str:
    text = str(late)
    return text if len(text) <= MAX_CHARACTERS_SHOWN else f"{text[:MAX_CHARACTERS_SHOWN]}…"


def _refuse_late_within(value: object, what: str) -> None:
    for member in value if isinstance(value, list) else (value,):
        _refuse_late(member, what)


def _well_formed(entries: object) -> object:
    """Return the entries of a statement that does not decide, in which what is unknown is taken for well-formed."""
    if isinstance(entries, list):
        return list(map(_well_formed, entries))
    if not isinstance(entries, LateText):
        return entries
    return "".join(part if isinstance(part, str) else str(part).replace(" ", ".") for part in entries.parts)


def _read_late_text(late: LateText) -> object:
    """Read the JSON in a text of which parts are unknown, where those are within its strings."""
    if not any(isinstance(part, str) and part.strip() for part in late.parts):
        _refuse_late(late, "all of it")
    if not late.is_markable:
        raise _unreadable("it has characters for private use")
    try:
        content = json.loads(late.marked)
    except ValueError as error:
        raise _unreadable(f"it is not JSON, {error}") from error
    filled_in = _with_late_parts(content, late)
    try:
        KeyPolicy.parse(late.marked.translate(PLAIN))
    except PolicyError as error:
        raise _unreadable(str(error)) from error
    return filled_in


def _unreadable(reason: str) -> InputError:
    return InputError(
        f"Its key policy is a text that cannot be read before its unknown parts are filled in ({reason}): write it as "
        f"an object."
    )


def _with_late_parts(value: Any, late: LateText) -> Any:
    if isinstance(value, Mapping):
        if any(BEGIN in name for name in value):
            raise _unreadable("one of its names has an unknown part")
        return {name: _with_late_parts(member, late) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_late_parts(member, late) for member in value]
    return late.filled_in(value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """Return the value with texts in angle brackets for what is unknown and does not decide."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return str(value) if isinstance(value, LateText) else value
