"""A key as a configuration item of AWS Config describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from least_privilege.key import DISABLED, ENABLED, Aliases, Facts, Key

if TYPE_CHECKING:
    from mypy_boto3_config.type_defs import BaseConfigurationItemTypeDef

RECORDED_STATUSES = frozenset({"OK", "ResourceDiscovered"})


def recorded_key(item: BaseConfigurationItemTypeDef, aliases: Aliases) -> Key | None:
    """Return the key that an item of AWS Config describes, or None where the item does not tell all that is needed.

    An item that is recorded once a day may be older than a change of the key, so it tells nothing.
    """
    if item.get("configurationItemStatus") not in RECORDED_STATUSES or item.get("recordingFrequency") == "DAILY":
        return None
    configuration = _json_or_none(item.get("configuration"))
    metadata = configuration if isinstance(configuration, Mapping) else {}
    policy = _recorded_policy(item.get("supplementaryConfiguration"))
    key_id, manager, state = item.get("resourceId"), metadata.get("keyManager"), metadata.get("keyState")
    if not (isinstance(key_id, str) and isinstance(manager, str) and isinstance(state, str) and policy):
        return None
    return Key(key_id, Facts(aliases.get(key_id, ()), manager, enabled_state(state, metadata.get("enabled")), policy))


def enabled_state(state: str, enabled: object) -> str:
    """Return the state that a key is taken to be in, of what its metadata say of `KeyState` and `Enabled`.

    Metadata that call a key enabled and not enabled at once are believed where they say that it is not.
    """
    return DISABLED if enabled is False and state == ENABLED else state


def _recorded_policy(supplementary: object) -> str | None:
    """Return the policy text, which AWS Config writes as JSON text once more, or None where there is none."""
    written = supplementary.get("Policy") if isinstance(supplementary, Mapping) else None
    content = _json_or_none(written)
    if isinstance(content, str):
        return content
    return written if isinstance(content, Mapping) and isinstance(written, str) else None


def _json_or_none(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
