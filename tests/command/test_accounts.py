"""Credentials, profiles, roles and Regions of the commands that look into live accounts."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, SSOTokenLoadError
from botocore.session import Session
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.sts.responses import TokenResponse

from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from kms_rule.cli import main
from kms_rule.findings import ExitCode
from kms_rule.sources.live import accounts
from kms_rule.sources.live.accounts import Connection, advice_on

ROLE = "arn:aws:iam::210987654321:role/Auditor"
SECRET = "FwoGZXIvYXdzEXAMPLESECRET" * 8

type Spoil = Callable[[pytest.MonkeyPatch, Path], object]


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("kms-rule: ")
    assert (shown.err[-1], shown.err.count("\n")) == ("\n", 1)
    return shown.err.removeprefix("kms-rule: ").strip()


def refusing(code: str, message: str = "no") -> Callable[[TokenResponse], tuple[int, dict[str, int], str]]:
    """Answer like STS, whose model names few of the errors that it gives."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return lambda _response: (403, {"status": 403}, f"<ErrorResponse>{error}<RequestId>a</RequestId></ErrorResponse>")


def not_authorized(_response: EC2Response) -> str:
    raise EC2ClientError("UnauthorizedOperation", "You are not authorized")


def no_credentials(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


def no_region(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)


def half_credentials(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def broken_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "config").write_text("no section", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))


