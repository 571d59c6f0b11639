"""The event that AWS Config invokes the function with: which keys it asks about, and in which account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from least_privilege.key import ALIAS_RESOURCE_TYPE, AWS_ALIAS_PREFIX, KEY_RESOURCE_TYPE
from least_privilege.parameters import ALIAS_PREFIX, RuleParameters
from least_privilege.text import RuleError, escaped, quoted

TEST_TOKEN = "TESTMODE"  # noqa: S105 - the word by which RDK's tests ask for a dry run, not a secret
COLONS_BEFORE_A_RESOURCE = 5
ROLE_ARN = re.compile(r"arn:[\w-]+:iam::[0-9]+:role/[!-~]+", re.ASCII)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
SCHEDULED = "ScheduledNotification"
CHANGED = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
ITEM_FIELDS: Mapping[str, str] = {CHANGED: "configurationItem", OVERSIZED: "configurationItemSummary"}
MESSAGE_TYPES = (SCHEDULED, *ITEM_FIELDS)
NOT_RECORDED = "ResourceNotRecorded"
DELETED = "ResourceDeleted"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an event asks to be judged, or says is no longer the rule's.

    `every_key` for all keys of the account and Region, otherwise the ids `key_ids`; `out_of_scope` are the ids, of a
    key or of an alias by its name, that no longer exist for the rule. `alias` is the alias that the event is about, and
    `target` the id of the one key that it points to; that is blank where the alias no longer exists at all. `item` is
    the configuration item of the one key that changed, where the event has it.
    """

    ordering_timestamp: str
    every_key: bool = False
    key_ids: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    alias: str = ""
    target: str = ""
    item: Mapping[str, Any] | None = None

    @property
    def time(self) -> datetime:
        """The ordering timestamp as a point in time."""
        return _point_in_time(self.ordering_timestamp)

    def remaining_aliases(self, names: Iterable[str], key_id: str) -> tuple[str, ...]:
        """Return which of the alias names that KMS lists for a key it still has after this event.

        KMS may go on listing an alias that was deleted or moved to another key a moment ago, and a whitelisted one
        would count.
        """
        return tuple(name for name in names if name != self.alias or key_id == self.target)


@dataclass(frozen=True, slots=True)
class Request:
    """What one invocation by AWS Config asks for."""

    parameters: RuleParameters
    scope: Scope
    result_token: str
    rule_name: str
    account_id: str
    execution_role_arn: str

    @classmethod
    def from_event(cls, event: object) -> Request:
        """Read the event that AWS Config invokes the function with.

        Only what is needed is read, since recorded events differ in the rest. Raises `RuleError` where something
        needed is missing or unknown. Source: AWS Config Developer Guide, "Example Events for AWS Config Rules".
        """
        if not isinstance(event, Mapping):
            # Not repeated, since it may be the text of an event, with its result token.
            raise RuleError(
                f"The event is a {type(event).__name__}, no JSON object: invoke the function through AWS Config."
            )
        content: Mapping[str, Any] = event
        if "invokingEvent" not in content:
            raise RuleError(
                "The event has no invokingEvent, so it is not from AWS Config: invoke the function through AWS Config."
            )
        mode = content.get("evaluationMode") or "DETECTIVE"
        if mode != "DETECTIVE":
            raise RuleError(
                f"The event's evaluationMode is {quoted(mode)}: this rule judges keys that exist, so deploy it with "
                f"the evaluation mode DETECTIVE only."
            )
        # AWS Config leaves them out where the rule has none.
        given = content if content.get("ruleParameters") is not None else {"ruleParameters": "{}"}
        parameters = RuleParameters.parse(_object_in_text(given, "ruleParameters"))
        left_scope = content.get("eventLeftScope") is True
        scope = _scope(_object_in_text(content, "invokingEvent"), left_scope=left_scope)
        return cls(
            parameters=parameters,
            scope=scope,
            result_token=_text(content, "resultToken", "The event"),
            # Only the results of a scheduled run are looked up under the rule's name.
            rule_name=_text(content, "configRuleName", "The event") if scope.every_key else "",
            account_id=str(content.get("accountId") or ""),
            execution_role_arn=str(content.get("executionRoleArn") or ""),
        )

    @property
    def test_mode(self) -> bool:
        """Whether this is RDK's dry run, whose evaluations AWS Config checks but does not keep."""
        return self.result_token == TEST_TOKEN

    @property
    def role_to_assume(self) -> str:
        """The ARN of the role for the event's account, as RDK's convention makes it of `ExecutionRoleName`.

        Raises `RuleError` where the event names no role. Source: `get_execution_role_arn` of RDK's rule template.
        """
        if not ROLE_ARN.fullmatch(self.execution_role_arn):
            raise RuleError(
                f"The event's executionRoleArn is {quoted(self.execution_role_arn)}, so the role to assume in account "
                f"{quoted(self.account_id)} is unknown: invoke the function through AWS Config."
            )
        if not self.parameters.execution_role_name:
            return self.execution_role_arn
        return f"{self.execution_role_arn.split('/')[0]}/{self.parameters.execution_role_name}"


