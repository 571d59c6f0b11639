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
from dev.emulator.calls import Place
from dev.emulator.organization import add_key
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
    assert [each.region for each in accounts.identities(given)[0].connections()] == [
        "eu-west-1",
        "us-east-1",
        "mars-north-1",
    ]


def accounts_arguments(**changes: object) -> Namespace:
    return Namespace(**{"profile": None, "role_arn": [], "accounts_file": None, "region": [], **changes})


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


# Several accounts.

ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
ROLES = [f"arn:aws:iam::{account_id}:role/Auditor" for account_id in ACCOUNTS]
ANY_ROLE = "arn:aws:iam::ACCOUNT:role/Auditor"


@pytest.fixture
def members(account: EmulatedAccount) -> EmulatedAccount:
    for account_id in ACCOUNTS:
        add_key(Place(account_id, "us-east-1"), USAGE_ONLY, [f"alias/of-{account_id}"])
    return account


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["scan", "--format", "json", *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return code, json.loads(shown.out)


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize(
    ("content", "roles"),
    [
        (None, ROLES),
        ("\n".join(ROLES), []),
        ("# mine\n111111111111 # the first\n\n222222222222\n333333333333\n", [ANY_ROLE]),
        ("111111111111\t222222222222\t333333333333", [ANY_ROLE]),
        (f"{ROLES[0]}\n222222222222, 333333333333", [ANY_ROLE]),
    ],
)
def test_one_account_after_another_is_scanned(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, roles: list[str]
) -> None:
    arguments = [word for role in roles for word in ("--role-arn", role)]
    if content:
        file = tmp_path / "accounts"
        file.write_text(content, encoding="utf-8")
        arguments += ["--accounts-file", str(file)]
    code, found = scanned(capsys, *arguments)
    assert code == ExitCode.COMPLIANT
    assert [(each["place"]["source"], each["id"]) for each in found["findings"]] == [
        (f"account {account_id}, us-east-1", f"alias/of-{account_id}") for account_id in ACCOUNTS
    ]


def denying_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assume_role = TokenResponse.assume_role

    def answer(response: TokenResponse) -> Any:
        denied = ACCOUNTS[1] in str(response.querystring)
        return refusing("AccessDenied")(response) if denied else assume_role(response)

    monkeypatch.setattr(TokenResponse, "assume_role", answer)


@pytest.mark.usefixtures("members")
def test_of_several_roles_one_that_cannot_be_assumed_is_named_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    denying_one(monkeypatch)
    code, found = scanned(capsys, *(word for role in ROLES for word in ("--role-arn", role)))
    assert code == ExitCode.INCOMPLETE
    assert [each["id"] for each in found["findings"]] == ["alias/of-111111111111", "alias/of-333333333333"]
    [one] = found["unjudged"]
    assert one["place"] == {"source": "account 222222222222", "line": 0, "column": 0, "resource": ROLES[1]}
    assert one["reason"] == (
        f"The role {ROLES[1]} cannot be assumed, which its trust policy and your own must allow: get the permission "
        "that AWS names (AccessDenied: no)."
    )


def test_a_report_of_several_accounts_goes_on_too(
    members: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    denying_one(monkeypatch)
    members.config.add_rule("Keys", place=Place(ACCOUNTS[0], "us-east-1"))
    arguments = [word for role in ROLES for word in ("--role-arn", role)]
    assert main(["report", "--rule", "Keys", "--format", "json", *arguments]) == ExitCode.INCOMPLETE
    reasons = [each["reason"] for each in json.loads(capsys.readouterr().out)["unjudged"]]
    assert [reason.split()[:3] for reason in reasons] == [["AWS", "Config", "in"]] * 2 + [["The", "role", ROLES[1]]]


@pytest.mark.usefixtures("members")
def test_an_interruption_names_the_accounts_that_are_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_connection: Connection) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Connection, "account_id", interrupted)
    code, found = scanned(capsys, *(word for role in ROLES for word in ("--role-arn", role)))
    assert code == ExitCode.INCOMPLETE
    assert [each["place"]["source"] for each in found["unjudged"]] == [
        "Region us-east-1",
        "account 222222222222",
        "account 333333333333",
    ]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        (None, [], "cannot be read (No such file or directory): give another file."),
        ("# nothing\n", [], "names no account: write the id of one, or the ARN of a role, on each line."),
        (
            "111111111111",
            [],
            "has ids of accounts, but no role to assume there is given: add --role-arn arn:aws:iam::ACC",
        ),
        ("account\n", ["--role-arn", ANY_ROLE], '"account" in'),
        ("11111111111", ["--role-arn", ANY_ROLE], "is neither the id of an account, which has twelve digits, nor the"),
        ('"111111111111"', ["--role-arn", ANY_ROLE], "is neither the id of an account, which has twelve digits"),
        (ANY_ROLE, ["--role-arn", ANY_ROLE], "is neither the id of an account"),
        ("arn:aws:iam::111111111111:role/R", ["--role-arn", ANY_ROLE], "stands for the accounts in a file: name"),
        (b"\xff", [], "are not UTF-8"),
    ],
)
def test_a_file_of_accounts_that_is_wrong_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | bytes | None, arguments: list[str], sentence: str
) -> None:
    file = tmp_path / "accounts"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert sentence in error_of(capsys, "scan", "--accounts-file", str(file), *arguments)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_both_variables_for_the_region_count(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    del account
    no_region(monkeypatch, Path())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert accounts.identities(accounts_arguments())[0].regions == (expected,)