def no_sso_session(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    def failing(_session: Session) -> object:
        raise SSOTokenLoadError(error_msg="Token for company does not exist")

    monkeypatch.setattr(Session, "get_credentials", failing)


def nothing(_monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    pass


@pytest.mark.parametrize("command", [["scan"], ["report", "--rule", "KeyPolicies"]])
@pytest.mark.parametrize(
    ("spoil", "arguments", "sentence"),
    [
        (no_credentials, [], "There are no credentials: log in with the AWS CLI, or name a profile with --profile."),
        (no_region, [], "No Region is set: give --region, or set one for the profile."),
        (nothing, ["--region", ""], "No Region is set: give --region, or set one for the profile."),
        (
            nothing,
            ["--profile", "nobody"],
            "The credentials cannot be read: correct the profile, or name another with --profile (ProfileNotFound: The "
            "config profile (nobody) could not be found).",
        ),
        (
            half_credentials,
            [],
            "The credentials cannot be read: correct the profile, or name another with --profile "
            "(PartialCredentialsError: Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY).",
        ),
        (
            no_sso_session,
            [],
            "The credentials cannot be read: the session has expired, log in again, for instance with aws sso login "
            "(SSOTokenLoadError: Error loading SSO Token: Token for company does not exist).",
        ),
        (
            nothing,
            ["--role-arn", "Auditor"],
            'The role "Auditor" cannot be assumed: give its ARN, arn:aws:iam::ACCOUNT:role/NAME.',
        ),
    ],
)
def test_what_keeps_people_out_is_one_sentence(  # noqa: PLR0913 - a table and what pytest gives
    *,
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: list[str],
    spoil: Spoil,
    arguments: list[str],
    sentence: str,
) -> None:
    del account
    spoil(monkeypatch, tmp_path)
    assert error_of(capsys, *command, *arguments) == sentence


def test_a_credentials_file_that_is_broken_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del account
    broken_file(monkeypatch, tmp_path)
    assert error_of(capsys, "scan").startswith("The credentials cannot be read: correct the profile, or name another")


def test_an_answer_that_is_none_of_awss_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setattr(TokenResponse, "get_caller_identity", lambda _response: "<html></html>")
    [(_, reason)] = unjudged(capsys)
    assert "the answer cannot be read, look for a proxy" in reason


# Roles.


def test_a_role_that_can_be_assumed_is_whose_account_is_scanned(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials = boto3.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="maker")["Credentials"]
    kms = boto3.client(
        "kms",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    kms.create_key(Policy=json.dumps(USAGE_ONLY))
    account.config.calls.clear()
    assert main(["scan", "--role-arn", ROLE, "--format", "json"]) == ExitCode.COMPLIANT
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["place"]["source"] == "account 210987654321, us-east-1"
    readers = {call.place.account_id for call in account.config.calls if call.service == "kms"}
    assert readers == {"210987654321"}


def test_a_role_that_cannot_be_assumed_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setattr(TokenResponse, "assume_role", refusing("AccessDenied", f"User: me is not authorized\n{SECRET}"))
    assert error_of(capsys, "scan", "--role-arn", ROLE) == (
        f"The role {ROLE} cannot be assumed, which its trust policy and your own must allow: get the permission that "
        "AWS names (AccessDenied: User: me is not authorized)."
    )


# The account.


def unjudged(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert main(["scan", "--format", "json", *arguments]) == ExitCode.INCOMPLETE
    content = json.loads(capsys.readouterr().out)
    assert content["findings"] == []
    return [(each["place"]["source"], each["reason"]) for each in content["unjudged"]]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ExpiredToken", "the session has expired, log in again, for instance with aws sso login"),
        ("InvalidClientTokenId", "enable the Region for the account, or correct the credentials"),
        ("Throttling", "run the command again once the cause is gone"),
    ],
)
def test_an_account_that_cannot_be_reached_is_one_sentence(
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    advice: str,
) -> None:
    del account
    once = Config(retries={"mode": "legacy", "total_max_attempts": 1})
    monkeypatch.setattr(accounts, "FEW_ATTEMPTS", once)
    monkeypatch.setattr(TokenResponse, "get_caller_identity", refusing(code))
    assert unjudged(capsys) == [
        ("Region us-east-1", f"The account in us-east-1 cannot be reached: {advice} ({code}: no).")
    ]


def test_where_sts_is_denied_a_key_says_which_account_it_is(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    boto3.client("kms").create_key(Policy=json.dumps(USAGE_ONLY))
    monkeypatch.setattr(TokenResponse, "get_caller_identity", refusing("AccessDenied"))
    assert main(["scan", "--format", "json"]) == ExitCode.COMPLIANT
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["place"]["source"] == "account 123456789012, us-east-1"


def test_a_region_without_an_endpoint_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account

    def unreachable(self: Connection) -> str:
        with accounts.explained(f"The account in {self.region} cannot be reached"):
            raise EndpointConnectionError(endpoint_url="https://sts.mars-north-1.amazonaws.com/")

    monkeypatch.setattr(Connection, "account_id", unreachable)
    assert unjudged(capsys, "--region", "mars-north-1") == [
        (
            "Region mars-north-1",
            "The account in mars-north-1 cannot be reached: there is no such Region, or no way to it: correct its "
            "name, or the network (EndpointConnectionError: Could not connect to the endpoint URL: "
            '"https://sts.mars-north-1.amazonaws.com/").',
        )
    ]


def test_a_name_that_no_region_can_have_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    del account
    [(source, reason)] = unjudged(capsys, "--region", "not a region")
    assert source == "Region not a region"
    assert reason.startswith("The account in not a region cannot be reached: there is no such Region")


def test_regions_that_cannot_be_listed_are_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setattr(EC2Response, "describe_regions", not_authorized)
    assert error_of(capsys, "scan", "--region", "all") == (
        "The enabled Regions cannot be listed with ec2:DescribeRegions, so name them with --region: get the permission "
        "that AWS names (UnauthorizedOperation: You are not authorized)."
    )


def test_a_region_that_is_named_beside_all_is_looked_into_too(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setattr(accounts, "_enabled_regions", lambda *_: ["eu-west-1", "us-east-1"])
    given = accounts_arguments(region=["all", "us-east-1", "mars-north-1"])
    assert [each.region for each in accounts.connections(given)] == ["eu-west-1", "us-east-1", "mars-north-1"]


def accounts_arguments(**changes: object) -> Namespace:
    return Namespace(**{"profile": None, "role_arn": None, "region": [], **changes})


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("eu-west-1", "arn:aws:kms:eu-west-1:1:key/a"),
        ("cn-north-1", "arn:aws-cn:kms:cn-north-1:1:key/a"),
        ("us-gov-west-1", "arn:aws-us-gov:kms:us-gov-west-1:1:key/a"),
        ("mars-north-1", "arn:aws:kms:mars-north-1:1:key/a"),
    ],
)
def test_the_arn_of_a_key_has_the_partition_of_its_region(region: str, arn: str) -> None:
    connection = Connection(boto3.Session("none", "none"), region, "nobody")
    assert connection.key_arn("1", "a") == arn


def test_unknown_failures_are_to_be_tried_again() -> None:
    assert advice_on("Odd: reason") == "run the command again once the cause is gone (Odd: reason)"
