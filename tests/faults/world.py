"""The emulated account behind the layer, the rule's handler before it, and what each run of it leaves behind."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import batched
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from moto.config.models import config_backends

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import POST_PARAMETERS, change_notification, key_item, rule_event, scheduled_notification
from least_privilege.text import RuleError
from tests.faults.layer import SHORT_READ_TIMEOUT, FaultLayer, Plan, let_pass, refusal
from tests.faults.population import (
    CHANGED,
    KEYS,
    NON_COMPLIANT,
    POLICY_DENIED,
    STALE,
    PopulatedKey,
    Resource,
    backend,
    populate,
    resources_of,
)

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import EvaluationResultTypeDef, EvaluationTypeDef

RULE = "KeyPolicies"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
EARLIER = "What AWS Config held before"

FROM_KMS, FROM_CONFIG, CHANGE = "scheduled, from KMS", "scheduled, from Config", "change of a key"
KINDS = (FROM_KMS, FROM_CONFIG, CHANGE)

# Nothing that AWS would take, but as conspicuous as what is searched for should be.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ASIAFAULTFAULTFAULTS",
    "AWS_SECRET_ACCESS_KEY": "the-secret-access-key-of-the-function",
    "AWS_SESSION_TOKEN": "the-session-token-of-the-function",
}
# So small that few keys make several pages and batches.
SIZES = {"least_privilege.account.KEYS_PER_PAGE": 10, "least_privilege.reading.KEYS_PER_BATCH": 8}

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What AWS Config holds of a resource."""

    compliance: str
    annotation: str


type Results = Mapping[Resource, Result]


class ProcessDiedError(BaseException):
    """Stands for the end of the process: nothing of the rule's catches it."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation of the handler left behind.

    `accepted` are the evaluations that AWS Config took, in their order; `output` is all that was logged, and the
    traceback that Lambda logs of an error.
    """

    accepted: Sequence[Mapping[str, Any]]
    error: RuleError | ProcessDiedError | None
    output: str

    @property
    def message(self) -> str:
        """The sentence of the error, or nothing."""
        return str(self.error) if self.error else ""


def resource_of(evaluation: Mapping[str, Any]) -> Resource:
    """Return the resource type and id of an evaluation."""
    return evaluation["ComplianceResourceType"], evaluation["ComplianceResourceId"]


def result_of(evaluation: Mapping[str, Any]) -> Result:
    """Return what AWS Config holds once it has taken an evaluation."""
    return Result(evaluation["ComplianceType"], evaluation["Annotation"])


