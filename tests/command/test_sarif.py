"""Findings as a SARIF log: valid, and with what code scanning needs to place them."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own, which this one test would need
import pytest
from hypothesis import given
from hypothesis import strategies as st

from AWSConfigRuleKMSPolicy import Statement
from kms_rule.cli import main
from kms_rule.explanation.not_judged import NotJudged
from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged
from kms_rule.formats import sarif
from kms_rule.version import version
from least_privilege.evidence import Evidence
from least_privilege.key import Facts, Key
from least_privilege.scenarios import SCENARIOS, Answer, Compliance, Scenario
from tests.command.checking import EVERYTHING_OPEN, USERS_MAY_USE, Json, judged, policy, statement, write

FOLDER = Path(__file__).parent
PLAN = FOLDER / "terraform" / "new.json"
SCHEMA = json.loads(gzip.decompress((FOLDER / "sarif" / "sarif-2.1.0.json.gz").read_bytes()))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
# RFC 3986, section 4.2, without an authority: what a path may be made of, and no colon in its first part.
RELATIVE = re.compile(
    r"(?!/)(?:[\w.~!$&'()*+,;=@-]|%[0-9A-F]{2})+(?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*", re.ASCII
)
POST = (
    "https://aws.amazon.com/blogs/security/how-to-use-aws-config-to-determine-compliance-of-aws-kms-key-policies-to-your"
    "-specifications/"
)
LIVE = "account 123456789012, us-east-1"
ALIAS_KEY = Key("1234", Facts(("alias/first", "alias/second"), policy=json.dumps(EVERYTHING_OPEN)))


def run_of(findings: Findings) -> Json:
    """The one run of the findings' log, which is valid."""
    log = json.loads("".join(sarif.pieces(findings)))
    VALIDATOR.validate(log)
    [run] = log["runs"]
    assert isinstance(run, dict)
    return run


def on(place: Place, content: object = EVERYTHING_OPEN, remarks: tuple[str, ...] = ()) -> Findings:
    text = content if isinstance(content, str) else json.dumps(content)
    return Findings(judged(Key("key", Facts(policy=text)), place, remarks))


def result_of(findings: Findings) -> Json:
    [result] = run_of(findings)["results"]
    assert isinstance(result, dict)
    return result


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Json:
    main(["check", "--format", "sarif", *arguments])
    log = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(log)
    return dict(log["runs"][0])


def test_the_schema_refuses_what_is_no_log() -> None:
    log = json.loads("".join(sarif.pieces(on(Place("key.json", 3, 5)))))
    log["runs"][0]["results"][0]["level"] = "bad"
    assert not VALIDATOR.is_valid(log)


def test_the_log_of_a_plan_holds_each_key_that_is_not_compliant_and_what_was_not_judged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = checked(capsys, str(PLAN))
    assert [result["ruleId"] for result in run["results"]] == [
        "wildcard-policy-action-not-compliant",
        "wildcard-policy-action-not-compliant",
        "no-user-condition-not-compliant",
    ]
    assert {result["level"] for result in run["results"]} == {"error"}
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    [unjudged, *remarks] = invocation["toolExecutionNotifications"]
    assert unjudged["level"] == "error"
    assert unjudged["locations"][0]["logicalLocations"][0]["name"] == "aws_kms_key.late"
    assert "known only after the plan is applied" in unjudged["message"]["text"]
    assert {remark["level"] for remark in remarks} == {"note"}
    assert "with example parameters that come with kms-rule" in remarks[-1]["message"]["text"]


def test_each_row_of_the_rules_table_is_a_rule_and_results_point_at_theirs() -> None:
    run = run_of(on(Place("key.json")))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [scenario.name for scenario in SCENARIOS]
    assert rules[run["results"][0]["ruleIndex"]]["id"] == "wildcard-policy-action-not-compliant"
    described = {rule["id"]: rule for rule in rules}["malformed-policy-not-compliant"]
    assert described["name"] == "MalformedPolicyNotCompliant"
    assert described["shortDescription"]["text"] == "Key Policy for … is malformed, correct it"
    advice = "'kms-rule explain' answers each question of the rule about a policy, and proposes a compliant one."
    assert described["help"] == {
        "text": f"Is the policy malformed? If so, the key is NON_COMPLIANT. {advice}",
        "markdown": f"Is the policy malformed?\n\nIf so, the key is `NON_COMPLIANT`.\n\n{advice}",
    }
    assert described["fullDescription"]["text"] == "Is the policy malformed? If so, the key is NON_COMPLIANT."


def test_every_link_works_from_any_repository() -> None:
    findings = Findings(with_notes=True)
    driver = run_of(findings)["tool"]["driver"]
    assert (driver["fullName"], driver["version"]) == (f"kms-rule {version()}", version())
    assert {driver["informationUri"], *(rule["helpUri"] for rule in driver["rules"])} == {POST}
    assert not any("docs/" in rule["help"]["text"] for rule in driver["rules"])


