"""Every call of KMS, AWS Config and STS, with the role that fits the event."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from least_privilege.clients import POOL, AbandonedError
from least_privilege.errors import (
    DENIED,
    FAILURES,
    INVALID_TOKEN,
    NO_SUCH_RULE,
    NOT_FOUND,
    UNREADABLE,
    OtherAnswerError,
    code_of,
    explained,
    is_denied,
    passes,
    reason_of,
)
from least_privilege.event import Request
from least_privilege.items import enabled_state, recorded_key
from least_privilege.key import (
    AWS,
    CUSTOMER,
    DISABLED,
    ENABLED,
    KEY_RESOURCE_TYPE,
    Aliases,
    Facts,
    Key,
    UnreadKey,
    VanishedKey,
    managed_by_aws,
)
from least_privilege.scenarios import DESCRIBE_KEY, GET_KEY_POLICY
from least_privilege.text import RuleError, escaped, quoted

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import (
        BaseConfigurationItemTypeDef,
        EvaluationTypeDef,
        PutEvaluationsResponseTypeDef,
        ResourceKeyTypeDef,
    )
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import ListAliasesResponseTypeDef

LOGGER = logging.getLogger("AWSConfigRuleKMS")

KEYS_PER_PAGE = 1000
ALIASES_PER_PAGE = 100
RESULTS_PER_PAGE = 100
MAX_ATTEMPTS_AT_ITEMS = 3
ACCOUNT_IN_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]+):")
# A kept session must last for the event of one key; a scheduled run needs all that Lambda may give it.
LIFETIME_FOR_A_CHANGE = timedelta(minutes=5)
LIFETIME_FOR_EVERY_KEY = timedelta(seconds=890)
RECORDER_FAILED = "failure"
# After these, no further evaluation would be taken either.
FINAL_REFUSALS = DENIED | {INVALID_TOKEN, NO_SUCH_RULE}

type Resource = tuple[str, str]


class RefusedSessionError(RuleError):
    """Raised when AWS no longer takes the credentials of a session that an earlier invocation began."""


class Account:
    """The account and Region whose keys are judged, reached with the role that fits the event."""

    def __init__(
        self,
        kms: KMSClient,
        config: ConfigServiceClient,
        role: str,
        account_id: str = "",
        stopped: Event | None = None,
    ) -> None:
        """Take the two clients, for error messages the name of the role that they work with, and the account's id.

        Once `stopped` is set nothing is logged any more.
        """
        self._kms = kms
        self._config = config
        self._role = role
        self._id = account_id
        self._stopped = stopped or Event()

    @classmethod
    @contextmanager
    def opened(cls, request: Request, function_account: str | None, threads: int, stopped: Event) -> Iterator[Account]:
        """Open the account of the request, from a function that runs in `function_account` (None: in the same).

        As many as `threads` may call it at once. STS is called only where the event is for another account or
        `ExecutionRoleName` is given, and no session of that role is kept. Where the block ends with an error, nothing
        is sent any more. Raises `RuleError` where the role may not be assumed, or is of another account than the event,
        and `RefusedSessionError` where a session of an earlier invocation is no longer taken.
        """
        role_arn = _role_for(request, function_account)
        lifetime = LIFETIME_FOR_EVERY_KEY if request.scope.every_key else LIFETIME_FOR_A_CHANGE
        clients = POOL.take(role_arn, threads, stopped, lifetime)
        try:
            yield cls(clients.kms, clients.config, clients.role, request.account_id, stopped)
        except BaseException as error:
            clients.close()
            if isinstance(error, RuleError) and clients.are_kept and clients.are_refused:
                raise RefusedSessionError(str(error)) from error
            raise
        if stopped.is_set():
            clients.close()
        else:
            POOL.give_back(role_arn, clients)

    # Keys -----------------------------------------------------------------------------------------------------------

    def key_ids(self) -> Iterator[str]:
        """Yield the id of every key of the account and Region, those that AWS manages included.

        Raises `RuleError` where they cannot be listed.
        """
        with explained("kms:ListKeys", self._role):
            pages = self._kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": KEYS_PER_PAGE})
            for page in pages:
                yield from (_member(key, "KeyId", str) for key in _listed(page, "Keys"))

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return the alias names of every key that has any, by key id. Raises `RuleError` if they cannot be listed."""
        targets: dict[str, str] = {}
        with explained("kms:ListAliases", self._role):
            pages = self._kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": ALIASES_PER_PAGE})
            for page in pages:
                # An alias that moves meanwhile may be listed twice; what comes later is newer.
                listed = (alias for alias in _listed(page, "Aliases") if "TargetKeyId" in alias)
                targets |= {_member(alias, "AliasName", str): _member(alias, "TargetKeyId", str) for alias in listed}
        found: dict[str, tuple[str, ...]] = {}
        for name, key_id in targets.items():
            found[key_id] = (*found.get(key_id, ()), name)
        return found

    def aliases_of(self, key_id: str) -> tuple[str, ...] | None:
        """Return the alias names of one key, or None where the key does not exist (any more).

        Raises `RuleError` where they cannot be listed.
        """
        with explained(f"kms:ListAliases of key {escaped(key_id)}", self._role):
            try:
                pages = self._alias_pages_of(key_id)
            except ClientError as error:
                if code_of(error) == NOT_FOUND:
                    return None
                raise
            names = (_member(alias, "AliasName", str) for page in pages for alias in _listed(page, "Aliases"))
            return tuple(dict.fromkeys(names))

    def _alias_pages_of(self, key_id: str) -> Sequence[ListAliasesResponseTypeDef]:
        """Return the pages of a key's aliases, hardly ever more than one.

        A paginator costs some of an event's processor time, and more in a cold start.
        """
        first = self._kms.list_aliases(KeyId=key_id, Limit=ALIASES_PER_PAGE)
        if not first.get("Truncated"):
            return [first]
        paginator = self._kms.get_paginator("list_aliases")
        return list(paginator.paginate(KeyId=key_id, PaginationConfig={"PageSize": ALIASES_PER_PAGE}))

    def described(self, key_id: str, aliases: tuple[str, ...]) -> Key | VanishedKey | UnreadKey:
        """Return a key with its manager and state, which takes one call, or none where AWS manages it.

        A denial is a value in the key; whatever else goes wrong is a value too, so that the other keys are judged.
        """
        if managed_by_aws(aliases):
            return Key(key_id, Facts(aliases, manager=AWS))
        return _read(Key(key_id, Facts(aliases)), DESCRIBE_KEY, self._metadata)

    def with_policy(self, key: Key) -> Key | VanishedKey | UnreadKey:
        """Return a key with its policy, which takes one call; what goes wrong is a value, as in `described`."""
        return _read(key, GET_KEY_POLICY, self._policy)

    def _metadata(self, key: Key) -> Facts:
        metadata = _member(self._kms.describe_key(KeyId=key.id), "KeyMetadata")
        enabled = metadata.get("Enabled")
        described = {"KeyManager": CUSTOMER, "KeyState": DISABLED if enabled is False else ENABLED, **metadata}
        state = enabled_state(_member(described, "KeyState", str), enabled)
        return replace(key.facts, manager=_member(described, "KeyManager", str), state=state)

    def _policy(self, key: Key) -> Facts:
        response = self._kms.get_key_policy(KeyId=key.id, PolicyName="default")
        return replace(key.facts, policy=_member(response, "Policy", str))

    # What AWS Config has recorded -----------------------------------------------------------------------------------

    def recorder_problem(self) -> str:
        """Return why AWS Config's items cannot be trusted to be up to date, or nothing where they can.

        Raises `RuleError` where AWS Config does not say.
        """
        with explained("config:DescribeConfigurationRecorderStatus", self._role):
            recorders = _member(self._config.describe_configuration_recorder_status(), "ConfigurationRecordersStatus")
            recording = [recorder for recorder in recorders if recorder.get("recording")]
            failed = [recorder for recorder in recording if _status(recorder) == RECORDER_FAILED]
        if not recorders:
            return "AWS Config has no recorder"
        if not recording:
            return "AWS Config's recorder is not recording"
        return "AWS Config's recorder says that it failed" if len(failed) == len(recording) else ""

    def recorded(self, key_ids: Sequence[str], aliases: Aliases) -> dict[str, Key]:
        """Return those of at most 100 keys whose state, manager and policy AWS Config has recorded, by id.

        Keys that throttling, an internal error of AWS Config or the way to it keeps back are left out. Raises
        `RuleError` where AWS Config refuses to be read.
        """
        found: dict[str, Key] = {}
        with explained("config:BatchGetResourceConfig", self._role):
            try:
                for item in self._items(key_ids):
                    key = recorded_key(item, aliases, self._id)
                    found |= {key.id: key} if key and key.id in key_ids else {}
            except FAILURES as error:
                if isinstance(error, ClientError) and not passes(error):
                    raise
                if self._stopped.is_set():
                    raise AbandonedError from None
                LOGGER.warning("Items of AWS Config could not be read, so KMS is asked: %s", reason_of(error))
        return found

    def recorded_by(self, item: Mapping[str, Any] | None, aliases: Aliases) -> Key | None:
        """Return the key that an event's item describes, or None where that does not tell all that is needed."""
        return recorded_key(item, aliases, self._id) if item else None

    def _items(self, key_ids: Sequence[str]) -> Iterator[BaseConfigurationItemTypeDef]:
        asked: list[ResourceKeyTypeDef] = [
            {"resourceType": KEY_RESOURCE_TYPE, "resourceId": key_id} for key_id in key_ids
        ]
        for _ in range(MAX_ATTEMPTS_AT_ITEMS):
            response = self._config.batch_get_resource_config(resourceKeys=asked)
            yield from response.get("baseConfigurationItems", ())
            asked = [{**key} for key in response.get("unprocessedResourceKeys", ())]
            if not asked:
                return

    # Evaluations ----------------------------------------------------------------------------------------------------

    def put_evaluations(self, evaluations: Sequence[EvaluationTypeDef], request: Request) -> tuple[set[Resource], str]:
        """Send at most 100 evaluations; return the resource type and id of those that were not taken, and the reason.

        Raises `RuleError` where no further evaluation would be taken either: the token is invalid, the rule deleted,
        or the permission missing.
        """
        time = request.scope.time  # as text, botocore would parse it for each evaluation again
        with explained("config:PutEvaluations", self._role):
            try:
                response = self._config.put_evaluations(
                    Evaluations=[{**item, "OrderingTimestamp": time} for item in evaluations],
                    ResultToken=request.result_token,
                    TestMode=request.test_mode,
                )
                failed = {
                    (_member(item, "ComplianceResourceType", str), _member(item, "ComplianceResourceId", str))
                    for item in _failed_evaluations(response)
                }
            except FAILURES as error:
                if isinstance(error, ClientError) and code_of(error) in FINAL_REFUSALS:
                    raise
                return set(map(resource_of, evaluations)), reason_of(error)
        return failed, "AWS Config returned them as failed"

    def stored_results(self, rule_name: str, until: datetime, began: datetime) -> Iterator[Resource]:
        """Yield the resource type and id of each result, compliant or not, that AWS Config holds for the rule.

        Those are left out that another event has brought meanwhile: recorded after this evaluation `began`, or with an
        ordering timestamp after `until` that does not claim to be of the future. Raises `RuleError` where they cannot
        be listed.
        """
        with explained("config:GetComplianceDetailsByConfigRule", self._role):
            for result in stored_results(self._config, rule_name):
                identifier = result["EvaluationResultIdentifier"]
                newer = until < identifier.get("OrderingTimestamp", until) <= datetime.now(UTC)
                if not newer and result.get("ResultRecordedTime", began) <= began:
                    qualifier = identifier["EvaluationResultQualifier"]
                    yield _member(qualifier, "ResourceType", str), _member(qualifier, "ResourceId", str)


