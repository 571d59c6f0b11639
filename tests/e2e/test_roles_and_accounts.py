"""Whose role the deployed function works with, what it says where a role does not suffice, and whose keys it judges.

AWS IAM is moto's own: while it is `enforced`, each call is checked against the policies of the role that signed it, and
`sts:AssumeRole` of a role in the caller's account against that role's trust policy too. A role of another account moto
lets everybody assume, whether it exists or not; `only_roles_that_exist` fixes the latter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.iam.access_control import IAMRequest
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, STSBackend, sts_backends

from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place
from dev.emulator.deployment import FUNCTION_NAME, ConfigService, copy_rule, create_code_bucket, deployed_function, rdk
from dev.emulator.events import (
    POST_PARAMETERS,
    RULE_NAME,
    Json,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from dev.emulator.lambda_runtime import InvocationError, RunningFunction
from tests.e2e.commands import DEPLOY

ADMINISTRATOR = "123456789012"
MEMBER = "222233334444"
REGION = "us-east-1"
MEMBER_RULE = "OrgConfigRule-AWSConfigRuleKMS-otter1"

FUNCTION_ROLE = "otter-function"
FUNCTION_SESSION = f"arn:aws:sts::{ADMINISTRATOR}:assumed-role/{FUNCTION_ROLE}/{FUNCTION_NAME}"
READING = ["kms:ListKeys", "kms:ListAliases", "kms:DescribeKey", "kms:GetKeyPolicy"]
REPORTING = ["config:PutEvaluations", "config:GetComplianceDetailsByConfigRule"]
STS_ASSUME_ROLE = STSBackend.assume_role

type Results = list[tuple[str, str]]


# Two accounts, and the function in one of them.


def role_arn(account_id: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:role/{name}"


def session(account_id: str, role: str = "person", session_name: str = "otter") -> dict[str, Any]:
    """Return the credentials of a role, as `boto3.client` takes them; the role need not exist."""
    credentials = boto3.client("sts").assume_role(RoleArn=role_arn(account_id, role), RoleSessionName=session_name)
    return {
        "aws_access_key_id": credentials["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": credentials["Credentials"]["SecretAccessKey"],
        "aws_session_token": credentials["Credentials"]["SessionToken"],
    }


def client(service: Any, account_id: str) -> Any:
    return boto3.client(service, region_name=REGION, **session(account_id))


def create_role(account_id: str, name: str, trusted: Mapping[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam = client("iam", account_id)
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"])


def allow(account_id: str, role: str, actions: list[str]) -> None:
    """Let a role do this, and nothing else."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    client("iam", account_id).put_role_policy(RoleName=role, PolicyName="otter", PolicyDocument=json.dumps(policy))


def create_key(account_id: str, alias: str) -> str:
    kms = client("kms", account_id)
    key_id = str(kms.create_key()["KeyMetadata"]["KeyId"])
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    return key_id


