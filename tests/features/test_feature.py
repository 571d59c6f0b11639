"""Runs the feature against KMS and AWS Config as moto plays them over HTTP: what a step sets up lives in that account.

"The key" of a step is the one that the scenario named last: the fixture `key_id`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.kms.exceptions import AccessDeniedException
from moto.kms.models import KmsBackend
from pytest_bdd import given, parsers, scenarios, then, when

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.account import EmulatedAccount
from least_privilege.parameters import PARAMETERS
from least_privilege.scenarios import SCENARIOS
from least_privilege.text import RuleError

if TYPE_CHECKING:
    from mypy_boto3_config.type_defs import EvaluationTypeDef
    from mypy_boto3_kms import KMSClient

type Json = dict[str, Any]
type Table = Sequence[Sequence[str]]
type Parameters = Mapping[str, str]
type Outcome = list[EvaluationTypeDef] | RuleError

FEATURE = Path(__file__).parents[2] / "AWSConfigRuleKMS.feature"
ID_OF_A_KEY_THAT_IS_GONE = "8dc556cc-000e-4d91-a876-271c1197461a"
TIMES = {
    "notificationCreationTime": "2026-03-04T21:50:00.373Z",
    "configurationItemCaptureTime": "2026-03-04T21:49:41.212Z",
}

scenarios(str(FEATURE))


# The account


@dataclass(frozen=True, slots=True)
class BeyondMoto:
    account: EmulatedAccount
    unreadable: set[str]

    def set_state(self, key_id: str, state: str) -> None:
        self.account.key(key_id).key_state = state

    def let_aws_manage(self, key_id: str) -> None:
        self.account.key(key_id).key_manager = "AWS"

    def add_aws_managed_key(self, service: str) -> str:
        return self.account.add_aws_managed_key(service)

    def deny_key_policy(self, key_id: str) -> None:
        self.unreadable.add(key_id)


@pytest.fixture
def beyond_moto(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> BeyondMoto:
    """The three things of KMS that moto does not play, set in its server, so that they still travel over HTTP.

    They are key states that no call leads to, keys that AWS manages, and the denial of `kms:GetKeyPolicy`. All else
    that a scenario needs is done by calls of KMS.
    """
    unreadable: set[str] = set()
    get_key_policy = KmsBackend.get_key_policy

    def get_readable_key_policy(self: KmsBackend, key_id: str) -> str:
        if self.get_key_id(key_id) in unreadable:
            raise AccessDeniedException(message="no resource-based policy allows the kms:GetKeyPolicy action")
        return get_key_policy(self, key_id)

    monkeypatch.setattr(KmsBackend, "get_key_policy", get_readable_key_policy)
    return BeyondMoto(account, unreadable)


@cache
def kms_at(endpoint: str) -> KMSClient:
    return boto3.client("kms", endpoint_url=endpoint)


@pytest.fixture
def kms(account: EmulatedAccount) -> KMSClient:
    return kms_at(account.endpoint)


def key_id_of(alias: str, kms: KMSClient) -> str:
    [key_id] = [entry["TargetKeyId"] for entry in kms.list_aliases()["Aliases"] if entry["AliasName"] == alias]
    return key_id


@given("a KMS key without an alias", target_fixture="key_id")
def create_key(kms: KMSClient) -> str:
    # The rule does not ask what a key is for, and moto takes forty times as long to make a symmetric one.
    return kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


@given(parsers.parse('a KMS key with alias "{alias}"'), target_fixture="key_id")
def create_key_with_alias(alias: str, kms: KMSClient) -> str:
    key_id = create_key(kms)
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    return key_id


@given(parsers.parse('a KMS key with alias "{alias}" in the account {account_id}'))
def create_key_with_alias_elsewhere(alias: str, account_id: str, account: EmulatedAccount) -> None:
    sts = boto3.client("sts", endpoint_url=account.endpoint)
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{account_id}:role/Admin", RoleSessionName="alice")["Credentials"]
    elsewhere = boto3.client(
        "kms",
        endpoint_url=account.endpoint,
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    create_key_with_alias(alias, elsewhere)


@given(parsers.parse('the key that AWS manages for "{service}"'), target_fixture="key_id")
def add_aws_managed_key(service: str, beyond_moto: BeyondMoto) -> str:
    return beyond_moto.add_aws_managed_key(service)


@given("the key is managed by AWS")
def let_aws_manage_key(key_id: str, beyond_moto: BeyondMoto) -> None:
    beyond_moto.let_aws_manage(key_id)


@given(parsers.parse('the key has the alias "{alias}" too'))
def add_alias(alias: str, key_id: str, kms: KMSClient) -> None:
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)


@given(parsers.parse('the key had the alias "{alias}" too, which was deleted'))
def add_and_delete_alias(alias: str, key_id: str, kms: KMSClient) -> None:
    add_alias(alias, key_id, kms)
    kms.delete_alias(AliasName=alias)


@given(parsers.parse("the key is in the state {state}"))
def bring_key_into_state(state: str, key_id: str, kms: KMSClient, beyond_moto: BeyondMoto) -> None:
    match state:
        case "Disabled":
            kms.disable_key(KeyId=key_id)
        case "PendingDeletion":
            kms.schedule_key_deletion(KeyId=key_id)
        case _:
            beyond_moto.set_state(key_id, state)


# Its key policies


def listed(cell: str) -> str | list[str]:
    values = [value.strip() for value in cell.split(",")]
    return values if len(values) > 1 else values[0]


def statement(effect: str, cells: Mapping[str, str]) -> Json:
    conditions = {tuple(column.split()): listed(cell) for column, cell in cells.items() if " " in column}
    elements = {column: listed(cell) for column, cell in cells.items() if " " not in column}
    principal = {"Effect": effect, "Principal": {"AWS": "*"}, "Resource": "*"}
    limits = {"Condition": {operator: {key: values} for (operator, key), values in conditions.items()}}
    return principal | elements | (limits if conditions else {})


def rows_of(datatable: Table) -> list[dict[str, str]]:
    columns, *rows = datatable
    return [dict(zip(columns, row, strict=True)) for row in rows]


def statements_of(effect: str, datatable: Table) -> list[Json]:
    rows = [{column: cell for column, cell in row.items() if cell} for row in rows_of(datatable)]
    return [statement(effect, row) for row in rows if row.keys() & {"Action", "NotAction"}]


def put_key_policy(document: str, key_id: str, kms: KMSClient) -> None:
    kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=document)


def key_policy(statements: Sequence[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@given("its key policy allows")
def replace_key_policy(datatable: Table, key_id: str, kms: KMSClient) -> None:
    put_key_policy(key_policy(statements_of("Allow", datatable)), key_id, kms)


@given("its key policy denies")
def add_to_key_policy(datatable: Table, key_id: str, kms: KMSClient) -> None:
    allowing = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])["Statement"]
    put_key_policy(key_policy([*allowing, *statements_of("Deny", datatable)]), key_id, kms)


@given("its key policy is")
def write_key_policy(docstring: str, key_id: str, kms: KMSClient) -> None:
    put_key_policy(docstring, key_id, kms)


@given("reading its key policy is denied")
def deny_key_policy(key_id: str, beyond_moto: BeyondMoto) -> None:
    beyond_moto.deny_key_policy(key_id)


# The rule's parameters


@pytest.fixture
def parameters() -> Parameters:
    return {}


@given("the rule parameters", target_fixture="parameters")
def set_parameters(datatable: Table, parameters: Parameters) -> Parameters:
    return {**parameters, **{row["name"]: row["value"] for row in rows_of(datatable)}}


@given("AWS Config records the keys of the account")
def record_keys(account: EmulatedAccount) -> None:
    account.start_recording()


# The events of AWS Config, in the shapes that it was recorded to send


@dataclass(frozen=True, slots=True)
class AWSConfig:
    """AWS Config with the rule deployed: what it invokes the rule with, and what the rule answers."""

    account: EmulatedAccount
    parameters: Parameters

    def scheduled(self, **fields: Any) -> Outcome:
        return self._invoke({"awsAccountId": self.account.id, **self._message("ScheduledNotification")}, **fields)

    def snapshot_delivered(self) -> Outcome:
        return self._invoke({"s3Bucket": "recordings", **self._message("ConfigurationSnapshotDeliveryCompleted")})

    def changed(self, item: Json, difference: Json | None = None, **fields: Any) -> Outcome:
        message = self._message("ConfigurationItemChangeNotification")
        return self._invoke({"configurationItemDiff": difference, "configurationItem": item, **message}, **fields)

    def changed_oversized(self, item: Json) -> Outcome:
        left_out = ("configuration", "supplementaryConfiguration", "tags", "relationships", "relatedEvents")
        summary = {field: value for field, value in item.items() if field not in left_out}
        message_type = "OversizedConfigurationItemChangeNotification"
        return self._invoke(
            {"configurationItemSummary": {"changeType": "UPDATE", **summary}, "messageType": message_type}
        )

    def key_item(self, key_id: str, status: str = "OK") -> Json:
        """Return an item whose policy is the one that the key was created with, whatever it has become since."""
        arn = self._arn(f"key/{key_id}")
        metadata = {"keyId": key_id, "arn": arn, "enabled": True, "keyState": "Enabled", "keyManager": "CUSTOMER"}
        created = {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}
        item = self._item("AWS::KMS::Key", key_id, arn, status)
        return {**item, "configuration": metadata, "supplementaryConfiguration": {"Policy": key_policy([created])}}

    def alias_item(self, alias: str, key_id: str, status: str = "OK") -> Json:
        item = self._item("AWS::KMS::Alias", alias, self._arn(alias), status)
        return {**item, "configuration": {"AliasName": alias, "TargetKeyId": key_id}}

    def bucket_item(self) -> Json:
        return self._item("AWS::S3::Bucket", "recordings", "arn:aws:s3:::recordings", "OK")

    def _item(self, resource_type: str, resource_id: str, arn: str, status: str) -> Json:
        return {
            "relatedEvents": [],
            "relationships": [],
            "configuration": None,
            "supplementaryConfiguration": {},
            "tags": {},
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": TIMES["configurationItemCaptureTime"],
            "configurationStateId": 1772660981212,
            "awsAccountId": self.account.id,
            "configurationItemStatus": status,
            "resourceType": resource_type,
            "resourceId": resource_id,
            "resourceName": None,
            "ARN": arn,
            "awsRegion": self.account.region,
            "availabilityZone": "Not Applicable",
            "configurationStateMd5Hash": "",
            "resourceCreationTime": "2026-03-04T21:12:04.421Z",
        }

    def _arn(self, resource: str) -> str:
        return f"arn:aws:kms:{self.account.region}:{self.account.id}:{resource}"

    @staticmethod
    def _message(message_type: str) -> Json:
        return {
            "notificationCreationTime": TIMES["notificationCreationTime"],
            "messageType": message_type,
            "recordVersion": "1.3",
        }

    def _invoke(self, invoking_event: Json, **fields: Any) -> Outcome:
        event = {
            "version": "1.0",
            "invokingEvent": json.dumps(invoking_event),
            "ruleParameters": json.dumps(self.parameters),
            "resultToken": "TESTMODE",
            "eventLeftScope": False,
            "executionRoleArn": f"arn:aws:iam::{self.account.id}:role/config-role",
            "configRuleArn": f"arn:aws:config:{self.account.region}:{self.account.id}:config-rule/config-rule-530zrx",
            "configRuleName": "AWSConfigRuleKMS",
            "configRuleId": "config-rule-530zrx",
            "accountId": self.account.id,
            "evaluationMode": "DETECTIVE",
        }
        try:
            return lambda_handler(event | fields, None)
        except RuleError as error:
            return error


@pytest.fixture
def aws_config(account: EmulatedAccount, parameters: Parameters) -> AWSConfig:
    return AWSConfig(account, parameters)


@when("AWS Config triggers a scheduled evaluation", target_fixture="outcome")
def trigger_schedule(aws_config: AWSConfig) -> Outcome:
    return aws_config.scheduled()


@when(parsers.parse("AWS Config triggers a scheduled evaluation of the account {account_id}"), target_fixture="outcome")
def trigger_schedule_elsewhere(account_id: str, aws_config: AWSConfig) -> Outcome:
    recorder = f"arn:aws:iam::{account_id}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    return aws_config.scheduled(accountId=account_id, executionRoleArn=recorder)


@when("AWS Config triggers a proactive evaluation", target_fixture="outcome")
def trigger_proactively(aws_config: AWSConfig) -> Outcome:
    return aws_config.scheduled(evaluationMode="PROACTIVE")


@when("AWS Config delivers a configuration snapshot", target_fixture="outcome")
def deliver_snapshot(aws_config: AWSConfig) -> Outcome:
    return aws_config.snapshot_delivered()


@when(parsers.parse('AWS Config reports a change of the key "{alias}"'), target_fixture="outcome")
def change_key(alias: str, aws_config: AWSConfig, kms: KMSClient) -> Outcome:
    return aws_config.changed(aws_config.key_item(key_id_of(alias, kms)))


@when(parsers.parse('AWS Config reports an oversized change of the key "{alias}"'), target_fixture="outcome")
def change_key_oversized(alias: str, aws_config: AWSConfig, kms: KMSClient) -> Outcome:
    return aws_config.changed_oversized(aws_config.key_item(key_id_of(alias, kms)))


@when(parsers.parse("AWS Config reports the key as {status}"), target_fixture="outcome")
def delete_key(status: str, key_id: str, aws_config: AWSConfig) -> Outcome:
    unread: Json = {"configuration": None, "supplementaryConfiguration": {}}
    return aws_config.changed(aws_config.key_item(key_id, status) | unread)


@when("AWS Config reports that the key left the rule's scope", target_fixture="outcome")
def take_key_out_of_scope(key_id: str, aws_config: AWSConfig) -> Outcome:
    return aws_config.changed(aws_config.key_item(key_id), eventLeftScope=True)


@when(parsers.parse('AWS Config reports a change of the alias "{alias}"'), target_fixture="outcome")
def change_alias(alias: str, aws_config: AWSConfig, kms: KMSClient) -> Outcome:
    return aws_config.changed(aws_config.alias_item(alias, key_id_of(alias, kms)))


@when(
    parsers.parse('AWS Config reports that the alias "{alias}" was moved from the key "{former}"'),
    target_fixture="outcome",
)
def move_alias(alias: str, former: str, aws_config: AWSConfig, kms: KMSClient) -> Outcome:
    return moved(alias, key_id_of(former, kms), key_id_of(alias, kms), aws_config)


@when(
    parsers.parse('AWS Config reports that the alias "{alias}" was moved from a key that is gone'),
    target_fixture="outcome",
)
def move_alias_from_a_key_that_is_gone(alias: str, aws_config: AWSConfig, kms: KMSClient) -> Outcome:
    return moved(alias, ID_OF_A_KEY_THAT_IS_GONE, key_id_of(alias, kms), aws_config)


def moved(alias: str, former_key_id: str, key_id: str, aws_config: AWSConfig) -> Outcome:
    target = {"previousValue": former_key_id, "updatedValue": key_id, "changeType": "UPDATE"}
    difference = {"changedProperties": {"Configuration.TargetKeyId": target}, "changeType": "UPDATE"}
    return aws_config.changed(aws_config.alias_item(alias, key_id), difference)


@when(parsers.parse('AWS Config reports the alias "{alias}" of the key as {status}'), target_fixture="outcome")
def delete_alias(alias: str, status: str, key_id: str, aws_config: AWSConfig) -> Outcome:
    return aws_config.changed(aws_config.alias_item(alias, key_id, status))


@when("AWS Config reports a change of a resource of type AWS::S3::Bucket", target_fixture="outcome")
def change_bucket(aws_config: AWSConfig) -> Outcome:
    return aws_config.changed(aws_config.bucket_item())


# What the rule reports


@pytest.fixture
def evaluations(outcome: Outcome) -> list[EvaluationTypeDef]:
    assert not isinstance(outcome, RuleError), outcome
    assert {evaluation["ComplianceResourceType"] for evaluation in outcome} == {"AWS::KMS::Key"}
    assert all(len(evaluation["Annotation"]) <= 256 for evaluation in outcome)
    return outcome


def with_key_id(text: str, request: pytest.FixtureRequest) -> str:
    return text.replace("{key id}", request.getfixturevalue("key_id")) if "{key id}" in text else text


@then(parsers.parse('the rule reports "{resource_id}" as {compliance}'), target_fixture="evaluation")
def reports_one(
    resource_id: str, compliance: str, evaluations: list[EvaluationTypeDef], request: pytest.FixtureRequest
) -> EvaluationTypeDef:
    [evaluation] = evaluations
    assert evaluation["ComplianceResourceId"] == with_key_id(resource_id, request)
    assert evaluation["ComplianceType"] == compliance
    return evaluation


@then("the rule reports", target_fixture="evaluation")
def reports_several(
    datatable: Table, evaluations: list[EvaluationTypeDef], request: pytest.FixtureRequest
) -> EvaluationTypeDef:
    rows = [{column: with_key_id(cell, request) for column, cell in row.items()} for row in rows_of(datatable)]
    by_id = {evaluation["ComplianceResourceId"]: evaluation for evaluation in evaluations}
    assert len(by_id) == len(evaluations)
    compliances = {resource_id: evaluation["ComplianceType"] for resource_id, evaluation in by_id.items()}
    assert compliances == {row["resource id"]: row["compliance"] for row in rows}
    for row in rows:
        assert_begins_with(by_id[row["resource id"]], row["annotation begins with"])
    return by_id[rows[-1]["resource id"]]


@then(parsers.parse('the annotation begins with "{sentence}"'))
def annotation_begins_with(sentence: str, evaluation: EvaluationTypeDef, request: pytest.FixtureRequest) -> None:
    assert_begins_with(evaluation, with_key_id(sentence, request))


def assert_begins_with(evaluation: EvaluationTypeDef, sentence: str) -> None:
    sentence_said, _, _ = evaluation["Annotation"].partition(" [")
    assert sentence_said == sentence


@then(parsers.parse('the annotation mentions "{text}"'))
def annotation_mentions(text: str, evaluation: EvaluationTypeDef) -> None:
    assert text in evaluation["Annotation"]


@then(parsers.parse("the evaluation is ordered by the event's {time}"))
def ordered_by(time: str, evaluation: EvaluationTypeDef) -> None:
    assert evaluation["OrderingTimestamp"] == TIMES[time]


@then("no key policy was read from KMS")
def check_calls(account: EmulatedAccount) -> None:
    calls = set(map(str, account.config.calls))
    assert "config:BatchGetResourceConfig" in calls
    assert not calls & {"kms:DescribeKey", "kms:GetKeyPolicy"}


@then(parsers.parse("beside the key's aliases, {names} was asked"))
def asked_beside_aliases(names: str, account: EmulatedAccount) -> None:
    calls = Counter(map(str, account.config.calls))
    reading = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListKeys", "config:BatchGetResourceConfig")
    assert ", ".join(name for name in reading for _ in range(calls[name])) == names.replace("nothing", "")
    assert calls["config:PutEvaluations"] == 1


@then(parsers.parse('the rule raises an error that begins with "{text}"'))
def raises(text: str, outcome: Outcome) -> None:
    assert isinstance(outcome, RuleError)
    assert str(outcome).startswith(text)


# The file itself


def test_every_row_of_the_table_of_scenarios_is_in_the_feature() -> None:
    named = re.findall(r"^  Scenario(?: Outline)?: (.+)$", FEATURE.read_text(), re.MULTILINE)
    assert {row.name for row in SCENARIOS} <= set(named)


def test_the_eight_scenarios_of_the_post_come_first_and_in_its_order() -> None:
    named = re.findall(r"^  Scenario(?: Outline)?: (.+)$", FEATURE.read_text(), re.MULTILINE)
    of_the_post = sorted((row.number, row.name) for row in SCENARIOS if row.number)
    assert named[:8] == [name for _, name in of_the_post]


def test_the_header_documents_every_parameter_in_order() -> None:
    header, _, _ = FEATURE.read_text().partition("Background:")
    assert tuple(re.findall(r"^    \| (\w+) +\| (?:yes|no) ", header, re.MULTILINE)) == tuple(PARAMETERS)