def _role_for(request: Request, function_account: str | None) -> str:
    """Return the ARN of the role to assume for a request, blank where the function's own will do."""
    elsewhere = function_account is not None and request.account_id not in ("", function_account)
    if not elsewhere and not request.parameters.execution_role_name:
        return ""
    role_arn = request.role_to_assume
    if request.account_id not in ("", account_in(role_arn)):
        raise RuleError(
            f"The role {quoted(role_arn)} is not of the event's account {quoted(request.account_id)}, whose keys "
            f"it is to read: invoke the function through AWS Config."
        )
    return role_arn


def _status(recorder: Mapping[str, Any]) -> str:
    return str(recorder.get("lastStatus", "")).lower()


def stored_results(config: ConfigServiceClient, rule_name: str) -> Iterator[Any]:
    """Yield each result, compliant or not, that AWS Config holds for a rule's detective evaluations.

    What the client raises is raised, and `OtherAnswerError` where a page has no results.
    """
    pages = config.get_paginator("get_compliance_details_by_config_rule").paginate(
        ConfigRuleName=rule_name,
        ComplianceTypes=["COMPLIANT", "NON_COMPLIANT"],
        PaginationConfig={"PageSize": RESULTS_PER_PAGE},
    )
    for page in pages:
        for result in _member(page, "EvaluationResults"):
            if result["EvaluationResultIdentifier"]["EvaluationResultQualifier"].get("EvaluationMode") != "PROACTIVE":
                yield result


