"""Every call of KMS, AWS Config and STS, with the role that fits the event."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any, TypedDict

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

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
from least_privilege.parameters import EXECUTION_ROLE
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
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

LOGGER = logging.getLogger("AWSConfigRuleKMS")

KEYS_PER_PAGE = 1000
ALIASES_PER_PAGE = 100
RESULTS_PER_PAGE = 100
MAX_ATTEMPTS_AT_ITEMS = 3
SESSION_SECONDS = 900  # the longest that Lambda lets a function run, and the shortest session that STS gives
ACCOUNT_IN_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]+):")
OWN_ROLE = "the function's own role"
# After these, no further evaluation would be taken either.
FINAL_REFUSALS = DENIED | {INVALID_TOKEN, NO_SUCH_RULE}

type Resource = tuple[str, str]


class AbandonedError(Exception):
    """Raised in the threads of an evaluation that the handler has ended without; no person is told a second time."""


class Session(TypedDict, total=False):
    """The credentials of an assumed role, as `boto3.client` takes them; empty for the function's own role."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


def client_config(connections: int) -> Config:
    """Return the settings of every client, for this many threads.

    KMS throttles per account, so a scheduled run meets throttling that others cause and must outlast it: eight
    attempts back off for about a minute. The mode is `legacy`, because in `standard` all threads share one budget of
    retries, and once that is spent each throttled call fails at once.

    KMS answers within milliseconds and AWS Config within a second or two, so after three seconds without a connection
    or ten without an answer a call has failed. One that hangs at every attempt would still hold its thread for over
    two minutes: what keeps it from eating the invocation is that others do not wait for it (`BoundedReader`) and that
    the handler waits for nothing beyond its time (`Deadline`).

    The rest saves processor time, of which 256 MB have little: botocore takes a fifth of what it needs for a call to
    write its user agent, and a twentieth to check parameters that are constant or came from AWS.
    """
    return Config(
        retries={"mode": "legacy", "total_max_attempts": 8},
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=connections,
        user_agent="AWSConfigRuleKMS",
        parameter_validation=False,
    )


