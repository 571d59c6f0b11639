from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import batched
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import RULE_NAME, change_notification, key_item, rule_event, scheduled_notification
from least_privilege.account import Account
from least_privilege.clients import OWN_ROLE, AbandonedError, Clients, client_config
from least_privilege.event import Request
from least_privilege.report import evaluation
from least_privilege.scenarios import Compliance
from least_privilege.text import RuleError
from tests.aws.stubbed import SESSION, Body, StubbedAws

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient

TIME = "2026-01-13T19:12:27.681Z"
SENT_TIME = datetime(2026, 1, 13, 19, 12, 27, 681000, UTC)
TOKEN = "a-result-token"  # noqa: S105 - stands for the token of a real event
SCHEDULED = rule_event(scheduled_notification(TIME), resultToken=TOKEN)
DRY_RUN = rule_event(scheduled_notification(TIME))
GONE = rule_event(change_notification(key_item("key-1", TIME, "ResourceDeleted")), resultToken=TOKEN)


KEY = ("AWS::KMS::Key", "key-1")


def aws_managed(number: int) -> str:
    return f"alias/aws/service-{number}"


def expect_aws_managed_keys(aws: StubbedAws, count: int) -> None:
    """Expect a scheduled run over keys that cost no further call."""
    aliases = [{"AliasName": aws_managed(number), "TargetKeyId": f"key-{number}"} for number in range(count)]
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": f"key-{number}"} for number in range(count)]})
    aws.kms.add_response("list_aliases", {"Aliases": aliases, "Truncated": False})


def not_applicable(resource_id: str, annotation: str, resource_type: str = "AWS::KMS::Key") -> dict[str, str]:
    return {
        "ComplianceResourceType": resource_type,
        "ComplianceResourceId": resource_id,
        "ComplianceType": "NOT_APPLICABLE",
        "Annotation": annotation,
        "OrderingTimestamp": TIME,
    }


def managed(number: int) -> dict[str, str]:
    name = aws_managed(number)
    return not_applicable(name, f"Key {name} is managed by AWS, so its key policy is not judged: nothing to do")


def taken_back(resource_id: str, resource_type: str = "AWS::KMS::Key") -> dict[str, str]:
    sentence = (
        f"Nothing of this rule is reported under {resource_id} any more: a key or alias is gone or has another name"
    )
    return not_applicable(resource_id, sentence, resource_type)


def expect_put(
    aws: StubbedAws, *evaluations: dict[str, str], failed: tuple[dict[str, str], ...] = (), test_mode: bool = False
) -> None:
    aws.config.add_response(
        "put_evaluations",
        {"FailedEvaluations": list(failed)},
        {
            "Evaluations": [{**evaluation, "OrderingTimestamp": SENT_TIME} for evaluation in evaluations],
            "ResultToken": "TESTMODE" if test_mode else TOKEN,
            "TestMode": test_mode,
        },
    )


def expect_held(
    aws: StubbedAws,
    *pages: list[tuple[str, str]],
    mode: str = "DETECTIVE",
    time: datetime | None = SENT_TIME,
    recorded: datetime | None = None,
) -> None:
    """Expect the pages of results that AWS Config holds, each a list of resource type and id."""
    ordering = {"OrderingTimestamp": time} if time else {}
    result = {"ResultRecordedTime": recorded} if recorded else {}
    for number, page in enumerate(pages):
        qualifiers = [{"ResourceType": kind, "ResourceId": name, "EvaluationMode": mode} for kind, name in page]
        following = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        token = {"NextToken": str(number)} if number else {}
        aws.config.add_response(
            "get_compliance_details_by_config_rule",
            {
                "EvaluationResults": [
                    {"EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, **ordering}, **result}
                    for qualifier in qualifiers
                ],
                **following,
            },
            {
                "ConfigRuleName": RULE_NAME,
                "ComplianceTypes": ["COMPLIANT", "NON_COMPLIANT"],
                "Limit": 100,
                **token,
            },
        )


def test_evaluations_go_out_by_the_hundred_and_come_back_up_to_five_hundred(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 612)
    for batch in batched(map(managed, range(612)), 100):
        expect_put(aws, *batch, test_mode=True)
    returned = lambda_handler(DRY_RUN, {})
    assert returned == [managed(number) for number in range(500)]
    json.dumps(returned)


def test_a_full_last_batch_is_not_followed_by_an_empty_one(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 100)
    expect_put(aws, *map(managed, range(100)), test_mode=True)
    lambda_handler(DRY_RUN, {})


def test_a_key_that_is_gone_is_taken_out_of_the_list(aws: StubbedAws) -> None:
    expected = not_applicable("key-1", "Key or alias key-1 is deleted, or no longer in the rule's scope")
    expect_put(aws, expected)
    assert lambda_handler(GONE, {}) == [expected]


def test_results_that_a_complete_run_did_not_report_are_taken_back(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 2)
    expect_put(aws, managed(0), managed(1))
    expect_held(
        aws,
        [("AWS::KMS::Key", aws_managed(0)), ("AWS::KMS::Key", "alias/renamed")],
        [("AWS::::Account", aws_managed(1)), ("AWS::KMS::Key", "key-of-old")],
    )
    expected = [
        taken_back("alias/renamed"),
        taken_back(aws_managed(1), "AWS::::Account"),
        taken_back("key-of-old"),
    ]
    expect_put(aws, *expected)
    assert lambda_handler(SCHEDULED, {}) == [managed(0), managed(1), *expected]


def test_results_of_proactive_evaluations_are_left_alone(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 0)
    expect_held(aws, [("AWS::KMS::Key", "not-yet-a-key")], mode="PROACTIVE")
    assert lambda_handler(SCHEDULED, {}) == []


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, [taken_back("alias/new")]),
        (SENT_TIME, [taken_back("alias/new")]),
        (SENT_TIME + timedelta(milliseconds=1), []),
        (datetime(2999, 1, 1, tzinfo=UTC), [taken_back("alias/new")]),
    ],
)
def test_results_that_a_later_event_brought_are_left_alone(
    aws: StubbedAws, time: datetime | None, expected: list[dict[str, str]]
) -> None:
    expect_aws_managed_keys(aws, 0)
    expect_held(aws, [("AWS::KMS::Key", "alias/new")], time=time)
    if expected:
        expect_put(aws, *expected)
    assert lambda_handler(SCHEDULED, {}) == expected