@pytest.fixture(scope="module")
def accounts(shared_account: EmulatedAccount, tmp_path_factory: pytest.TempPathFactory) -> EmulatedAccount:
    """The administrator's account, with the deployed function and a key, beside a member's with another key."""
    folder = copy_rule(tmp_path_factory.mktemp("accounts")).parent
    create_code_bucket(shared_account)
    function_role = create_role(ADMINISTRATOR, FUNCTION_ROLE, {"Service": "lambda.amazonaws.com"})
    result = rdk(*DEPLOY, "--lambda-role-arn", function_role, folder=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    create_key(ADMINISTRATOR, "alias/administrator")
    create_key(MEMBER, "alias/member")
    return shared_account


@pytest.fixture(scope="module")
def credentials(accounts: EmulatedAccount) -> dict[str, str]:
    """The environment in which AWS Lambda gives a function the credentials of its role."""
    function = boto3.client("lambda").get_function_configuration(FunctionName=FUNCTION_NAME)
    assert function["Role"] == role_arn(accounts.id, FUNCTION_ROLE)
    return {name.upper(): value for name, value in session(accounts.id, FUNCTION_ROLE, FUNCTION_NAME).items()}


@pytest.fixture(scope="module")
def running_function(accounts: EmulatedAccount, credentials: dict[str, str]) -> Iterator[RunningFunction]:
    """The deployed function with its role's credentials, waiting for events."""
    with ExitStack() as stack:
        with patch.dict(os.environ, credentials):
            waiting = stack.enter_context(deployed_function(accounts))
        yield waiting


@pytest.fixture
def function(accounts: EmulatedAccount, running_function: RunningFunction) -> RunningFunction:
    """The same, with AWS Config in both accounts as if the rule had just been made."""
    accounts.config.reset()
    accounts.config.add_rule(MEMBER_RULE, place=Place(MEMBER, REGION))
    return running_function


# What AWS does in these accounts.


@contextmanager
def enforced() -> Iterator[None]:
    """Let only those call AWS whose role allows it; moto denies in XML, which AWS KMS and AWS Config never do."""

    def deny(request: IAMRequest) -> NoReturn:
        denial = AccessDeniedError(request._access_key.arn, request._action)  # noqa: SLF001 - moto tells it nowhere else
        raise denial if request._service == "sts" else JsonRESTError("AccessDeniedException", denial.message)  # noqa: SLF001

    with patch.object(IAMRequest, "_raise_access_denied", deny), enable_iam_authentication():
        yield


@contextmanager
def only_roles_that_exist() -> Iterator[None]:
    """Let nobody assume a role that does not exist; AWS STS says no more of it than of one that may not be assumed."""

    def assume_role(backend: STSBackend, **request: Any) -> AssumedRole:
        arn: str = request["role_arn"]
        roles = iam_backends[arn.split(":")[4]]["aws"].roles.values()
        if arn not in {role.arn for role in roles}:
            raise AccessDeniedError(FUNCTION_SESSION, f"sts:AssumeRole on resource: {arn}")
        return STS_ASSUME_ROLE(backend, **request)

    with patch.object(STSBackend, "assume_role", assume_role):
        yield


def own_event(accounts: EmulatedAccount, function: RunningFunction, **parameters: str) -> Json:
    """The scheduled event of the administrator's own account."""
    event = ConfigService(accounts, function).event(scheduled_notification(now()))
    return {**event, "ruleParameters": json.dumps({**POST_PARAMETERS, **parameters})}


def member_event(accounts: EmulatedAccount, role: str, invoking_event: Json | None = None, **fields: object) -> Json:
    """An event, scheduled if nothing else, of the member's account, whose keys are to be read with `role`."""
    return rule_event(
        invoking_event or {**scheduled_notification(now()), "awsAccountId": MEMBER},
        {**POST_PARAMETERS, "ExecutionRoleName": role},
        accountId=MEMBER,
        configRuleName=MEMBER_RULE,
        resultToken=accounts.config.issue_token(MEMBER_RULE, Place(MEMBER, REGION)),
        **fields,
    )


def invoke(accounts: EmulatedAccount, function: RunningFunction, event: Json) -> list[tuple[str, str]]:
    """Invoke the function with permissions enforced; return each call it made, after the account that it reached."""
    accounts.config.calls.clear()
    with enforced():
        function.invoke(event)
    return calls(accounts)


def calls(accounts: EmulatedAccount) -> list[tuple[str, str]]:
    return [(call.place.account_id, str(call)) for call in accounts.config.calls]


def refused(accounts: EmulatedAccount, function: RunningFunction, event: Json) -> str:
    """Invoke the function in vain, and return the sentence with which it failed, which is one line of its log."""
    before = len(function.log)
    accounts.config.calls.clear()
    with enforced(), pytest.raises(InvocationError) as raised:
        function.invoke(event)
    kind, _, sentence = str(raised.value).partition(": ")
    logged = [line for line in function.log[before:].splitlines() if line.endswith(f"\t{sentence}")]
    assert kind == "RuleError"
    assert [line.partition("\t")[0] for line in logged] == ["[ERROR]"]
    return sentence


def results(account_id: str, rule_name: str) -> Results:
    """Return the id and the compliance of each result that the AWS Config of an account shows."""
    listed = client("config", account_id).get_compliance_details_by_config_rule(ConfigRuleName=rule_name)
    return [
        (result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"], result["ComplianceType"])
        for result in listed["EvaluationResults"]
    ]


# The function's own role.


def test_with_six_permissions_it_reads_and_reports(accounts: EmulatedAccount, function: RunningFunction) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING])
    invoke(accounts, function, own_event(accounts, function))
    assert results(ADMINISTRATOR, RULE_NAME) == [("alias/administrator", "NON_COMPLIANT")]