def test_only_rules_that_fail_have_a_severity() -> None:
    rules = run_of(Findings())["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["properties"].get("security-severity") for rule in rules} == {
        scenario.name: "7.0" if scenario.compliance is Compliance.NON_COMPLIANT else None for scenario in SCENARIOS
    }


def test_what_is_accepted_is_a_result_that_is_suppressed() -> None:
    findings = on(Place("key.json", 3, 5))
    accepted = Accepted(findings.judged.pop(), "It goes soon.", date(2026, 12, 31))
    findings.accepted.append(accepted)
    run = run_of(findings)
    [result] = run["results"]
    assert result["suppressions"] == [
        {
            "kind": "external",
            "justification": "Accepted until 2026-12-31: It goes soon.",
        }
    ]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["invocations"][0]["exitCode"] == 0


def test_what_comes_from_standard_input_is_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(EVERYTHING_OPEN).encode())))
    [result] = checked(capsys, "-")["results"]
    assert result["locations"] == [{"logicalLocations": [{"name": "standard input", "kind": "namespace"}]}]


def test_a_key_of_a_plan_is_in_the_plans_file_under_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    for result in checked(capsys, str(PLAN))["results"]:
        [location] = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"].endswith("terraform/new.json")
        [logical] = location["logicalLocations"]
        assert logical["kind"] == "resource"
        assert "aws_kms_key." in logical["name"]


def test_only_rules_that_fail_have_a_level() -> None:
    rules = run_of(Findings())["tool"]["driver"]["rules"]
    assert {rule["id"]: rule.get("defaultConfiguration") for rule in rules} == {
        scenario.name: {"level": "error"} if scenario.compliance is Compliance.NON_COMPLIANT else None
        for scenario in SCENARIOS
    }


def test_a_finding_points_at_the_statement_that_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = policy(USERS_MAY_USE["Statement"][0], statement("kms:*", Sid="All"))
    write(tmp_path, "keys/an order's: key.json", json.dumps(content, indent=1))
    [result] = checked(capsys, "keys")["results"]
    [location] = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "keys/an%20order%27s%3A%20key.json"}
    line, column = physical["region"]["startLine"], physical["region"]["startColumn"]
    assert json.dumps(content, indent=1).splitlines()[line - 1][column - 1] == "{"
    assert line > 10
    assert result["message"]["text"].endswith('[scenario 3: "All" (kms:*)]')


FILES = [
    ("key.json", "key.json"),
    ("./a/../key.json", "key.json"),
    ("a:b.json", "a%3Ab.json"),
    ("50%.json", "50%25.json"),
    ("ü#?.json", "%C3%BC%23%3F.json"),
]


@pytest.mark.parametrize(("source", "uri"), FILES)
def test_a_file_is_named_by_a_relative_reference(source: str, uri: str) -> None:
    [location] = result_of(on(Place(source)))["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": uri}}


def test_a_file_is_named_from_the_folder_in_which_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    uris = [
        result_of(on(Place(str(tmp_path / name))))["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for name in ("here/a b.json", "a b.json")
    ]
    assert uris == ["a%20b.json", f"{tmp_path.as_uri()}/a%20b.json"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_every_name_of_a_file_is_a_valid_reference(name: str) -> None:
    [location] = result_of(on(Place(f"x{name}".replace("/", "_"))))["locations"]
    assert RELATIVE.fullmatch(location["physicalLocation"]["artifactLocation"]["uri"])


def test_what_is_in_no_file_has_only_a_logical_location() -> None:
    [location] = result_of(on(Place("standard input", 3, 5, "aws_kms_key.x")))["locations"]
    assert location == {
        "logicalLocations": [
            {"name": "aws_kms_key.x", "kind": "resource"},
            {"name": "standard input", "kind": "namespace"},
        ]
    }


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("1234-ab", "aws/123456789012/us-east-1/kms/key/1234-ab"),
        ("alias/a b", "aws/123456789012/us-east-1/kms/alias/a%20b"),
        ("alias/\ud800", "aws/123456789012/us-east-1/kms/alias/%ED%A0%80"),
    ],
)
def test_a_key_of_a_live_account_has_a_name_without_a_line(name: str, uri: str) -> None:
    resource = "arn:aws:kms:us-east-1:123456789012:key/1234-ab"
    key = Key(name, Facts(policy=json.dumps(EVERYTHING_OPEN)))
    [location] = result_of(Findings(judged(key, Place(LIVE, resource=resource))))["locations"]
    assert location == {
        "physicalLocation": {"artifactLocation": {"uri": uri}},
        "logicalLocations": [{"name": resource, "kind": "resource"}, {"name": LIVE, "kind": "namespace"}],
    }


