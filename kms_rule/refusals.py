"""What KMS is known to refuse when a key policy is put, though the rule would judge it.

KMS has the last word: it also asks whether a policy's principals exist, and whether the very caller of
`kms:PutKeyPolicy` could call it again (its "lockout safety check"). Neither can be known here; a policy under which
nobody at all could call it again is found. Sources: KMS API Reference, `PutKeyPolicy`; KMS Developer Guide, "Creating a
key policy"; AWS Knowledge Center, "Policy contains a statement with one or more invalid principals".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from AWSConfigRuleKMS import quoted
from AWSConfigRuleKMSPolicy import (
    USER_KEY,
    USER_OPERATORS,
    KeyPolicy,
    Pattern,
    Statement,
    lower_case,
    symbols_of_user_id,
)
from kms_rule.actions import action

LARGEST_POLICY = 32_768
PUT_KEY_POLICY = "kms:PutKeyPolicy"
# Where a role or user is deleted, its id takes the place of its ARN, and KMS takes the policy no more.
ID_OF_A_DELETED_PRINCIPAL = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
POLICY_VARIABLE = re.compile(r"\$\{(?![*?$]\})")
# Enough for policies that people write, and no more work than that for others.
MOST_USER_IDS_TRIED = 20

type Json = Mapping[str, Any]


def refusal(text: str, policy: KeyPolicy, contents: Sequence[Json]) -> str | None:
    """Return why KMS would refuse a policy, as a sentence without its full stop, or None where no reason is known.

    `text` is what would be put, `contents` the JSON of the policy's statements.
    """
    return next(_refusals(text, policy, contents), None)


def _refusals(text: str, policy: KeyPolicy, contents: Sequence[Json]) -> Iterator[str]:
    if len(text) > LARGEST_POLICY:
        yield f"it has {len(text)} bytes and may have {LARGEST_POLICY}, so shorten it"
    sids = Counter(statement.sid for statement in policy.statements if statement.sid)
    yield from (
        f"the Sid {quoted(sid)} occurs {count} times, so rename one" for sid, count in sids.items() if count > 1
    )
    for number, content in enumerate(contents, 1):
        if not content.get("Principal") and not content.get("NotPrincipal"):
            yield f"statement {number} has no Principal, so add one"
        for name in principals(content, "AWS"):
            if ID_OF_A_DELETED_PRINCIPAL.fullmatch(name):
                yield f"statement {number} has the principal {name}, which was deleted, so take it out"
    for statement, content in zip(policy.statements, contents, strict=True):
        if denies_everybody(statement, content):
            yield f"statement {statement.number} denies {PUT_KEY_POLICY} to everybody, so take that out"
    if not any(map(lets_somebody_change_it, policy.statements, contents)):
        yield f"it lets nobody call {PUT_KEY_POLICY}, so grant that to an administrator"


def principals(content: Json, kind: str) -> tuple[str, ...]:
    """Return the principals of a kind, such as `AWS` or `Service`, that a statement names."""
    named = content.get("Principal")
    given = named.get(kind, ()) if isinstance(named, Mapping) else named if kind == "AWS" else ()
    listed = given if isinstance(given, list) else [given]
    return tuple(name for name in listed if isinstance(name, str))


def denies_everybody(statement: Statement, content: Json) -> bool:
    """Say whether a statement denies the change of the policy to everybody and always."""
    return (
        content.get("Effect") == "Deny"
        and "*" in principals(content, "AWS")
        and not content.get("Condition")
        and _names_put_key_policy(statement)
    )


def lets_somebody_change_it(statement: Statement, content: Json) -> bool:
    """Say whether a statement surely allows the change of the policy to somebody.

    Conditions on anything but the user id are taken as met. Without `Action` or `Resource`, KMS ignores a statement.
    """
    return (
        statement.allows
        and statement.actions is not None
        and "Resource" in content
        and bool(principals(content, "AWS"))
        and _names_put_key_policy(statement)
        and somebody_meets(content.get("Condition", {}))
    )


def _names_put_key_policy(statement: Statement) -> bool:
    entries = statement.actions if statement.actions is not None else statement.not_actions
    matched = any(action(entry.written).matches(lower_case(PUT_KEY_POLICY)) for entry in entries)
    return matched == (statement.actions is not None)


def somebody_meets(condition: Mapping[str, Mapping[str, object]]) -> bool:
    """Say whether there surely is a user id that meets all conditions on it; policy variables count as unmet."""
    tests = list(_tests_of_user_id(condition))
    examples = [example for test in tests for example in test.examples][:MOST_USER_IDS_TRIED]
    # A part from each of two conditions, such as AROAOTTER* and *:alice, often meets both.
    pairs = map("".join, product(examples, examples))
    return not tests or any(all(test.met_by(user_id) for test in tests) for user_id in chain(examples, pairs))


FITS: Mapping[str, Callable[[str, str], bool]] = {
    "stringlike": lambda value, user_id: Pattern.from_symbols(symbols_of_user_id(value)).matches(user_id),
    "stringequals": lambda value, user_id: value == user_id,
    "stringequalsignorecase": lambda value, user_id: lower_case(value) == lower_case(user_id),
}


@dataclass(frozen=True, slots=True)
class _Test:
    """One condition on the user id, met where one of its values fits."""

    operator: str
    values: Sequence[str]

    @property
    def examples(self) -> Iterator[str]:
        return (value.replace("*", "").replace("?", "X") for value in self.values)

    def met_by(self, user_id: str) -> bool:
        fits = FITS[self.operator.removeprefix("foranyvalue:")]
        return any(fits(value, user_id) for value in self.values)


def _tests_of_user_id(condition: Mapping[str, Mapping[str, object]]) -> Iterator[_Test]:
    for operator, keys in condition.items():
        for key, values in keys.items():
            if lower_case(operator) in USER_OPERATORS and lower_case(key) == USER_KEY:
                listed = values if isinstance(values, list) else [values]
                plain = [value for value in listed if isinstance(value, str) and not POLICY_VARIABLE.search(value)]
                yield _Test(lower_case(operator), plain[:MOST_USER_IDS_TRIED])
