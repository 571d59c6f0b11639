"""What `DescribeConfigRuleEvaluationStatus` tells of a rule's runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dev.emulator.config import EmulatedConfig

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient

INVOKED, EVALUATED = "LastSuccessfulInvocationTime", "LastSuccessfulEvaluationTime"
RESULT: Any = {
    "ComplianceResourceType": "AWS::KMS::Key",
    "ComplianceResourceId": "a",
    "ComplianceType": "COMPLIANT",
    "OrderingTimestamp": 0,
}


def status(config: ConfigServiceClient, rule: str) -> dict[str, Any]:
    [told] = config.describe_config_rule_evaluation_status(ConfigRuleNames=[rule])["ConfigRulesEvaluationStatus"]
    return {**told}


@pytest.mark.usefixtures("emulated")
def test_a_new_rule_has_no_times(config: ConfigServiceClient, rule: str) -> None:
    told = status(config, rule)
    [described] = config.describe_config_rules(ConfigRuleNames=[rule])["ConfigRules"]
    names = ("ConfigRuleName", "ConfigRuleArn", "ConfigRuleId")
    assert {name: told[name] for name in names} == {name: described[name] for name in names}  # type: ignore[literal-required]
    assert told["FirstEvaluationStarted"] is False
    assert told.keys().isdisjoint({INVOKED, EVALUATED})


def test_times_are_those_of_the_last_token_and_the_last_results(
    emulated: EmulatedConfig, config: ConfigServiceClient, rule: str
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    token = emulated.issue_token(rule)
    told = status(config, rule)
    assert before <= told[INVOKED] <= datetime.now(UTC)
    assert (told["FirstEvaluationStarted"], EVALUATED in told) == (True, False)
    config.put_evaluations(Evaluations=[RESULT], ResultToken=token, TestMode=True)
    assert EVALUATED not in status(config, rule)
    config.put_evaluations(Evaluations=[RESULT], ResultToken=token)
    assert told[INVOKED] <= status(config, rule)[EVALUATED] <= datetime.now(UTC)


def test_a_test_can_set_what_is_told(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    emulated.issue_token(rule)
    failed = datetime(2026, 5, 4, 12, tzinfo=UTC)
    emulated.statuses[rule] = {INVOKED: None, "LastFailedInvocationTime": failed, "LastErrorCode": "AccessDenied"}
    told = status(config, rule)
    assert (told["LastFailedInvocationTime"], told["LastErrorCode"], INVOKED in told) == (failed, "AccessDenied", False)
    emulated.reset()
    assert emulated.statuses == {}


def test_another_rule_of_the_name_begins_anew(emulated: EmulatedConfig, config: ConfigServiceClient, rule: str) -> None:
    emulated.issue_token(rule)
    emulated.add_rule(rule)
    assert INVOKED not in status(config, rule)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(("names", "code"), [(["Nobody"], "NoSuchConfigRuleException"), ([], "InvalidParameterValue")])
def test_what_does_not_exist_has_no_status(config: ConfigServiceClient, names: list[str], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        config.describe_config_rule_evaluation_status(ConfigRuleNames=names)
