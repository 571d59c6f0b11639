"""AWS Config's aggregators: what they know of other accounts and Regions, and when it goes wrong.

moto keeps the aggregators themselves (`PutConfigurationAggregator` and the like). This answers what is asked of them:
`SelectAggregateResourceConfig` for keys and aliases, `BatchGetAggregateResourceConfig`,
`DescribeConfigurationAggregatorSourcesStatus`, `DescribeAggregateComplianceByConfigRules` and
`GetAggregateComplianceDetailsByConfigRule`. Items are as new as KMS, and results as AWS Config's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.config.exceptions import InvalidNextTokenException, NoSuchConfigurationAggregatorException
from moto.config.models import ConfigAggregator, ConfigRule, config_backends
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow

from dev.emulator.calls import Call, Place, answering
from dev.emulator.items import ALIAS_RESOURCE_TYPE, Item, item_of_key, items_at
from dev.emulator.pages import Page, Pages

# https://docs.aws.amazon.com/config/latest/developerguide/query-components.html, as far as anybody asks here.
NAMES = r"\w[\w.]*(?:\s*,\s*\w[\w.]*)*"
QUERY = re.compile(
    rf"\s*SELECT\s+(?P<fields>{NAMES})\s+WHERE\s+resourceType\s*=\s*'(?P<type>[\w:]+)'"
    rf"(?:\s+ORDER\s+BY\s+(?P<order>{NAMES}))?\s*"
)

type Held = Callable[[ConfigRule], Sequence[dict[str, Any]]]


@dataclass(eq=False, slots=True)
class EmulatedAggregation:
    """What the aggregators of all accounts know, and what a test makes of it.

    * `organization`: the ids of the accounts of an aggregator whose source is an organization.
    * `regions`: the Regions of an aggregator of all Regions.
    * `statuses`: what is said of a source by its place, otherwise than that it has just been updated: fields that
      replace those of the status, or `None` for a source that the aggregator does not have.
    * `organization_status`: the same of the organization as a whole.
    * `without_aliases`: the places whose recorder records no aliases.
    * `selects_policies`: whether queries return the policy of a key.
    * `throttled`: how often more an operation answers that it is asked too often, by its name.
    * `items` and `leaves_unprocessed` are those of the emulated AWS Config, and `held` are a rule's results there.
    """

    items: Mapping[str, Item | None]
    leaves_unprocessed: Callable[[str], bool]
    held: Held
    organization: list[str] = field(default_factory=list, init=False)
    regions: list[str] = field(default_factory=list, init=False)
    statuses: dict[Place, Mapping[str, Any] | None] = field(default_factory=dict, init=False)
    organization_status: dict[str, Any] = field(default_factory=dict, init=False)
    without_aliases: set[Place] = field(default_factory=set, init=False)
    selects_policies: bool = field(default=True, init=False)
    throttled: dict[str, int] = field(default_factory=dict, init=False)
    _pages: Pages = field(default_factory=Pages, init=False)

    def operations(self) -> list[tuple[type[BaseResponse], str, Callable[[BaseResponse], ActionResult]]]:
        """Return what is to be added to moto: the class, the operation's name there, and what answers."""
        answers: Mapping[str, Callable[[Call], dict[str, Any]]] = {
            "select_aggregate_resource_config": self._select,
            "batch_get_aggregate_resource_config": self._batch_get,
            "describe_configuration_aggregator_sources_status": self._describe_sources,
            "describe_aggregate_compliance_by_config_rules": self._describe_compliance,
            "get_aggregate_compliance_details_by_config_rule": self._get_details,
        }
        return [(ConfigResponse, name, answering(self._unless_throttled(answer))) for name, answer in answers.items()]

    def reset(self) -> None:
        """Forget all that is here; aggregators are moto's to forget."""
        for noted in (self.organization, self.regions, self.statuses, self.organization_status):
            noted.clear()
        self.without_aliases.clear()
        self.throttled.clear()
        self._pages.clear()
        self.selects_policies = True

    # The operations.

    def _select(self, call: Call) -> dict[str, Any]:
        """https://docs.aws.amazon.com/config/latest/APIReference/API_SelectAggregateResourceConfig.html."""
        places = self._places(call)
        query = QUERY.fullmatch(call.parameters["Expression"])
        fields = _names(query["fields"]) if query else []
        order = _names(query["order"] or "") if query else []
        if not query or not set(order) <= set(fields):
            raise JsonRESTError("InvalidExpressionException", "The expression is not one that can be answered here")
        size = call.parameters.get("Limit") or call.parameters.get("MaxResults") or 25
        page = self._page(call, size, lambda: self._selected(places, query["type"], fields, order))
        return {
            "Results": page.items,
            "QueryInfo": {"SelectFields": [{"Name": name} for name in fields]},
            "NextToken": page.token,
        }

    def _selected(self, places: Sequence[Place], resource_type: str, fields: list[str], order: list[str]) -> list[str]:
        found = [item for place in places for item in self._recorded(resource_type, place)]
        found.sort(key=lambda item: [item[name] for name in order])
        return [json.dumps(_projected(item, fields)) for item in found]

    def _recorded(self, resource_type: str, place: Place) -> Iterator[Item]:
        if resource_type == ALIAS_RESOURCE_TYPE and place in self.without_aliases:
            return
        for item in items_at(resource_type, place, self.items):
            yield item if self.selects_policies else {**item, "supplementaryConfiguration": {}}

    def _batch_get(self, call: Call) -> dict[str, Any]:
        """https://docs.aws.amazon.com/config/latest/APIReference/API_BatchGetAggregateResourceConfig.html."""
        places = self._places(call)
        asked: Sequence[Mapping[str, str]] = call.parameters["ResourceIdentifiers"]
        left = [each for each in asked if self.leaves_unprocessed(each["ResourceId"])]
        found = [
            item_of_key(each["ResourceId"], place, self.items)
            for each in asked
            if each not in left and (place := Place(each["SourceAccountId"], each["SourceRegion"])) in places
        ]
        return {
            "BaseConfigurationItems": [item for item in found if item is not None],
            "UnprocessedResourceIdentifiers": left,
        }

    def _describe_sources(self, call: Call) -> dict[str, Any]:
        """https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigurationAggregatorSourcesStatus.html."""
        aggregator = _aggregator(call)
        places = self._places(call)
        page = self._page(call, call.parameters.get("Limit") or 100, lambda: self._statuses(aggregator, places))
        return {"AggregatedSourceStatusList": page.items, "NextToken": page.token}

    def _statuses(self, aggregator: ConfigAggregator, places: Sequence[Place]) -> list[dict[str, Any]]:
        now = {"LastUpdateStatus": "SUCCEEDED", "LastUpdateTime": utcnow()}
        listed = [
            {"SourceId": place.account_id, "SourceType": "ACCOUNT", "AwsRegion": place.region, **now}
            | dict(self.statuses.get(place) or {})
            for place in places
        ]
        if aggregator.organization_aggregation_source:
            whole = {"SourceId": "Organization", "SourceType": "ORGANIZATION", **now, **self.organization_status}
            listed.insert(0, whole)
        return listed

    def _describe_compliance(self, call: Call) -> dict[str, Any]:
        """Tell the rules that have results.

        https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeAggregateComplianceByConfigRules.html
        """
        places = self._places(call)
        wanted = call.parameters.get("Filters", {}).get("ConfigRuleName")
        page = self._page(call, call.parameters.get("Limit") or 1000, lambda: [*self._compliance(places, wanted)])
        return {"AggregateComplianceByConfigRules": page.items, "NextToken": page.token}

    def _compliance(self, places: Sequence[Place], wanted: str | None) -> Iterator[dict[str, Any]]:
        for place in places:
            for name, rule in config_backends[place.account_id][place.region].config_rules.items():
                types = {result["ComplianceType"] for result in self.held(rule)}
                if types and wanted in (None, name):
                    compliance = "NON_COMPLIANT" if "NON_COMPLIANT" in types else "COMPLIANT"
                    yield {
                        "ConfigRuleName": name,
                        "Compliance": {"ComplianceType": compliance},
                        "AccountId": place.account_id,
                        "AwsRegion": place.region,
                    }

    def _get_details(self, call: Call) -> dict[str, Any]:
        """https://docs.aws.amazon.com/config/latest/APIReference/API_GetAggregateComplianceDetailsByConfigRule.html."""
        asked = call.parameters
        place = Place(asked["AccountId"], asked["AwsRegion"])
        rule = config_backends[place.account_id][place.region].config_rules.get(asked["ConfigRuleName"])
        if place not in self._places(call):
            rule = None
        page = self._page(call, asked.get("Limit") or 50, lambda: self.held(rule) if rule else [])
        placed = {"AccountId": place.account_id, "AwsRegion": place.region}
        return {
            "AggregateEvaluationResults": [{**result, **placed} for result in page.items],
            "NextToken": page.token,
        }

    # What the operations need.

    def _unless_throttled(self, answer: Callable[[Call], dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
        def patient(call: Call) -> dict[str, Any]:
            if self.throttled.get(call.operation):
                self.throttled[call.operation] -= 1
                raise JsonRESTError("ThrottlingException", "Rate exceeded")
            return answer(call)

        return patient

    def _page(self, call: Call, size: int, listing: Callable[[], Sequence[Any]]) -> Page:
        return self._pages.page(
            call,
            token=call.parameters.get("NextToken"),
            size=size,
            listing=listing,
            refusal=InvalidNextTokenException(),
        )

    def _places(self, call: Call) -> list[Place]:
        """Return the accounts and Regions that the aggregator of a call collects from, in order."""
        aggregator = _aggregator(call)
        sources: list[Any] = [*(aggregator.account_aggregation_sources or ())]
        organization = aggregator.organization_aggregation_source
        pairs = [(source.account_ids, source) for source in sources]
        pairs += [(self.organization, organization)] if organization else []
        places = [
            Place(account_id, region)
            for account_ids, source in pairs
            for account_id in account_ids
            for region in source.aws_regions or self.regions
        ]
        return [place for place in sorted(places) if self.statuses.get(place, {}) is not None]


def _aggregator(call: Call) -> ConfigAggregator:
    aggregators = config_backends[call.place.account_id][call.place.region].config_aggregators
    name = call.parameters["ConfigurationAggregatorName"]
    if name not in aggregators:
        raise NoSuchConfigurationAggregatorException
    return aggregators[name]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _projected(item: Item, fields: Sequence[str]) -> dict[str, Any]:
    """Return those fields of an item, a dotted one within an object; `configuration` is an object in an answer."""
    projected: dict[str, Any] = {}
    for name in fields:
        first, _, rest = name.partition(".")
        value = item.get(first)
        if first == "configuration" and isinstance(value, str):
            value = json.loads(value)
        if not rest:
            projected |= {first: value} if value is not None else {}
        elif isinstance(value, Mapping) and rest in value:
            projected.setdefault(first, {})[rest] = value[rest]
    return projected