@pytest.mark.parametrize(
    ("missing", "how_far"),
    [
        ("kms:ListKeys", ""),
        ("kms:ListAliases", " 0 of 1 keys are judged; not judged are {key}."),
        (
            "config:PutEvaluations",
            " 1 of 1 keys are judged; AWS Config did not take the evaluations of alias/administrator.",
        ),
        ("config:GetComplianceDetailsByConfigRule", " 1 of 1 keys are judged."),
    ],
)
def test_the_log_names_the_missing_permission_and_the_role_and_how_far_the_run_came(
    accounts: EmulatedAccount, function: RunningFunction, missing: str, how_far: str
) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [action for action in (*READING, *REPORTING) if action != missing])
    [key] = client("kms", ADMINISTRATOR).list_keys()["Keys"]
    assert refused(accounts, function, own_event(accounts, function)) == (
        f"{missing} failed with the function's own role: allow it to the function's own role "
        f"(AccessDeniedException: User: {FUNCTION_SESSION} is not authorized to perform: {missing})."
        f"{how_far.format(key=key['KeyId'])}"
    )


def test_without_put_evaluations_nothing_is_reported(accounts: EmulatedAccount, function: RunningFunction) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, "config:GetComplianceDetailsByConfigRule"])
    refused(accounts, function, own_event(accounts, function))
    assert (ADMINISTRATOR, "kms:GetKeyPolicy") in calls(accounts)
    assert results(ADMINISTRATOR, RULE_NAME) == []


# A role that it assumes in its own account.


def test_a_role_that_trusts_the_function_reads_and_reports(
    accounts: EmulatedAccount, function: RunningFunction
) -> None:
    create_role(ADMINISTRATOR, "trusting", {"AWS": FUNCTION_SESSION})
    allow(ADMINISTRATOR, "trusting", [*READING, *REPORTING])
    allow(ADMINISTRATOR, FUNCTION_ROLE, ["sts:AssumeRole"])
    invoke(accounts, function, own_event(accounts, function, ExecutionRoleName="trusting"))
    assert results(ADMINISTRATOR, RULE_NAME) == [("alias/administrator", "NON_COMPLIANT")]


def test_a_role_whose_trust_policy_refuses_is_named_in_one_sentence(
    accounts: EmulatedAccount, function: RunningFunction
) -> None:
    role = create_role(ADMINISTRATOR, "refusing", {"AWS": role_arn(ADMINISTRATOR, "somebody-else")})
    allow(ADMINISTRATOR, "refusing", [*READING, *REPORTING])
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING, "sts:AssumeRole"])
    sentence = refused(accounts, function, own_event(accounts, function, ExecutionRoleName="refusing"))
    assert sentence.startswith(
        f"The role {role} cannot be assumed: its trust policy must allow sts:AssumeRole to the function's role, "
    )
    assert sentence.endswith(f" (AccessDenied: User: {FUNCTION_SESSION} is not authorized to perform: sts:AssumeRole).")
    assert calls(accounts) == [(ADMINISTRATOR, "sts:AssumeRole")]
    assert results(ADMINISTRATOR, RULE_NAME) == []


def test_no_credentials_are_in_the_log(accounts: EmulatedAccount, function: RunningFunction) -> None:
    create_role(ADMINISTRATOR, "not-reporting", {"AWS": FUNCTION_SESSION})
    allow(ADMINISTRATOR, "not-reporting", READING)
    for allowed in ("sts:AssumeRole", "kms:ListKeys"):
        allow(ADMINISTRATOR, FUNCTION_ROLE, [allowed])
        assert "not-reporting" in refused(
            accounts, function, own_event(accounts, function, ExecutionRoleName="not-reporting")
        )
    given = sts_backends[ADMINISTRATOR]["aws"].assumed_roles
    assert {FUNCTION_ROLE, "not-reporting"} <= {role.role_arn.rpartition("/")[2] for role in given}
    secrets = [secret for role in given for secret in (role.access_key_id, role.secret_access_key, role.session_token)]
    assert [secret for secret in secrets if secret in function.log] == []


# The role of a member's account, as in an organization.


@pytest.fixture(scope="module")
def member_role(accounts: EmulatedAccount) -> str:
    """The member's role, which may read and report; the function's own may do nothing but assume it."""
    assert accounts.id == ADMINISTRATOR
    create_role(MEMBER, "otter-member", {"AWS": role_arn(ADMINISTRATOR, FUNCTION_ROLE)})
    return "otter-member"


