"""What the emulated AWS Config answers for an aggregator, asked through boto3's own client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place
from dev.emulator.organization import AGGREGATOR, add_aggregator, add_key

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient

ACCOUNTS = ["111111111111", "222222222222"]
REGIONS = ["eu-west-1", "us-east-1"]
HERE = Place("222222222222", "us-east-1")
POLICY = {"Version": "2012-10-17", "Statement": []}
KEYS = "SELECT accountId, awsRegion, resourceId WHERE resourceType = 'AWS::KMS::Key' ORDER BY accountId, awsRegion"


@pytest.fixture
def aggregator(account: EmulatedAccount) -> EmulatedAccount:
    add_aggregator(account, ACCOUNTS, REGIONS)
    return account


def rows(config: ConfigServiceClient, expression: str, **asked: Any) -> list[Any]:
    answer = config.select_aggregate_resource_config(
        ConfigurationAggregatorName=AGGREGATOR, Expression=expression, **asked
    )
    return [json.loads(row) for row in answer["Results"]]


def error_code(config: ConfigServiceClient, operation: str, **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        getattr(config, operation)(**asked)
    return caught.value.response["Error"]["Code"]


@pytest.mark.usefixtures("kms", "aggregator")
def test_a_query_returns_the_fields_that_it_names_of_every_place_in_order(config: ConfigServiceClient) -> None:
    later, first = add_key(HERE, POLICY), add_key(Place(ACCOUNTS[0], REGIONS[1]), POLICY)
    add_key(Place("999999999999", "us-east-1"), POLICY)
    assert rows(config, KEYS) == [
        {"accountId": "111111111111", "awsRegion": "us-east-1", "resourceId": first},
        {"accountId": "222222222222", "awsRegion": "us-east-1", "resourceId": later},
    ]


@pytest.mark.usefixtures("kms")
def test_a_query_for_policies_returns_them_as_text_unless_it_cannot(
    config: ConfigServiceClient, aggregator: EmulatedAccount
) -> None:
    add_key(HERE, POLICY)
    query = "SELECT configuration, supplementaryConfiguration.Policy WHERE resourceType = 'AWS::KMS::Key'"
    [row] = rows(config, query)
    assert row["configuration"]["keyState"] == "Enabled"
    assert json.loads(json.loads(row["supplementaryConfiguration"]["Policy"])) == POLICY
    aggregator.config.aggregation.selects_policies = False
    assert "supplementaryConfiguration" not in rows(config, query)[0]


@pytest.mark.usefixtures("kms")
def test_aliases_are_items_of_their_own_unless_they_are_not_recorded(
    config: ConfigServiceClient, aggregator: EmulatedAccount
) -> None:
    key_id = add_key(HERE, POLICY, ["alias/otter"])
    query = "SELECT resourceId, configuration WHERE resourceType = 'AWS::KMS::Alias'"
    assert rows(config, query) == [
        {"resourceId": "alias/otter", "configuration": {"AliasName": "alias/otter", "TargetKeyId": key_id}}
    ]
    aggregator.config.aggregation.without_aliases.add(HERE)
    assert rows(config, query) == []


@pytest.mark.usefixtures("kms", "aggregator")
@pytest.mark.parametrize(("asked", "expected"), [({}, [25, 5]), ({"Limit": 20}, [20, 10]), ({"MaxResults": 100}, [30])])
def test_rows_come_in_pages(config: ConfigServiceClient, asked: dict[str, Any], expected: list[int]) -> None:
    for _ in range(30):
        add_key(HERE, POLICY)
    sizes: list[int] = []
    token: dict[str, Any] = {}
    while True:
        answer = config.select_aggregate_resource_config(
            ConfigurationAggregatorName=AGGREGATOR, Expression=KEYS, **asked, **token
        )
        sizes.append(len(answer["Results"]))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == expected


@pytest.mark.usefixtures("aggregator")
@pytest.mark.parametrize(
    "expression",
    [
        "SELECT *",
        "SELECT a FROM b WHERE resourceType = 'AWS::KMS::Key'",
        "SELECT resourceId WHERE resourceType = 'AWS::KMS::Key' ORDER BY accountId",
    ],
)
def test_other_queries_are_refused(config: ConfigServiceClient, expression: str) -> None:
    asked = {"ConfigurationAggregatorName": AGGREGATOR, "Expression": expression}
    assert error_code(config, "select_aggregate_resource_config", **asked) == "InvalidExpressionException"


@pytest.mark.usefixtures("kms")
def test_whole_items_are_those_of_the_place_that_is_named(
    config: ConfigServiceClient, aggregator: EmulatedAccount
) -> None:
    key_id, other = add_key(HERE, POLICY), add_key(HERE, POLICY)
    aggregator.config.unprocessed[other] = 1
    asked: Any = [
        {"SourceAccountId": each, "SourceRegion": "us-east-1", "ResourceId": key, "ResourceType": "AWS::KMS::Key"}
        for each in ACCOUNTS
        for key in (key_id, other)
    ]
    answer = config.batch_get_aggregate_resource_config(
        ConfigurationAggregatorName=AGGREGATOR, ResourceIdentifiers=asked
    )
    assert [item["resourceId"] for item in answer["BaseConfigurationItems"]] == [key_id, other]
    assert answer["UnprocessedResourceIdentifiers"] == [asked[1]]


@pytest.mark.usefixtures("kms")
def test_sources_have_a_status_each_and_the_organization_has_one(
    config: ConfigServiceClient, aggregator: EmulatedAccount
) -> None:
    aggregator.config.aggregation.statuses[HERE] = {"LastUpdateStatus": "OUTDATED"}
    aggregator.config.aggregation.statuses[Place(ACCOUNTS[0], REGIONS[0])] = None
    listed = config.describe_configuration_aggregator_sources_status(ConfigurationAggregatorName=AGGREGATOR)
    found = [
        (each["SourceType"], each["SourceId"], each.get("AwsRegion"), each["LastUpdateStatus"])
        for each in listed["AggregatedSourceStatusList"]
    ]
    assert found == [
        ("ORGANIZATION", "Organization", None, "SUCCEEDED"),
        ("ACCOUNT", "111111111111", "us-east-1", "SUCCEEDED"),
        ("ACCOUNT", "222222222222", "eu-west-1", "SUCCEEDED"),
        ("ACCOUNT", "222222222222", "us-east-1", "OUTDATED"),
    ]


def report(account: EmulatedAccount, config: ConfigServiceClient, compliance: Any, *ids: str) -> None:
    token = account.config.issue_token("KeyPolicies")
    evaluations: list[Any] = [
        {
            "ComplianceResourceType": "AWS::KMS::Key",
            "ComplianceResourceId": each,
            "ComplianceType": compliance,
            "Annotation": "said",
            "OrderingTimestamp": 0,
        }
        for each in ids
    ]
    config.put_evaluations(Evaluations=evaluations, ResultToken=token)


@pytest.mark.usefixtures("emulated")
def test_results_are_told_by_rule_and_place(account: EmulatedAccount, config: ConfigServiceClient) -> None:
    add_aggregator(account, [account.id, *ACCOUNTS], REGIONS)
    rules = config.describe_aggregate_compliance_by_config_rules
    assert rules(ConfigurationAggregatorName=AGGREGATOR)["AggregateComplianceByConfigRules"] == []
    report(account, config, "COMPLIANT", "a")
    report(account, config, "NON_COMPLIANT", "b")
    [rule] = rules(ConfigurationAggregatorName=AGGREGATOR)["AggregateComplianceByConfigRules"]
    assert (rule["ConfigRuleName"], rule["AccountId"], rule["AwsRegion"]) == ("KeyPolicies", account.id, "us-east-1")
    assert rule["Compliance"]["ComplianceType"] == "NON_COMPLIANT"
    other: Any = {"ConfigRuleName": "Other"}
    assert rules(ConfigurationAggregatorName=AGGREGATOR, Filters=other)["AggregateComplianceByConfigRules"] == []
    asked: dict[str, Any] = {"ConfigurationAggregatorName": AGGREGATOR, "ConfigRuleName": "KeyPolicies"}
    details = config.get_aggregate_compliance_details_by_config_rule
    listed = details(**asked, AccountId=account.id, AwsRegion="us-east-1")["AggregateEvaluationResults"]
    assert [(each["ComplianceType"], each["Annotation"], each["AccountId"]) for each in listed] == [
        ("COMPLIANT", "said", account.id),
        ("NON_COMPLIANT", "said", account.id),
    ]
    assert details(**asked, AccountId=ACCOUNTS[0], AwsRegion="us-east-1")["AggregateEvaluationResults"] == []


@pytest.mark.usefixtures("aggregator")
@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("select_aggregate_resource_config", {"Expression": KEYS}),
        ("describe_configuration_aggregator_sources_status", {}),
        ("describe_aggregate_compliance_by_config_rules", {}),
        (
            "get_aggregate_compliance_details_by_config_rule",
            {"ConfigRuleName": "a", "AccountId": "1", "AwsRegion": "us-east-1"},
        ),
    ],
)
def test_an_aggregator_that_is_not_there_is_told_and_so_is_throttling(
    account: EmulatedAccount, operation: str, asked: dict[str, str]
) -> None:
    config = boto3.client("config", config=Config(retries={"total_max_attempts": 1}))
    nobody = {"ConfigurationAggregatorName": "nobody", **asked}
    assert error_code(config, operation, **nobody) == "NoSuchConfigurationAggregatorException"
    name = config.meta.method_to_api_mapping[operation]
    account.config.aggregation.throttled[name] = 1
    here = {**nobody, "ConfigurationAggregatorName": AGGREGATOR}
    assert error_code(config, operation, **here) == "ThrottlingException"
    assert getattr(config, operation)(**here)
