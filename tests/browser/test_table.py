"""The table sorts and filters, by mouse and by keyboard, and stays quick with many keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kms_rule.findings import Findings, Place, Unjudged
from least_privilege.key import Facts, Key
from tests.browser.reports import findings, key, many_findings, page
from tests.browser.test_reading import AS_FOUND

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")

from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

TEXT = "Text in results and policies"
OPEN, USED, DISABLED = AS_FOUND[:5], AS_FOUND[5:12], AS_FOUND[12:]
BY_KEY = [
    "1234abcd-12ab-34cd-56ef-000000000011",
    "alias/archive",
    "alias/backup",
    "alias/customers",
    "alias/customers-eu",
    "alias/default-policy",
    "alias/orders",
    "alias/Otter-EBS",
    "alias/payments",
    "alias/readable",
    "alias/reports",
    "alias/retired",
    "alias/SecurityOtterCMK",
]
# The keys' ids are numbered in the order of the examples; the one with two aliases has its place twice.
BY_PLACE = [
    "alias/retired",
    "alias/Otter-EBS",
    "alias/default-policy",
    "alias/orders",
    "alias/payments",
    "alias/archive",
    "alias/backup",
    "alias/reports",
    "alias/SecurityOtterCMK",
    "alias/readable",
    "1234abcd-12ab-34cd-56ef-000000000011",
    "alias/customers",
    "alias/customers-eu",
]
BY_SCENARIO = [
    "alias/retired",
    "alias/Otter-EBS",
    "alias/default-policy",
    "alias/SecurityOtterCMK",
    "alias/orders",
    "alias/payments",
    "alias/readable",
    "1234abcd-12ab-34cd-56ef-000000000011",
    "alias/customers",
    "alias/customers-eu",
    "alias/archive",
    "alias/backup",
    "alias/reports",
]
AFTER_CLICKS = [
    (["Compliance"], [*DISABLED, *USED, *OPEN], "descending"),
    (["Compliance", "Compliance"], AS_FOUND, "ascending"),
    (["Key"], BY_KEY, "ascending"),
    (["Key", "Key"], BY_KEY[::-1], "descending"),
    (["Place"], BY_PLACE, "ascending"),
    # Two results of one key have the same place, and stay in the order they were found in.
    (["Place", "Place"], [*BY_PLACE[11:], *BY_PLACE[:11][::-1]], "descending"),
    (["Scenario"], BY_SCENARIO, "ascending"),
    (["Key", "Scenario", "Compliance"], AS_FOUND, "ascending"),
]


@pytest.mark.parametrize(("clicks", "order", "direction"), AFTER_CLICKS, ids=[" ".join(row[0]) for row in AFTER_CLICKS])
def test_the_head_of_a_column_sorts_by_it(
    examples: Browser, clicks: list[str], order: list[str], direction: str
) -> None:
    for label in clicks:
        examples.button(label, "thead").click()
    assert examples.keys() == order
    sorted_by = examples.run(
        "return Array.from(document.querySelectorAll('[aria-sort]'), (head) => [head.innerText.trim(), head.ariaSort])"
    )
    assert sorted_by == [[clicks[-1], direction]]


def test_sentences_sort_by_their_letters_whichever_their_case(examples: Browser) -> None:
    examples.button("What the rule says", "thead").click()
    assert examples.keys()[:2] == ["alias/Otter-EBS", "alias/retired"]
    assert examples.keys()[-1] == "alias/SecurityOtterCMK"


def test_numbers_in_names_sort_by_their_value(browser: Browser) -> None:
    browser.open(page(findings(map(key, ["alias/app-10", "alias/app-9", "alias/app-100"]))))
    browser.button("Key", "thead").click()
    assert browser.keys() == ["alias/app-9", "alias/app-10", "alias/app-100"]


FILTERED = [
    ({TEXT: "customers"}, ["alias/customers", "alias/customers-eu"]),
    ({TEXT: "CUSTOMERS"}, ["alias/customers", "alias/customers-eu"]),
    ({TEXT: " eu alias/customers "}, ["alias/customers", "alias/customers-eu"]),
    ({TEXT: "[scenario 7:"}, ["alias/backup"]),
    ({TEXT: "000000000004"}, ["alias/orders"]),
    ({TEXT: "only deployment will know"}, ["alias/orders"]),
    # A word that only the policy holds, which several keys share.
    ({TEXT: "AROABEAVERUSER"}, ["alias/orders", "alias/reports", *USED[1:2], *USED[3:]]),
    ({"Compliance": "NOT_APPLICABLE"}, DISABLED),
    ({"Compliance": "NON_COMPLIANT"}, OPEN),
    # Its name is the end of another word, which is not what was asked for.
    ({"Compliance": "COMPLIANT"}, USED),
    ({"Scenario": "separation-of-duty-compliant"}, [*USED[1:2], *USED[3:]]),
    ({"Scenario": "admin-actions-compliant", "Compliance": "COMPLIANT"}, ["alias/archive"]),
    ({"Scenario": "separation-of-duty-compliant", "Compliance": "COMPLIANT", TEXT: "eu-west customers-eu"}, USED[-1:]),
]


@pytest.mark.parametrize(("filters", "left"), FILTERED, ids=[" ".join(filters.values()) for filters, _ in FILTERED])
def test_filters_leave_the_results_that_fit_all_of_them(
    examples: Browser, filters: dict[str, str], left: list[str]
) -> None:
    use(examples, filters)
    assert examples.keys() == left
    assert examples.status() == f"Showing {len(left)} of 13 results."


def use(browser: Browser, filters: dict[str, str]) -> None:
    for label, value in filters.items():
        if label == TEXT:
            browser.labelled(label).send_keys(value)
        else:
            browser.choose(label, value)


@pytest.mark.parametrize(
    "filters",
    [
        {TEXT: "no such words"},
        {"Scenario": "malformed-policy-not-compliant"},
        {"Scenario": "separation-of-duty-compliant", "Compliance": "NON_COMPLIANT"},
    ],
    ids=["text", "scenario", "combined"],
)
def test_filters_that_leave_nothing_say_so_and_can_be_cleared(examples: Browser, filters: dict[str, str]) -> None:
    use(examples, filters)
    assert examples.keys() == []
    assert not examples.one("table").is_displayed()
    assert examples.status() == "No result matches: change or clear the filters."
    examples.button("Clear").click()
    assert examples.keys() == AS_FOUND
    assert examples.status() == "Showing all 13 results."


def test_a_filter_holds_while_the_table_is_sorted(examples: Browser) -> None:
    examples.choose("Compliance", "NON_COMPLIANT")
    examples.button("Key", "thead").click()
    assert examples.keys() == [key for key in BY_KEY if key in OPEN]
    examples.button("Clear").click()
    assert examples.keys() == BY_KEY


def test_the_explanation_of_a_scenario_shows_its_results_alone(examples: Browser) -> None:
    examples.labelled(TEXT).send_keys("no such words")
    examples.one("#scenario-admin-actions-compliant summary").click()
    examples.button("Show these results", "#scenario-admin-actions-compliant").click()
    assert examples.keys() == ["alias/archive"]
    assert examples.labelled("Scenario").get_attribute("value") == "admin-actions-compliant"
    assert examples.labelled(TEXT).get_attribute("value") == ""


def test_a_scenario_without_results_offers_none(examples: Browser) -> None:
    assert len(examples.driver.find_elements("css selector", ".scenarios button")) == 9
    assert examples.driver.find_elements("css selector", "#scenario-no-scenario-not-compliant button") == []


def test_the_return_key_in_the_filter_leaves_the_page_as_it_is(examples: Browser) -> None:
    examples.labelled(TEXT).send_keys("orders", Keys.ENTER)
    assert examples.keys() == ["alias/orders"]
    assert examples.complaints() == []


def test_the_keyboard_alone_filters_sorts_and_opens_a_policy(examples: Browser) -> None:
    examples.labelled(TEXT).send_keys("security")
    stops = []
    for _ in range(10):
        examples.focused().send_keys(Keys.TAB)
        stops.append(examples.focused().text)
        # What has the keyboard is seen.
        assert examples.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert stops[2:9] == [
        "Clear",
        "Compliance",
        "Key",
        "Place",
        "Scenario",
        "What the rule says",
        "no-user-condition-not-compliant",
    ]
    examples.focused().send_keys(Keys.ENTER)
    assert '"Sid": "Allow use of the key"' in examples.one("tbody pre").text
    examples.button("Clear").send_keys(Keys.ENTER)
    examples.button("Key", "thead").send_keys(Keys.SPACE)
    assert examples.keys() == BY_KEY
    assert examples.focused().text == "Key"


def test_many_keys_are_held_in_the_page_by_the_hundred(browser: Browser) -> None:
    text = page(many_findings(2_000, 5))
    assert len(text.encode()) < 2_000 * 1_000
    assert text.count("<pre") == 5
    # Called after the last row was read and before the page's own script: until then no row is laid out.
    look = "window.laidOut = document.querySelector('tbody').clientHeight"
    with browser.running_first(f"document.addEventListener('DOMContentLoaded', () => {{ {look} }})"):
        browser.open(text)
    assert browser.run("return window.laidOut") == 0
    assert browser.run("return document.getElementsByTagName('*').length") < 2_500
    assert browser.status() == "Showing the first 100 of 2,000 results."
    assert len(browser.keys()) == 100
    browser.labelled(TEXT).send_keys("app-01999")
    assert browser.keys() == ["alias/app-01999"]


def test_more_rows_come_on_request_and_the_keyboard_goes_on_at_the_first_of_them(browser: Browser) -> None:
    browser.open(page(many_findings(250, 2)))
    browser.button("Key", "thead").click()
    browser.button("Show 100 more").click()
    assert len(browser.keys()) == 200
    assert browser.run("return document.activeElement.closest('tr').cells[1].innerText") == "alias/app-00101"
    browser.button("Show 50 more").click()
    assert len(browser.keys()) == 250
    assert not browser.one(".more").is_displayed()
    assert browser.status() == "Showing all 250 results."
    # Another filter begins with its first hundred again.
    browser.labelled(TEXT).send_keys("app")
    assert len(browser.keys()) == 100
    browser.button("Show all 250").click()
    assert len(browser.keys()) == 250


def test_the_folds_of_rows_that_were_out_of_the_page_work(browser: Browser) -> None:
    browser.open(page(many_findings(250, 2)))
    browser.labelled(TEXT).send_keys("app-00246")
    assert '"Id": "p0"' in browser.open_policy(browser.one("tbody")).text
    browser.labelled(TEXT).clear()
    browser.labelled(TEXT).send_keys("app-00246 alias")
    assert '"Id": "p0"' in browser.one("tbody pre").text


def test_two_keys_with_one_alias_name_are_both_shown(browser: Browser) -> None:
    browser.open(page(findings([Key("1", Facts(("alias/app",))), Key("2", Facts(("alias/app",)))])))
    assert browser.keys() == ["alias/app", "alias/app"]
    assert browser.one("h2#results").text == "2 results for 2 keys"


# Accounts.


COMPLIANCES = ["NON_COMPLIANT", "COMPLIANT", "NOT_APPLICABLE"]
THREE_ACCOUNTS = ["111111111111", "222222222222", "444444444444"]


def of_accounts() -> Findings:
    found = findings([], [Unjudged(Place("account 444444444444, us-east-1"), "It is denied.")])
    for account_id in THREE_ACCOUNTS[:2]:
        for one in findings([key("alias/used"), key("alias/open", '{"Statement": []}')]).judged:
            found.judged.append(replace(one, place=Place(f"account {account_id}, us-east-1", resource=one.key_id)))
    return found


def test_a_figure_of_an_account_shows_the_results_that_it_counts(browser: Browser) -> None:
    browser.open(page(of_accounts()))
    shown = "table.results tbody tr th"
    assert browser.texts(".accounts th") == ["Account", *COMPLIANCES, "not judged", *THREE_ACCOUNTS]
    assert browser.texts(".accounts td") == [*"1100", *"1100", *"0001"]
    assert browser.texts(".accounts button") == [THREE_ACCOUNTS[0], *"11", THREE_ACCOUNTS[1], *"11", THREE_ACCOUNTS[2]]
    second = ".accounts tbody tr:nth-child(2)"
    browser.button("1", f"{second} td:nth-child(3)").click()
    assert browser.texts(shown) == ["alias/used"]
    browser.button("1", f"{second} td:nth-child(2)").click()
    assert browser.texts(shown) == ["alias/open"]
    browser.button(THREE_ACCOUNTS[1], second).click()
    assert browser.texts(shown) == ["alias/open", "alias/used"]
    assert set(browser.texts("table.results tbody td .place")) == {f"account {THREE_ACCOUNTS[1]}, us-east-1"}


def test_one_account_has_no_table_of_accounts(examples: Browser) -> None:
    assert examples.texts(".accounts, [id=filter-account]") == []
