"""`kms-rule scan` on the emulated account: the deployed rule's verdicts, nothing written, nothing lost."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.exceptions import JsonRESTError
from moto.kms.responses import KmsResponse

from AWSConfigRuleKMS import lambda_handler
from dev.demo.demonstration import create_keys
from dev.demo.example_keys import USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.events import POST_PARAMETERS, now, rule_event, scheduled_notification
from kms_rule.cli import main
from kms_rule.findings import ExitCode, findings_of
from least_privilege.account import Account
from least_privilege.key import UnreadKey
from least_privilege.parameters import RuleParameters
from least_privilege.reading import Found, read_key

PROJECT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "kms_rule", "scan")
POST = [word for name, value in POST_PARAMETERS.items() for word in ("--parameter", f"{name}={value}")]
READS = re.compile(r"(kms:(List|Describe|Get)\w+|sts:(GetCallerIdentity|AssumeRole)|ec2:DescribeRegions)")
SECRET = "FwoGZXIvYXdzEXAMPLESECRET" * 8


@pytest.fixture
def keys(account: EmulatedAccount) -> dict[str, str]:
    return create_keys(account)


def compliant_keys(number: int, region: str = "us-east-1") -> list[str]:
    kms = boto3.client("kms", region)
    return [kms.create_key(Policy=json.dumps(USAGE_ONLY))["KeyMetadata"]["KeyId"] for _ in range(number)]


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["scan", "--format", "json", *POST, *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return code, json.loads(shown.out)


def reasons(content: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in content["unjudged"]]


def refusing(code: str, message: str) -> Callable[[KmsResponse], str]:
    def answer(_response: KmsResponse) -> str:
        raise JsonRESTError(code, message)

    return answer


def unread(monkeypatch: pytest.MonkeyPatch, key_id: str, reason: str) -> None:
    def failing(account: Account, parameters: RuleParameters, asked: str, aliases: tuple[str, ...]) -> Found:
        return UnreadKey(asked, reason) if asked == key_id else read_key(account, parameters, asked, aliases)

    monkeypatch.setattr("least_privilege.reading.read_key", failing)


# The verdicts.


@pytest.mark.parametrize("report_as", ["Alias", "KeyId"])
def test_the_findings_are_what_the_deployed_rule_reports(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], report_as: str
) -> None:
    event = rule_event(scheduled_notification(now()), {**POST_PARAMETERS, "ReportResourceAs": report_as})
    reported = {
        (each["ComplianceResourceId"], each["ComplianceType"], each["Annotation"])
        for each in lambda_handler(event, None)
    }
    code, content = scanned(capsys, "--parameter", f"ReportResourceAs={report_as}")
    found = [(each["id"], each["compliance"], each["annotation"]) for each in content["findings"]]
    assert code == ExitCode.NON_COMPLIANT
    assert len(found) == len(keys) + (2 if report_as == "Alias" else 1)
    assert (set(found), len(set(found))) == (reported, len(found))


def test_nothing_is_written_and_aws_config_is_not_asked(
    account: EmulatedAccount, keys: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    account.config.calls.clear()
    scanned(capsys, "--region", "all", "--parameter", "ReadKeysFrom=Config")
    asked = {str(call) for call in account.config.calls}
    assert [call for call in asked if not READS.fullmatch(call)] == []
    assert asked >= {"kms:ListKeys", "kms:GetKeyPolicy", "sts:GetCallerIdentity", "ec2:DescribeRegions"}
    assert len(keys) == len({call.parameters["KeyId"] for call in account.config.calls if "KeyId" in call.parameters})


def test_a_finding_names_the_account_the_region_and_the_arn(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    del account
    [key_id] = compliant_keys(1, "eu-west-1")
    code, content = scanned(capsys, "--region", "eu-west-1")
    assert code == ExitCode.COMPLIANT
    [finding] = content["findings"]
    assert finding["place"]["source"] == "account 123456789012, eu-west-1"
    assert finding["place"]["resource"] == f"arn:aws:kms:eu-west-1:123456789012:key/{key_id}"


def test_a_denied_policy_is_not_compliant(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    compliant_keys(1)
    monkeypatch.setattr(KmsResponse, "get_key_policy", refusing("AccessDeniedException", "not authorized"))
    code, content = scanned(capsys)
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    assert [each["scenario"]["name"] for each in content["findings"]] == ["key-policy-denied-not-compliant"]


def test_an_empty_account_says_so(account: EmulatedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    del account
    code, content = scanned(capsys)
    assert (code, content["findings"], content["unjudged"]) == (ExitCode.COMPLIANT, [], [])
    assert content["remarks"] == ["account 123456789012: There is no KMS key in us-east-1."]


# What cannot be judged.


def test_an_unread_key_is_named_and_the_others_are_judged(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    hidden, *others = compliant_keys(3)
    unread(monkeypatch, hidden, "KMSInternalException: try later")
    code, content = scanned(capsys)
    assert code == ExitCode.INCOMPLETE
    assert {each["keyId"] for each in content["findings"]} == set(others)
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["resource"].endswith(f":key/{hidden}")
    assert unjudged["reason"] == (
        "The key could not be read: run the command again once the cause is gone (KMSInternalException: try later)."
    )


def test_one_region_that_fails_does_not_stop_the_others(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    compliant_keys(1, "eu-west-1")
    compliant_keys(1, "us-east-1")
    list_keys = KmsResponse.list_keys

    def not_enabled(response: KmsResponse) -> object:
        if response.region == "ap-east-1":
            raise JsonRESTError("UnrecognizedClientException", "The security token included in the request is invalid.")
        return list_keys(response)

    monkeypatch.setattr(KmsResponse, "list_keys", not_enabled)
    code, content = scanned(capsys, "--region", "eu-west-1", "--region", "ap-east-1", "--region", "us-east-1")
    assert code == ExitCode.INCOMPLETE
    assert [each["place"]["source"] for each in content["findings"]] == [
        "account 123456789012, eu-west-1",
        "account 123456789012, us-east-1",
    ]
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["source"] == "account 123456789012, ap-east-1"
    assert unjudged["reason"].startswith(
        "The keys cannot be listed: enable the Region for the account, or correct the credentials (Unrecognized"
    )


def test_all_stands_for_the_enabled_regions(account: EmulatedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    compliant_keys(1, "sa-east-1")
    enabled = {each["RegionName"] for each in boto3.client("ec2").describe_regions()["Regions"]}
    code, content = scanned(capsys, "--region", "all")
    assert (code, len(content["findings"])) == (ExitCode.COMPLIANT, 1)
    listed = {call.place.region for call in account.config.calls if str(call) == "kms:ListKeys"}
    assert listed == enabled
    assert len(enabled) > 10
    empty = ", ".join(sorted(enabled - {"sa-east-1"}))
    assert content["remarks"] == [f"account 123456789012: There is no KMS key in {empty}."]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "get the permission that AWS names"),
        ("ExpiredTokenException", "the session has expired, log in again, for instance with aws sso login"),
        ("KMSInternalException", "run the command again once the cause is gone"),
    ],
)
@pytest.mark.parametrize("operation", ["list_keys", "list_aliases"])
def test_keys_that_cannot_be_listed_are_one_sentence(
    account: EmulatedAccount,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    code: str,
    advice: str,
) -> None:
    del account
    monkeypatch.setattr(KmsResponse, operation, refusing(code, f"not now\n{SECRET}"))
    ended, content = scanned(capsys)
    assert ended == ExitCode.INCOMPLETE
    assert reasons(content) == [f"The keys cannot be listed: {advice} ({code}: not now)."]


def test_wrong_reader_threads_are_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setenv("READER_THREADS", "many")
    assert main(["scan", "--region", "us-east-1", "--region", "eu-west-1"]) == ExitCode.INCOMPLETE
    assert capsys.readouterr().err == 'kms-rule: READER_THREADS is "many": give a whole number from 1 to 64.\n'


def test_no_secret_is_shown(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    compliant_keys(1)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
    message = (
        f"The request signature does not match: X-Amz-Security-Token:{SECRET} wrong\nx-amz-security-token:{SECRET}"
    )
    monkeypatch.setattr(KmsResponse, "get_key_policy", refusing("InvalidSignatureException", message))
    for form in ("table", "json", "sarif", "html"):
        assert main(["scan", "--format", form]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert "InvalidSignatureException" in shown.out
    assert SECRET not in shown.out + shown.err


def test_findings_that_cannot_be_written_are_shown(
    keys: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "no" / "such" / "folder.json"
    assert main(["scan", *POST, "--output", str(target)]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert shown.err.startswith(f"kms-rule: {target} cannot be written (No such file or directory)")
    assert all(alias in shown.out for alias in keys)


# Interruption.


@pytest.fixture
def one_at_a_time(account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    del account
    monkeypatch.setenv("READER_THREADS", "1")
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_JOB", 1)
    monkeypatch.setattr("least_privilege.reading.MAX_KEYS_AHEAD", 1)
    monkeypatch.setattr("secrets.randbelow", lambda _most: 0)


@pytest.mark.usefixtures("one_at_a_time")
def test_an_interruption_shows_what_was_judged_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_ids = compliant_keys(5)

    def interrupted(account: Account, parameters: RuleParameters, key_id: str, aliases: tuple[str, ...]) -> Found:
        if key_id == key_ids[3]:
            raise KeyboardInterrupt
        return read_key(account, parameters, key_id, aliases)

    monkeypatch.setattr("least_privilege.reading.read_key", interrupted)
    code, content = scanned(capsys, "--region", "us-east-1", "--region", "eu-west-1")
    assert code == ExitCode.INCOMPLETE
    assert {each["keyId"] for each in content["findings"]} == set(key_ids[:3])
    assert [(each["place"]["source"], each["reason"]) for each in content["unjudged"]] == [
        ("account 123456789012, us-east-1", "Interrupted after 3 of 5 keys: run it again."),
        ("Region eu-west-1", "Interrupted before any key was judged: run it again."),
    ]


@pytest.mark.usefixtures("one_at_a_time")
def test_unread_keys_do_not_count_as_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_ids = compliant_keys(3)
    unread(monkeypatch, key_ids[0], "Odd: no")

    def interrupted(key: Any, *arguments: Any) -> Iterator[Any]:
        if key.id == key_ids[2]:
            raise KeyboardInterrupt
        return findings_of(key, *arguments)

    monkeypatch.setattr("kms_rule.commands.scan.findings_of", interrupted)
    _, content = scanned(capsys)
    assert reasons(content)[1:] == ["Interrupted after 1 of 3 keys: run it again."]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (PROJECT / "AWSConfigRuleKMS", PROJECT))), **changes}


def test_control_c_ends_the_process_at_once_though_a_call_hangs(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_ids = compliant_keys(3)
    get_key_policy, reached, released = KmsResponse.get_key_policy, Event(), Event()

    def hanging(response: KmsResponse) -> object:
        if response.params["KeyId"] == key_ids[2]:
            reached.set()
            released.wait(300)
        return get_key_policy(response)

    monkeypatch.setattr(KmsResponse, "get_key_policy", hanging)
    # Each of the three has a thread, once a job is one key.
    code = "from least_privilege import reading; reading.KEYS_PER_JOB = 1; from kms_rule.cli import main; exit(main())"
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code, "scan", "--format", "json", *POST],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert reached.wait(60)
        policies = [call for call in account.config.calls if str(call) == "kms:GetKeyPolicy"]
        assert len(policies) <= len(key_ids)
        process.send_signal(signal.SIGINT)
        # The call still hangs.
        out, err = process.communicate(timeout=120)
        hung = not released.is_set()
        released.set()
    assert (process.returncode, err, hung) == (ExitCode.INCOMPLETE, "", True)
    content = json.loads(out)
    assert re.fullmatch(r"Interrupted after \d of 3 keys: run it again\.", content["unjudged"][-1]["reason"])


def test_a_call_that_times_out_is_a_key_that_is_named(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    compliant_keys(1)

    def timing_out(*_: object) -> object:
        raise ReadTimeoutError(endpoint_url="https://kms.us-east-1.amazonaws.com/")

    monkeypatch.setattr(Account, "_metadata", timing_out)
    code, content = scanned(capsys)
    assert code == ExitCode.INCOMPLETE
    assert reasons(content)[0].endswith("(ReadTimeoutError: https://kms.us-east-1.amazonaws.com/).")


# The terminal.


@pytest.mark.parametrize("color", ["", "1"])
def test_a_pipe_gets_no_progress(keys: dict[str, str], color: str) -> None:
    del keys
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [*COMMAND, *POST], cwd=PROJECT, env=environment(FORCE_COLOR=color), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (ExitCode.NON_COMPLIANT, "")


def test_a_terminal_gets_a_bar_with_the_rate_and_the_time_left(keys: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [*COMMAND, *POST, "--format", "json"],
        cwd=PROJECT,
        env=environment(TERM="xterm", COLUMNS="120"),
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        json.loads(process.stdout.read())
    shown = read_to_the_end(ours)
    assert "us-east-1" in shown
    assert f"{len(keys) + 1}/{len(keys) + 1}" in shown
    assert re.search(r"\d+ keys/s", shown)
    assert re.search(r"\d:\d\d:\d\d", shown)


def read_to_the_end(terminal: int) -> str:
    shown = b""
    # Linux says that nobody writes any more with an error.
    with suppress(OSError):
        while content := os.read(terminal, 4096):
            shown += content
    os.close(terminal)
    return shown.decode()
