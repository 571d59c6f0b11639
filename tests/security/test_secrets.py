"""Runs the rule in all its ways, and in all ways to fail, and searches everything that it writes for what is secret."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import SimpleNamespace

import boto3
import pytest

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    TEST_TOKEN,
    Json,
    alias_item,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)
from dev.emulator.lambda_runtime import DeployedFunction, InvocationError, RunningFunction, running
from kms_rule import RULE_FOLDER
from tests.aws.scripted import (
    ASSUME_ROLE,
    OPERATIONS,
    Failure,
    Fault,
    ScriptedAws,
    ScriptedKey,
    bad_signature,
    cut_off,
    garbled,
    hung_up,
    page,
    repeating,
)

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
TIME = "2026-01-13T19:12:27.681Z"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:rule"
CONTEXT = SimpleNamespace(invoked_function_arn=FUNCTION_ARN)
# Shorter pieces of a secret help nobody, and may be part of something else.
SHORTEST_PIECE = 16


def token(length: int) -> str:
    """Make what looks like AWS's: base64 of nothing."""
    return base64.b64encode(secrets.token_bytes(length)).decode()[:length]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a run comes to know of that nobody who reads its output may learn."""

    access_key: str
    session_token: str
    assumed_access_key: str
    assumed_session_token: str
    result_token: str
    held_result_token: str


# As long as AWS's own.
SECRETS = Secrets(
    access_key=token(40),
    session_token=token(400),
    assumed_access_key=token(40),
    assumed_session_token=token(400),
    result_token=token(900),
    held_result_token=token(900),
)
KNOWN = {**asdict(SECRETS), "proxy_password": token(40).replace("/", "x")}


def leaked(text: str) -> list[str]:
    """Return the names of the secrets of which `text` has a piece."""
    return [
        name
        for name, secret in KNOWN.items()
        if any(secret[start : start + SHORTEST_PIECE] in text for start in range(len(secret) - SHORTEST_PIECE + 1))
    ]


# The events.


def event(invoking_event: Json, *, token: str = SECRETS.result_token, **parameters: str) -> Json:
    return rule_event(invoking_event, {**POST_PARAMETERS, **parameters}, resultToken=token)


def oversized(item: Json) -> Json:
    message = {"messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": item}
    return {**message, "notificationCreationTime": TIME}


SCHEDULED = scheduled_notification(TIME)
EVERY_OPERATION = event(SCHEDULED, ReadKeysFrom="Config", ExecutionRoleName="member")
EVENTS: Mapping[str, Json] = {
    "scheduled, from KMS": event(SCHEDULED),
    "scheduled, from AWS Config": event(SCHEDULED, ReadKeysFrom="Config"),
    "scheduled, with an assumed role and all operations": EVERY_OPERATION,
    "test mode": event(SCHEDULED, token=TEST_TOKEN),
    "changed key": event(change_notification(key_item(KEY_ID, TIME))),
    "changed key, with an assumed role": event(change_notification(key_item(KEY_ID, TIME)), ExecutionRoleName="member"),
    "deleted key": event(change_notification(key_item(KEY_ID, TIME, "ResourceDeleted"))),
    "oversized key": event(oversized(key_item(KEY_ID, TIME))),
    "changed alias": event(change_notification(alias_item("alias/otter", KEY_ID, TIME))),
    "deleted alias": event(change_notification(alias_item("alias/otter", None, TIME, "ResourceDeleted"))),
}
WRONG_EVENTS: Mapping[str, object] = {
    "no result token's name": {**EVERY_OPERATION, "resultToken": None, "token": SECRETS.result_token},
    "a result token in a list": {**EVERY_OPERATION, "resultToken": [SECRETS.result_token]},
    "no parameters": {**EVERY_OPERATION, "ruleParameters": None},
    "an unknown parameter": event(SCHEDULED, Otter="*"),
    "another evaluation mode": {**EVERY_OPERATION, "evaluationMode": "PROACTIVE"},
    "a role of another account": {**EVERY_OPERATION, "accountId": "999999999999"},
}
FAULTS: Mapping[str, Fault] = {
    "denied": Failure("AccessDeniedException", "User is not authorized to perform this"),
    "throttled": Failure("ThrottlingException", "Rate exceeded"),
    "expired": Failure("ExpiredTokenException", "The security token included in the request is expired"),
    "no such token": Failure("UnrecognizedClientException", "The security token included in the request is invalid."),
    "invalid result token": Failure("InvalidResultTokenException", "The ResultToken is invalid."),
    "no such rule": Failure("NoSuchConfigRuleException", "The rule is not there."),
    "not found": Failure("NotFoundException", "The key does not exist."),
    "internal error": Failure("InternalFailure", "Something went wrong", 500),
    "bad signature": bad_signature,
    "repeating": repeating,
    "page": page,
    "cut off": cut_off,
    "garbled": garbled,
    "hung up": hung_up,
}


# The runs.


def account() -> ScriptedAws:
    """Return an account of one key that gives away of the secrets what AWS does."""
    policy = {"Statement": {"Sid": "Open", "Effect": "Allow", "Action": "kms:*"}}
    # It has no item, so that a run that reads from AWS Config asks KMS too, and thus uses every operation.
    key = ScriptedKey(KEY_ID, ("alias/otter",), json.dumps(policy), recorded=False)
    return ScriptedAws(
        (key,),
        held=("alias/gone",),
        held_token=SECRETS.held_result_token,
        credentials={
            "AccessKeyId": "ASIAOTTEROTTEROTTER",
            "SecretAccessKey": SECRETS.assumed_access_key,
            "SessionToken": SECRETS.assumed_session_token,
            "Expiration": "2100-01-01T00:00:00Z",
        },
    )


@pytest.fixture(scope="module")
def _served() -> Iterator[ScriptedAws]:
    environment = {
        "AWS_ACCESS_KEY_ID": "ASIABEAVERBEAVERBEAV",
        "AWS_SECRET_ACCESS_KEY": SECRETS.access_key,
        "AWS_SESSION_TOKEN": SECRETS.session_token,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    served = account()
    with pytest.MonkeyPatch.context() as patched, served.serving() as url:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in environment.items():
            patched.setenv(name, value)
        patched.setenv("AWS_ENDPOINT_URL", url)
        patched.setattr(boto3, "DEFAULT_SESSION", None)
        yield served


@pytest.fixture
def aws(_served: ScriptedAws, monkeypatch: pytest.MonkeyPatch) -> ScriptedAws:
    """AWS without faults, the rule's own level at DEBUG, and every logger else as it is when a process begins."""
    _served.faults = {}
    _served.asked.clear()
    monkeypatch.setenv("LOGGING_LEVEL", "DEBUG")
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    return _served