def account_in(arn: str) -> str | None:
    """Return the account that an ARN names, or None where it names none."""
    found = ACCOUNT_IN_ARN.match(arn)
    return found[1] if found else None


def resource_of(item: Mapping[str, Any] | EvaluationTypeDef) -> Resource:
    """Return the resource type and id of an evaluation."""
    return item["ComplianceResourceType"], item["ComplianceResourceId"]


def _read(key: Key, permission: str, read: Callable[[Key], Facts]) -> Key | VanishedKey | UnreadKey:
    """Return the key with what was read of it, or with this permission noted as denied."""
    try:
        return replace(key, facts=read(key))
    except ClientError as error:
        if is_denied(error):
            return replace(key, facts=replace(key.facts, denied=(*key.facts.denied, permission)))
        return VanishedKey(key.id) if code_of(error) == NOT_FOUND else UnreadKey(key.id, reason_of(error))
    except (BotoCoreError, *UNREADABLE) as error:
        return UnreadKey(key.id, reason_of(error))


def _member(response: Mapping[str, object], name: str, kind: type = object) -> Any:
    """Return a member that the service's model promises; raises `OtherAnswerError` where something else answered."""
    if name not in response or not isinstance(response[name], kind):
        raise OtherAnswerError(member=name)
    return response[name]


def _listed(page: Mapping[str, object], name: str) -> Sequence[Any]:
    """Return what a page of KMS lists; raises `OtherAnswerError` where that is missing, or the way to the next page.

    Of `Truncated` and `NextMarker` a page has both, or the listing would end there in silence.
    """
    items: Sequence[Any] = _member(page, name)
    if page.get("Truncated"):
        _member(page, "NextMarker")
    elif page.get("NextMarker"):
        _member(page, "Truncated")
    return items


def _failed_evaluations(response: PutEvaluationsResponseTypeDef) -> Sequence[Mapping[str, Any]]:
    """Return what `PutEvaluations` answers with; raises `OtherAnswerError` where something else answered.

    AWS does not say that the member is there when nothing failed, but each of its answers over HTTP has a request id.
    """
    metadata = response.get("ResponseMetadata")  # which the answer of a stub has not
    if metadata is not None and "RequestId" not in metadata:
        _member(response, "FailedEvaluations")
    return response.get("FailedEvaluations", ())