class Account:
    """The account and Region whose keys are judged, reached with the role that fits the event."""

    def __init__(self, kms: KMSClient, config: ConfigServiceClient, role: str) -> None:
        """Take the two clients, and for error messages the name of the role that they work with."""
        self._kms = kms
        self._config = config
        self._role = role

    @classmethod
    def open(cls, request: Request, function_account: str | None, threads: int) -> Account:
        """Open the account of the request, from a function that runs in `function_account` (None: in the same).

        As many as `threads` may call it at once. STS is called only where the event is for another account or
        `ExecutionRoleName` is given. Raises `RuleError` where the role may not be assumed, or is of another account
        than the event.
        """
        elsewhere = function_account is not None and request.account_id not in ("", function_account)
        if not elsewhere and not request.parameters.execution_role_name:
            return cls._with_credentials(OWN_ROLE, threads, {})
        role_arn = request.role_to_assume
        if request.account_id not in ("", account_in(role_arn)):
            raise RuleError(
                f"The role {quoted(role_arn)} is not of the event's account {quoted(request.account_id)}, whose keys "
                f"it is to read: invoke the function through AWS Config."
            )
        return cls._with_credentials(f"the role {role_arn}", threads, _assume_role(role_arn))

    @classmethod
    def _with_credentials(cls, role: str, threads: int, session: Session) -> Account:
        settings = client_config(threads)
        with explained("creating the clients of KMS and AWS Config", role):
            return cls(
                boto3.client("kms", config=settings, **session),
                boto3.client("config", config=settings, **session),
                role,
            )

    def refuse_requests_after(self, ended: Event) -> None:
        """Send no further request once `ended` is set, because the handler has ended without this evaluation.

        Whatever was about to be sent, be it another attempt at a call that hung, raises `AbandonedError` instead.
        """

        def refuse(**_request: object) -> None:
            if ended.is_set():
                raise AbandonedError

        for client in (self._kms, self._config):
            client.meta.events.register("before-send", refuse)

    # Keys -----------------------------------------------------------------------------------------------------------

    def key_ids(self) -> Iterator[str]:
        """Yield the id of every key of the account and Region, those that AWS manages included.

        Raises `RuleError` where they cannot be listed.
        """
        with explained("kms:ListKeys", self._role):
            pages = self._kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": KEYS_PER_PAGE})
            for page in pages:
                yield from (key["KeyId"] for key in _listed(page, "Keys"))

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return the alias names of every key that has any, by key id. Raises `RuleError` if they cannot be listed."""
        targets: dict[str, str] = {}
        with explained("kms:ListAliases", self._role):
            pages = self._kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": ALIASES_PER_PAGE})
            for page in pages:
                # An alias that moves meanwhile may be listed twice; what comes later is newer.
                listed = (alias for alias in _listed(page, "Aliases") if "TargetKeyId" in alias)
                targets |= {alias["AliasName"]: alias["TargetKeyId"] for alias in listed}
        found: dict[str, tuple[str, ...]] = {}
        for name, key_id in targets.items():
            found[key_id] = (*found.get(key_id, ()), name)
        return found

    def aliases_of(self, key_id: str) -> tuple[str, ...] | None:
        """Return the alias names of one key, or None where the key does not exist (any more).

        Raises `RuleError` where they cannot be listed.
        """
        paginator = self._kms.get_paginator("list_aliases")
        with explained(f"kms:ListAliases of key {escaped(key_id)}", self._role):
            try:
                pages = list(paginator.paginate(KeyId=key_id, PaginationConfig={"PageSize": ALIASES_PER_PAGE}))
            except ClientError as error:
                if code_of(error) == NOT_FOUND:
                    return None
                raise
            return tuple(dict.fromkeys(alias["AliasName"] for page in pages for alias in _listed(page, "Aliases")))

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

    def records_keys(self) -> bool:
        """Return whether AWS Config's recorder is recording. Raises `RuleError` where AWS Config does not say."""
        with explained("config:DescribeConfigurationRecorderStatus", self._role):
            recorders = _member(self._config.describe_configuration_recorder_status(), "ConfigurationRecordersStatus")
            return any(recorder.get("recording") for recorder in recorders)

    def recorded(self, key_ids: Sequence[str], aliases: Aliases) -> dict[str, Key]:
        """Return those of at most 100 keys whose state, manager and policy AWS Config has recorded, by id.

        Keys that throttling, an internal error of AWS Config or the way to it keeps back are left out. Raises
        `RuleError` where AWS Config refuses to be read.
        """
        found: dict[str, Key] = {}
        with explained("config:BatchGetResourceConfig", self._role):
            try:
                for item in self._items(key_ids):
                    key = recorded_key(item, aliases)
                    found |= {key.id: key} if key else {}
            except FAILURES as error:
                if isinstance(error, ClientError) and not passes(error):
                    raise
                LOGGER.warning("Items of AWS Config could not be read, so KMS is asked: %s", reason_of(error))
        return found

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
                failed = set(map(resource_of, _failed_evaluations(response)))
            except FAILURES as error:
                if isinstance(error, ClientError) and code_of(error) in FINAL_REFUSALS:
                    raise
                return set(map(resource_of, evaluations)), reason_of(error)
        return failed, "AWS Config returned them as failed"

    def stored_results(self, rule_name: str, until: datetime) -> Iterator[Resource]:
        """Yield the resource type and id of each result, compliant or not, that AWS Config holds for the rule.

        Those that events after `until` brought are left out, unless they claim to be of the future. Raises `RuleError`
        where they cannot be listed.
        """
        with explained("config:GetComplianceDetailsByConfigRule", self._role):
            for result in stored_results(self._config, rule_name):
                identifier = result["EvaluationResultIdentifier"]
                newer = until < identifier.get("OrderingTimestamp", until) <= datetime.now(UTC)
                if not newer:
                    qualifier = identifier["EvaluationResultQualifier"]
                    yield qualifier["ResourceType"], qualifier["ResourceId"]


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


def _assume_role(role_arn: str) -> Session:
    with explained(f"creating the client of STS for {role_arn}", OWN_ROLE):
        sts = boto3.client("sts", config=client_config(1))
    try:
        response = sts.assume_role(
            RoleArn=role_arn, RoleSessionName="AWSConfigRuleKMS", DurationSeconds=SESSION_SECONDS
        )
        return _session(_member(response, "Credentials"))
    except FAILURES as error:
        raise RuleError(
            f"The role {role_arn} cannot be assumed: its trust policy must allow sts:AssumeRole to the function's "
            f"role, whose own policy must allow it too; the recorder's service-linked role never can be, so name "
            f"another in {EXECUTION_ROLE} ({reason_of(error)})."
        ) from None


def _session(credentials: CredentialsTypeDef) -> Session:
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


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
