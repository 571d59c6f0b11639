"""Every call for an aggregator of AWS Config. All of them only read, and none reaches a member account."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from kms_rule.errors import CommandError
from kms_rule.sources.live.accounts import Connection, explained
from least_privilege.errors import THROTTLED, code_of
from least_privilege.key import KEY_RESOURCE_TYPE
from least_privilege.text import escaped

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import AggregateResourceIdentifierTypeDef

NO_SUCH_AGGREGATOR = "NoSuchConfigurationAggregatorException"
# The most that AWS Config gives at once.
ROWS_PER_PAGE = 100
SOURCES_PER_PAGE = 100
RESULTS_PER_PAGE = 100
RULES_PER_PAGE = 1000
ITEMS_PER_CALL = 100
MAX_ATTEMPTS_AT_ITEMS = 3
# What tells whose an item is.
WHOSE = ("accountId", "awsRegion", "resourceId")
# In seconds; the client itself has tried for a minute before the first of these.
FIRST_WAIT = 5
MAX_WAIT = 60

# An account, by its id, and a Region.
type Where = tuple[str, str]
type Json = Mapping[str, Any]


class Aggregator:
    """An aggregator of AWS Config in one account and Region.

    However often AWS Config says that it is asked too often, each call waits and goes on. Every method raises
    `CommandError` where there is no such aggregator, or where AWS Config refuses to be read.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        """Take where the aggregator is, and its name there."""
        self._config: ConfigServiceClient = connection.aggregated_config()
        self._region = connection.region
        self.name = name

    def __str__(self) -> str:
        """Return what findings call it."""
        return f"aggregator {escaped(self.name)}"

    def described(self) -> Json:
        """Return what it is to collect from, as `ConfigurationAggregator` of AWS Config's API."""
        with self._explained("DescribeConfigurationAggregators"):
            answer = self._asked("describe_configuration_aggregators", ConfigurationAggregatorNames=[self.name])
            described: Json = answer["ConfigurationAggregators"][0]
            return described

    def sources(self) -> Iterator[Json]:
        """Yield an `AggregatedSourceStatus` for each account and Region, and one for the organization if it is one."""
        yield from self._pages(
            "DescribeConfigurationAggregatorSourcesStatus", "AggregatedSourceStatusList", Limit=SOURCES_PER_PAGE
        )

    def rows(self, expression: str) -> Iterator[Json]:
        """Yield what a query returns, an item of AWS Config or a part of one for each resource."""
        rows = self._pages("SelectAggregateResourceConfig", "Results", Limit=ROWS_PER_PAGE, Expression=expression)
        while True:
            # What a row holds is no fault of whoever takes it.
            with self._explained("SelectAggregateResourceConfig"):
                row = next(rows, None)
                if row is None:
                    return
                item = _item(row)
            yield item

    def items(self, keys: Sequence[tuple[Where, str]]) -> Iterator[Json]:
        """Yield the items of at most 100 keys, each given by where it is and its id; some may be left out."""
        asked: list[AggregateResourceIdentifierTypeDef] = [
            {"SourceAccountId": account, "SourceRegion": region, "ResourceId": key, "ResourceType": KEY_RESOURCE_TYPE}
            for (account, region), key in keys
        ]
        for _ in range(MAX_ATTEMPTS_AT_ITEMS):
            with self._explained("BatchGetAggregateResourceConfig"):
                answer = self._asked(
                    "batch_get_aggregate_resource_config",
                    ConfigurationAggregatorName=self.name,
                    ResourceIdentifiers=asked,
                )
                asked = answer.get("UnprocessedResourceIdentifiers", [])
                found = answer["BaseConfigurationItems"]
            yield from found
            if not asked:
                return

    def rules(self) -> Iterator[Json]:
        """Yield an `AggregateComplianceByConfigRule` for each rule in each place that has results of it."""
        yield from self._pages(
            "DescribeAggregateComplianceByConfigRules", "AggregateComplianceByConfigRules", Limit=RULES_PER_PAGE
        )

    def results(self, rule_name: str, where: Where) -> Iterator[Json]:
        """Yield the `AggregateEvaluationResult`s of a rule in one place."""
        account, region = where
        yield from self._pages(
            "GetAggregateComplianceDetailsByConfigRule",
            "AggregateEvaluationResults",
            ConfigRuleName=rule_name,
            AccountId=account,
            AwsRegion=region,
            Limit=RESULTS_PER_PAGE,
        )

    def _pages(self, operation: str, member: str, **asked: Any) -> Iterator[Any]:
        method = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation)[1:]
        asked["ConfigurationAggregatorName"] = self.name
        while True:
            with self._explained(operation):
                answer = self._asked(method, **asked)
                listed = answer[member]
            yield from listed
            token = answer.get("NextToken")
            if not token:
                return
            if token == asked.get("NextToken"):
                raise CommandError(
                    f"The {self} answers config:{operation} with the same page again and again: run the command again, "
                    f"and look for a proxy between here and AWS."
                )
            asked["NextToken"] = token

    def _asked(self, method: str, **asked: Any) -> dict[str, Any]:
        wait = FIRST_WAIT
        while True:
            try:
                answer: dict[str, Any] = getattr(self._config, method)(**asked)
            except ClientError as error:
                if code_of(error) not in THROTTLED:
                    raise
                time.sleep(wait)
                wait = min(2 * wait, MAX_WAIT)
            else:
                return answer

    @contextmanager
    def _explained(self, operation: str) -> Iterator[None]:
        with explained(f"The {self} cannot be read with config:{operation}"):
            try:
                yield
            except ClientError as error:
                if code_of(error) != NO_SUCH_AGGREGATOR:
                    raise
                raise CommandError(
                    f"There is no {self} in {self._region}: correct its name, or name the Region and role of the "
                    f"account that has it."
                ) from None


def _item(row: str) -> Json:
    """Return the item in a row; raises `LookupError` or `ValueError` where it is none, or does not say whose it is."""
    item: dict[str, Any] = json.loads(row)
    configuration = item.get("configuration")
    # AWS Config answers with an object or, as elsewhere, with JSON in a text.
    read = {"configuration": json.loads(configuration)} if isinstance(configuration, str) else {}
    return item | read | {name: item[name] for name in WHOSE}