@pytest.mark.parametrize(
    ("source", "is_file"),
    [
        (LIVE, False),
        ("Region eu-west-1", False),
        ("Region eu-west-1.json", True),
        ("account 123456789012.json", True),
        ("regions/Region eu-west-1", True),
    ],
)
def test_an_account_or_a_region_that_was_not_judged_is_not_taken_for_a_file(source: str, is_file: bool) -> None:  # noqa: FBT001 - a case
    run = run_of(Findings(unjudged=[Unjudged(Place(source), "It cannot be reached.")]))
    [notification] = run["invocations"][0]["toolExecutionNotifications"]
    [location] = notification["locations"]
    assert ("physicalLocation" in location) is is_file
    assert [each["name"] for each in location["logicalLocations"]] == ([] if is_file else [source])


def fingerprint(findings: Findings) -> Any:
    [value] = result_of(findings)["partialFingerprints"].values()
    return value


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place("key.json", 3, 5), "kmsRule/v1"),
        (Place("key.json"), "primaryLocationLineHash"),
        (Place(LIVE), "primaryLocationLineHash"),
        (Place("standard input", 3, 5), "primaryLocationLineHash"),
    ],
)
def test_only_without_a_line_has_a_fingerprint_the_name_that_code_scanning_knows(place: Place, name: str) -> None:
    assert list(result_of(on(place))["partialFingerprints"]) == [name]


def test_a_fingerprint_stays_when_lines_and_statements_move() -> None:
    moved = policy(USERS_MAY_USE["Statement"][0], *EVERYTHING_OPEN["Statement"])
    before, after = on(Place("key.json", 3, 5, "Key")), on(Place("./key.json", 30, 1, "Key"), moved)
    assert fingerprint(before) == fingerprint(after)


@pytest.mark.parametrize(
    "other",
    [
        on(Place("other.json", 3, 5, "Key")),
        on(Place("key.json", 3, 5, "Other")),
        on(Place("key.json", 3, 5, "Key"), "{"),
    ],
)
def test_a_fingerprint_tells_other_findings_apart(other: Findings) -> None:
    assert fingerprint(on(Place("key.json", 3, 5, "Key"))) != fingerprint(other)


def test_aliases_of_a_key_are_results_of_their_own() -> None:
    run = run_of(Findings(judged(ALIAS_KEY, Place("key.json"))))
    assert len({result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]}) == 2


def test_the_message_is_the_annotation_and_the_remarks() -> None:
    findings = on(Place("key.json"), remarks=("One thing.", "Another."))
    assert result_of(findings)["message"]["text"] == f"{findings.judged[0].annotation} One thing. Another."


def test_a_name_in_a_policy_places_no_link_in_a_message() -> None:
    content = policy(statement("kms:*", Sid="[Fix](https://example.com)"))
    text = result_of(on(Place("key.json"), content))["message"]["text"]
    assert "[Fix] (https://example.com)" in text


def test_compliant_keys_are_no_results_and_the_run_was_successful() -> None:
    run = run_of(on(Place("key.json"), USERS_MAY_USE))
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 0, "toolExecutionNotifications": []}]


def test_a_result_in_the_words_of_another_version_has_a_rule() -> None:
    answer = Answer(holds=False, evidence=Evidence())
    scenario = Scenario("unknown-sentence", None, "Is it?", lambda _case: answer, Compliance.NON_COMPLIANT, "{id}")
    recorded = datetime(2026, 1, 1, tzinfo=UTC)
    finding = Finding(Place(LIVE), "alias/x", "alias/x", scenario, "Something else", recorded=recorded)
    run = run_of(Findings([finding]))
    [result] = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "unknown-sentence" == result["ruleId"]
    assert result["message"]["text"] == "Something else"


@given(st.text(), st.integers(0, 9), st.integers(0, 9))
def test_whatever_was_found_the_log_is_valid(text: str, line: int, column: int) -> None:
    findings = on(Place(LIVE, line, column, text), text, (text,))
    findings.unjudged.append(Unjudged(Place("file", line, column, text), text))
    findings.remarks.append(text)
    assert run_of(findings)["results"]


@given(st.text(), st.integers(0, 9), st.integers(0, 9))
def test_whatever_was_not_judged_the_log_is_valid_and_notes_point_at_their_rule(
    text: str, line: int, column: int
) -> None:
    answer = Answer(holds=False, evidence=Evidence())
    unknown = Scenario("unknown", None, "Is it?", lambda _case: answer, Compliance.NON_COMPLIANT, "{id}")
    beyond = (NotJudged(Statement.parse({"Effect": "Allow", "Action": "kms:*", "Sid": text}, 1), text),)
    place = Place("key.json", line, column, text)
    findings = Findings([Finding(place, text, text, unknown, text, not_judged=beyond)], with_notes=True)
    run = run_of(findings)
    refused, note = run["results"]
    assert (refused["ruleId"], note["ruleId"]) == ("unknown", "not-judged")
    assert run["tool"]["driver"]["rules"][note["ruleIndex"]]["id"] == "not-judged"