@pytest.fixture
def organization(member_role: str) -> str:
    """The permissions of an organization's roles; what is returned is the name of the member's."""
    allow(ADMINISTRATOR, FUNCTION_ROLE, ["sts:AssumeRole"])
    allow(MEMBER, member_role, [*READING, *REPORTING])
    return member_role


def test_only_the_member_s_keys_are_judged_and_reported_to_the_member(
    accounts: EmulatedAccount, function: RunningFunction, organization: str
) -> None:
    made = invoke(accounts, function, member_event(accounts, organization))
    assert results(MEMBER, MEMBER_RULE) == [("alias/member", "NON_COMPLIANT")]
    assert results(ADMINISTRATOR, RULE_NAME) == []
    assert [operation for account_id, operation in made if account_id != MEMBER] == ["sts:AssumeRole"]
    assert {(MEMBER, action) for action in (*READING, *REPORTING)} <= set(made)


def test_one_process_serves_both_accounts_and_mixes_nothing(
    accounts: EmulatedAccount, function: RunningFunction, organization: str
) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING, "sts:AssumeRole"])
    for event in (member_event(accounts, organization), own_event(accounts, function)):
        invoke(accounts, function, event)
    assert results(MEMBER, MEMBER_RULE) == [("alias/member", "NON_COMPLIANT")]
    assert results(ADMINISTRATOR, RULE_NAME) == [("alias/administrator", "NON_COMPLIANT")]


def test_a_change_of_the_administrator_s_key_is_not_judged_under_the_member_s_name(
    accounts: EmulatedAccount, function: RunningFunction, organization: str
) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING, "sts:AssumeRole"])
    key_id = boto3.client("kms").describe_key(KeyId="alias/administrator")["KeyMetadata"]["KeyId"]
    item = {**key_item(key_id, now()), "awsAccountId": MEMBER}
    made = invoke(accounts, function, member_event(accounts, organization, change_notification(item)))
    # The session of the member's role may be one that an earlier event began.
    assert [call for call in made if call != (ADMINISTRATOR, "sts:AssumeRole")] == [(MEMBER, "kms:ListAliases")]
    assert (results(MEMBER, MEMBER_RULE), results(ADMINISTRATOR, RULE_NAME)) == ([], [])


def test_a_missing_permission_of_the_member_s_role_is_named_with_that_role(
    accounts: EmulatedAccount, function: RunningFunction, organization: str
) -> None:
    allow(MEMBER, organization, READING)
    role = role_arn(MEMBER, organization)
    assert refused(accounts, function, member_event(accounts, organization)).startswith(
        f"config:PutEvaluations failed with the role {role}: allow it to the role {role} (AccessDeniedException: "
    )
    assert (results(MEMBER, MEMBER_RULE), results(ADMINISTRATOR, RULE_NAME)) == ([], [])


def test_a_member_without_the_role_fails_and_nothing_is_reported_for_any_account(
    accounts: EmulatedAccount, function: RunningFunction
) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING, "sts:AssumeRole"])
    with only_roles_that_exist():
        sentence = refused(accounts, function, member_event(accounts, "never-made"))
    assert sentence.startswith(f"The role {role_arn(MEMBER, 'never-made')} cannot be assumed: ")
    assert calls(accounts) == [(ADMINISTRATOR, "sts:AssumeRole")]
    assert (results(MEMBER, MEMBER_RULE), results(ADMINISTRATOR, RULE_NAME)) == ([], [])


def test_an_event_of_the_member_with_a_role_of_the_administrator_is_refused(
    accounts: EmulatedAccount, function: RunningFunction, organization: str
) -> None:
    allow(ADMINISTRATOR, FUNCTION_ROLE, [*READING, *REPORTING, "sts:AssumeRole"])
    recorder = role_arn(ADMINISTRATOR, "config-role")
    event = member_event(accounts, organization, executionRoleArn=recorder)
    assert refused(accounts, function, event) == (
        f'The role "{role_arn(ADMINISTRATOR, organization)}" is not of the event\'s account "{MEMBER}", '
        f"whose keys it is to read: invoke the function through AWS Config."
    )
    assert calls(accounts) == []
    assert (results(MEMBER, MEMBER_RULE), results(ADMINISTRATOR, RULE_NAME)) == ([], [])