@pytest.fixture(autouse=True)
def _untouched_loggers() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("boto3", "botocore", "botocore.auth", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.NOTSET)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def output(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[object], str]:
    """A function that runs the handler, and returns all that it returned, raised, logged and printed."""

    def run(given: object) -> str:
        try:
            outcome = json.dumps(lambda_handler(given, CONTEXT))
        except Exception as failure:  # noqa: BLE001 - of whatever type it is, Lambda writes it to the log
            outcome = "".join(traceback.format_exception(failure))
        printed = capfd.readouterr()
        records = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
        return "\n".join((outcome, caplog.text, *records, printed.out, printed.err))

    return run


@pytest.mark.parametrize("kind", EVENTS)
def test_a_run_at_the_level_debug_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], kind: str
) -> None:
    text = output(EVENTS[kind])
    assert leaked(text) == []
    assert "Traceback" not in text
    assert "alias/" in text or KEY_ID in text
    assert "PutEvaluations" in [asked.operation for asked in aws.asked]


def test_one_event_is_enough_to_meet_every_operation(aws: ScriptedAws, output: Callable[[object], str]) -> None:
    output(EVERY_OPERATION)
    assert {asked.operation for asked in aws.asked} == set(OPERATIONS)
    sent = "".join(f"{asked.head}{asked.body}" for asked in aws.asked)
    assert set(leaked(sent)) == {"session_token", "assumed_session_token", "result_token"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_failure_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], operation: str, fault: str
) -> None:
    aws.faults = {operation: FAULTS[fault]}
    text = output(EVERY_OPERATION)
    assert operation in [asked.operation for asked in aws.asked]
    assert leaked(text) == []


@pytest.mark.parametrize("kind", WRONG_EVENTS)
def test_an_event_that_is_refused_writes_no_secret(output: Callable[[object], str], kind: str) -> None:
    text = output(WRONG_EVENTS[kind])
    assert "RuleError: " in text
    assert leaked(text) == []


def test_an_event_that_is_the_text_of_an_event_is_not_repeated(output: Callable[[object], str]) -> None:
    text = output(json.dumps({"version": "1.0", "resultToken": SECRETS.result_token}))
    assert "RuleError: The event is " in text
    assert leaked(text) == []