def _scope(invoking_event: Mapping[str, Any], *, left_scope: bool) -> Scope:
    message_type = invoking_event.get("messageType")
    if message_type == SCHEDULED:
        return Scope(_timestamp(invoking_event, "notificationCreationTime", "The invokingEvent"), every_key=True)
    field = ITEM_FIELDS.get(str(message_type))
    if not field:
        raise RuleError(
            f"The messageType of the invokingEvent is {quoted(message_type)}: trigger the rule by configuration "
            f"changes or a schedule only; allowed are {', '.join(MESSAGE_TYPES)}."
        )
    item = _object(invoking_event.get(field), f"The {field} of the invokingEvent")
    resource_type = item.get("resourceType")
    scope_of = SCOPE_OF_CHANGE.get(str(resource_type))
    if not scope_of:
        raise RuleError(
            f"The {field} is of type {quoted(resource_type)}: restrict the rule's scope to {KEY_RESOURCE_TYPE} and "
            f"{ALIAS_RESOURCE_TYPE}."
        )
    status = str(item.get("configurationItemStatus"))
    deleted = status.startswith(DELETED)
    change = Change(
        item=item,
        difference=invoking_event.get("configurationItemDiff"),
        is_gone=left_scope or deleted or status == NOT_RECORDED,
        is_deleted=deleted,
        timestamp=_timestamp(item, "configurationItemCaptureTime", f"The {field}"),
        is_whole=message_type == CHANGED,
    )
    return scope_of(change)


@dataclass(frozen=True, slots=True)
class Change:
    """A configuration item of a resource that changed; `is_gone` if it is no longer the rule's.

    With `is_whole` it is the item itself, otherwise the summary of one that is too large for an event.
    """

    item: Mapping[str, Any]
    difference: object
    is_gone: bool
    is_deleted: bool
    timestamp: str
    is_whole: bool


def _scope_of_key(change: Change) -> Scope:
    key_id = _text(change.item, "resourceId", "The configuration item")
    if change.is_gone:
        return Scope(change.timestamp, out_of_scope=(key_id,))
    return Scope(change.timestamp, key_ids=(key_id,), item=change.item if change.is_whole else None)


def _scope_of_alias(change: Change) -> Scope:
    name = _alias_name(change.item)
    target = _target_key_id(change.item.get("configuration"))
    key_ids = tuple(dict.fromkeys(filter(None, (target, *_former_target_key_ids(change.difference)))))
    if not (key_ids or change.is_gone or name.startswith(AWS_ALIAS_PREFIX)):
        raise RuleError(
            f"The configuration item of {quoted(name)} does not say which key the alias points to: wait for the next "
            f"scheduled evaluation, or re-evaluate the rule."
        )
    return Scope(
        change.timestamp,
        key_ids=key_ids,
        out_of_scope=(name,) if change.is_gone else (),
        alias=name,
        target="" if change.is_deleted else target,
    )


SCOPE_OF_CHANGE: Mapping[str, Callable[[Change], Scope]] = {
    KEY_RESOURCE_TYPE: _scope_of_key,
    ALIAS_RESOURCE_TYPE: _scope_of_alias,
}


def _alias_name(item: Mapping[str, Any]) -> str:
    configuration = item.get("configuration")
    configured = _either_case(configuration, "AliasName") if isinstance(configuration, Mapping) else None
    # Colons are allowed in an alias, too.
    *_, name_in_arn = str(item.get("ARN")).split(":", COLONS_BEFORE_A_RESOURCE)
    for candidate in (configured, item.get("resourceName"), item.get("resourceId"), name_in_arn):
        if isinstance(candidate, str) and candidate.startswith(ALIAS_PREFIX):
            return candidate
    raise RuleError(f"The configuration item of type {ALIAS_RESOURCE_TYPE} does not name its alias.")


def _target_key_id(configuration: object) -> str:
    """Return the key id an alias's configuration names, by id or by ARN, or nothing."""
    target = _either_case(configuration, "TargetKeyId") if isinstance(configuration, Mapping) else None
    return target.rpartition("/")[2] if isinstance(target, str) else ""


def _former_target_key_ids(difference: object) -> tuple[str, ...]:
    changed = difference.get("changedProperties") if isinstance(difference, Mapping) else None
    if not isinstance(changed, Mapping):
        return ()
    whole = changed.get("Configuration")
    target = _either_case(changed, "Configuration.TargetKeyId", "Configuration.targetKeyId")
    former = (
        _target_key_id(whole.get("previousValue")) if isinstance(whole, Mapping) else "",
        _target_key_id({"TargetKeyId": target.get("previousValue")}) if isinstance(target, Mapping) else "",
    )
    return tuple(filter(None, former))


def _either_case(content: Mapping[str, Any], name: str, other: str = "") -> Any:
    """Look a property up as KMS spells it, else as AWS Config does for the types of its first years."""
    return content.get(name, content.get(other or name[0].lower() + name[1:]))


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RuleError(f"{what} is {quoted(value)}, no JSON object: invoke the function through AWS Config.")
    return value


def _object_in_text(event: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    text = event.get(field)
    if not isinstance(text, str):
        raise RuleError(f"The event's {field} is {quoted(text)}: it must be a JSON object written as text.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"The event's {field} is not JSON ({escaped(str(error))}): {quoted(text)}.") from error
    return _object(content, f"The event's {field}")


def _text(content: Mapping[str, Any], field: str, what: str) -> str:
    value = content.get(field)
    if not isinstance(value, str) or not value:
        # Not repeated, since it may be a result token.
        has = f"has no {field}" if value is None or value == "" else f"has a {field} that is not text"
        raise RuleError(f"{what} {has}: invoke the function through AWS Config.")
    return value


def _timestamp(content: Mapping[str, Any], field: str, what: str) -> str:
    text = _text(content, field, what)
    try:
        _point_in_time(text)
    except (ValueError, OverflowError):
        valid = False
    else:
        valid = TIMESTAMP.fullmatch(text) is not None
    if not valid:
        raise RuleError(f"{what} has the {field} {quoted(text)}, which is no ISO 8601 date and time.")
    return text


def _point_in_time(text: str) -> datetime:
    """Return an ISO 8601 time in UTC; without an offset it is in UTC already, as all of AWS Config's are."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
