"""`kms-rule report` on what real invocations of the rule left in the emulated AWS Config, seen at any later time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.config.models import SourceDetail, config_backends
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError

from AWSConfigRuleKMS import lambda_handler
from AWSConfigRuleKMSPolicy import KeyPolicy
from dev.demo.demonstration import create_keys
from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place
from dev.emulator.events import (
    POST_PARAMETERS,
    RULE_NAME,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)
from kms_rule.ages import age
from kms_rule.cli import main
from kms_rule.commands.report import report, reports
from kms_rule.errors import CommandError
from kms_rule.findings import ExitCode, Finding, Findings
from kms_rule.sources.live.accounts import Connection
from least_privilege.annotation import annotate, scenario_of
from least_privilege.evidence import Evidence, FormEvidence, StateEvidence, StatementsEvidence, grants
from least_privilege.key import Facts
from least_privilege.parameters import ADMINISTRATORS, RuleParameters
from least_privilege.report import evaluation
from least_privilege.scenarios import SCENARIOS, Compliance, Scenario, Verdict, judge
from least_privilege.text import RuleError

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SOURCE = "account 123456789012, us-east-1"
LONG_ALIAS = f"alias/{'otter' * 50}"

type Status = dict[str, object]


@pytest.fixture
def keys(account: EmulatedAccount) -> dict[str, str]:
    account.config.add_rule(RULE_NAME)
    return create_keys(account)


def run_rule(account: EmulatedAccount, invoking_event: Any = None, **parameters: str) -> None:
    event = rule_event(
        invoking_event or scheduled_notification(now()),
        {**POST_PARAMETERS, **parameters},
        resultToken=account.config.issue_token(RULE_NAME),
    )
    lambda_handler(event, None)


def set_schedule(period: str | None) -> None:
    rule = config_backends["123456789012"]["us-east-1"].config_rules[RULE_NAME]
    change = SourceDetail("aws.config", "ConfigurationItemChangeNotification")
    rule.source.source_details = [change]
    if period:
        rule.source.source_details.append(SourceDetail("aws.config", "ScheduledNotification", period))


def connection(region: str = "us-east-1") -> Connection:
    return Connection(boto3.Session(), region, "these credentials")


def seen(hours: float = 0) -> Findings:
    return report(connection(), RULE_NAME, datetime.now(UTC) + timedelta(hours=hours))


def shown_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def signs(findings: Findings) -> list[str]:
    assert {(each.place.source, each.place.resource) for each in findings.unjudged} <= {(SOURCE, RULE_NAME)}
    return [each.reason for each in findings.unjudged]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["report", "--rule", RULE_NAME, *arguments])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, printed.out


# What AWS Config holds.


def test_the_findings_are_what_the_rule_reported_with_its_sentences(
    account: EmulatedAccount, keys: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_rule(account)
    code, text = shown(capsys, "--format", "json")
    reported = {
        (each["ComplianceResourceId"], each["ComplianceType"], each["Annotation"])
        for each in lambda_handler(rule_event(scheduled_notification(now())), None)
        if each["ComplianceType"] != "NOT_APPLICABLE"
    }
    content = json.loads(text)
    assert code == ExitCode.NON_COMPLIANT
    assert {(each["id"], each["compliance"], each["annotation"]) for each in content["findings"]} == reported
    assert len(content["findings"]) == len(keys)
    assert {each["place"]["source"] for each in content["findings"]} == {SOURCE}
    numbers = {each["id"]: each["scenario"]["number"] for each in content["findings"]}
    assert [numbers[f"alias/{name}"] for name in ("Otter-EBS", "default-policy", "orders", "payments")] == [2, 3, 4, 5]
    assert [numbers[f"alias/{name}"] for name in ("archive", "backup", "reports")] == [6, 7, 8]


def test_results_are_read_page_by_page_and_proactive_ones_are_none_of_them(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.config.add_rule(RULE_NAME)
    items = [evaluation("AWS::KMS::Key", f"key-{n:03}", Compliance.COMPLIANT, "ok", now()) for n in range(150)]
    token = account.config.issue_token(RULE_NAME)
    for start in (0, 100):
        boto3.client("config").put_evaluations(Evaluations=items[start : start + 100], ResultToken=token)
    assert [each.reported_id for each in seen().judged] == [f"key-{n:03}" for n in range(150)]
    list_results = account.config._list_results  # noqa: SLF001 - AWS's answer for a deployed rule in proactive mode

    def proactive(*arguments: Any) -> Any:
        listed = list_results(*arguments)
        listed[0]["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["EvaluationMode"] = "PROACTIVE"
        return listed

    monkeypatch.setattr(type(account.config), "_list_results", lambda _self, *arguments: proactive(*arguments))
    assert len(seen().judged) == 149


@pytest.mark.usefixtures("keys")
def test_an_interruption_shows_nothing_and_says_so(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_rule(account)

    def interrupted(*_arguments: object) -> Findings:
        raise KeyboardInterrupt

    monkeypatch.setattr("kms_rule.commands.report.held_findings", interrupted)
    assert main(["report", "--rule", RULE_NAME]) == ExitCode.INCOMPLETE
    assert capsys.readouterr() == ("", "kms-rule: Interrupted before all results were read: run it again.\n")


@pytest.mark.usefixtures("keys")
def test_every_format_shows_the_age(account: EmulatedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    run_rule(account)
    sentence = f"In {SOURCE}, the newest result was recorded "
    for form in ("table", "json", "html"):
        code, text = shown(capsys, "--format", form)
        assert code == ExitCode.NON_COMPLIANT
        assert sentence in text
        assert "Recorded " in text
        assert "seconds ago." in text


@pytest.mark.usefixtures("keys")
def test_the_page_names_the_rule_and_where_it_is(account: EmulatedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    run_rule(account)
    _, page = shown(capsys, "--format", "html")
    for name, value in (("Rule", RULE_NAME), ("Account", "123456789012"), ("Region", "us-east-1")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page


@pytest.mark.usefixtures("keys")
def test_ages_are_told_of_the_time_that_is_given(account: EmulatedAccount) -> None:
    run_rule(account)
    findings = seen(hours=5.01)
    times = sorted(each.recorded for each in findings.judged if each.recorded)
    oldest, newest = f"5 hours ago, at {shown_time(times[0])}", f"5 hours ago, at {shown_time(times[-1])}"
    assert findings.remarks == [f"In {SOURCE}, the newest result was recorded {newest}, and the oldest {oldest}."]
    assert {each.remarks for each in findings.judged} == {("Recorded 5 hours ago.",)}


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=-5), "0 seconds"),
        (timedelta(seconds=119), "119 seconds"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_an_age_is_told_in_words(duration: timedelta, text: str) -> None:
    assert age(duration) == text


# Sentences.


STATEMENTS = KeyPolicy.parse(
    {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Sid": "a] [b"}, {"Effect": "Allow", "Action": "*"}]}
)
EVIDENCE = {
    "none": Evidence(),
    "statements": StatementsEvidence(grants(STATEMENTS.statements), "none opens all"),
    "a state": StateEvidence("Unavailable"),
    "a problem": FormEvidence('it has "a] [b" twice in one object'),
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
@pytest.mark.parametrize("reported_id", ["alias/payments", "1b", LONG_ALIAS])
@pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=list(EVIDENCE))
@pytest.mark.parametrize("caveat", ["", "kms:DescribeKey is missing, key taken for enabled"])
def test_every_sentence_of_the_rule_is_recognised(
    scenario: Scenario, reported_id: str, evidence: Evidence, caveat: str
) -> None:
    annotation = annotate(Verdict(scenario, evidence, caveat), reported_id)
    assert scenario_of(annotation, scenario.compliance) is scenario


def recorded(account: EmulatedAccount, annotation: str, compliance: Compliance) -> Finding:
    """What is found where AWS Config holds this one result."""
    account.config.add_rule(RULE_NAME)
    item = evaluation("AWS::KMS::Key", "alias/a", compliance, annotation, now())
    token = account.config.issue_token(RULE_NAME)
    boto3.client("config").put_evaluations(Evaluations=[item], ResultToken=token)
    [finding] = seen().judged
    return finding


@pytest.mark.parametrize(
    "annotation",
    [
        "",
        "CMK alias/a is in whitelist",
        "in Key Policy for alias/a, statement does have separation of duties",
        'in Key Policy for alias/a, statement is odd [", statement does have separation of duties and CMK is not '
        'whitelisted"]',
        "in Key Policy for alias/a, statement does have separation of duties and CMK is not whitelisted at all",
        "so in Key Policy for alias/a, statement does have separation of duties and CMK is not whitelisted",
        "This is scenario 5: of another rule",
        "Key alias/a is fine [scenario 9]",
        "Key alias/a is fine [scenario 55]",
        "Key alias/a is fine [scenario five]",
        "Key alias/a is fine [see scenario 5]",
        "Key alias/a is fine[scenario 5]",
    ],
)
def test_other_words_are_no_sentence_of_the_rule(account: EmulatedAccount, annotation: str) -> None:
    for compliance in (Compliance.COMPLIANT, Compliance.NON_COMPLIANT):
        assert scenario_of(annotation, compliance) is None
    if annotation:
        found = recorded(account, annotation, Compliance.NON_COMPLIANT)
        assert (found.annotation, found.compliance) == (annotation, Compliance.NON_COMPLIANT)
        assert (found.scenario.name, found.scenario.number) == ("unknown-sentence", None)


def test_a_sentence_with_another_compliance_is_not_recognised() -> None:
    sentence = "in Key Policy for alias/a, statement does have separation of duties and CMK is not whitelisted"
    separated = scenario_of(sentence, Compliance.COMPLIANT)
    assert separated
    assert separated.number == 5
    assert scenario_of(sentence, Compliance.NON_COMPLIANT) is None


# Sentences of versions that word them otherwise: the mark in the brackets stays.

NUMBERED = [scenario for scenario in SCENARIOS if scenario.number]
MARKED = [
    "[scenario {}]",
    "[scenario {}: usage by statement 1 (kms:Encrypt)]",
    '[scenario {}: "Use [it]" (kms:Encrypt)]',
    "[scenario {}; other evidence]",
    "[kms:DescribeKey is missing, key taken for enabled; scenario {}]",
    "[kms:DescribeKey is missing, key taken for enabled; scenario {}: usage by statement 1 (kms:Encrypt)]",
    "[kms:DescribeKey is missing, key taken for enabled; key state Unavailable; scenario {}]",
]


@pytest.mark.parametrize("scenario", NUMBERED, ids=[each.name for each in NUMBERED])
@pytest.mark.parametrize("mark", MARKED)
def test_a_result_in_other_words_is_recognised_by_its_mark(scenario: Scenario, mark: str) -> None:
    annotation = f"Key alias/a was judged in other words {mark.format(scenario.number)}"
    assert scenario_of(annotation, scenario.compliance) is scenario
    for compliance in set(Compliance) - {scenario.compliance}:
        assert scenario_of(annotation, compliance) is None


def test_a_mark_outweighs_the_sentence_of_another_scenario() -> None:
    sentence = "in Key Policy for alias/a, statement does have separation of duties and CMK is not whitelisted"
    found = scenario_of(f"{sentence} [scenario 6]", Compliance.COMPLIANT)
    assert found
    assert found.number == 6


def test_the_report_shows_the_scenario_of_a_result_in_other_words(account: EmulatedAccount) -> None:
    sentence = "Key alias/a is judged anew [kms:DescribeKey is missing, key taken for enabled; scenario 5: statement 1]"
    found = recorded(account, sentence, Compliance.COMPLIANT)
    assert (found.scenario.name, found.annotation) == ("separation-of-duty-compliant", sentence)


# In `{}` stands a text that is to be taken for the mark of another scenario.
FORGERIES: dict[str, tuple[str, str]] = {
    "a Sid": ('[{"Effect": "Allow", "Action": "kms:Encrypt", "Sid": {}}]', "no-user-condition-not-compliant"),
    "an action": ('[{"Effect": "Allow", "Action": {}}]', "malformed-policy-not-compliant"),
    "an exempted action": ('[{"Effect": "Allow", "NotAction": {}}]', "malformed-policy-not-compliant"),
    "an effect": ('[{"Effect": {}, "Action": "kms:*"}]', "malformed-policy-not-compliant"),
    "an element": ('[{"Effect": "Allow", "Action": "kms:*", {}: "*"}]', "malformed-policy-not-compliant"),
    "a user id": (
        '[{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": {"aws:userId": ["*", {}]}}}]',
        "no-user-condition-not-compliant",
    ),
    "a user id that limits nobody": (
        '[{"Effect": "Allow", "Action": "kms:Encrypt", "Condition": {"StringLike": {"aws:userId": {}}}}]',
        "no-user-condition-not-compliant",
    ),
    "a name that is there twice": ("[], {}: 1, {}: 2", "malformed-policy-not-compliant"),
    "a Sid of what is too little": (
        '[{"Effect": "Allow", "Action": "kms:Get*", "Sid": {}}]',
        "no-scenario-not-compliant",
    ),
}
MARKS = ["[scenario {}: x", "a [scenario {}: x", "a; scenario {}: x", 'a"; scenario {}]', 'a" [scenario {}; ']
BEGINNINGS = {"an action": "kms:Create*", "an exempted action": "kms:Get*", "a user id that limits nobody": "*"}


@pytest.mark.parametrize("caveat", [(), ("kms:DescribeKey",)], ids=["", "with a caveat"])
@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("place", FORGERIES)
def test_no_name_in_a_policy_forges_a_mark(place: str, mark: str, caveat: tuple[str, ...]) -> None:
    statements, expected = FORGERIES[place]
    for number in range(1, 9):
        text = json.dumps(BEGINNINGS.get(place, "") + mark.format(number))
        facts = Facts(policy=f'{{"Statement": {statements.replace("{}", text)}}}', denied=caveat)
        verdict = judge(facts, RuleParameters.parse(POST_PARAMETERS))
        assert verdict.scenario.name == expected
        annotation = annotate(verdict, "alias/a")
        assert scenario_of(annotation, verdict.compliance) is verdict.scenario, annotation


# A healthy rule.


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("period", "hours"),
    [
        ("TwentyFour_Hours", 0),
        ("TwentyFour_Hours", 2),
        ("TwentyFour_Hours", 24.9),
        ("One_Hour", 1.9),
        ("Six_Hours", 6.9),
        (None, 24 * 300),
    ],
)
def test_a_healthy_rule_raises_no_alarm(account: EmulatedAccount, period: str | None, hours: float) -> None:
    set_schedule(period)
    run_rule(account)
    assert signs(seen(hours)) == []


def test_a_rule_with_runs_and_changes_raises_no_alarm(account: EmulatedAccount, keys: dict[str, str]) -> None:
    run_rule(account)
    run_rule(account, change_notification(key_item(keys["alias/payments"], now())))
    assert signs(seen(hours=3)) == []


@pytest.mark.usefixtures("keys")
def test_a_rule_that_was_invoked_minutes_ago_and_is_at_work_raises_no_alarm(account: EmulatedAccount) -> None:
    run_rule(account)
    late = datetime.now(UTC) + timedelta(hours=23)
    account.config.statuses[RULE_NAME] = {"LastSuccessfulInvocationTime": late - timedelta(minutes=10)}
    assert signs(report(connection(), RULE_NAME, late)) == []


@pytest.mark.usefixtures("keys")
def test_a_rule_without_a_status_is_judged_by_the_age_of_its_results(
    account: EmulatedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_rule(account)
    monkeypatch.setattr(type(account.config), "_status", lambda *_: {})
    assert signs(seen()) == []
    assert len(signs(seen(hours=26))) == 1


# A failed run.


def status_of(account: EmulatedAccount, **hours_ago: float | str) -> datetime:
    """Set times of the status by the hours that they lie before the time that is returned."""
    later = datetime.now(UTC) + timedelta(hours=20)
    account.config.statuses[RULE_NAME] = {
        name: value if isinstance(value, str) else later - timedelta(hours=value) for name, value in hours_ago.items()
    }
    return later


@pytest.mark.usefixtures("keys")
def test_an_invocation_that_failed_is_a_sign(account: EmulatedAccount) -> None:
    run_rule(account)
    later = status_of(
        account,
        LastFailedInvocationTime=3,
        LastSuccessfulInvocationTime=20,
        LastErrorCode="AccessDenied",
        LastErrorMessage="Config may not invoke\nit",
    )
    assert signs(report(connection(), RULE_NAME, later)) == [
        f"AWS Config could not invoke the function 3 hours ago, at {shown_time(later - timedelta(hours=3))} "
        "(AccessDenied: Config may not invoke\\nit): allow it to, or deploy the rule again."
    ]


@pytest.mark.usefixtures("keys")
def test_an_invocation_that_failed_and_then_succeeded_is_no_sign(account: EmulatedAccount) -> None:
    run_rule(account)
    later = status_of(
        account, LastFailedInvocationTime=3, LastSuccessfulInvocationTime=2, LastSuccessfulEvaluationTime=2
    )
    assert signs(report(connection(), RULE_NAME, later)) == []


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("evaluated_before", "alarm"), [(2.5, True), (2.02, True), (2.01, False), (1.9, False)])
def test_a_run_that_reported_nothing_is_a_sign(account: EmulatedAccount, evaluated_before: float, alarm: bool) -> None:  # noqa: FBT001 - a table
    run_rule(account)
    later = status_of(account, LastSuccessfulInvocationTime=2, LastSuccessfulEvaluationTime=evaluated_before)
    began = shown_time(later - timedelta(hours=2))
    expected = (
        f"The run that began 2 hours ago, at {began}, has reported nothing: read the function's log, and its metric "
        "Errors."
    )
    assert signs(report(connection(), RULE_NAME, later)) == [expected] * alarm


def test_a_run_of_the_rule_that_raises_is_seen(account: EmulatedAccount, keys: dict[str, str]) -> None:
    with pytest.raises(RuleError, match=ADMINISTRATORS):
        run_rule(account, Admin_User_Id=" ")
    assert len(signs(seen(hours=2))) == 1
    run_rule(account, change_notification(key_item(keys["alias/payments"], now())))
    assert signs(seen(hours=2)) == []


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("period", "hours", "late"),
    [("TwentyFour_Hours", 25.1, True), ("One_Hour", 2.1, True), ("Twelve_Hours", 13.1, True), (None, 900, False)],
)
def test_results_older_than_the_schedule_are_a_sign(
    account: EmulatedAccount, period: str | None, hours: float, *, late: bool
) -> None:
    set_schedule(period)
    run_rule(account)
    number = len(seen().judged)
    expected = (
        f"{number} of {number} results are older than the last scheduled run, which should have reported every key "
        "anew: read the function's log, and its metric Errors."
    )
    assert signs(seen(hours)) == [expected] * late


def test_signs_make_the_exit_code_2_and_the_results_are_shown_all_the_same(
    account: EmulatedAccount, keys: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_rule(account)
    account.config.statuses[RULE_NAME] = {"LastFailedInvocationTime": datetime.now(UTC) + timedelta(minutes=1)}
    code, text = shown(capsys)
    assert code == ExitCode.INCOMPLETE
    assert "AWS Config could not invoke the function 0 seconds ago, at " in text
    assert "UTC (no code: no message)" in text
    assert all(alias in text for alias in keys if alias != "alias/retired")


# Bad input.


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["report", *arguments]) == ExitCode.INCOMPLETE
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    return printed.err


@pytest.mark.usefixtures("account")
def test_a_rule_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "--rule", "Nobody\n") == (
        f"kms-rule: AWS Config in {SOURCE} has no rule Nobody\\n: correct the name, or deploy the rule there.\n"
    )


def test_a_rule_without_results_is_one_sentence(account: EmulatedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    account.config.add_rule(RULE_NAME)
    assert error_of(capsys, "--rule", RULE_NAME) == (
        f"kms-rule: AWS Config in {SOURCE} holds no results of the rule {RULE_NAME} yet: wait for its first run, or "
        "re-evaluate it and read the function's log.\n"
    )


def test_a_rule_that_found_nothing_applicable_is_told_from_one_that_never_ran(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.config.add_rule(RULE_NAME)
    account.add_aws_managed_key("ebs")
    run_rule(account)
    assert re.search(r"which last reported \d+ \w+ ago, at ", error_of(capsys, "--rule", RULE_NAME))


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    "operation",
    ["describe_config_rules", "describe_config_rule_evaluation_status", "get_compliance_details_by_config_rule"],
)
def test_what_may_not_be_read_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    def denied(_response: ConfigResponse) -> str:
        raise JsonRESTError("AccessDeniedException", "User: me is not authorized")

    monkeypatch.setattr(ConfigResponse, operation, denied)
    assert error_of(capsys, "--rule", RULE_NAME) == (
        f"kms-rule: What AWS Config in {SOURCE} holds for the rule {RULE_NAME} cannot be read: get the permission that "
        "AWS names (AccessDeniedException: User: me is not authorized).\n"
    )


@pytest.mark.usefixtures("keys")
def test_one_region_without_the_rule_does_not_hide_the_others(account: EmulatedAccount) -> None:
    run_rule(account)
    findings = reports([connection("eu-west-1"), connection()], RULE_NAME, datetime.now(UTC))
    assert findings.exit_code == ExitCode.INCOMPLETE
    assert {each.place.source for each in findings.judged} == {SOURCE}
    [unjudged] = findings.unjudged
    assert str(unjudged.place) == f"Region eu-west-1 {RULE_NAME}"
    assert unjudged.reason.startswith("AWS Config in account 123456789012, eu-west-1 has no rule")
    with pytest.raises(CommandError, match="has no rule"):
        reports([connection("eu-west-1")], RULE_NAME, datetime.now(UTC))


@pytest.mark.usefixtures("keys")
def test_of_all_regions_those_without_the_rule_are_only_named(account: EmulatedAccount) -> None:
    run_rule(account)
    places = [connection("eu-west-1"), connection(), connection("eu-north-1")]
    findings = reports(places, RULE_NAME, datetime.now(UTC), everywhere=True)
    assert findings.exit_code == ExitCode.NON_COMPLIANT
    assert findings.unjudged == []
    assert findings.remarks[-1] == f"There is no rule {RULE_NAME} in eu-west-1, eu-north-1."
    with pytest.raises(CommandError, match=r"^No enabled Region has a rule Otter: correct the name, or deploy it\.$"):
        reports(places, "Otter", datetime.now(UTC), everywhere=True)


@pytest.mark.usefixtures("keys")
def test_all_stands_for_regions_that_need_not_have_the_rule(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_rule(account)
    monkeypatch.setattr("kms_rule.sources.live.accounts._enabled_regions", lambda *_: ["eu-west-1", "us-east-1"])
    code, text = shown(capsys, "--region", "all")
    assert code == ExitCode.NON_COMPLIANT
    assert f"There is no rule {RULE_NAME} in eu-west-1." in text


@pytest.mark.usefixtures("keys")
def test_the_process_only_reads(account: EmulatedAccount) -> None:
    run_rule(account)
    account.config.calls.clear()
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "kms_rule", "report", "--rule", RULE_NAME],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (ExitCode.NON_COMPLIANT, "")
    assert "7 COMPLIANT" in ended.stdout
    assert {str(call) for call in account.config.calls} == {
        "sts:GetCallerIdentity",
        "config:DescribeConfigRules",
        "config:DescribeConfigRuleEvaluationStatus",
        "config:GetComplianceDetailsByConfigRule",
    }
    assert {call.place for call in account.config.calls} == {Place("123456789012", "us-east-1")}