BEGAN = datetime(2026, 1, 13, 19, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("recorded", "is_taken_back"),
    [
        (None, True),
        (BEGAN - timedelta(days=30), True),
        (BEGAN - timedelta(milliseconds=1), True),
        (BEGAN, True),
        (BEGAN + timedelta(milliseconds=1), False),
        (BEGAN + timedelta(minutes=10), False),
    ],
)
def test_results_that_were_recorded_after_the_evaluation_began_are_left_alone(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch, recorded: datetime | None, *, is_taken_back: bool
) -> None:
    monkeypatch.setattr("least_privilege.reading.datetime", Mock(now=Mock(return_value=BEGAN)))
    expect_aws_managed_keys(aws, 0)
    expect_held(aws, [("AWS::KMS::Key", "alias/new")], recorded=recorded)
    expected = [taken_back("alias/new")] if is_taken_back else []
    if expected:
        expect_put(aws, *expected)
    assert lambda_handler(SCHEDULED, {}) == expected


def test_an_evaluation_begins_when_it_is_about_to_list_keys(aws: StubbedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def begin(_zone: object) -> datetime:
        events.append("begins")
        return BEGAN

    monkeypatch.setattr("least_privilege.reading.datetime", Mock(now=begin))
    client: Any = aws.kms.client
    for operation in ("ListKeys", "ListAliases"):
        client.meta.events.register(
            f"before-parameter-build.kms.{operation}", lambda model, **_: events.append(model.name)
        )
    expect_aws_managed_keys(aws, 0)
    expect_held(aws, [])
    lambda_handler(SCHEDULED, {})
    assert events == ["begins", "ListKeys", "ListAliases"]


def test_a_result_that_cannot_be_taken_back_is_named(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 0)
    expect_held(aws, [("AWS::KMS::Key", "alias/old")])
    for _ in range(2):
        expect_put(aws, taken_back("alias/old"), failed=(taken_back("alias/old"),))
    with pytest.raises(RuleError, match=r"^The evaluation is incomplete: 0 of 0 .* did not take .* of alias/old \("):
        lambda_handler(SCHEDULED, {})


def test_a_dry_run_neither_reads_nor_takes_back_held_results(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 1)
    expect_put(aws, managed(0), test_mode=True)
    lambda_handler(DRY_RUN, {})


def test_nothing_is_taken_back_after_an_incomplete_run(aws: StubbedAws) -> None:
    aws.kms.add_response("list_keys", {"Keys": [{"KeyId": "key-1"}]})
    aws.kms.add_response("list_aliases", {"Aliases": []})
    aws.kms.add_client_error("describe_key", "KMSInternalException")
    with pytest.raises(RuleError, match="key-1"):
        lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize("listed", [["list_keys"], ["list_keys", "list_aliases"]])
def test_nothing_is_taken_back_where_a_list_may_go_on(aws: StubbedAws, listed: list[str]) -> None:
    *whole, last = listed
    for operation in whole:
        aws.kms.add_response(operation, {"Keys": []})
    aws.kms.add_response(last, {"Aliases" if last == "list_aliases" else "Keys": [], "NextMarker": "m"})
    with pytest.raises(RuleError, match=r"^kms:List\w+ failed .* AWS answered without Truncated: look for a proxy"):
        lambda_handler(SCHEDULED, {})


def test_held_results_that_cannot_be_listed_raise(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 0)
    aws.config.add_client_error("get_compliance_details_by_config_rule", "AccessDeniedException")
    with pytest.raises(RuleError, match="config:GetComplianceDetailsByConfigRule failed"):
        lambda_handler(SCHEDULED, {})


def test_an_evaluation_that_failed_is_sent_once_more(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 3)
    expect_put(aws, managed(0), managed(1), managed(2), failed=(managed(1),), test_mode=True)
    expect_put(aws, managed(1), test_mode=True)
    lambda_handler(DRY_RUN, {})


def test_an_evaluation_that_failed_twice_is_named_and_stops_nothing_but_the_taking_back(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 101)
    expect_put(aws, *map(managed, range(100)), failed=(managed(7), managed(8)))
    expect_put(aws, managed(7), managed(8), failed=(managed(8),))
    expect_put(aws, managed(100))
    with pytest.raises(
        RuleError, match=r"did not take the evaluations of alias/aws/service-8 \(refused twice: AWS Config returned"
    ):
        lambda_handler(SCHEDULED, {})


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InvalidResultTokenException", "re-evaluate the rule, its token is no longer valid"),
        ("NoSuchConfigRuleException", "the rule was deleted meanwhile, deploy it again if that was a mistake"),
        ("AccessDeniedException", "allow it to the function's own role"),
    ],
)
def test_a_report_that_fails_is_explained(aws: StubbedAws, code: str, advice: str) -> None:
    aws.config.add_client_error("put_evaluations", code, "because")
    with pytest.raises(RuleError) as raised:
        lambda_handler(GONE, {})
    assert str(raised.value) == (
        f"config:PutEvaluations failed with the function's own role: {advice} ({code}: because)."
    )


