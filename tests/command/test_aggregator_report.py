"""`kms-rule report --aggregator`: what AWS Config holds for a rule in an organization, account by account."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError

from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place
from dev.emulator.events import now
from dev.emulator.organization import AGGREGATOR, add_aggregator, config_at
from kms_rule.cli import main
from kms_rule.findings import ExitCode
from kms_rule.formats.html.page import render
from kms_rule.sources.aggregator.calls import Aggregator
from kms_rule.sources.aggregator.report import is_called, report_aggregator
from kms_rule.sources.live.accounts import Connection
from least_privilege.report import evaluation
from least_privilege.scenarios import Compliance

RULE = "AWSConfigRuleKMS"
ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
REGIONS = ["eu-west-1", "us-east-1"]
PLACES = [Place(account, region) for account in ACCOUNTS for region in REGIONS]
WITHOUT = PLACES[-1]
SENTENCE = "in Key Policy for {}, statement does have separation of duties and CMK is not whitelisted"
OPEN = "in Key Policy for {}, statement does have open KMS permissions and CMK is not whitelisted"


def name_at(place: Place) -> str:
    return f"OrgConfigRule-{RULE}-{place.account_id[:4]}abcd"


@pytest.fixture
def organization(account: EmulatedAccount) -> EmulatedAccount:
    """Three accounts with results of an organization's rule in two Regions, the last of which has none."""
    add_aggregator(account, ACCOUNTS, REGIONS)
    for place in PLACES[:-1]:
        name = name_at(place)
        account.config.add_rule(name, place=place)
        account.config.add_rule(f"OrgConfigRule-{RULE}-other-{place.account_id[:4]}", place=place)
        items = [
            evaluation("AWS::KMS::Key", "alias/good", Compliance.COMPLIANT, SENTENCE.format("alias/good"), now()),
            evaluation("AWS::KMS::Key", "alias/open", Compliance.NON_COMPLIANT, OPEN.format("alias/open"), now()),
            evaluation("AWS::KMS::Key", "alias/gone", Compliance.NOT_APPLICABLE, "gone", now()),
        ]
        config_at(place).put_evaluations(Evaluations=items, ResultToken=account.config.issue_token(name, place))
    account.config.calls.clear()
    return account


