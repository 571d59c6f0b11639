"""Lists come page by page, through boto3's own paginators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dev.emulator.config import EmulatedConfig

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import PaginatorConfigTypeDef

UNKNOWN_KEY = "00000000-0000-0000-0000-000000000000"


def create_keys(kms: KMSClient, count: int) -> list[str]:
    return [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(count)]


def create_aliases(kms: KMSClient, key_id: str, count: int) -> list[str]:
    names = [f"alias/otter-{number:03}" for number in range(count)]
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=key_id)
    return names


# AWS KMS.


@pytest.mark.parametrize(
    ("count", "paging", "expected"),
    [
        (0, {"PageSize": 10}, [0]),
        (1, {"PageSize": 1}, [1]),
        (5, {"PageSize": 1}, [1, 1, 1, 1, 1]),
        (5, {"PageSize": 2}, [2, 2, 1]),
        (6, {"PageSize": 3}, [3, 3]),
        (5, {"PageSize": 1000}, [5]),
        (101, {}, [100, 1]),
    ],
)
def test_keys_come_in_pages(kms: KMSClient, count: int, paging: PaginatorConfigTypeDef, expected: list[int]) -> None:
    keys = create_keys(kms, count)
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig=paging))
    assert [len(page["Keys"]) for page in pages] == expected
    assert [key["KeyId"] for page in pages for key in page["Keys"]] == keys
    assert [page["Truncated"] for page in pages] == [True] * (len(expected) - 1) + [False]
    assert ["NextMarker" in page for page in pages] == [page["Truncated"] for page in pages]


def test_a_listed_key_has_its_arn(kms: KMSClient) -> None:
    created = kms.create_key()["KeyMetadata"]
    assert kms.list_keys()["Keys"] == [{"KeyId": created["KeyId"], "KeyArn": created["Arn"]}]


@pytest.mark.parametrize(
    ("count", "paging", "expected"),
    [
        (0, {"PageSize": 10}, [0]),
        (5, {"PageSize": 2}, [2, 2, 1]),
        (4, {"PageSize": 2}, [2, 2]),
        (51, {}, [50, 1]),
        (51, {"PageSize": 100}, [51]),
    ],
)
def test_the_aliases_of_a_key_come_in_pages(
    kms: KMSClient, count: int, paging: PaginatorConfigTypeDef, expected: list[int]
) -> None:
    key, other = create_keys(kms, 2)
    kms.create_alias(AliasName="alias/other", TargetKeyId=other)
    names = create_aliases(kms, key, count)
    pages = list(kms.get_paginator("list_aliases").paginate(KeyId=key, PaginationConfig=paging))
    assert [len(page["Aliases"]) for page in pages] == expected
    assert [alias["AliasName"] for page in pages for alias in page["Aliases"]] == names
    assert {alias["TargetKeyId"] for page in pages for alias in page["Aliases"]} <= {key}


def test_all_aliases_come_in_pages_with_those_of_aws(kms: KMSClient) -> None:
    [key] = create_keys(kms, 1)
    names = create_aliases(kms, key, 5)
    whole = kms.list_aliases(Limit=100)["Aliases"]
    pages = list(kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 3}))
    assert [alias for page in pages for alias in page["Aliases"]] == whole
    of_aws = {alias["AliasName"] for alias in whole} - set(names)
    assert of_aws
    assert all(name.startswith("alias/aws/") for name in of_aws)


def test_the_size_of_a_page_may_change(kms: KMSClient) -> None:
    keys = create_keys(kms, 5)
    first = kms.list_keys(Limit=1)
    second = kms.list_keys(Limit=1000, Marker=first["NextMarker"])
    assert [key["KeyId"] for page in (first, second) for key in page["Keys"]] == keys


def test_a_list_stays_as_it_was_at_its_first_page(kms: KMSClient) -> None:
    [key] = create_keys(kms, 1)
    names = create_aliases(kms, key, 4)
    first = kms.list_aliases(KeyId=key, Limit=2)
    kms.delete_alias(AliasName=names[0])
    second = kms.list_aliases(KeyId=key, Limit=2, Marker=first["NextMarker"])
    assert [alias["AliasName"] for page in (first, second) for alias in page["Aliases"]] == names
    assert [alias["AliasName"] for alias in kms.list_aliases(KeyId=key)["Aliases"]] == names[1:]


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("list_keys", {"Limit": 0}, "ValidationException"),
        ("list_keys", {"Limit": 1001}, "ValidationException"),
        ("list_keys", {"Marker": "unknown"}, "InvalidMarkerException"),
        ("list_keys", {"Marker": ""}, "ValidationException"),
        ("list_aliases", {"Limit": 0}, "ValidationException"),
        ("list_aliases", {"Limit": 101}, "ValidationException"),
        ("list_aliases", {"Marker": "unknown"}, "InvalidMarkerException"),
        ("list_aliases", {"KeyId": UNKNOWN_KEY}, "NotFoundException"),
    ],
)
def test_a_page_that_cannot_be_is_refused(kms: KMSClient, operation: str, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=rf"\({code}\)") as refused:
        getattr(kms, operation)(**asked)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_marker_belongs_to_its_list(kms: KMSClient) -> None:
    key, other = create_keys(kms, 2)
    create_aliases(kms, key, 2)
    of_keys = kms.list_keys(Limit=1)["NextMarker"]
    of_aliases = kms.list_aliases(KeyId=key, Limit=1)["NextMarker"]
    questions: list[Any] = [{"Marker": of_keys}, {"Marker": of_aliases}, {"Marker": of_aliases, "KeyId": other}]
    for asked in questions:
        with pytest.raises(kms.exceptions.InvalidMarkerException):
            kms.list_aliases(**asked)
    with pytest.raises(kms.exceptions.InvalidMarkerException):
        boto3.client("kms", "eu-west-1").list_keys(Marker=of_keys)


# AWS Config.


@pytest.mark.parametrize(
    ("count", "paging", "expected"),
    [
        (0, {}, [0]),
        (10, {}, [10]),
        (11, {}, [10, 1]),
        (11, {"PageSize": 0}, [10, 1]),
        (5, {"PageSize": 2}, [2, 2, 1]),
        (100, {"PageSize": 100}, [100]),
    ],
)
def test_results_come_in_pages(
    emulated: EmulatedConfig,
    config: ConfigServiceClient,
    rule: str,
    count: int,
    paging: PaginatorConfigTypeDef,
    expected: list[int],
) -> None:
    names = [f"{number:03}" for number in range(count)]
    report(emulated, config, rule, names)
    pages = list(
        config.get_paginator("get_compliance_details_by_config_rule").paginate(
            ConfigRuleName=rule, PaginationConfig=paging
        )
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    qualifiers = [result["EvaluationResultIdentifier"]["EvaluationResultQualifier"] for result in results]
    assert [len(page["EvaluationResults"]) for page in pages] == expected
    assert [qualifier["ResourceId"] for qualifier in qualifiers] == names


def test_a_token_belongs_to_its_question(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    emulated.add_rule("Other")
    report(emulated, config, rule, ["a", "b"])
    token = config.get_compliance_details_by_config_rule(ConfigRuleName=rule, Limit=1)["NextToken"]
    with pytest.raises(config.exceptions.InvalidNextTokenException):
        config.get_compliance_details_by_config_rule(ConfigRuleName="Other", NextToken=token)


def report(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, names: list[str]) -> None:
    evaluations: list[Any] = [
        {
            "ComplianceResourceType": "AWS::KMS::Key",
            "ComplianceResourceId": name,
            "ComplianceType": "COMPLIANT",
            "OrderingTimestamp": 0,
        }
        for name in names
    ]
    if evaluations:
        config.put_evaluations(Evaluations=evaluations, ResultToken=emulated.issue_token(rule))