@pytest.mark.parametrize(
    "code", ["InvalidResultTokenException", "NoSuchConfigRuleException", "AccessDenied", "AccessDeniedException"]
)
def test_after_a_refusal_for_good_nothing_more_is_sent(aws: StubbedAws, code: str) -> None:
    expect_aws_managed_keys(aws, 301)
    expect_put(aws, *map(managed, range(100)))
    aws.config.add_client_error("put_evaluations", code, "because")
    with pytest.raises(RuleError, match=rf"^config:PutEvaluations failed .* \({code}: because\)\. 199 of 301 keys"):
        lambda_handler(SCHEDULED, {})


def test_a_call_that_fails_once_is_made_again(aws: StubbedAws) -> None:
    aws.config.add_client_error("put_evaluations", "InternalError")
    expect_put(aws, not_applicable("key-1", "Key or alias key-1 is deleted, or no longer in the rule's scope"))
    lambda_handler(GONE, {})


def test_a_call_that_fails_twice_costs_only_its_own_evaluations(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 101)
    aws.config.add_client_error("put_evaluations", "ThrottlingException", "Rate exceeded")
    aws.config.add_client_error("put_evaluations", "ThrottlingException", "Rate exceeded")
    expect_put(aws, managed(100))
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert "did not take the evaluations of alias/aws/service-0, alias/aws/service-1, " in str(raised.value)
    assert "(refused twice: ThrottlingException: Rate exceeded)" in str(raised.value)


def test_the_log_names_what_of_each_batch_was_refused_twice(
    aws: StubbedAws, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 2)
    expect_aws_managed_keys(aws, 5)
    for _ in range(4):
        aws.config.add_client_error("put_evaluations", "ThrottlingException", "Rate exceeded")
    expect_put(aws, managed(4))
    with pytest.raises(RuleError) as raised:
        lambda_handler(SCHEDULED, {})
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        f"Evaluations refused twice, of {aws_managed(0)}, {aws_managed(1)}: ThrottlingException: Rate exceeded",
        f"Evaluations refused twice, of {aws_managed(2)}, {aws_managed(3)}: ThrottlingException: Rate exceeded",
        str(raised.value),
    ]


def test_an_answer_that_names_something_else_makes_the_whole_batch_go_out_again(aws: StubbedAws) -> None:
    expect_aws_managed_keys(aws, 2)
    expect_put(aws, managed(0), managed(1), failed=(managed(7),), test_mode=True)
    expect_put(aws, managed(0), managed(1), test_mode=True)
    lambda_handler(DRY_RUN, {})


