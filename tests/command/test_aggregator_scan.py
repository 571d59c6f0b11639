"""`kms-rule scan --aggregator`: the verdicts of separate scans by recorded items alone, and never better ones."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from dev.demo.example_keys import EXAMPLE_KEYS, USAGE_ONLY
from dev.emulator.account import EmulatedAccount
from dev.emulator.calls import Place
from dev.emulator.events import POST_PARAMETERS
from dev.emulator.organization import AGGREGATOR, add_aggregator, add_key, kms_at
from kms_rule.cli import main
from kms_rule.findings import ExitCode
from kms_rule.formats import show
from kms_rule.sources.aggregator.calls import Aggregator
from kms_rule.sources.aggregator.keys import KEYS
from kms_rule.sources.aggregator.scan import scan_aggregator
from kms_rule.sources.live.accounts import Connection
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Verdict, judge
from tests.command.test_scan import environment, read_to_the_end

PROJECT = Path(__file__).parents[2]
POST = [word for name, value in POST_PARAMETERS.items() for word in ("--parameter", f"{name}={value}")]
ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
REGIONS = ["eu-west-1", "us-east-1"]
PLACES = [Place(account, region) for account in ACCOUNTS for region in REGIONS]
FIRST = PLACES[0]
AGGREGATOR_CALLS = {
    "config:DescribeConfigurationAggregators",
    "config:DescribeConfigurationAggregatorSourcesStatus",
    "config:SelectAggregateResourceConfig",
}


@pytest.fixture
def organization(account: EmulatedAccount) -> EmulatedAccount:
    """Three accounts, each with the keys of the demonstration in two Regions."""
    add_aggregator(account, ACCOUNTS, REGIONS)
    for place in PLACES:
        for key in EXAMPLE_KEYS:
            add_key(place, key.policy, key.aliases, enabled=key.enabled)
        managed = add_key(place, None, ["alias/aws/ebs"])
        kms_at(place).keys[managed].key_manager = "AWS"
    account.config.calls.clear()
    return account


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long is waited between calls, which takes no time here."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["scan", "--format", "json", *POST, *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return code, json.loads(shown.out)


def aggregated(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    return scanned(capsys, "--aggregator", AGGREGATOR, *arguments)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["scan", *arguments]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    return shown.err.removeprefix("kms-rule: ").strip()


def verdicts(content: dict[str, Any]) -> Counter[tuple[str, str, str, str, str]]:
    return Counter(
        (each["place"]["source"], each["place"]["resource"], each["id"], each["compliance"], each["annotation"])
        for each in content["findings"]
    )


def refusing(code: str, message: str = "no") -> Callable[[ConfigResponse], str]:
    def answer(_response: ConfigResponse) -> str:
        raise JsonRESTError(code, message)

    return answer


def reasons(content: dict[str, Any]) -> dict[str, str]:
    return {each["place"]["source"]: each["reason"] for each in content["unjudged"]}


# The verdicts.


@pytest.mark.parametrize("report_as", ["Alias", "KeyId"])
@pytest.mark.parametrize("selects_policies", [True, False])
def test_they_are_those_of_separate_scans_of_each_account(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], report_as: str, *, selects_policies: bool
) -> None:
    organization.config.aggregation.selects_policies = selects_policies
    reporting = ("--parameter", f"ReportResourceAs={report_as}")
    code, content = aggregated(capsys, *reporting)
    separate: Counter[tuple[str, str, str, str, str]] = Counter()
    for account_id in ACCOUNTS:
        role = f"arn:aws:iam::{account_id}:role/Auditor"
        regions = [word for region in REGIONS for word in ("--region", region)]
        separate += verdicts(scanned(capsys, "--role-arn", role, *regions, *reporting)[1])
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    assert verdicts(content) == separate
    assert len({place for place, *_ in separate}) == len(PLACES)


def test_no_member_account_is_touched_and_the_calls_are_few(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(250):
        add_key(FIRST, USAGE_ONLY, [f"alias/more-{number}"])
    keys = sum(len(kms_at(place).keys) for place in PLACES)
    aliases = sum(len(key.aliases) for place in PLACES for key in kms_at(place).keys.values())
    aggregated(capsys)
    calls = organization.config.calls
    assert {str(call) for call in calls} == AGGREGATOR_CALLS
    assert {call.place for call in calls} == {Place(organization.id, organization.region)}
    assert len(calls) <= math.ceil(keys / 100) + math.ceil(aliases / 100) + 10


def test_a_key_of_several_regions_has_the_alias_of_each(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    key_id = add_key(FIRST, USAGE_ONLY, ["alias/here"])
    other = kms_at(PLACES[1])
    replica = other.keys[add_key(PLACES[1], None)]
    del other.keys[replica.id]
    replica.id = key_id
    other.keys[key_id] = replica
    other.create_alias(key_id, "alias/there")
    found = {
        each["id"]: each["place"]["source"] for each in aggregated(capsys)[1]["findings"] if each["keyId"] == key_id
    }
    assert found == {
        "alias/here": f"account {FIRST.account_id}, eu-west-1",
        "alias/there": "account 111111111111, us-east-1",
    }
    assert organization


def answering_with(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[dict[str, Any]], str], None]) -> None:
    """Let what a query returns be changed: its rows, given with the query."""
    select = Aggregator.rows

    def rows(aggregator: Aggregator, expression: str) -> Iterator[dict[str, Any]]:
        found = [{**row} for row in select(aggregator, expression)]
        change(found, expression)
        return iter(found)

    monkeypatch.setattr(Aggregator, "rows", rows)


@pytest.mark.parametrize("report_as", ["Alias", "KeyId"])
@pytest.mark.usefixtures("organization")
def test_what_comes_twice_is_judged_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, report_as: str
) -> None:
    reporting = ("--parameter", f"ReportResourceAs={report_as}")
    before = aggregated(capsys, *reporting)[1]
    answering_with(monkeypatch, lambda rows, _: rows.insert(3, rows[2]))
    content = aggregated(capsys, *reporting)[1]
    assert content["findings"] == before["findings"]


@pytest.mark.parametrize("status", ["ResourceDeleted", "ResourceDeletedNotRecorded"])
def test_a_key_that_was_deleted_is_left_out(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    key_id = add_key(FIRST, USAGE_ONLY, ["alias/gone"])
    before = verdicts(aggregated(capsys)[1])
    organization.config.items[key_id] = {"configurationItemStatus": status, "configuration": None}
    code, content = aggregated(capsys)
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    assert {each[2] for each in before - verdicts(content)} == {"alias/gone"}


@pytest.mark.usefixtures("organization")
def test_an_alias_that_was_deleted_whitelists_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = add_key(FIRST, None, ["alias/Otter-gone"])

    def deleted(rows: list[dict[str, Any]], query: str) -> None:
        for row in rows:
            if query != KEYS and row["resourceName"] == "alias/Otter-gone":
                row["configurationItemStatus"] = "ResourceDeleted"

    answering_with(monkeypatch, deleted)
    [finding] = [each for each in aggregated(capsys)[1]["findings"] if each["keyId"] == key_id]
    assert (finding["id"], finding["compliance"]) == (key_id, "NON_COMPLIANT")


@pytest.mark.usefixtures("organization")
@pytest.mark.parametrize("format_name", ["table", "sarif", "html"])
def test_every_format_shows_every_account(capsys: pytest.CaptureFixture[str], tmp_path: Path, format_name: str) -> None:
    output = tmp_path / "out"
    arguments = ["scan", "--aggregator", AGGREGATOR, "--format", format_name, *POST]
    assert main([*arguments, "--output", str(output)]) == ExitCode.NON_COMPLIANT
    written = output.read_text(encoding="utf-8")
    assert all(account_id in written for account_id in ACCOUNTS)
    assert main(arguments) == ExitCode.NON_COMPLIANT
    assert written == capsys.readouterr().out or format_name == "html"  # which says at what time it was made


# What an item lacks.

LACKING: dict[str, tuple[dict[str, Any] | None, str]] = {
    "a policy": (
        {"supplementaryConfiguration": {}},
        "lacks the key policy: allow kms:GetKeyPolicy to the recorder's role there, or scan the account itself.",
    ),
    "a state": (
        {"configuration": json.dumps({"keyManager": "CUSTOMER"})},
        "lacks the key's state or manager: allow kms:DescribeKey to the recorder's role there, or scan the account.",
    ),
    "a manager": (
        {"configuration": json.dumps({"keyState": "Enabled"})},
        "lacks the key's state or manager: allow kms:DescribeKey to the recorder's role there, or scan the account.",
    ),
    "everything": (
        {"configuration": None},
        "lacks the key's state or manager: allow kms:DescribeKey to the recorder's role there, or scan the account.",
    ),
    "being recorded": (
        {"configurationItemStatus": "ResourceNotRecorded"},
        'has the status "ResourceNotRecorded": let AWS Config record AWS::KMS::Key there.',
    ),
    "being up to date": (
        {"recordingFrequency": "DAILY", "supplementaryConfiguration": {}},
        "is recorded once a day, so that it may be out of date: record AWS::KMS::Key continuously.",
    ),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_key_whose_item_lacks_something_is_named_and_never_compliant(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], lacking: str
) -> None:
    key_id = add_key(FIRST, USAGE_ONLY, ["alias/Otter-whitelisted"])
    change, expected = LACKING[lacking]
    organization.config.items[key_id] = change
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert key_id not in {each["keyId"] for each in content["findings"]}
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["source"] == f"account {FIRST.account_id}, {FIRST.region}"
    assert unjudged["place"]["resource"] == f"arn:aws:kms:eu-west-1:111111111111:key/{key_id}"
    assert unjudged["reason"] == f"The item of the key {expected}"


def test_what_the_query_does_not_return_is_asked_for_a_hundred_at_once(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [add_key(FIRST, USAGE_ONLY) for _ in range(230)]
    organization.config.aggregation.selects_policies = False
    organization.config.unprocessed = {keys[0]: 2}
    code, content = aggregated(capsys)
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    asked = [call for call in organization.config.calls if str(call) == "config:BatchGetAggregateResourceConfig"]
    total = sum(len(kms_at(place).keys) for place in PLACES)
    assert len(asked) == math.ceil(total / 100) + 2


def test_a_key_that_stays_unprocessed_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    key_id = add_key(FIRST, USAGE_ONLY)
    organization.config.aggregation.selects_policies = False
    organization.config.unprocessed[key_id] = 99
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert [each["place"]["resource"].rpartition("/")[2] for each in content["unjudged"]] == [key_id]


def test_where_whole_items_may_not_be_read_the_keys_that_need_them_are_named_with_the_reason(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = add_key(FIRST, USAGE_ONLY)
    organization.config.items[key_id] = {"supplementaryConfiguration": {}}
    monkeypatch.setattr(ConfigResponse, "batch_get_aggregate_resource_config", refusing("AccessDeniedException"))
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["resource"].endswith(key_id)
    assert "config:BatchGetAggregateResourceConfig: get the permission that AWS names" in unjudged["reason"]


# What the aggregator does not know.

AUTHORIZE = "look at the recorder there, and at the authorization of the aggregator."
HOURS = timedelta(hours=1)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
STALE: dict[str, tuple[dict[str, Any], str]] = {
    "failed": (
        {"LastUpdateStatus": "FAILED", "LastErrorCode": "AccessDenied", "LastErrorMessage": "not\nauthorized"},
        "The last update of the aggregator's data from there failed 0 seconds ago (AccessDenied: not\\nauthorized)",
    ),
    "out of date": (
        {"LastUpdateStatus": "OUTDATED", "LastUpdateTime": 3},
        "The aggregator's data from there are out of date, having been updated 3 hours ago",
    ),
    "old": (
        {"LastUpdateTime": 26},
        "The aggregator's data from there are out of date, having been updated 26 hours ago",
    ),
    "of no time": (
        {"LastUpdateTime": None},
        "The aggregator's data from there are out of date, having been updated at a time that it does not tell",
    ),
}


@pytest.mark.parametrize("kind", STALE)
def test_where_the_last_update_is_not_good_nothing_is_compliant(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    status, problem = STALE[kind]
    if isinstance(hours := status.get("LastUpdateTime"), int):
        status = {**status, "LastUpdateTime": datetime.now(UTC) - hours * HOURS}
    organization.config.aggregation.statuses[FIRST] = status
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    source = f"account {FIRST.account_id}, {FIRST.region}"
    [reason] = reasons(content).values()
    told = re.sub(rf", at {TIME}", "", reason)
    assert (told != reason) == (kind != "of no time")
    assert re.sub(r"\b[12] seconds", "0 seconds", told) == (
        f"{problem}, so 8 keys that may not be as they were, and keys that are new, are not judged: {AUTHORIZE}"
    )
    assert list(reasons(content)) == [source]
    there = [each for each in content["findings"] if each["place"]["source"] == source]
    assert {each["compliance"] for each in there} == {"NON_COMPLIANT"}
    assert {each["remarks"][0].split(" fail")[0].split(" are")[0] for each in there} == {
        problem.split(" fail")[0].split(" are")[0]
    }
    assert len([each for each in content["findings"] if each["place"]["source"] != source]) == 14 * (len(PLACES) - 1)


def test_a_place_that_is_not_collected_from_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.statuses[FIRST] = None
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert reasons(content) == {
        f"account {FIRST.account_id}, {FIRST.region}": "The aggregator does not collect from there, so its keys are "
        "not judged: add it to the sources, and authorize the aggregator there."
    }


def test_regions_that_are_enabled_and_not_collected_from_are_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("config").put_configuration_aggregator(
        ConfigurationAggregatorName="some",
        AccountAggregationSources=[{"AccountIds": ACCOUNTS, "AwsRegions": ["eu-west-1"]}],
    )
    code, content = scanned(capsys, "--aggregator", "some")
    enabled = sorted(each["RegionName"] for each in boto3.client("ec2").describe_regions()["Regions"])
    assert code == ExitCode.INCOMPLETE
    assert reasons(content) == {
        "aggregator some": "It does not collect from all enabled Regions, so the keys in "
        f"{', '.join(name for name in enabled if name != 'eu-west-1')} are not judged: let it collect from all Regions."
    }
    assert {each["place"]["source"][-9:] for each in content["findings"]} == {"eu-west-1"}

    def not_authorized(_response: EC2Response) -> str:
        raise EC2ClientError("UnauthorizedOperation", "no")

    monkeypatch.setattr(EC2Response, "describe_regions", not_authorized)
    code, content = scanned(capsys, "--aggregator", "some")
    assert code == ExitCode.NON_COMPLIANT
    assert content["remarks"][0].startswith(
        "Whether the aggregator some collects from every enabled Region is not known"
    )
    assert organization


def test_an_organization_whose_accounts_may_be_others_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.organization_status["LastUpdateStatus"] = "FAILED"
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    [(source, reason)] = reasons(content).items()
    assert source == f"aggregator {AGGREGATOR}"
    assert reason.endswith("(without a reason), so accounts may be missing: look at the role of the aggregator.")
    assert len(content["findings"]) == 14 * len(PLACES)


def test_without_any_recorded_alias_the_organization_is_named(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.without_aliases.update(PLACES)
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert reasons(content) == {
        f"aggregator {AGGREGATOR}": "No alias is recorded in any account, so that CMK_Whitelist whitelists nothing and "
        "keys go by their ids: let the recorders record AWS::KMS::Alias."
    }
    assert {each["scenario"]["number"] for each in content["findings"] if each["compliance"] == "COMPLIANT"} == {5, 6}
    doubtful = {tuple(each["remarks"]) for each in content["findings"] if each["compliance"] == "NON_COMPLIANT"}
    assert doubtful == {("If its alias is whitelisted, it is compliant: no alias is recorded.",)}


def test_a_place_without_aliases_or_without_keys_is_remarked_on(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    organization.config.aggregation.without_aliases.add(FIRST)
    kms_at(PLACES[3]).keys.clear()
    code, content = aggregated(capsys)
    assert code == ExitCode.NON_COMPLIANT
    assert content["remarks"] == [
        f"The aggregator {AGGREGATOR} holds no key in account 222222222222, us-east-1: either there is none, or "
        "AWS::KMS::Key is not recorded there.",
        f"The aggregator {AGGREGATOR} holds no alias of a key in account 111111111111, eu-west-1: either there is "
        "none, or AWS::KMS::Alias is not recorded there.",
    ]


def test_an_organization_without_a_recorded_key_is_not_compliant(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    add_aggregator(account, ACCOUNTS, REGIONS)
    code, content = aggregated(capsys)
    assert (code, content["findings"]) == (ExitCode.INCOMPLETE, [])
    assert reasons(content)[f"aggregator {AGGREGATOR}"].startswith("No key is recorded in any account: ")


# When it goes wrong.


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeConfigurationAggregatorSourcesStatus",
        "SelectAggregateResourceConfig",
        "BatchGetAggregateResourceConfig",
    ],
)
def test_throttling_slows_down_and_never_fails(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], naps: list[float], operation: str
) -> None:
    organization.config.aggregation.selects_policies = operation != "BatchGetAggregateResourceConfig"
    before = verdicts(aggregated(capsys)[1])
    organization.config.aggregation.throttled[operation] = 60
    code, content = aggregated(capsys)
    assert (code, content["unjudged"]) == (ExitCode.NON_COMPLIANT, [])
    assert verdicts(content) == before
    assert 60 in naps


@pytest.mark.usefixtures("organization")
def test_a_refusal_after_the_first_pages_ends_with_what_was_judged(
    organization: EmulatedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(150):
        add_key(FIRST, USAGE_ONLY)
    select: Callable[[ConfigResponse], object] = vars(ConfigResponse)["select_aggregate_resource_config"]

    def expiring(response: ConfigResponse) -> object:
        if "NextToken" in response.body and b"AWS::KMS::Key" in str(response.body).encode():
            raise JsonRESTError("ExpiredTokenException", "expired")
        return select(response)

    monkeypatch.setattr(ConfigResponse, "select_aggregate_resource_config", expiring)
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert len({each["keyId"] for each in content["findings"]}) == 100
    reason = reasons(content)[f"aggregator {AGGREGATOR}"]
    assert reason.startswith("The keys after the first 100 are not judged. The aggregator organization cannot be read")
    assert "the session has expired, log in again" in reason
    assert organization


@pytest.mark.usefixtures("organization")
def test_a_page_that_leads_to_itself_ends_with_what_was_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    select: Callable[[ConfigResponse], Any] = vars(ConfigResponse)["select_aggregate_resource_config"]

    def repeating(response: ConfigResponse) -> object:
        # The page that is empty leads nowhere but to itself.
        if json.loads(response.body).get("NextToken") == "again":
            return json.dumps({"Results": [], "NextToken": "again"})
        answer = select(response)
        return answer if "Alias" in str(response.body) else ActionResult({**answer.result, "NextToken": "again"})

    monkeypatch.setattr(ConfigResponse, "select_aggregate_resource_config", repeating)
    code, content = aggregated(capsys)
    assert (code, len(content["findings"])) == (ExitCode.INCOMPLETE, 14 * len(PLACES))
    assert reasons(content)[f"aggregator {AGGREGATOR}"] == (
        "The keys after the first 78 are not judged. The aggregator organization answers "
        "config:SelectAggregateResourceConfig with the same page again and again: run the command again, and look for "
        "a proxy between here and AWS."
    )


@pytest.mark.usefixtures("organization")
def test_an_interruption_shows_what_was_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Facts] = []

    def interrupted(facts: Facts, parameters: RuleParameters) -> Verdict:
        judged.append(facts)
        if len(judged) == 20:
            raise KeyboardInterrupt
        return judge(facts, parameters)

    monkeypatch.setattr("kms_rule.sources.aggregator.scan.judge", interrupted)
    code, content = aggregated(capsys)
    assert code == ExitCode.INCOMPLETE
    assert len({each["keyId"] for each in content["findings"]}) == 19
    assert reasons(content)[f"aggregator {AGGREGATOR}"] == "Interrupted after 19 keys: run it again."


@pytest.mark.usefixtures("account")
def test_no_such_aggregator_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "--aggregator", "nobody's") == (
        "There is no aggregator nobody's in us-east-1: correct its name, or name the Region and role of the account "
        "that has it."
    )


@pytest.mark.usefixtures("organization")
@pytest.mark.parametrize(
    ("method", "operation"),
    [
        ("describe_configuration_aggregators", "DescribeConfigurationAggregators"),
        ("describe_configuration_aggregator_sources_status", "DescribeConfigurationAggregatorSourcesStatus"),
        ("select_aggregate_resource_config", "SelectAggregateResourceConfig"),
    ],
)
def test_not_being_allowed_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, method: str, operation: str
) -> None:
    monkeypatch.setattr(ConfigResponse, method, refusing("AccessDeniedException", "User: me is not authorized"))
    assert error_of(capsys, "--aggregator", AGGREGATOR) == (
        f"The aggregator {AGGREGATOR} cannot be read with config:{operation}: get the permission that AWS names "
        "(AccessDeniedException: User: me is not authorized)."
    )


def test_an_aggregator_without_sources_is_one_sentence(
    account: EmulatedAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    add_aggregator(account, [], REGIONS)
    assert error_of(capsys, "--aggregator", AGGREGATOR) == (
        f"The aggregator {AGGREGATOR} has no sources: let it collect from accounts or an organization, and authorize "
        "it there."
    )


@pytest.mark.usefixtures("account")
def test_an_aggregator_in_several_regions_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "--aggregator", AGGREGATOR, "--region", "eu-west-1", "--region", "us-east-1") == (
        "An aggregator or a key is in one account and Region: name one with --region, and one --role-arn at most."
    )


@pytest.mark.usefixtures("organization")
@pytest.mark.parametrize("row", ["[]", "no JSON", "{}", '{"accountId": "1"}', '{"configuration": "no JSON"}'])
def test_a_row_that_is_no_item_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    answer = json.dumps({"Results": [row]})
    monkeypatch.setattr(ConfigResponse, "select_aggregate_resource_config", lambda _response: answer)
    assert "the answer cannot be read, look for a proxy" in error_of(capsys, "--aggregator", AGGREGATOR)


# The terminal.


@pytest.mark.usefixtures("organization")
def test_a_terminal_gets_a_bar_with_account_and_region(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    output = tmp_path / "out.json"
    command = [sys.executable, "-m", "kms_rule", "scan", "--aggregator", AGGREGATOR, *POST, "--format", "json"]
    variables = environment(TERM="xterm", COLUMNS="120")
    with (
        output.open("wb") as opened,
        subprocess.Popen(command, cwd=PROJECT, env=variables, stdout=opened, stderr=theirs),  # noqa: S603 - this one
    ):
        os.close(theirs)
        shown = read_to_the_end(ours)
    json.loads(output.read_text(encoding="utf-8"))
    assert "account 333333333333, us-east-1" in shown
    assert "6/6" in shown
    assert "78 keys" in shown


@pytest.mark.usefixtures("organization")
def test_a_terminal_that_gets_the_findings_gets_no_bar() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "kms_rule", "scan", "--aggregator", AGGREGATOR, *POST],
        cwd=PROJECT,
        env=environment(TERM="xterm", COLUMNS="120"),
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = read_to_the_end(ours)
    assert "account 333333333333, us-east-1" in shown
    assert "6/6" not in shown


# Memory.


def items(number: int) -> Iterator[dict[str, Any]]:
    """Items of keys, each with a policy of its own that is as long as KMS takes."""
    for count in range(number):
        policy = {**USAGE_ONLY, "Id": f"{count}-{'x' * 30_000}"}
        yield {
            "accountId": FIRST.account_id,
            "awsRegion": FIRST.region,
            "resourceId": f"key-{count}",
            "resourceType": "AWS::KMS::Key",
            "configurationItemStatus": "OK",
            "configuration": {"keyManager": "CUSTOMER", "keyState": "Enabled"},
            "supplementaryConfiguration": {"Policy": json.dumps(policy)},
        }


def most_memory(monkeypatch: pytest.MonkeyPatch, format_name: str, number: int) -> int:
    """Return how many bytes are held at once while so many keys are judged and shown."""
    source = {"SourceType": "ACCOUNT", "SourceId": FIRST.account_id, "AwsRegion": FIRST.region}
    current = {**source, "LastUpdateStatus": "SUCCEEDED", "LastUpdateTime": datetime.now(UTC)}
    monkeypatch.setattr(Aggregator, "described", lambda _: {"AccountAggregationSources": [{"AllAwsRegions": True}]})
    monkeypatch.setattr(Aggregator, "sources", lambda _: iter([current]))
    monkeypatch.setattr(Aggregator, "rows", lambda _, query: items(number) if query == KEYS else iter([]))
    connection = Connection(boto3.Session(), "us-east-1", "these credentials")
    parameters = RuleParameters.parse(POST_PARAMETERS)
    findings = scan_aggregator(connection, AGGREGATOR, parameters, datetime.now(UTC), lambda *_: None)
    tracemalloc.start()
    try:
        show(findings, format_name, Path(os.devnull))
        assert findings.counts.total() == number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format_name", ["table", "json", "sarif"])
def test_memory_does_not_grow_with_the_policies(monkeypatch: pytest.MonkeyPatch, format_name: str) -> None:
    most_memory(monkeypatch, format_name, 10)
    few, many = (most_memory(monkeypatch, format_name, number) for number in (220, 420))
    of_policies = 200 * 30_000
    assert many - few < of_policies / 4
