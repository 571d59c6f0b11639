"""The HTML page as a file: what it is made of, and that texts from outside stay text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_rule import version
from kms_rule.explanation.explanation import explanation_of
from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged, findings_of
from kms_rule.formats.html import folds
from kms_rule.formats.html import page as html
from kms_rule.formats.html.elements import document, element, visible
from kms_rule.remediation.remedy import NoProposal, Proposal
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import SCENARIOS, Compliance, judge

PARAMETERS = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*, A?B**"})
OPEN = '{"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "kms:*"}]}'
MADE = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)


class Reading(HTMLParser):
    """What a parser that is not a browser finds: how many of each element, the texts, and each attribute's names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def judged(key_id: str, facts: Facts, place: Place, remarks: tuple[str, ...] = ()) -> Iterator[Finding]:
    return findings_of(Key(key_id, facts), judge(facts, PARAMETERS), PARAMETERS, place, remarks)


def report_on(text: str) -> str:
    """Return a report in which everything from outside is this text."""
    place = Place(text, 1, 2, text)
    found = Findings(unjudged=[Unjudged(place, text)], remarks=[text], parameters=PARAMETERS)
    found.add(judged("1", Facts((text,), policy=OPEN.replace("All", "all")), place, (text,)))
    found.add(judged("2", Facts((text,), policy=text), place))
    found.accepted = [Accepted(each, text, MADE.date()) for each in found.judged]
    return html.render(found, MADE)


@given(st.text())
def test_no_text_from_outside_becomes_markup(text: str) -> None:
    usual, hostile = Reading(report_on("usual")), Reading(report_on(f"{text}<b onclick='x'>\"{text}"))
    assert hostile.elements == usual.elements
    assert hostile.attributes == usual.attributes


def test_texts_from_outside_stand_in_no_attribute() -> None:
    assert not [value for value in Reading(report_on("unusual")).values if "unusual" in value]


def test_the_page_is_one_file_that_refers_to_nothing_but_itself() -> None:
    page = report_on("usual")
    reading = Reading(page)
    assert not {"src", "srcset", "data", "action", "style", "background", "poster"} & reading.attributes
    assert not {"link", "img", "iframe", "object", "embed", "base"} & reading.elements.keys()
    assert re.findall(r'href="(?!#)', page) == []
    assert "http" not in page.replace("http-equiv", "")
    assert re.findall(r"@import|url\(", page) == []


def test_the_style_sheet_and_the_script_are_named_by_their_hashes_before_they_stand() -> None:
    page = report_on("usual")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    for name in ("style", "script"):
        [content] = re.findall(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}';" in policy
        assert page.index("Content-Security-Policy") < page.index(f"<{name}>")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_every_scenario_of_the_rule_has_a_question() -> None:
    assert all(scenario.question.endswith("?") for scenario in SCENARIOS)
    texts = Reading(report_on("usual")).texts
    assert {scenario.question for scenario in SCENARIOS} <= set(texts)


def test_parameters_are_shown_as_they_were_given() -> None:
    texts = Reading(report_on("usual")).texts
    assert texts[texts.index("Admin_User_Id") + 1] == "AROAOTTER*, A?B**"
    assert "CMK_Whitelist" not in texts
    assert texts[texts.index("ReportResourceAs") + 1] == "Alias"


def test_a_report_without_parameters_names_none() -> None:
    assert "Admin_User_Id" not in Reading(html.render(Findings(), MADE)).texts


def test_the_time_is_shown_in_utc_and_is_now_unless_given() -> None:
    given_time = datetime(2026, 3, 9, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert '<time datetime="2026-03-10T01:30:00Z">10 March 2026, 01:30 UTC</time>' in html.render(
        Findings(), given_time
    )
    [shown] = re.findall(r'<time datetime="([^"]+)">', html.render(Findings()))
    assert abs(datetime.fromisoformat(shown) - datetime.now(tz=UTC)) < timedelta(minutes=5)


def test_the_version_is_that_of_the_installed_command_outside_of_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(version, "RULE_FOLDER", tmp_path / "AWSConfigRuleKMS")
    monkeypatch.setattr(version, "installed_version", {"kms-rule": "9.8.7"}.__getitem__)
    assert version.version() == "9.8.7"


def test_many_deciding_statements_are_named_in_part() -> None:
    statements = ", ".join(f'{{"Sid": "S{number}", "Effect": "Allow", "Action": "kms:*"}}' for number in range(1, 9))
    found = Findings()
    found.add(judged("1", Facts(policy=f'{{"Statement": [{statements}]}}'), Place("file")))
    page = html.render(found, MADE)
    assert 'Policy, decided by "S1", "S2", "S3", "S4", "S5" and 3 more<' in page
    assert page.count("<mark>") == 8


# What would make a policy compliant.


def opening(number: int) -> str:
    return OPEN.replace('"All"', f'"All{number}"')


def report_on_policies(*policies: str, parameters: RuleParameters | None = PARAMETERS) -> str:
    found = Findings(parameters=parameters)
    for number, policy in enumerate(policies, 1):
        found.add(judged(f"key-{number}", Facts(policy=policy), Place("file")))
    return html.render(found, MADE)


def test_the_remedy_of_a_policy_is_the_one_that_explain_gives() -> None:
    policy = "".join(opening(1).split())
    explanation = explanation_of("key-1", Facts(policy=policy), Place("file"), PARAMETERS)
    assert isinstance(explanation.remedy, NoProposal | Proposal)
    assert explanation.remedy.steps
    assert set(explanation.remedy.steps) <= set(Reading(report_on_policies(policy)).texts)


def test_a_remedy_stands_at_the_first_result_that_has_the_policy() -> None:
    page = report_on_policies(opening(1), opening(2), opening(1))
    assert re.findall(r'id="(remedy-\d+)"', page) == ["remedy-2", "remedy-4"]
    assert '<a href="#remedy-2">the remedy of key-1</a>' in page
    assert "is not worked out" not in page


def test_remedies_beyond_what_is_quick_are_left_out_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "MAX_CHARACTERS_TO_REMEDY", 2 * folds.LEAST_CHARACTERS)
    page = report_on_policies(*map(opening, range(1, 6)), opening(1))
    assert page.count("What would make it compliant</summary>") == 3
    assert "What would make it compliant is not worked out for 3 results, since there are too many" in page


