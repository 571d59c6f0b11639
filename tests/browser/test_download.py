"""The table as a CSV file, which the page makes itself and in which no text from outside becomes a formula."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from kms_rule.findings import Finding, Findings, Place
from tests.browser.reports import MADE, page, unknown_scenario

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

COLUMNS = [
    "Compliance",
    "Key",
    "Account",
    "Region",
    "Place",
    "Resource",
    "Scenario",
    "Number",
    "What the rule says",
    "Remarks",
    "Not judged",
]
# What a spreadsheet would calculate, call or open.
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "=cmd|'/c calc'!A1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
TEXTS = ["a=1", "alias/a-b", '"quoted", and more', "Schlüssel 鍵", "'=1"]


def rows(browser: Browser) -> list[dict[str, str]]:
    file = browser.downloaded(browser.button("Download CSV").click)
    assert file.name == "kms-key-policies-2026-03-09.csv"
    content = file.read_bytes()
    # Excel reads UTF-8 only with its mark, and wants lines to end as on Windows.
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    return list(csv.DictReader(content.decode("utf-8-sig").splitlines(keepends=True)))


def test_the_file_has_every_result_with_all_that_its_row_says(examples: Browser) -> None:
    found = rows(examples)
    assert list(found[0]) == COLUMNS
    assert [row["Key"] for row in found] == examples.keys()
    [orders] = [row for row in found if row["Key"] == "alias/orders"]
    said = orders.pop("What the rule says")
    assert said.startswith("in Key Policy for alias/orders, statement does not have separation of duties")
    assert "\n" not in said
    assert orders == {
        "Compliance": "NON_COMPLIANT",
        "Key": "alias/orders",
        "Account": "111122223333",
        "Region": "eu-west-1",
        "Place": "account 111122223333, eu-west-1",
        "Resource": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-000000000004",
        "Scenario": "no-separation-of-duty-not-compliant",
        "Number": "4",
        "Remarks": "A value that only deployment will know counts as a user id that is not whitelisted.",
        "Not judged": 'Statement 1 ("Administer") lets arn:aws:iam::111122223333:root make grants (kms:CreateGrant), '
        "and the rule does not read grants.",
    }
    assert examples.complaints() == []


def test_the_file_has_the_results_that_the_filters_leave_in_the_order_of_the_table(examples: Browser) -> None:
    examples.choose("Compliance", "NON_COMPLIANT")
    examples.button("Key", "thead").click()
    assert [row["Key"] for row in rows(examples)] == examples.keys()
    assert len(examples.keys()) == 5


def test_no_text_becomes_a_formula_or_leaves_its_cell(browser: Browser) -> None:
    texts = [*FORMULAS, *TEXTS]
    scenario = unknown_scenario("{id}")
    hostile = [
        Finding(Place(text, 0, 0, text), text, text, scenario, text, remarks=(text,), recorded=MADE) for text in texts
    ]
    browser.open(page(Findings(hostile)))
    found = rows(browser)
    assert [row["Key"] for row in found] == [*(f"'{text}" for text in FORMULAS), *TEXTS]
    for column in ("Place", "Resource", "What the rule says"):
        assert [row[column] for row in found] == [row["Key"] for row in found]
    assert browser.complaints() == []
