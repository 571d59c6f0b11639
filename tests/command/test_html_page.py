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
from kms_rule.findings import Accepted, Finding, Findings, Place, Unjudged, findings_of
from kms_rule.formats.html import page as html
from kms_rule.formats.html.elements import document, element, visible
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import SCENARIOS, judge

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
