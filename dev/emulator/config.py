"""AWS Config as the emulated account needs it: results that are kept, lists that have pages, and a record of calls.

moto plays AWS KMS and most of AWS Config, but keeps no evaluation results and has a single page for every list.
`EmulatedConfig` adds these operations to moto's own response classes for as long as a `with` block lasts: AWS Config's
`PutEvaluations`, `GetComplianceDetailsByConfigRule`, `DescribeConfigRuleEvaluationStatus`,
`StartConfigRulesEvaluation` and, for keys, which moto does not record, `BatchGetResourceConfig`; what aggregators are
asked (`dev.emulator.aggregator`); and the pages of AWS KMS's `ListKeys` and `ListAliases`. Clients reach them over HTTP
like all of moto. Rules, keys and aliases remain moto's: what `PutConfigRule`, `DeleteConfigRule` or `CreateKey` does
there counts here.

The limits of a request are those of botocore's model of the service, so they are AWS's own. Beyond them nothing is
limited: not how often a client may call, nor who may.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Self
from unittest.mock import patch

from moto.config.exceptions import (
    InvalidNextTokenException,
    InvalidParameterValueException,
    InvalidResultTokenException,
    NoSuchConfigRuleException,
    ValidationException,
)
from moto.config.models import ConfigRule, SourceDetail, config_backends
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow
from moto.kms.responses import KmsResponse

from dev.emulator.aggregator import EmulatedAggregation
from dev.emulator.calls import Call, Place, answering, checked_call
from dev.emulator.evaluations import Invocation, Result, check_evaluation
from dev.emulator.items import KEY_RESOURCE_TYPE, item_of_key
from dev.emulator.pages import Pages, PageSize

LOGGER = logging.getLogger(__name__)

LISTED_COMPLIANCE = frozenset({"COMPLIANT", "NON_COMPLIANT"})

# moto refuses a custom rule whose function it does not have, but asks nothing of a managed rule without parameters.
MANAGED_SOURCE = {"Owner": "AWS", "SourceIdentifier": "CMK_BACKING_KEY_ROTATION_ENABLED"}
MESSAGE_TYPES = (
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
    "ScheduledNotification",
)

# moto's own, even where an `EmulatedConfig` is installed.
MOTO_LIST_KEYS = KmsResponse.list_keys
MOTO_LIST_ALIASES = KmsResponse.list_aliases


type _Resource = tuple[str, str]


def _do_nothing(_rule_name: str) -> None:
    pass


@dataclass(eq=False, slots=True)
class EmulatedConfig:
    """What AWS Config holds, in every account and Region that moto plays, and what a test makes it do.

    `home` is the place that a method means where it is given none. Everything here may be used by several threads.

    * `calls`: every request that reached the server, of any service, in the order of arrival; refused ones too.
    * `evaluations`: the name of each rule that a `StartConfigRulesEvaluation` started to evaluate.
    * `items`: what AWS Config has recorded of a key, by key id, otherwise than it is in KMS now: fields that replace
      those of the item, or `None` for a key that it has not recorded.
    * `statuses`: what AWS Config says of a rule's runs, by its name, otherwise than it was: fields that replace those
      of the status, and `None` leaves one out.
    * `unprocessed`: how often more a `BatchGetResourceConfig` leaves a key unprocessed, by key id.
    * `aggregation`: what aggregators know of all that is here.
    * `on_evaluation`: is called with each of these names. It has returned when the client gets its answer, and may
      itself call the server. What it raises is logged and kept from the client, as AWS Config keeps it.
    """

    home: Place
    calls: list[Call] = field(default_factory=list, init=False)
    evaluations: list[str] = field(default_factory=list, init=False)
    items: dict[str, Mapping[str, Any] | None] = field(default_factory=dict, init=False)
    statuses: dict[str, Mapping[str, object]] = field(default_factory=dict, init=False)
    unprocessed: dict[str, int] = field(default_factory=dict, init=False)
    on_evaluation: Callable[[str], object] = field(default=_do_nothing, init=False)
    aggregation: EmulatedAggregation = field(init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _invocations: dict[str, Invocation] = field(default_factory=dict, init=False)
    _evaluated: dict[str, datetime] = field(default_factory=dict, init=False)
    _results: dict[str, dict[_Resource, Result]] = field(default_factory=dict, init=False)
    _refusals: dict[str, float] = field(default_factory=dict, init=False)
    _pages: Pages = field(default_factory=Pages, init=False)

    def __post_init__(self) -> None:
        """Let aggregators see what is here."""
        self.aggregation = EmulatedAggregation(
            self.items, self._leaves_unprocessed, lambda rule: self._list_results(rule, LISTED_COMPLIANCE)
        )

    # What AWS does by itself, and what a test wants to happen.

    @contextmanager
    def install(self) -> Iterator[Self]:
        """Add the operations to moto until the block ends, for every server and mock of this process.

        Of two that are installed at once, both record the calls, and the later one answers them.
        """
        operations: list[tuple[type[BaseResponse], str, object]] = [
            (BaseResponse, "setup_class", self._recording(BaseResponse.setup_class)),
            (ConfigResponse, "put_evaluations", answering(self._put_evaluations)),
            (ConfigResponse, "get_compliance_details_by_config_rule", answering(self._get_compliance_details)),
            (ConfigResponse, "describe_config_rule_evaluation_status", answering(self._describe_statuses)),
            (ConfigResponse, "batch_get_resource_config", answering(self._batch_get_resource_config)),
            (ConfigResponse, "start_config_rules_evaluation", answering(self._start_evaluations)),
            *self.aggregation.operations(),
            (KmsResponse, "list_keys", self._paging(MOTO_LIST_KEYS, "Keys", PageSize(100, 1000))),
            (KmsResponse, "list_aliases", self._paging(MOTO_LIST_ALIASES, "Aliases", PageSize(50, 100))),
        ]
        with ExitStack() as changes:
            for response_class, name, operation in operations:
                # Some of the names are new to moto.
                changes.enter_context(patch.object(response_class, name, operation, create=True))
            yield self

    def reset(self) -> None:
        """Forget all that is here; rules are moto's to forget."""
        with self._lock:
            self.on_evaluation = _do_nothing
            self.calls.clear()
            self.evaluations.clear()
            self.items.clear()
            self.statuses.clear()
            self.unprocessed.clear()
            self._invocations.clear()
            self._evaluated.clear()
            self._results.clear()
            self._refusals.clear()
            self._pages.clear()
            self.aggregation.reset()

    def add_rule(self, name: str, parameters: Mapping[str, str] | None = None, place: Place | None = None) -> None:
        """Create a custom Lambda rule among moto's, with `parameters` as its input parameters.

        The rule names a function that is called like itself and, unlike with `PutConfigRule`, need not exist. A rule
        that had the name before is replaced, and its results and tokens go with it.
        https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigRule.html
        """
        account_id, region = place or self.home
        rule = ConfigRule(account_id, region, {"ConfigRuleName": name, "Source": MANAGED_SOURCE}, {})
        rule.source.owner = "CUSTOM_LAMBDA"
        rule.source.source_identifier = f"arn:aws:lambda:{region}:{account_id}:function:{name}"
        rule.source.source_details = [SourceDetail("aws.config", message_type) for message_type in MESSAGE_TYPES]
        rule.input_parameters = json.dumps(dict(parameters or {}))
        config_backends[account_id][region].config_rules[name] = rule

    def issue_token(self, rule_name: str, place: Place | None = None) -> str:
        """Return a new result token, as AWS Config puts one into the event of each invocation of a rule.

        It serves any number of `PutEvaluations` calls at `place` for as long as the rule exists. Their results carry
        the present time as the one at which the rule was invoked. Raise `LookupError` if there is no such rule.
        """
        place = place or self.home
        rule = _find_rule(rule_name, place)
        if rule is None:
            raise LookupError(f"Account {place.account_id} has no rule {rule_name} in {place.region}")
        token = secrets.token_urlsafe()
        self._invocations[token] = Invocation(place, rule_name, rule.config_rule_arn, utcnow())
        return token

    def refuse(self, resource_id: str, times: int | None = None) -> None:
        """Let the next `times` evaluations of `resource_id` come back in `FailedEvaluations`: `None` is for ever.

        They are not stored, the others of the same call are. This replaces what was said of the id before; 0 ends it.
        Test mode neither refuses nor counts. AWS leaves open what makes an evaluation come back.
        https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html
        """
        with self._lock:
            self._refusals[resource_id] = math.inf if times is None else times

    # The operations. Each takes a request that is within the limits of its model, and returns the answer.

    def _put_evaluations(self, call: Call) -> dict[str, Any]:
        """Store the results of an invocation; whatever is wrong with one of them refuses all.

        https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html and API_Evaluation.html. That an
        empty list is refused is as in moto.
        """
        evaluations: Sequence[Mapping[str, Any]] = call.parameters.get("Evaluations", ())
        if not evaluations:
            raise InvalidParameterValueException("The request holds no evaluations")
        for evaluation in evaluations:
            check_evaluation(evaluation)
        if call.parameters.get("TestMode"):
            return {"FailedEvaluations": []}
        invocation = self._find_invocation(call.parameters["ResultToken"], call.place)
        with self._lock:
            self._evaluated[invocation.rule_arn] = utcnow()
            return {"FailedEvaluations": [each for each in evaluations if not self._accept(each, invocation)]}

    def _get_compliance_details(self, call: Call) -> dict[str, Any]:
        """List the results of a rule but for those that are not applicable, by resource type and id.

        https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html
        """
        rule = _existing_rule(call.parameters["ConfigRuleName"], call.place)
        compliance_types = frozenset(call.parameters.get("ComplianceTypes") or LISTED_COMPLIANCE)
        if "INSUFFICIENT_DATA" in compliance_types:
            raise InvalidParameterValueException("Results cannot be filtered by INSUFFICIENT_DATA")
        page = self._pages.page(
            call,
            token=call.parameters.get("NextToken"),
            size=call.parameters.get("Limit") or 10,
            listing=lambda: self._list_results(rule, compliance_types),
            refusal=InvalidNextTokenException(),
        )
        return {"EvaluationResults": page.items, "NextToken": page.token}

    def _describe_statuses(self, call: Call) -> dict[str, Any]:
        """Return when the named rules were last invoked, and when they last reported.

        https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRuleEvaluationStatus.html. That
        there is one for custom rules is not documented, but seen.
        """
        names: Sequence[str] = call.parameters.get("ConfigRuleNames", ())
        if not names:
            raise InvalidParameterValueException("Only the status of named rules can be asked for here")
        return {"ConfigRulesEvaluationStatus": [self._status(_existing_rule(name, call.place)) for name in names]}

    def _status(self, rule: ConfigRule) -> dict[str, Any]:
        invocations = [each.time for each in self._invocations.values() if each.rule_arn == rule.config_rule_arn]
        evaluated = self._evaluated.get(rule.config_rule_arn)
        return {
            "ConfigRuleName": rule.config_rule_name,
            "ConfigRuleArn": rule.config_rule_arn,
            "ConfigRuleId": rule.config_rule_id,
            "LastSuccessfulInvocationTime": max(invocations, default=None),
            "LastSuccessfulEvaluationTime": evaluated,
            "FirstEvaluationStarted": bool(invocations),
            **self.statuses.get(str(rule.config_rule_name), {}),
        }

    def _batch_get_resource_config(self, call: Call) -> dict[str, Any]:
        """Return the items of those keys that are recorded, with each policy as JSON text within JSON text.

        https://docs.aws.amazon.com/config/latest/APIReference/API_BatchGetResourceConfig.html; the shape of an item's
        policy is that of a recorded history item.
        """
        keys: Sequence[Mapping[str, str]] = call.parameters["resourceKeys"]
        left = [key for key in keys if self._leaves_unprocessed(key["resourceId"])]
        found = [
            item_of_key(key["resourceId"], call.place, self.items)
            for key in keys
            if key not in left and key["resourceType"] == KEY_RESOURCE_TYPE
        ]
        return {
            "baseConfigurationItems": [item for item in found if item is not None],
            "unprocessedResourceKeys": left,
        }

    def _leaves_unprocessed(self, resource_id: str) -> bool:
        with self._lock:
            times = self.unprocessed.get(resource_id, 0)
            if times:
                self.unprocessed[resource_id] = times - 1
            return times > 0

    def _start_evaluations(self, call: Call) -> dict[str, Any]:
        """Start to evaluate every named rule, or none if one of them does not exist.

        https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html. That a request which
        names no rule is refused is an assumption.
        """
        names: Sequence[str] = call.parameters.get("ConfigRuleNames", ())
        if not names:
            raise InvalidParameterValueException("The request names no rule")
        for name in names:
            _existing_rule(name, call.place)
        for name in names:
            self._start_evaluation(name)
        return {}

    def _paging(
        self, list_all: Callable[[KmsResponse], str], member: str, size: PageSize
    ) -> Callable[[KmsResponse], ActionResult]:
        """Return an operation that hands out in pages what moto's `list_all` has under `member`, in moto's order.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html and API_ListAliases.html
        """

        def answer(response: KmsResponse) -> ActionResult:
            call = checked_call(response)
            limit = call.parameters.get("Limit", size.default)
            if limit > size.largest:
                raise ValidationException(f"'{call.operation}.Limit' must be {size.largest} at most, not {limit}")
            page = self._pages.page(
                call,
                token=call.parameters.get("Marker"),
                size=limit,
                listing=lambda: json.loads(list_all(response))[member],
                refusal=JsonRESTError("InvalidMarkerException", "No page of this list gave the marker"),
            )
            return ActionResult({member: page.items, "NextMarker": page.token, "Truncated": page.token is not None})

        return answer

    # What the operations need.

    def _recording(self, read_request: Callable[..., None]) -> Callable[..., None]:
        def setup_class(response: BaseResponse, *arguments: Any, **options: Any) -> None:
            read_request(response, *arguments, **options)
            self.calls.append(Call.of(response))

        return setup_class

    def _find_invocation(self, token: str, place: Place) -> Invocation:
        invocation = self._invocations.get(token)
        if invocation is None or invocation.place != place:
            raise InvalidResultTokenException
        # A rule that was deleted and then created anew has another ARN.
        if _existing_rule(invocation.rule_name, place).config_rule_arn != invocation.rule_arn:
            raise NoSuchConfigRuleException(invocation.rule_name)
        return invocation

    def _accept(self, evaluation: Mapping[str, Any], invocation: Invocation) -> bool:
        """Store an evaluation unless it is to be refused, and return whether it was accepted.

        One with an older `OrderingTimestamp` never replaces a newer one, be that `NOT_APPLICABLE`, and is accepted all
        the same. This is an assumption: AWS documents what the time is of, but not what it does.
        """
        resource = evaluation["ComplianceResourceType"], evaluation["ComplianceResourceId"]
        refusals = self._refusals.get(resource[1], 0)
        if refusals:
            self._refusals[resource[1]] = refusals - 1
            return False
        results = self._results.setdefault(invocation.rule_arn, {})
        held = results.get(resource)
        if held is None or held.evaluation["OrderingTimestamp"] <= evaluation["OrderingTimestamp"]:
            results[resource] = Result(evaluation, invocation, utcnow())
        return True

    def _list_results(self, rule: ConfigRule, compliance_types: frozenset[str]) -> list[dict[str, Any]]:
        with self._lock:
            held = sorted(self._results.get(rule.config_rule_arn, {}).items())
        listed = LISTED_COMPLIANCE & compliance_types
        return [result.listed() for _, result in held if result.evaluation["ComplianceType"] in listed]

    def _start_evaluation(self, rule_name: str) -> None:
        self.evaluations.append(rule_name)
        try:
            self.on_evaluation(rule_name)
        except Exception:
            LOGGER.exception("The evaluation of %s failed", rule_name)


def _find_rule(name: str, place: Place) -> ConfigRule | None:
    return config_backends[place.account_id][place.region].config_rules.get(name)


def _existing_rule(name: str, place: Place) -> ConfigRule:
    rule = _find_rule(name, place)
    if rule is None:
        raise NoSuchConfigRuleException(name)
    return rule
