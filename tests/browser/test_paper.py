"""The report on paper: what comes out of a printer on A4, page by page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kms_rule.findings import Findings
from tests.browser.reports import example_findings, many_findings, page
from tests.browser.test_reading import AS_FOUND

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")
pypdf = pytest.importorskip("pypdf", reason="pypdf, which reads what is printed, is not installed")

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

# A page that ends before a row that does not fit is far from full, but never this empty.
LEAST_WORDS = 40
HEADINGS = ["Remarks", "Results by scenario", "results for", "What this report does not cover"]
SUMMARIES = ["Policy, decided by", "What would make it compliant", "The policy then:", "Not judged by the rule"]


def printed(browser: Browser) -> list[str]:
    """Return the text of each page."""
    return [sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(browser.printed())).pages]


@pytest.mark.parametrize(
    "made", [example_findings, lambda: many_findings(60, 20), lambda: many_findings(3, 1)], ids=["all", "many", "few"]
)
def test_no_page_is_empty_and_all_are_numbered(browser: Browser, made: Callable[[], Findings]) -> None:
    browser.open(page(made()))
    sheets = printed(browser)
    assert [number for number, sheet in enumerate(sheets[:-1], 1) if len(sheet.split()) < LEAST_WORDS] == []
    assert sheets[-1].split() != []
    assert [f"{number} / {len(sheets)}" in sheet for number, sheet in enumerate(sheets, 1)] == [True] * len(sheets)


def test_no_page_ends_with_a_heading(browser: Browser) -> None:
    for number in range(1, 9):
        browser.open(page(many_findings(4 * number, number)))
        for sheet in printed(browser):
            last = [line for line in sheet.splitlines() if line.strip() and not re.fullmatch(r"\d+ / \d+", line)][-1]
            assert [heading for heading in (*HEADINGS, *SUMMARIES) if heading in last] == []


def test_policies_remedies_and_what_is_not_judged_are_printed_though_they_are_folded(examples: Browser) -> None:
    text = "\n".join(printed(examples))
    assert examples.texts("tbody details[open]") == []
    for alias in AS_FOUND:
        assert alias in text
    assert '"Sid": "Allow access for Key Administrators"' in text
    assert "kms:CancelKeyDeletion" in text
    assert "make grants (kms:CreateGrant)" in text
    assert "The same as the policy of alias/payments." in text
    # What a scenario asks is printed if it has results.
    assert "Does one of the key's aliases fit CMK_Whitelist?" in text
    assert "Does AWS manage the key?" not in text


def test_controls_stay_on_the_screen(examples: Browser) -> None:
    text = "\n".join(printed(examples))
    assert "Showing all 13 results." in text
    for label in (
        "Text in results and policies",
        "Clear",
        "Download CSV",
        "Show these results",
        "Open one to see",
        "What the rule says",
    ):
        assert label not in text


def test_a_policy_that_stands_in_a_row_that_is_not_printed_is_printed_where_it_is_used(browser: Browser) -> None:
    browser.open(page(many_findings(25, 2)))
    browser.labelled("Text in results and policies").send_keys("app-00003")
    text = "\n".join(printed(browser))
    assert "The same as" not in text
    assert '"Id": "p1"' in text


def test_without_scripts_policies_are_printed_too(browser: Browser) -> None:
    browser.allow_scripts(allowed=False)
    browser.open(page(many_findings(3, 3)))
    text = "\n".join(printed(browser))
    for policy in ("p0", "p1", "p2"):
        assert f'"Id": "{policy}"' in text
