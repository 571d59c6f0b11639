"""What KMS is known to refuse when a key policy is put, though the rule would judge it.

KMS has the last word: it also asks whether a policy's principals exist, and whether the very caller of
`kms:PutKeyPolicy` could call it again (its "lockout safety check"). Neither can be known here; a policy under which
nobody at all could call it again is found. Sources: KMS API Reference, `PutKeyPolicy`; KMS Developer Guide, "Creating a
key policy"; AWS Knowledge Center, "Policy contains a statement with one or more invalid principals".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product

from AWSConfigRuleKMSPolicy import AWS_PRINCIPALS, EVERYBODY, KeyPolicy, Statement
from least_privilege.condition import POLICY_VARIABLE, Condition
from least_privilege.pattern import Pattern, lower_case
from least_privilege.text import quoted

MAX_POLICY_BYTES = 32_768
PUT_KEY_POLICY = "kms:PutKeyPolicy"
# Where a role or user is deleted, its id takes the place of its ARN, and KMS takes the policy no more.
ID_OF_A_DELETED_PRINCIPAL = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
# Enough for policies that people write, and no more work than that for others.
MAX_USER_IDS_TRIED = 20


def refusal(text: str, policy: KeyPolicy) -> str | None:
    """Return why KMS would refuse a policy, as a sentence without its full stop, or None where no reason is known.

    `text` is what would be put.
    """
    return next(_refusals(text, policy), None)


def _refusals(text: str, policy: KeyPolicy) -> Iterator[str]:
    if len(text) > MAX_POLICY_BYTES:
        yield f"it has {len(text)} bytes and may have {MAX_POLICY_BYTES}, so shorten it"
    sids = Counter(statement.sid for statement in policy.statements if statement.sid)
    yield from (
        f"the Sid {quoted(sid)} occurs {count} times, so rename one" for sid, count in sids.items() if count > 1
    )
    for statement in policy.statements:
        if not statement.names_principals:
            yield f"statement {statement.number} has no Principal, so add one"
        for name in statement.principals(AWS_PRINCIPALS):
            if ID_OF_A_DELETED_PRINCIPAL.fullmatch(name):
                yield f"statement {statement.number} has the principal {name}, which was deleted, so take it out"
    for statement in policy.statements:
        if denies_everybody(statement):
            yield f"statement {statement.number} denies {PUT_KEY_POLICY} to everybody, so take that out"
    if not any(map(lets_somebody_change_it, policy.statements)):
        yield f"it lets nobody call {PUT_KEY_POLICY}, so grant that to an administrator"


def denies_everybody(statement: Statement) -> bool:
    """Return whether a statement denies the change of the policy to everybody and always."""
    return (
        statement.effect == "Deny"
        and EVERYBODY in statement.principals(AWS_PRINCIPALS)
        and not statement.conditions
        and _names_put_key_policy(statement)
    )


def lets_somebody_change_it(statement: Statement) -> bool:
    """Return whether a statement surely allows the change of the policy to somebody.

    Conditions on anything but the user id are taken as met. Without `Action` or `Resource`, KMS ignores a statement.
    """
    return (
        statement.allows
        and statement.actions is not None
        and statement.names_resources
        and bool(statement.principals(AWS_PRINCIPALS))
        and _names_put_key_policy(statement)
        and somebody_meets(statement.conditions)
    )


def _names_put_key_policy(statement: Statement) -> bool:
    matched = any(entry.pattern.matches(lower_case(PUT_KEY_POLICY)) for entry in statement.entries)
    return matched == (statement.actions is not None)


def somebody_meets(conditions: Iterable[Condition]) -> bool:
    """Return whether there surely is a user id that meets all conditions on it; policy variables count as unmet."""
    tests = [_Test.of(condition) for condition in conditions if condition.limits_users]
    examples = [example for test in tests for example in test.examples][:MAX_USER_IDS_TRIED]
    # A part from each of two conditions, such as AROAOTTER* and *:alice, often meets both.
    pairs = map("".join, product(examples, examples))
    return not tests or any(all(test.met_by(user_id) for test in tests) for user_id in chain(examples, pairs))


FITS: Mapping[str, Callable[[str, str], bool]] = {
    "stringlike": lambda value, user_id: Pattern.of_user_id(value).matches(user_id),
    "stringequals": lambda value, user_id: value == user_id,
    "stringequalsignorecase": lambda value, user_id: lower_case(value) == lower_case(user_id),
}


@dataclass(frozen=True, slots=True)
class _Test:
    """One condition on the user id, met where one of its values fits."""

    operator: str
    values: Sequence[str]

    @classmethod
    def of(cls, condition: Condition) -> _Test:
        plain = [value for value in condition.values if isinstance(value, str) and not POLICY_VARIABLE.search(value)]
        return cls(lower_case(condition.operator), plain[:MAX_USER_IDS_TRIED])

    @property
    def examples(self) -> Iterator[str]:
        return (value.replace("*", "").replace("?", "X") for value in self.values)

    def met_by(self, user_id: str) -> bool:
        fits = FITS[self.operator.removeprefix("foranyvalue:")]
        return any(fits(value, user_id) for value in self.values)