@pytest.mark.parametrize("kind", ["changed key", "scheduled, with an assumed role and all operations"])
def test_an_endpoint_that_cannot_be_reached_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    text = output(EVENTS[kind])
    assert "EndpointConnectionError" in text
    assert leaked(text) == []
    assert aws.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy",
    [
        "http://otter:{}@127.0.0.1:9",
        "http://otter:{}@proxy.invalid:9",
        "http://otter:a#{}@127.0.0.1:9",
        "http://otter:a/{}@127.0.0.1:9",
        "http://otter:a@{}@127.0.0.1:9",
        "http://otter:{}@127.0.0.1:9x",
        "socks5://otter:{}@127.0.0.1:9",
        "otter:{}@127.0.0.1:9",
        "http://otter:{}",
    ],
)
def test_a_proxy_whose_address_has_a_password_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], monkeypatch: pytest.MonkeyPatch, proxy: str, scheme: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{scheme}://aws.invalid:9")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.format(KNOWN["proxy_password"]))
    text = output(EVERY_OPERATION)
    assert "RuleError: " in text
    assert leaked(text) == []
    assert aws.asked == []


# Where every logger's level is DEBUG, as Lambda's own log level makes it.


@pytest.mark.parametrize("kind", EVENTS)
def test_with_the_root_logger_at_the_level_debug_a_run_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    text = output(EVENTS[kind])
    assert "PutEvaluations" in [asked.operation for asked in aws.asked]
    assert leaked(text) == []


@pytest.mark.parametrize("operation", ["PutEvaluations", ASSUME_ROLE])
@pytest.mark.parametrize("fault", ["denied", "throttled", "bad signature", "hung up"])
def test_with_the_root_logger_at_the_level_debug_a_failure_writes_no_secret(
    aws: ScriptedAws, output: Callable[[object], str], caplog: pytest.LogCaptureFixture, operation: str, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    aws.faults = {operation: FAULTS[fault]}
    text = output(EVERY_OPERATION)
    assert "Traceback" in text
    assert leaked(text) == []


def test_a_logger_of_botocore_that_somebody_turns_on_by_name_does_write_secrets(
    aws: ScriptedAws, output: Callable[[object], str]
) -> None:
    # What is not promised. It shows, too, that the search finds secrets where there are any.
    logging.getLogger("botocore.auth").setLevel(logging.DEBUG)
    text = output(EVERY_OPERATION)
    assert aws.asked
    assert set(leaked(text)) == {"session_token", "assumed_session_token"}


def written_in_lambda(aws: ScriptedAws, settings: Mapping[str, str]) -> str:
    """Run the handler in AWS's own runtime client; return all that it returned, raised, logged and printed."""
    function = DeployedFunction(
        folder=RULE_FOLDER,
        handler="AWSConfigRuleKMS.lambda_handler",
        arn=FUNCTION_ARN,
        memory_megabytes=256,
        timeout_seconds=60,
        environment={"LOGGING_LEVEL": "DEBUG", **settings},
    )
    with running(function) as waiting:
        answers = [answer_of(waiting, given) for given in (*EVENTS.values(), *WRONG_EVENTS.values())]
        # Those that are tried again are left out, since a process of its own really waits between two tries.
        for operation, fault in (("PutEvaluations", "denied"), ("ListKeys", "expired"), (ASSUME_ROLE, "bad signature")):
            aws.faults = {operation: FAULTS[fault]}
            answers.append(answer_of(waiting, EVERY_OPERATION))
        return "\n".join((*answers, waiting.log))


def answer_of(function: RunningFunction, given: object) -> str:
    try:
        return json.dumps(function.invoke(given))
    except InvocationError as failure:
        return str(failure)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="the rule's own level"),
        pytest.param({"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, id="JSON, DEBUG"),
        pytest.param({"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "TRACE"}, id="JSON, TRACE"),
        pytest.param({"AWS_LAMBDA_LOG_FORMAT": "Text", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, id="text, DEBUG"),
    ],
)
def test_in_lambda_no_log_level_makes_the_function_write_a_secret(aws: ScriptedAws, settings: dict[str, str]) -> None:
    text = written_in_lambda(aws, settings)
    assert {asked.operation for asked in aws.asked} == set(OPERATIONS)
    assert "in Key Policy for alias/otter, statement does have open KMS permissions" in text
    assert "config:PutEvaluations failed with the role" in text
    assert leaked(text) == []
