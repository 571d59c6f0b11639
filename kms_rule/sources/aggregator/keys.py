"""Keys and aliases as the items that an aggregator holds describe them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kms_rule.errors import CommandError
from kms_rule.sources.aggregator.calls import ITEMS_PER_CALL, Aggregator, Json, Where
from least_privilege.event import DELETED
from least_privilege.items import RECORDED_STATUSES, recorded_key
from least_privilege.key import Aliases, Key
from least_privilege.parameters import ALIAS_PREFIX
from least_privilege.text import quoted

# What is ordered by must be selected; https://docs.aws.amazon.com/config/latest/developerguide/query-components.html.
IN_ORDER = "ORDER BY accountId, awsRegion, resourceId"
KEYS = (
    "SELECT accountId, awsRegion, resourceId, resourceType, configurationItemStatus, configuration, "
    f"supplementaryConfiguration.Policy WHERE resourceType = 'AWS::KMS::Key' {IN_ORDER}"
)
ALIASES = (
    "SELECT accountId, awsRegion, resourceId, resourceName, configurationItemStatus, configuration "
    f"WHERE resourceType = 'AWS::KMS::Alias' {IN_ORDER}"
)
ANY_POLICY = {"Policy": "{}"}


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key of some account and Region: as its item describes it, or None with the reason why it does not.

    The reason is the end of a sentence, with what to do.
    """

    where: Where
    id: str
    key: Key | None
    reason: str = ""


@dataclass(slots=True)
class HeldAliases:
    """The aliases that an aggregator holds, by place and key id. A key of several Regions has one id in all of them."""

    by_place: dict[Where, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def read(cls, aggregator: Aggregator) -> HeldAliases:
        """Ask the aggregator for all of them. Raises `CommandError` where it refuses."""
        held = cls()
        for row in aggregator.rows(ALIASES):
            name, key_id = _alias_and_key(row)
            # What is gone whitelists nothing.
            if name and key_id and row.get("configurationItemStatus") in RECORDED_STATUSES:
                at_place = held.by_place.setdefault(_where(row), {})
                at_place[key_id] = tuple(dict.fromkeys((*at_place.get(key_id, ()), name)))
        return held

    def at(self, where: Where) -> Aliases:
        """Return the aliases of the keys in one place."""
        return self.by_place.get(where, {})


def held_keys(aggregator: Aggregator, aliases: HeldAliases) -> Iterator[HeldKey]:
    """Yield every key that the aggregator holds an item of, mostly by account, Region and id, but those that are gone.

    Where an item lacks something in the answer of the query, the whole item is asked for. Raises `CommandError` where
    the aggregator refuses to be queried.
    """
    incomplete: list[Json] = []
    last = None
    for row in aggregator.rows(KEYS):
        # Between two pages a row may move, to come twice then.
        last, before = (_where(row), row["resourceId"]), last
        if last == before or str(row.get("configurationItemStatus")).startswith(DELETED):
            continue
        key = _key(row, _where(row), aliases)
        if key:
            yield HeldKey(_where(row), key.id, key)
            continue
        incomplete.append(row)
        if len(incomplete) == ITEMS_PER_CALL:
            yield from _completed(incomplete, aggregator, aliases)
            incomplete.clear()
    if incomplete:
        yield from _completed(incomplete, aggregator, aliases)


def _completed(rows: Iterable[Json], aggregator: Aggregator, aliases: HeldAliases) -> Iterator[HeldKey]:
    """Yield keys by their whole items, of which the rows lack something; each row makes one key."""
    reasons = {(_where(row), str(row["resourceId"])): _reason(row) for row in rows}
    try:
        items = {(_where(item), item.get("resourceId")): item for item in aggregator.items([*reasons])}
    except CommandError as error:
        items = {}
        reasons = {asked: f"{reason} ({error})" for asked, reason in reasons.items()}
    for (where, key_id), reason in reasons.items():
        item = items.get((where, key_id))
        key = _key(item, where, aliases) if item else None
        yield HeldKey(where, key_id, key, "" if key else _reason(item) if item else reason)


def _key(item: Json, where: Where, aliases: HeldAliases) -> Key | None:
    return recorded_key(item, aliases.at(where), where[0])


def _reason(item: Json) -> str:
    """Return what an item lacks of what the rule reads, and what to do."""
    status = item.get("configurationItemStatus")
    if status not in RECORDED_STATUSES:
        return f"has the status {quoted(status)}: let AWS Config record AWS::KMS::Key there"
    if item.get("recordingFrequency") == "DAILY":
        return "is recorded once a day, so that it may be out of date: record AWS::KMS::Key continuously"
    if recorded_key({**item, "supplementaryConfiguration": ANY_POLICY}, {}):
        return "lacks the key policy: allow kms:GetKeyPolicy to the recorder's role there, or scan the account itself"
    return "lacks the key's state or manager: allow kms:DescribeKey to the recorder's role there, or scan the account"


def _where(item: Json) -> Where:
    return str(item["accountId"]), str(item["awsRegion"])


def _alias_and_key(row: Json) -> tuple[str, str]:
    """Return the name of an alias and the id of its key, blank where the item does not say or it points to none.

    KMS spells the properties with a capital letter, and AWS Config those of its first types with a small one.
    """
    configuration: Any = row.get("configuration")
    properties: Mapping[str, Any] = configuration if isinstance(configuration, Mapping) else {}
    by_name = {name.lower(): value for name, value in properties.items()}
    names = (by_name.get("aliasname"), row.get("resourceName"), row.get("resourceId"))
    name = next((each for each in names if isinstance(each, str) and each.startswith(ALIAS_PREFIX)), "")
    return name, str(by_name.get("targetkeyid") or "").rpartition("/")[2]