def test_a_call_that_fails_after_the_handler_has_ended_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, ended = [0], Event()

    def fail(**_request: object) -> None:
        attempts[0] += 1
        ended.set()
        raise ReadTimeoutError(endpoint_url="https://config.example")

    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    config = SESSION.client("config", config=client_config(1))
    kms = SESSION.client("kms")
    Clients(kms, config, OWN_ROLE, (), stopped=ended)
    account = Account(kms, config, OWN_ROLE)
    events: Any = config.meta.events
    events.register("before-send", fail)
    with pytest.raises(AbandonedError):
        account.put_evaluations([evaluation(*KEY, Compliance.COMPLIANT, "a", TIME)], Request.from_event(GONE))
    assert attempts == [1]


@pytest.mark.parametrize("operation", ["list_keys", "describe_configuration_recorder_status"])
def test_no_request_leaves_after_the_handler_has_ended_without_the_evaluation(operation: str) -> None:
    sent: list[str] = []

    def answer(event_name: str, **_request: object) -> AWSResponse:
        sent.append(event_name)
        return AWSResponse("https://aws.example", 200, HTTPHeaders(), Body(b"{}"))

    kms, config, ended = SESSION.client("kms"), SESSION.client("config"), Event()
    Clients(kms, config, OWN_ROLE, (), stopped=ended)
    client: Any = kms if hasattr(kms, operation) else config
    client.meta.events.register("before-send", answer)
    getattr(client, operation)()
    assert len(sent) == 1
    ended.set()
    with pytest.raises(AbandonedError):
        getattr(client, operation)()
    assert len(sent) == 1


# What counts as taken, by what comes back over HTTP with the status 200.


REQUEST_ID = {"x-amzn-RequestId": "11111111-2222-3333-4444-555555555555"}
SOMETHING_ELSE = (
    "OtherAnswerError: AWS answered without FailedEvaluations: look for a proxy between the function and AWS"
)


def put(config: ConfigServiceClient) -> tuple[set[tuple[str, str]], str]:
    """Send one evaluation, and return what was not taken, and the reason."""
    account = Account(kms=Mock(), config=config, role=OWN_ROLE)
    return account.put_evaluations(
        [evaluation(*KEY, Compliance.COMPLIANT, "An annotation", TIME)], Request.from_event(GONE)
    )


def answering(body: bytes, headers: Mapping[str, str]) -> ConfigServiceClient:
    """Make a client that gets this answer."""
    config = SESSION.client("config")
    # The stubs of boto3's types say that what such a function returns is nothing.
    events: Any = config.meta.events

    def answer(**_request: object) -> AWSResponse:
        return AWSResponse("https://config.example", 200, HTTPHeaders.from_dict(headers), Body(body))

    events.register("before-send.config.PutEvaluations", answer)
    return config


@pytest.mark.parametrize("body", [b"{}", b"", b'{"FailedEvaluations": null}'])
def test_an_answer_with_a_request_id_and_without_failed_evaluations_means_taken(body: bytes) -> None:
    not_taken, _ = put(answering(body, REQUEST_ID))
    assert not_taken == set()


@pytest.mark.parametrize("body", [b"{}", b"", b"<html>Sign in</html>", b'{"FailedEvaluations": null}'])
def test_an_answer_without_request_id_and_failed_evaluations_means_not_taken(body: bytes) -> None:
    assert put(answering(body, {"Content-Type": "text/html"})) == ({KEY}, SOMETHING_ELSE)


@pytest.mark.parametrize("headers", [REQUEST_ID, {}])
def test_failed_evaluations_are_believed_with_and_without_a_request_id(headers: dict[str, str]) -> None:
    none = b'{"FailedEvaluations": []}'
    one = b'{"FailedEvaluations": [{"ComplianceResourceType": "AWS::KMS::Key", "ComplianceResourceId": "key-1"}]}'
    assert put(answering(none, headers))[0] == set()
    assert put(answering(one, headers)) == ({KEY}, "AWS Config returned them as failed")


def test_the_answer_of_a_stub_which_has_no_metadata_means_taken() -> None:
    config = SESSION.client("config")
    with Stubber(config) as stub:
        stub.add_response("put_evaluations", {})
        not_taken, _ = put(config)
    assert not_taken == set()


def test_evaluations_that_something_else_than_aws_took_are_lost_and_named(
    aws: StubbedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws.config.client, "put_evaluations", answering(b"<html>", {}).put_evaluations)
    with pytest.raises(RuleError) as raised:
        lambda_handler(GONE, {})
    assert str(raised.value).startswith(
        f"The evaluation is incomplete: 0 of 0 keys are judged; AWS Config did not take the evaluations of key-1 "
        f"(refused twice: {SOMETHING_ELSE}). "
    )