def reported(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["report", "--aggregator", AGGREGATOR, "--rule", RULE, "--format", "json", *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return code, json.loads(shown.out)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["report", *arguments]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    return shown.err.removeprefix("kms-rule: ").strip()


def seen(hours: float) -> Any:
    connection = Connection(boto3.Session(), "us-east-1", "these credentials")
    later = datetime.now(UTC) + timedelta(hours=hours)
    findings = report_aggregator(connection, AGGREGATOR, RULE, later)
    findings.judged = [*findings.each_coming()]
    return findings


def test_the_results_of_the_organizations_rule_are_shown_account_by_account(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    code, content = reported(capsys)
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    found = [(each["place"]["source"], each["id"], each["scenario"]["number"]) for each in content["findings"]]
    assert found == [
        (f"account {place.account_id}, {place.region}", alias, number)
        for place in PLACES[:-1]
        for alias, number in (("alias/good", 5), ("alias/open", 3))
    ]
    assert Counter(str(call) for call in organization.config.calls) == {
        "config:DescribeConfigurationAggregators": 1,
        "config:DescribeConfigurationAggregatorSourcesStatus": 1,
        "config:DescribeAggregateComplianceByConfigRules": 1,
        "config:GetAggregateComplianceDetailsByConfigRule": len(PLACES) - 1,
    }
    assert {call.place for call in organization.config.calls} == {Place(organization.id, organization.region)}


@pytest.mark.usefixtures("organization")
def test_the_ages_are_told_and_places_without_results_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, content = reported(capsys)
    without, ages = content["remarks"]
    assert without == (
        f"There are no results of a rule {RULE} in account 333333333333, us-east-1: either no key there is "
        "applicable, or the rule is not deployed there or has not reported yet."
    )
    assert ages.startswith("The newest result was recorded ")
    assert "account 111111111111, eu-west-1" in ages
    assert content["findings"][0]["remarks"][0].startswith("Recorded ")


@pytest.mark.usefixtures("organization")
def test_a_place_whose_rule_has_no_results_to_show_is_named_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"AccountId": WITHOUT.account_id, "AwsRegion": WITHOUT.region}
    listed = [*Aggregator(Connection(boto3.Session(), "us-east-1", "these credentials"), AGGREGATOR).rules()]
    monkeypatch.setattr(Aggregator, "rules", lambda _: iter([*listed, {"ConfigRuleName": name_at(WITHOUT), **place}]))
    without, _ = reported(capsys)[1]["remarks"]
    assert without.startswith(f"There are no results of a rule {RULE} in account 333333333333, us-east-1: ")


@pytest.mark.usefixtures("organization")
@pytest.mark.parametrize(("hours", "late"), [(24.9, False), (25.1, True)])
def test_results_that_a_scheduled_run_should_have_renewed_are_a_sign(
    organization: EmulatedAccount, hours: float, *, late: bool
) -> None:
    for place in PLACES:
        organization.config.aggregation.statuses[place] = {"LastUpdateTime": datetime.now(UTC) + timedelta(hours=hours)}
    organization.config.aggregation.organization_status["LastUpdateTime"] = datetime.now(UTC) + timedelta(hours=hours)
    sentence = (
        "2 of 2 results are older than a day, in which a scheduled run should have reported every key anew: read the "
        "function's log, and its metric Errors."
    )
    findings = seen(hours)
    assert [each.reason for each in findings.unjudged] == [sentence] * late * (len(PLACES) - 1)
    assert findings.exit_code == (ExitCode.INCOMPLETE if late else ExitCode.NON_COMPLIANT)


def test_a_place_whose_last_update_failed_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.statuses[PLACES[0]] = {"LastUpdateStatus": "OUTDATED"}
    code, content = reported(capsys)
    assert code == ExitCode.INCOMPLETE
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["source"] == "account 111111111111, eu-west-1"
    assert unjudged["reason"].endswith("so that its results may be others now: look at the recorder there.")


def test_a_place_that_is_not_collected_from_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.statuses[PLACES[0]] = None
    code, content = reported(capsys)
    assert code == ExitCode.INCOMPLETE
    assert [each["reason"] for each in content["unjudged"]] == [
        "The aggregator does not collect from there, so its results are not shown: add it to the sources, and "
        "authorize the aggregator there."
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (RULE, True),
        (f"OrgConfigRule-{RULE}-a1b2c3d4", True),
        (f"OrgConfigRule-{RULE}-other-a1b2c3d4", False),
        (f"OrgConfigRule-{RULE}", False),
        (f"{RULE}-a1b2c3d4", False),
        ("OrgConfigRule-AWSxConfigRuleKMS-a1b2c3d4", False),
    ],
)
def test_an_organizations_rule_is_known_by_its_name(name: str, *, expected: bool) -> None:
    assert is_called(name, RULE) == expected


def test_one_place_that_cannot_be_read_does_not_hide_the_others(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    details: Any = vars(ConfigResponse)["get_aggregate_compliance_details_by_config_rule"]

    def failing(response: ConfigResponse) -> object:
        if "222222222222" in str(response.body):
            raise JsonRESTError("ValidationException", "not now")
        return details(response)

    monkeypatch.setattr(ConfigResponse, "get_aggregate_compliance_details_by_config_rule", failing)
    code, content = reported(capsys)
    assert code == ExitCode.INCOMPLETE
    assert {each["place"]["source"] for each in content["unjudged"]} == {
        "account 222222222222, eu-west-1",
        "account 222222222222, us-east-1",
    }
    assert len(content["findings"]) == 6
    assert organization


@pytest.mark.usefixtures("organization")
def test_an_interruption_shows_what_was_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("kms_rule.sources.aggregator.report.finding_of", interrupted)
    code, content = reported(capsys)
    assert code == ExitCode.INCOMPLETE
    [unjudged] = content["unjudged"]
    assert unjudged["reason"] == "Interrupted here, so that this and what follows is not shown: run it again."


@pytest.mark.usefixtures("organization")
def test_a_rule_that_no_account_has_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "--aggregator", AGGREGATOR, "--rule", "Nobody") == (
        f"No account of the aggregator {AGGREGATOR} has results of a rule Nobody: correct the name, or wait for its "
        "first run."
    )


@pytest.mark.usefixtures("account")
def test_no_such_aggregator_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "--aggregator", "nobody", "--rule", RULE).startswith(
        "There is no aggregator nobody in us-east"
    )


@pytest.mark.usefixtures("organization")
def test_the_page_has_a_table_of_accounts_and_results(tmp_path: Path) -> None:
    page = render(seen(0))
    assert "Results by account" in page
    for account_id, count in (("111111111111", 2), ("222222222222", 2), ("333333333333", 1)):
        row = f'<th scope="row">{account_id}</th><td>{count}</td><td>{count}</td><td>0</td>'
        assert row in page.replace("\n", "")
        assert f'<option value="{account_id}">' in page
    output = tmp_path / "report.html"
    arguments = ["report", "--aggregator", AGGREGATOR, "--rule", RULE, "--format", "html", "--output", str(output)]
    assert main(arguments) == ExitCode.NON_COMPLIANT
    written = output.read_text(encoding="utf-8")
    assert "Results by account" in written
    assert f"<dt>Rule</dt><dd>{RULE}</dd>" in written
