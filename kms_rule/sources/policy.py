"""Makes the key of a file that holds a key policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kms_rule.findings import Place
from kms_rule.sources.contents import Candidate, Contents, DefinedKey, checked_size
from kms_rule.sources.files import STANDARD_INPUT
from kms_rule.sources.json_positions import LocatedList, LocatedObject, Position, located, position_in
from least_privilege.key import Facts, Key

NAME_OF_STANDARD_INPUT = "standard input"


def read(text: str, source: str) -> Contents:
    """Make the key whose policy is this text, which is known to be a JSON object.

    The key is called as its file. Raises `InputError` where the policy is too long to be judged.
    """
    name = NAME_OF_STANDARD_INPUT if source == STANDARD_INPUT else Path(source).name
    policy = _with_positions(text)
    candidate = Candidate(
        Key(name, Facts(policy=text)), policy.position, statement_positions(policy), checked_size(text)
    )
    return Contents((DefinedKey(Place(source, *policy.position), (candidate,)),))


def statement_positions(policy: Mapping[str, Any]) -> tuple[Position, ...]:
    """Return the positions of a policy's statements, where they know them."""
    statements = policy.get("Statement", ())
    return tuple(map(position_in, statements if isinstance(statements, LocatedList) else (statements,)))


def _with_positions(text: str) -> LocatedObject:
    try:
        policy: LocatedObject = located(text)
    except RecursionError:
        # The rule can still judge it; only where its statements are is not known.
        return LocatedObject()
    return policy
