"""The items that AWS Config records of keys and aliases, which moto does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.kms.models import Key, kms_backends

from dev.emulator.calls import Place

KEY_RESOURCE_TYPE = "AWS::KMS::Key"
ALIAS_RESOURCE_TYPE = "AWS::KMS::Alias"

type Item = Mapping[str, Any]


def item_of_key(key_id: str, place: Place, changes: Mapping[str, Item | None]) -> Item | None:
    """Return the item of a key, with the `changes` by key id in it; None where it is not recorded, or not there."""
    keys = kms_backends[place.account_id][place.region].keys
    changed = changes.get(key_id, {})
    return None if key_id not in keys or changed is None else {**_item_of(keys[key_id]), **changed}


def items_at(resource_type: str, place: Place, changes: Mapping[str, Item | None]) -> Iterator[Item]:
    """Yield what is recorded of a type at one place; with `changes` as in `item_of_key`."""
    keys = kms_backends[place.account_id][place.region].keys
    if resource_type == KEY_RESOURCE_TYPE:
        yield from (item for key_id in keys if (item := item_of_key(key_id, place, changes)))
    if resource_type == ALIAS_RESOURCE_TYPE:
        yield from _items_of_aliases(place)


def _item_of(key: Key) -> Item:
    """Return a key's item, with its policy as JSON text within JSON text, as in a recorded history item."""
    configuration = {"keyId": key.id, "arn": key.arn, "keyManager": key.key_manager, "keyState": key.key_state}
    return {
        "accountId": key.account_id,
        "arn": key.arn,
        "awsRegion": key.region,
        "configurationItemStatus": "OK",
        "configuration": json.dumps(configuration),
        "recordingFrequency": "CONTINUOUS",
        "resourceId": key.id,
        "resourceType": KEY_RESOURCE_TYPE,
        "supplementaryConfiguration": {"KeyRotationStatus": "false", "Policy": json.dumps(key.policy)},
    }


def _items_of_aliases(place: Place) -> Iterator[Item]:
    for key_id, key in kms_backends[place.account_id][place.region].keys.items():
        for name in key.aliases:
            yield {
                "accountId": place.account_id,
                "arn": f"arn:aws:kms:{place.region}:{place.account_id}:{name}",
                "awsRegion": place.region,
                "configurationItemStatus": "ResourceDiscovered",
                "configuration": {"AliasName": name, "TargetKeyId": key_id},
                "resourceId": name,
                "resourceName": name,
                "resourceType": ALIAS_RESOURCE_TYPE,
            }
