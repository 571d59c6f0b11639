"""A key as a configuration item of AWS Config describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from least_privilege.key import DISABLED, ENABLED, KEY_RESOURCE_TYPE, Aliases, Facts, Key

RECORDED_STATUSES = frozenset({"OK", "ResourceDiscovered"})


def recorded_key(item: Mapping[str, Any], aliases: Aliases, account_id: str = "") -> Key | None:
    """Return the key that an item of AWS Config describes, or None where the item does not tell all that is needed.

    The item is as AWS Config's API gives it, with JSON in texts, or as an event has it, with objects. One that is
    recorded once a day may be older than a change of the key, so it tells nothing; nor does one of another resource
    type, or of another account than `account_id`.
    """
    if item.get("configurationItemStatus") not in RECORDED_STATUSES or item.get("recordingFrequency") == "DAILY":
        return None
    account = item.get("accountId", item.get("awsAccountId", account_id))
    of_a_key = item.get("resourceType", KEY_RESOURCE_TYPE) == KEY_RESOURCE_TYPE
    if not of_a_key or (account_id and account != account_id):
        return None
    metadata = _object_or_none(item.get("configuration")) or {}
    policy = _recorded_policy(_object_or_none(item.get("supplementaryConfiguration")) or {})
    key_id, manager, state = item.get("resourceId"), metadata.get("keyManager"), metadata.get("keyState")
    if not (isinstance(key_id, str) and isinstance(manager, str) and isinstance(state, str) and policy):
        return None
    return Key(key_id, Facts(aliases.get(key_id, ()), manager, enabled_state(state, metadata.get("enabled")), policy))


def enabled_state(state: str, enabled: object) -> str:
    """Return the state that a key is taken to be in, of what its metadata say of `KeyState` and `Enabled`.

    Metadata that call a key enabled and not enabled at once are believed where they say that it is not.
    """
    return DISABLED if enabled is False and state == ENABLED else state


def _recorded_policy(supplementary: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """Return the policy's document, which AWS Config may write as JSON text once more, or None where there is none."""
    written = supplementary.get("Policy")
    content = _json_or_none(written)
    if isinstance(content, str):
        return content
    return written if isinstance(content, Mapping) or isinstance(written, Mapping) else None


def _object_or_none(value: object) -> Mapping[str, Any] | None:
    """Return a value that is an object, or a JSON text of one, otherwise None."""
    content = value if isinstance(value, Mapping) else _json_or_none(value)
    return content if isinstance(content, Mapping) else None


def _json_or_none(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
