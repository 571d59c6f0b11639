"""What `PutEvaluations` leaves behind, and what `GetComplianceDetailsByConfigRule` tells of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dev.emulator.calls import Place
from dev.emulator.config import EmulatedConfig

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import EvaluationTypeDef

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"


def evaluation(resource_id: str = "a", compliance: str = COMPLIANT, minute: int = 0, **changes: Any) -> Any:
    """Make an evaluation that AWS Config accepts, but for `changes`; a change to `None` leaves the field out."""
    fields = {
        "ComplianceResourceType": "AWS::KMS::Key",
        "ComplianceResourceId": resource_id,
        "ComplianceType": compliance,
        "OrderingTimestamp": NOON + timedelta(minutes=minute),
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def held(config: ConfigServiceClient, rule: str, **question: Any) -> dict[tuple[str, str], str]:
    pages = config.get_paginator("get_compliance_details_by_config_rule").paginate(ConfigRuleName=rule, **question)
    results = [result for page in pages for result in page["EvaluationResults"]]
    qualifiers = [result["EvaluationResultIdentifier"]["EvaluationResultQualifier"] for result in results]
    resources = [(qualifier["ResourceType"], qualifier["ResourceId"]) for qualifier in qualifiers]
    assert len(set(resources)) == len(resources)
    return dict(zip(resources, (result["ComplianceType"] for result in results), strict=True))


def ids(results: dict[tuple[str, str], str]) -> dict[str, str]:
    return {resource_id: compliance for (_, resource_id), compliance in results.items()}


# What is kept.


def test_a_result_has_the_shape_that_aws_documents(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    given = evaluation("alias/otter", NON_COMPLIANT, Annotation="Too much.")
    put = config.put_evaluations(Evaluations=[given], ResultToken=emulated.issue_token(rule))
    assert put["FailedEvaluations"] == []

    answer = config.get_compliance_details_by_config_rule(ConfigRuleName=rule)
    [result] = answer["EvaluationResults"]
    invoked, recorded = result.pop("ConfigRuleInvokedTime"), result.pop("ResultRecordedTime")
    assert before <= invoked <= recorded <= datetime.now(UTC)
    assert result == {
        "EvaluationResultIdentifier": {
            "EvaluationResultQualifier": {
                "ConfigRuleName": rule,
                "ResourceType": "AWS::KMS::Key",
                "ResourceId": "alias/otter",
                "EvaluationMode": "DETECTIVE",
            },
            "OrderingTimestamp": NOON,
        },
        "ComplianceType": "NON_COMPLIANT",
        "Annotation": "Too much.",
    }
    assert "NextToken" not in answer


def test_a_result_without_an_annotation_shows_none(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    config.put_evaluations(Evaluations=[evaluation()], ResultToken=emulated.issue_token(rule))
    [result] = config.get_compliance_details_by_config_rule(ConfigRuleName=rule)["EvaluationResults"]
    assert "Annotation" not in result


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ([(COMPLIANT, 1)], COMPLIANT),
        ([(COMPLIANT, 1), (NON_COMPLIANT, 2)], NON_COMPLIANT),
        ([(COMPLIANT, 1), (NON_COMPLIANT, 1)], NON_COMPLIANT),
        ([(COMPLIANT, 2), (NON_COMPLIANT, 1)], COMPLIANT),
        ([(NOT_APPLICABLE, 1)], None),
        ([(COMPLIANT, 1), (NOT_APPLICABLE, 2)], None),
        ([(COMPLIANT, 2), (NOT_APPLICABLE, 1)], COMPLIANT),
        ([(COMPLIANT, 1), (NOT_APPLICABLE, 3), (NON_COMPLIANT, 2)], None),
        ([(COMPLIANT, 1), (NOT_APPLICABLE, 2), (NON_COMPLIANT, 3)], NON_COMPLIANT),
    ],
)
@pytest.mark.parametrize("size", [1, 100], ids=["call by call", "in one call"])
def test_the_newest_result_counts(
    emulated: EmulatedConfig,
    config: ConfigServiceClient,
    rule: str,
    reported: list[tuple[str, int]],
    expected: str | None,
    size: int,
) -> None:
    token = emulated.issue_token(rule)
    for batch in batched([evaluation("a", *report) for report in reported], size):
        config.put_evaluations(Evaluations=batch, ResultToken=token)
    assert ids(held(config, rule)).get("a") == expected


def test_results_are_kept_by_resource_type_and_id(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    evaluations = [
        evaluation("a", COMPLIANT),
        evaluation("a", NON_COMPLIANT, ComplianceResourceType="AWS::KMS::Alias"),
        evaluation("b", NON_COMPLIANT),
        evaluation("123456789012", COMPLIANT, ComplianceResourceType="AWS::::Account"),
    ]
    config.put_evaluations(Evaluations=evaluations, ResultToken=emulated.issue_token(rule))
    assert held(config, rule) == {
        ("AWS::KMS::Key", "a"): COMPLIANT,
        ("AWS::KMS::Alias", "a"): NON_COMPLIANT,
        ("AWS::KMS::Key", "b"): NON_COMPLIANT,
        ("AWS::::Account", "123456789012"): COMPLIANT,
    }


def test_results_are_kept_by_rule_region_and_account(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    member = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/r", RoleSessionName="rule")
    keys = member["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], emulated.home.region)
    places = [
        (config, "Other", emulated.home),
        (boto3.client("config", "eu-west-1"), rule, Place(emulated.home.account_id, "eu-west-1")),
        (session.client("config"), rule, Place("111122223333", emulated.home.region)),
    ]
    for number, (client, name, place) in enumerate(places):
        emulated.add_rule(name, place=place)
        token = emulated.issue_token(name, place)
        client.put_evaluations(Evaluations=[evaluation(str(number))], ResultToken=token)
    assert [[*ids(held(client, name))] for client, name, _ in places] == [["0"], ["1"], ["2"]]
    assert held(config, rule) == {}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"a", "b"}),
        ({"ComplianceTypes": []}, {"a", "b"}),
        ({"ComplianceTypes": [COMPLIANT]}, {"a"}),
        ({"ComplianceTypes": [NON_COMPLIANT]}, {"b"}),
        ({"ComplianceTypes": [COMPLIANT, NON_COMPLIANT]}, {"a", "b"}),
        ({"ComplianceTypes": [NOT_APPLICABLE]}, set()),
    ],
)
def test_results_are_filtered(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, asked: dict[str, Any], expected: set[str]
) -> None:
    evaluations = [evaluation("a", COMPLIANT), evaluation("b", NON_COMPLIANT), evaluation("c", NOT_APPLICABLE)]
    config.put_evaluations(Evaluations=evaluations, ResultToken=emulated.issue_token(rule))
    assert ids(held(config, rule, **asked)).keys() == expected


def test_a_deleted_rule_takes_its_results_with_it(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    config.put_evaluations(Evaluations=[evaluation()], ResultToken=emulated.issue_token(rule))
    config.delete_config_rule(ConfigRuleName=rule)
    with pytest.raises(config.exceptions.NoSuchConfigRuleException):
        held(config, rule)
    emulated.add_rule(rule)
    assert held(config, rule) == {}


def test_many_functions_may_report_at_once(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    token = emulated.issue_token(rule)
    names = [f"{number:03}" for number in range(400)]

    def report(batch: tuple[str, ...]) -> None:
        config.put_evaluations(Evaluations=[evaluation(name) for name in batch], ResultToken=token)

    with ThreadPoolExecutor(8) as functions:
        list(functions.map(report, batched(names, 20)))
    assert list(ids(held(config, rule, PaginationConfig={"PageSize": 100}))) == names


# What is given back.


@pytest.mark.parametrize(("times", "refusals"), [(0, 0), (1, 1), (2, 2), (None, 4)])
def test_a_refused_evaluation_comes_back_and_the_others_are_kept(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, times: int | None, refusals: int
) -> None:
    token = emulated.issue_token(rule)
    refused: EvaluationTypeDef = evaluation("b", NON_COMPLIANT, Annotation="Why.")
    emulated.refuse("b", times)
    failed = [
        config.put_evaluations(Evaluations=[evaluation("a"), refused], ResultToken=token)["FailedEvaluations"]
        for _ in range(4)
    ]
    assert failed == [[refused]] * refusals + [[]] * (4 - refusals)
    assert ids(held(config, rule)) == {"a": COMPLIANT} | ({"b": NON_COMPLIANT} if refusals < 4 else {})


def test_a_refusal_can_be_ended(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    emulated.refuse("a")
    emulated.refuse("a", times=0)
    put = config.put_evaluations(Evaluations=[evaluation()], ResultToken=emulated.issue_token(rule))
    assert put["FailedEvaluations"] == []


# Result tokens.


def test_a_token_serves_many_calls(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    token = emulated.issue_token(rule)
    for name in "abc":
        config.put_evaluations(Evaluations=[evaluation(name)], ResultToken=token)
    assert ids(held(config, rule)).keys() == {"a", "b", "c"}


def test_a_token_belongs_to_its_place(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    elsewhere = Place(emulated.home.account_id, "eu-west-1")
    emulated.add_rule(rule, place=elsewhere)
    for token in ("unknown", "TESTMODE", emulated.issue_token(rule, elsewhere)):
        with pytest.raises(config.exceptions.InvalidResultTokenException):
            config.put_evaluations(Evaluations=[evaluation()], ResultToken=token)
    assert held(config, rule) == {}


@pytest.mark.parametrize("made_anew", [False, True])
def test_a_token_ends_with_its_rule(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, *, made_anew: bool
) -> None:
    token = emulated.issue_token(rule)
    config.delete_config_rule(ConfigRuleName=rule)
    if made_anew:
        emulated.add_rule(rule)
    with pytest.raises(config.exceptions.NoSuchConfigRuleException):
        config.put_evaluations(Evaluations=[evaluation()], ResultToken=token)


def test_only_a_rule_has_tokens(emulated: EmulatedConfig) -> None:
    with pytest.raises(LookupError, match="123456789012 has no rule Unknown in us-east-1"):
        emulated.issue_token("Unknown")


@pytest.mark.parametrize("token", ["TESTMODE", ""])
def test_test_mode_takes_any_token_and_changes_nothing(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, token: str
) -> None:
    emulated.refuse("a", times=1)
    dry_run = config.put_evaluations(Evaluations=[evaluation()], ResultToken=token, TestMode=True)
    assert dry_run["FailedEvaluations"] == []
    assert held(config, rule) == {}
    put = config.put_evaluations(Evaluations=[evaluation()], ResultToken=emulated.issue_token(rule))
    assert put["FailedEvaluations"] == [evaluation()]


@pytest.mark.parametrize("test_mode", [False, True])
def test_a_call_needs_a_token(config: ConfigServiceClient, *, test_mode: bool) -> None:
    request: Any = {"Evaluations": [evaluation()], "TestMode": test_mode}
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        config.put_evaluations(**request)


# What is refused.


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"Annotation": "x"}, None),
        ({"Annotation": "x" * 256}, None),
        ({"Annotation": "x" * 257}, "ValidationException"),
        ({"Annotation": ""}, "ValidationException"),
        ({"ComplianceResourceId": "x" * 768}, None),
        ({"ComplianceResourceId": "x" * 769}, "ValidationException"),
        ({"ComplianceResourceId": ""}, "ValidationException"),
        ({"ComplianceResourceId": None}, "ValidationException"),
        ({"ComplianceType": "INSUFFICIENT_DATA"}, "InvalidParameterValueException"),
        ({"ComplianceType": "ERROR"}, "ValidationException"),
        ({"ComplianceType": "compliant"}, "ValidationException"),
        ({"ComplianceType": None}, "ValidationException"),
        ({"OrderingTimestamp": None}, "ValidationException"),
        ({"ComplianceResourceType": "AWS::KMS::Kez"}, "InvalidParameterValueException"),
        ({"ComplianceResourceType": ""}, "ValidationException"),
        ({"ComplianceResourceType": None}, "ValidationException"),
    ],
)
@pytest.mark.parametrize("test_mode", [False, True])
def test_one_evaluation_outside_of_the_limits_refuses_all(
    emulated: EmulatedConfig,
    config: ConfigServiceClient,
    rule: str,
    *,
    changes: dict[str, Any],
    code: str | None,
    test_mode: bool,
) -> None:
    request: dict[str, Any] = {
        "Evaluations": [evaluation("good"), evaluation("odd", **changes)],
        "ResultToken": emulated.issue_token(rule),
        "TestMode": test_mode,
    }
    if code is None:
        assert config.put_evaluations(**request)["FailedEvaluations"] == []
        assert len(held(config, rule)) == (0 if test_mode else 2)
        return
    with pytest.raises(ClientError, match=rf"\({code}\)") as refused:
        config.put_evaluations(**request)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert held(config, rule) == {}


@pytest.mark.parametrize(
    ("count", "code"), [(0, "InvalidParameterValueException"), (1, None), (100, None), (101, "ValidationException")]
)
def test_a_call_holds_1_to_100_evaluations(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str, count: int, code: str | None
) -> None:
    request: dict[str, Any] = {
        "Evaluations": [evaluation(str(number)) for number in range(count)],
        "ResultToken": emulated.issue_token(rule),
    }
    if code is None:
        config.put_evaluations(**request)
        assert len(held(config, rule)) == count
        return
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        config.put_evaluations(**request)
    assert held(config, rule) == {}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"ConfigRuleName": "Unknown"}, "NoSuchConfigRuleException"),
        ({"ConfigRuleName": None}, "ValidationException"),
        ({"ConfigRuleName": ""}, "ValidationException"),
        ({"Limit": 101}, "ValidationException"),
        ({"Limit": -1}, "ValidationException"),
        ({"NextToken": "unknown"}, "InvalidNextTokenException"),
        ({"ComplianceTypes": ["INSUFFICIENT_DATA"]}, "InvalidParameterValueException"),
        ({"ComplianceTypes": ["PASSED"]}, "ValidationException"),
        ({"ComplianceTypes": [COMPLIANT] * 4}, "ValidationException"),
    ],
)
def test_a_question_outside_of_the_limits_is_refused(
    config: ConfigServiceClient, rule: str, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        config.get_compliance_details_by_config_rule(**{"ConfigRuleName": rule} | asked)
