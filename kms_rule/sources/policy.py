"""Makes the key of a file that holds a key policy, and tells key policies from others that look like them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from AWSConfigRuleKMSPolicy import ELEMENTS
from kms_rule.findings import Place
from kms_rule.sources.contents import Candidate, Contents, DefinedKey, checked_size
from kms_rule.sources.files import STANDARD_INPUT
from kms_rule.sources.json_positions import LocatedList, LocatedObject, Position, located, position_in
from least_privilege.key import Facts, Key
from least_privilege.pattern import Pattern, lower_case

NAME_OF_STANDARD_INPUT = "standard input"
KMS = "kms"
PRINCIPALS = ("Principal", "NotPrincipal")
ACTIONS = ("Action", "NotAction")
ARN_OF_SERVICE = re.compile(r"arn:[^:]*:(?P<service>[a-z0-9-]+):")
NO_PRINCIPAL = "none of its statements names a principal"
NO_KMS_ACTION = "none of its statements names an action of KMS"


def read(text: str, source: str, place: Position | None = None) -> Contents:
    """Make the key whose policy is this text, which is known to be a JSON object.

    The key is called as its file. Where the text is only a part of its file, `place` is where that stands, and where
    its statements are is not told. Raises `InputError` where the policy is too long to be judged.
    """
    name = NAME_OF_STANDARD_INPUT if source == STANDARD_INPUT else Path(source).name
    policy = located(text) if place is None else LocatedObject(place)
    candidate = Candidate(
        Key(name, Facts(policy=text)), policy.position, statement_positions(policy), checked_size(text)
    )
    return Contents((DefinedKey(Place(source, *policy.position), (candidate,)),))


def statement_positions(policy: Mapping[str, Any]) -> tuple[Position, ...]:
    """Return the positions of a policy's statements, where they know them."""
    statements = policy.get("Statement", ())
    return tuple(map(position_in, statements if isinstance(statements, LocatedList) else (statements,)))


def why_no_key_policy(policy: Mapping[str, Any]) -> str:
    """Return why a policy cannot be a key's, or nothing where it may be one.

    A policy of IAM names no principal, and the policies of other resources name no action of KMS. Where that cannot be
    made out, since a statement is malformed, it may be a key policy. Source: KMS Developer Guide, "Key policies".
    """
    statements = policy.get("Statement")
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not statements or not all(map(_is_well_formed, statements)):
        return ""
    if not any(name in statement for statement in statements for name in PRINCIPALS):
        return NO_PRINCIPAL
    return "" if any(map(_may_be_for_kms, statements)) else NO_KMS_ACTION


def _is_well_formed(statement: object) -> bool:
    if not isinstance(statement, Mapping) or not ELEMENTS.issuperset(statement):
        return False
    return any(_texts(statement.get(name)) for name in ACTIONS)


def _may_be_for_kms(statement: Mapping[str, Any]) -> bool:
    actions = [lower_case(action) for action in _texts(statement.get("Action"))]
    if any(KMS in action for action in actions):
        return True
    arns = [ARN_OF_SERVICE.match(each) for each in _texts(statement.get("Resource"))]
    if arns and all(arn is not None and arn["service"] != KMS for arn in arns):
        return False
    return "NotAction" in statement or any(map(_covers_kms, actions))


def _covers_kms(action: str) -> bool:
    service, colon, _ = action.partition(":")
    return Pattern.of(service).matches(KMS if colon else f"{KMS}:")


def _texts(value: object) -> list[str]:
    """Return the texts in a value that is one or a list of some; none where anything else is in it."""
    listed: list[object] = value if isinstance(value, list) else [value]
    texts = [each for each in listed if isinstance(each, str)]
    return texts if len(texts) == len(listed) else []