def at(minutes: float) -> str:
    """Return the time so many minutes after noon, as AWS Config writes it."""
    return (NOON + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class VirtualTime:
    """Stands for the module `time` where botocore waits between two attempts: nobody waits, but all is written down."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Wait for no time at all."""
        self.slept.append(seconds)


@dataclass(eq=False, slots=True)
class World:
    """All that a row of the matrix needs; `config` is a client that goes past the layer."""

    account: EmulatedAccount
    layer: FaultLayer
    config: ConfigServiceClient
    time: VirtualTime
    _held_before: Results = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)
    _clean: dict[str, Results] = field(default_factory=dict)

    def restore(self) -> None:
        """Bring the account back to where every row begins: the keys, and the results of the day before.

        Whatever is held from before says NON_COMPLIANT, so that it shows which results are new.
        """
        self.layer.begin()
        self.layer.accepted.clear()
        self.layer.standing = {("kms:GetKeyPolicy", POLICY_DENIED.id): refusal("AccessDeniedException", "no")}
        self.time.slept.clear()
        populate(self.account)
        # A rule that is replaced loses its results.
        self.account.config.add_rule(RULE)
        self.account.config.calls.clear()
        resources = sorted({*resources_of(*KEYS), *STALE})
        token = self.account.config.issue_token(RULE)
        for some in batched(map(_evaluation_of_yesterday, resources), 100):
            self.config.put_evaluations(Evaluations=some, ResultToken=token)
        self._held_before = dict.fromkeys(resources, Result(NON_COMPLIANT, EARLIER))

    @property
    def keys(self) -> list[PopulatedKey]:
        """The keys that exist now, of those that the account was populated with."""
        return [key for key in KEYS if key.id in backend(self.account).keys]

    @property
    def held_before(self) -> Results:
        """What AWS Config held before the first run."""
        return self._held_before

    def delete_key(self, key_id: str) -> None:
        """Delete a key at once, with its aliases."""
        backend(self.account).keys.pop(key_id, None)

    def event(self, kind: str, minutes: float = 0, *, item: Json | None = None, **parameters: str) -> Json:
        """Make the event of a kind of invocation, so many minutes after noon, with a result token of its own.

        A change is one of the key `CHANGED`, or what the configuration item says.
        """
        token = self.account.config.issue_token(RULE)
        self._tokens.add(token)
        invoking = (
            change_notification(item or key_item(CHANGED.id, at(minutes)))
            if kind == CHANGE
            else scheduled_notification(at(minutes))
        )
        source = {"ReadKeysFrom": "Config"} if kind == FROM_CONFIG else {}
        given = {**POST_PARAMETERS, **source, **parameters}
        return rule_event(invoking, given, resultToken=token, configRuleName=RULE)

    def invoke(self, event: Json, plan: Plan = let_pass, context: object = None) -> Invocation:
        """Run the handler while the layer decides by `plan`."""
        self.layer.begin(plan)
        return self.invoke_meanwhile(event, context)

    def invoke_meanwhile(self, event: Json, context: object = None) -> Invocation:
        """Run the handler without a change to what the layer decides and counts."""
        before = len(self.layer.accepted)
        error: RuleError | ProcessDiedError | None = None
        with _captured_log() as log:
            try:
                lambda_handler(event, context)
            except (RuleError, ProcessDiedError) as raised:
                error = raised
                log.write("".join(traceback.format_exception(raised)))
        return Invocation(self.layer.accepted[before:], error, log.getvalue())

    def results(self) -> Results:
        """Return the newest result of each resource that AWS Config took, those included that it never lists."""
        times = dict.fromkeys(self._held_before, 0.0)
        results = dict(self._held_before)
        for evaluation in self.layer.accepted:
            resource = resource_of(evaluation)
            if times.get(resource, 0.0) <= evaluation["OrderingTimestamp"]:
                times[resource], results[resource] = evaluation["OrderingTimestamp"], result_of(evaluation)
        return results

    def listed(self) -> Results:
        """Return the results that AWS Config lists."""
        pages = self.config.get_paginator("get_compliance_details_by_config_rule").paginate(
            ConfigRuleName=RULE, PaginationConfig={"PageSize": 100}
        )
        return dict(_listed(result) for page in pages for result in page["EvaluationResults"])

    def clean(self, kind: str) -> Results:
        """Return the results of a run that nothing disturbs; to be asked before anything is done to the account."""
        if kind not in self._clean:
            run = self.invoke(self.event(kind))
            assert run.error is None
            self._clean[kind] = {resource_of(evaluation): result_of(evaluation) for evaluation in run.accepted}
            self.restore()
        return self._clean[kind]

    def secrets_in(self, text: str) -> list[str]:
        """Return the secrets of this account that a text gives away."""
        secrets = {*CREDENTIALS.values(), *self._tokens, *self.layer.issued}
        return [secret for secret in secrets if secret in text]


def _listed(listed: EvaluationResultTypeDef) -> tuple[Resource, Result]:
    qualifier = listed["EvaluationResultIdentifier"]["EvaluationResultQualifier"]
    resource = qualifier["ResourceType"], qualifier["ResourceId"]
    return resource, Result(listed["ComplianceType"], listed["Annotation"])


def _evaluation_of_yesterday(resource: Resource) -> EvaluationTypeDef:
    resource_type, resource_id = resource
    return {
        "ComplianceResourceType": resource_type,
        "ComplianceResourceId": resource_id,
        "ComplianceType": "NON_COMPLIANT",
        "Annotation": EARLIER,
        "OrderingTimestamp": NOON - timedelta(days=1),
    }


@contextmanager
def _captured_log() -> Iterator[StringIO]:
    """Collect what is logged, as Lambda does, at the root and at every level that the loggers let through."""
    text = StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger().addHandler(handler)
    try:
        yield text
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def world_of(account: EmulatedAccount, layer: FaultLayer, endpoint: str) -> Iterator[World]:
    """Lead every client to the layer until the block ends, in virtual time, and start AWS Config's recorder."""
    direct = boto3.client("config", endpoint_url=account.endpoint)
    time = VirtualTime()
    environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, "LOGGING_LEVEL": "DEBUG"}
    with ExitStack() as changes:
        changes.enter_context(patch.dict(os.environ, environment))
        session = boto3.Session()
        session.events.register("before-send", _read_timeouts(layer))
        changes.enter_context(patch("boto3.DEFAULT_SESSION", session))
        changes.enter_context(patch("botocore.endpoint.time", time))
        for name, size in SIZES.items():
            changes.enter_context(patch(name, size))
        _start_recorder(account)
        yield World(account, layer, direct, time)


def _read_timeouts(layer: FaultLayer) -> Any:
    """Make the handler of botocore's events by which nobody really waits for an answer that will not come."""

    def set_timeout(request: Any, **_event: object) -> None:
        hangs = layer.hangs(request.headers, request.body)
        request.context["read_timeout"] = SHORT_READ_TIMEOUT if hangs else None

    return set_timeout


def _start_recorder(account: EmulatedAccount) -> None:
    config = config_backends[account.id][account.region]
    config.put_configuration_recorder({"name": "default", "roleARN": f"arn:aws:iam::{account.id}:role/recorder"})
    config.recorders["default"].status.start()
