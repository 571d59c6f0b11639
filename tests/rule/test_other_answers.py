"""Answers that are none of AWS's, as botocore reads them: whatever comes back, people get the rule's own sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders

from AWSConfigRuleKMS import lambda_handler
from dev.emulator.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)
from least_privilege.text import RuleError
from tests.aws.stubbed import SESSION, Body

TIME = "2026-01-13T19:12:27.681Z"
FROM_CONFIG = rule_event(
    scheduled_notification(TIME),
    {**POST_PARAMETERS, "ReadKeysFrom": "Config", "ExecutionRoleName": "member"},
    resultToken="a-result-token",
)
REQUEST_ID = {"x-amzn-RequestId": "11111111-2222-3333-4444-555555555555"}
KEYS = ("key-1", "key-2")
POLICY = json.dumps(
    {
        "Statement": {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Condition": {"StringLike": {"aws:userId": "AROABEAVER:*"}},
        }
    }
)
CREDENTIALS = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken>"
ANSWERS: Mapping[str, object] = {
    "AssumeRole": f"<R><AssumeRoleResult><Credentials>{CREDENTIALS}</Credentials></AssumeRoleResult></R>",
    "DescribeConfigurationRecorderStatus": {"ConfigurationRecordersStatus": [{"recording": True}]},
    "ListAliases": {"Aliases": []},
    "ListKeys": {"Keys": [{"KeyId": key_id} for key_id in KEYS]},
    "BatchGetResourceConfig": {"baseConfigurationItems": []},
    "DescribeKey": {"KeyMetadata": {"KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
    "GetKeyPolicy": {"Policy": POLICY},
    "PutEvaluations": {"FailedEvaluations": []},
    "GetComplianceDetailsByConfigRule": {"EvaluationResults": []},
}


def body_of(answer: object) -> bytes:
    return answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()


@contextmanager
def answering(operation: str = "", status: int = 200, answer: object = "") -> Iterator[list[dict[str, str]]]:
    """Let AWS answer as it does, but to this operation so; yields the evaluations that it takes."""
    taken: list[dict[str, str]] = []

    def respond(request: Any, event_name: str, **_: object) -> AWSResponse:
        asked = event_name.rpartition(".")[2]
        if asked == operation:
            return AWSResponse(request.url, status, HTTPHeaders(), Body(body_of(answer)))
        if asked == "PutEvaluations":
            taken.extend(json.loads(request.body)["Evaluations"])
        return AWSResponse(request.url, 200, HTTPHeaders.from_dict(REQUEST_ID), Body(body_of(ANSWERS[asked])))

    def client(service: str, **settings: Any) -> Any:
        credentials = {"aws_access_key_id": "none", "aws_secret_access_key": "none", **settings}
        made = SESSION.client(service, **credentials)  # type: ignore[call-overload]
        made.meta.events.register("before-send", respond)
        return made

    with patch("boto3.client", client):
        yield taken


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    monkeypatch.setenv("READER_THREADS", "1")


def test_the_answers_of_aws_are_read() -> None:
    with answering() as taken:
        lambda_handler(FROM_CONFIG, None)
    assert {item["ComplianceResourceId"]: item["ComplianceType"] for item in taken} == dict.fromkeys(KEYS, "COMPLIANT")


DEEP = "[" * 100_000
OF_STS = [
    (200, "<R><AssumeRoleResult><Credentials/></AssumeRoleResult></R>"),
    (200, "<R><AssumeRoleResult/></R>"),
    (200, "<R/>"),
    (200, "{}"),
    (403, "<x><Error>text</Error></x>"),
    (403, "<ErrorResponse><Error/></ErrorResponse>"),
    (403, "<Response><Errors/></Response>"),
    (403, "no"),
]
OF_ANY = [
    (200, "[null]"),
    (200, "null"),
    (200, '"text"'),
    (200, "7"),
    (200, f'{{"a": {DEEP}'),
    (200, DEEP),
    (200, "\xff"),
    (400, '{"__type": 5}'),
    (403, '{"__type": {}}'),
    (403, "[]"),
    (500, "[]"),
    (503, "null"),
]
OF_LISTS = {
    "ListKeys": ("Keys", {"KeyId": "key-3"}),
    "ListAliases": ("Aliases", {"AliasName": "alias/a", "TargetKeyId": "key-1"}),
}
NO_TEXTS: list[object] = [None, 5, 1e300, True, ["key-1"], {"key-1": "key-1"}]


def held(resource_id: object) -> object:
    qualifier = {"ResourceType": "AWS::KMS::Key", "ResourceId": resource_id}
    return {"EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier}}


OF_ONE: list[tuple[str, object]] = [
    ("ListKeys", {"Keys": [{}]}),
    *(("ListKeys", {"Keys": [{"KeyId": key_id}]}) for key_id in NO_TEXTS),
    *(("ListAliases", {"Aliases": [{"AliasName": name, "TargetKeyId": "key-1"}]}) for name in NO_TEXTS),
    *(("ListAliases", {"Aliases": [{"AliasName": "alias/a", "TargetKeyId": key_id}]}) for key_id in NO_TEXTS[1:]),
    *(("GetComplianceDetailsByConfigRule", {"EvaluationResults": [held(resource_id)]}) for resource_id in NO_TEXTS),
    ("ListKeys", {"Keys": "key-1"}),
    ("ListKeys", {"Keys": {"KeyId": "key-1"}}),
    ("ListAliases", {"Aliases": [{"TargetKeyId": "key-1"}]}),
    ("DescribeConfigurationRecorderStatus", {"ConfigurationRecordersStatus": [None]}),
    ("DescribeConfigurationRecorderStatus", {"ConfigurationRecordersStatus": 5}),
    ("PutEvaluations", {"FailedEvaluations": [{}]}),
    *(
        (
            "PutEvaluations",
            {"FailedEvaluations": [{"ComplianceResourceType": "t", "ComplianceResourceId": resource_id}]},
        )
        for resource_id in NO_TEXTS
    ),
    ("GetComplianceDetailsByConfigRule", {"EvaluationResults": [{}]}),
    ("GetComplianceDetailsByConfigRule", {"EvaluationResults": [None]}),
    *(
        (operation, {name: [entry], **rest})
        for operation, (name, entry) in OF_LISTS.items()
        for rest in ({"Truncated": True}, {"NextMarker": "m"})
    ),
]
NAMED = {"AssumeRole": "role/member cannot be assumed", "PutEvaluations": "did not take the evaluations of key-"}


@pytest.mark.parametrize(
    ("operation", "status", "answer"),
    [
        *(("AssumeRole", status, answer) for status, answer in OF_STS),
        *(
            (operation, status, answer)
            for operation in ("ListKeys", "DescribeConfigurationRecorderStatus", "PutEvaluations")
            for status, answer in OF_ANY
        ),
        *((operation, 200, answer) for operation, answer in OF_ONE),
    ],
)
def test_what_something_else_answers_raises_one_sentence_that_names_the_operation(
    operation: str, status: int, answer: object
) -> None:
    with answering(operation, status, answer), pytest.raises(RuleError) as raised:
        lambda_handler(FROM_CONFIG, None)
    assert NAMED.get(operation, f":{operation} failed with the role arn:aws:iam::{ACCOUNT_ID}:role/member") in str(
        raised.value
    )


@pytest.mark.parametrize("operation", OF_LISTS)
@pytest.mark.parametrize(("rest", "missing"), [({"Truncated": True}, "NextMarker"), ({"NextMarker": "m"}, "Truncated")])
def test_a_list_that_says_in_one_way_alone_that_it_goes_on_ends_the_run(
    operation: str, rest: dict[str, object], missing: str
) -> None:
    name, entry = OF_LISTS[operation]
    # Keys are listed before aliases.
    named = " 0 of 2 keys are judged; not judged are key-1, key-2." if operation == "ListAliases" else ""
    with answering(operation, answer={name: [entry], **rest}) as taken, pytest.raises(RuleError) as raised:
        lambda_handler(FROM_CONFIG, None)
    assert str(raised.value) == (
        f"kms:{operation} failed with the role arn:aws:iam::{ACCOUNT_ID}:role/member: re-evaluate the rule once the "
        f"cause is gone (OtherAnswerError: AWS answered without {missing}: look for a proxy between the function and "
        f"AWS).{named}"
    )
    assert taken == []


@pytest.mark.parametrize("rest", [{"Truncated": False}, {"NextMarker": None}, {"Truncated": False, "NextMarker": ""}])
@pytest.mark.parametrize("operation", OF_LISTS)
def test_a_list_that_says_in_no_way_that_it_goes_on_is_whole(operation: str, rest: dict[str, object]) -> None:
    name, entry = OF_LISTS[operation]
    with answering(operation, answer={name: [entry], **rest}) as taken:
        lambda_handler(FROM_CONFIG, None)
    reported = {"ListKeys": {"key-3"}, "ListAliases": {"alias/a", "key-2"}}
    assert {item["ComplianceResourceId"] for item in taken} == reported[operation]


@pytest.mark.parametrize(
    ("operation", "status", "answer"),
    [
        *((operation, status, answer) for operation in ("DescribeKey", "GetKeyPolicy") for status, answer in OF_ANY),
        ("DescribeKey", 200, {"KeyMetadata": "x"}),
        ("DescribeKey", 200, {"KeyMetadata": {"CreationDate": "x"}}),
        ("DescribeKey", 200, {"KeyMetadata": {"CreationDate": 1e300}}),
        ("DescribeKey", 200, {"KeyMetadata": {"DeletionDate": -1e300}}),
        ("DescribeKey", 200, '{"KeyMetadata": {"CreationDate": NaN}}'),
        ("GetKeyPolicy", 200, {"Policy": {"Statement": []}}),
    ],
)
def test_keys_about_which_something_else_answers_are_named(operation: str, status: int, answer: object) -> None:
    with answering(operation, status, answer) as taken, pytest.raises(RuleError) as raised:
        lambda_handler(FROM_CONFIG, None)
    assert "0 of 2 keys are judged; no answer for key-1, key-2, first because of " in str(raised.value)
    assert taken == []


@pytest.mark.parametrize(
    ("operation", "answer", "member"),
    [
        ("DescribeKey", {"KeyMetadata": {"KeyState": 5}}, "KeyState"),
        ("DescribeKey", {"KeyMetadata": {"KeyManager": []}}, "KeyManager"),
        ("GetKeyPolicy", {"Policy": 5}, "Policy"),
        ("GetKeyPolicy", {}, "Policy"),
    ],
)
def test_what_is_missing_in_an_answer_about_a_key_is_named(operation: str, answer: object, member: str) -> None:
    expected = f"key-2, first because of OtherAnswerError: AWS answered without {member}: look for a proxy"
    with answering(operation, answer=answer), pytest.raises(RuleError, match=expected):
        lambda_handler(FROM_CONFIG, None)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        *OF_ANY[:7],
        *OF_ANY[-2:],
        (429, "{}"),
        (200, {"baseConfigurationItems": [None]}),
        (200, {"baseConfigurationItems": 5}),
    ],
)
def test_what_something_else_tells_of_recorded_items_is_read_from_kms(status: int, answer: object) -> None:
    with answering("BatchGetResourceConfig", status, answer) as taken:
        lambda_handler(FROM_CONFIG, None)
    assert {item["ComplianceResourceId"]: item["ComplianceType"] for item in taken} == dict.fromkeys(KEYS, "COMPLIANT")


@pytest.mark.parametrize("name", NO_TEXTS)
def test_an_alias_of_a_changed_key_that_is_no_text_is_named_by_its_call(name: object) -> None:
    changed = rule_event(change_notification(key_item("key-1", TIME)))
    with answering("ListAliases", answer={"Aliases": [{"AliasName": name}]}), pytest.raises(RuleError) as raised:
        lambda_handler(changed, None)
    assert "no answer for key-1, first because of kms:ListAliases of key key-1 failed" in str(raised.value)
    assert "AWS answered without AliasName" in str(raised.value)