def test_one_long_policy_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "MAX_CHARACTERS_TO_REMEDY", 2 * folds.LEAST_CHARACTERS)
    page = report_on_policies(opening(1) + " " * 3 * folds.LEAST_CHARACTERS, opening(2))
    assert '<a href="#' not in page.partition("remedy-")[2].partition("</td>")[0]
    assert page.count("What would make it compliant</summary>") == 1
    assert "is not worked out for 1 result, since" in page


def test_nothing_is_proposed_without_the_parameters_that_it_would_have_to_meet() -> None:
    assert "What would make it compliant" not in report_on_policies(opening(1), parameters=None)


# Of what the report was made.


def test_files_that_were_read_and_passed_over_are_counted() -> None:
    texts = Reading(html.render(Findings(looked_at={"a.json", "b.json"}, passed_over=1), MADE)).texts
    assert texts[texts.index("Files read") + 1] == "2"
    assert texts[texts.index("Files passed over") + 1] == "1"
    assert "Account" not in texts


def test_accounts_and_regions_that_hold_no_key_were_looked_into_all_the_same() -> None:
    looked_at = {"account 111122223333, eu-west-1", "account 111122223333, us-east-1"}
    found = Findings(unjudged=[Unjudged(Place("account 444455556666"), "It is denied.")], looked_at=looked_at)
    texts = Reading(html.render(found, MADE)).texts
    assert texts[texts.index("Accounts") + 1] == "111122223333, 444455556666"
    assert texts[texts.index("Regions") + 1] == "eu-west-1, us-east-1"
    assert "Files read" not in texts


def test_a_page_of_some_results_says_so_and_counts_all() -> None:
    found = Findings(parameters=PARAMETERS, only=frozenset({Compliance.NON_COMPLIANT}))
    found.add(judged("1", Facts(policy=OPEN), Place("file")))
    found.add(judged("2", Facts(("alias/a", "alias/b"), state="Disabled"), Place("file")))
    page = html.render(found, MADE)
    assert "Only results that are NON_COMPLIANT are listed. The figures at the top count all of them." in page
    assert '<li class="not-applicable"><b>2</b> <span>NOT_APPLICABLE</span></li>' in page
    assert "alias/a" not in page
    assert "are listed" not in html.render(Findings(), MADE)


def test_many_accounts_are_counted_and_not_named() -> None:
    looked_at = {f"account {number:012d}, eu-west-1" for number in range(6)}
    texts = Reading(html.render(Findings(looked_at=looked_at), MADE)).texts
    assert texts[texts.index("Accounts") + 1] == "6"
    assert texts[texts.index("Region") + 1] == "eu-west-1"


VISIBLE = [
    ("plain text, ü, 鍵", "plain text, ü, 鍵"),
    ("a\tb\nc", "a\\u0009b\\u000ac"),
    ("\x00\x1b\x7f\x85\xa0\xad", "\\u0000\\u001b\\u007f\\u0085\\u00a0\\u00ad"),
    ("\u200b\u202e\u2028\ufeff", "\\u200b\\u202e\\u2028\\ufeff"),
    ("\ud800", "\\ud800"),
    ("\U000e0041", "\\udb40\\udc41"),
]


@pytest.mark.parametrize(("text", "shown"), VISIBLE)
def test_characters_that_cannot_be_seen_are_written_as_in_json(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_breaks_and_tabs_stay_in_what_is_laid_out_and_nowhere_else() -> None:
    page = document(element("p", "a\nb", element("pre", "c\n\td\r", element("mark", "e\n"), "f\n"), "g\n", title="h\n"))
    assert page == (
        '<!doctype html>\n<p title="h\\u000a">a\\u000ab<pre>c\n\td\\u000d<mark>e\n</mark>f\n</pre>g\\u000a</p>\n'
    )


def test_no_text_breaks_the_encoding_of_the_file() -> None:
    assert "\\ud800" in report_on("\ud800").encode().decode()
