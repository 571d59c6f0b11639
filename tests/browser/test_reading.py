"""The report as somebody reads it: what it says, its table, its policies, with scripts and without, on every device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kms_rule.findings import Finding, Findings
from kms_rule.version import version
from tests.browser.reports import (
    ASSUMED,
    MADE,
    example_findings,
    findings,
    key,
    many_findings,
    page,
    place_of,
    unknown_scenario,
)

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

AS_FOUND = [
    "alias/default-policy",
    "alias/orders",
    "alias/backup",
    "alias/reports",
    "alias/SecurityOtterCMK",
    "alias/Otter-EBS",
    "alias/payments",
    "alias/archive",
    "alias/readable",
    "1234abcd-12ab-34cd-56ef-000000000011",
    "alias/customers",
    "alias/customers-eu",
    "alias/retired",
]


def test_the_page_opens_without_a_complaint_and_asks_for_nothing_but_itself(examples: Browser) -> None:
    assert examples.complaints() == []
    assert examples.requests() == [examples.driver.current_url]


def test_the_head_counts_results_and_says_how_they_were_made(examples: Browser) -> None:
    assert examples.texts(".tallies li") == ["1 Not judged", "5 NON_COMPLIANT", "7 COMPLIANT", "1 NOT_APPLICABLE"]
    assert examples.texts(".facts dt") == [
        "Made",
        "By",
        "CMK_Whitelist",
        "Admin_User_Id",
        "StrictSeparationOfDuties",
        "SeparateDutiesBy",
        "ReportResourceAs",
        "ReadKeysFrom",
    ]
    assert examples.texts(".facts dd") == [
        "9 March 2026, 07:05 UTC",
        f"kms-rule {version()}",
        "Otter*",
        "AROAOTTER*",
        "false",
        "Policy",
        "Alias",
        "KMS",
    ]


def test_what_could_not_be_judged_stands_before_the_results(examples: Browser) -> None:
    section = examples.one("section.unjudged")
    assert "One place could not be judged" in section.text
    assert "111122223333 us-west-2\nListing the keys is denied: allow kms:ListKeys" in section.text
    assert section.location["y"] < examples.one("table").location["y"]


def test_remarks_stand_at_what_they_are_about(examples: Browser) -> None:
    assert examples.texts("[aria-labelledby=remarks] li") == ["The Region eu-south-2 has no customer managed keys."]
    assert ASSUMED in examples.row("alias/orders").text
    assert ASSUMED not in examples.row("alias/reports").text


def test_a_row_says_everything_about_its_result(examples: Browser) -> None:
    cells = examples.row("alias/backup").find_elements("css selector", "td, th")
    assert [cell.text for cell in cells] == [
        "NON_COMPLIANT",
        "alias/backup",
        "111122223333 eu-west-1\narn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-000000000007",
        "7 admin-role-not-in-whitelist-not-compliant",
        "in Key Policy for alias/backup, statement does have separation of duties, CMK is not whitelisted, and user id "
        'is not whitelisted [scenario 7: Admin_User_Id does not cover "AROABADGERADMIN:*"; administration by '
        '"Administer"]\nPolicy, decided by "Administer"\nNot judged by the rule',
    ]


def test_a_fold_lists_what_is_not_judged(examples: Browser) -> None:
    *_, fold = examples.row("alias/backup").find_elements("css selector", "details")
    assert fold.text == "Not judged by the rule"
    fold.find_element("css selector", "summary").click()
    assert fold.text.splitlines() == [
        "Not judged by the rule",
        'Statement 1 ("Administer") lets arn:aws:iam::111122223333:root make grants (kms:CreateGrant), and the rule '
        "does not read grants.",
    ]
    folds = examples.row("alias/Otter-EBS").find_elements("css selector", "summary")
    assert "Not judged by the rule" not in [each.text for each in folds]


def test_the_chart_counts_every_scenario_in_the_order_of_the_rule(examples: Browser) -> None:
    assert examples.texts(".scenarios summary") == [
        " aws-managed-key-not-applicable 0",
        "1 disabled-cmk-not-applicable 1",
        "2 whitelisted-cmk-compliant 1",
        " key-policy-denied-not-compliant 0",
        " malformed-policy-not-compliant 0",
        "3 wildcard-policy-action-not-compliant 1",
        " no-user-condition-not-compliant 1",
        "4 no-separation-of-duty-not-compliant 1",
        "5 separation-of-duty-compliant 5",
        "6 admin-actions-compliant 1",
        "7 admin-role-not-in-whitelist-not-compliant 1",
        "8 admin-role-not-allowed-actions-not-compliant 1",
        " separate-users-compliant 0",
        " no-scenario-not-compliant 0",
    ]
    widths = examples.run(
        "return Array.from(document.querySelectorAll('rect'), (bar) => Math.round(bar.getBoundingClientRect().width * "
        "10 / bar.ownerSVGElement.getBoundingClientRect().width))"
    )
    assert widths == [0, 2, 2, 0, 0, 2, 2, 2, 10, 2, 2, 2, 0, 0]


def test_a_scenario_in_the_table_leads_to_what_it_asks(examples: Browser) -> None:
    explanation = examples.one("#scenario-wildcard-policy-action-not-compliant > div")
    assert not explanation.is_displayed()
    examples.row("alias/default-policy").find_element("css selector", "a").click()
    assert explanation.text.splitlines()[:2] == [
        "Does an Allow statement open all KMS actions?",
        "If so: NON_COMPLIANT in Key Policy for …, statement does have open KMS permissions and CMK is not whitelisted",
    ]


def test_an_address_with_a_scenario_opens_what_it_asks(browser: Browser) -> None:
    browser.open(page(example_findings()), "#scenario-admin-actions-compliant")
    assert browser.one("#scenario-admin-actions-compliant > div").is_displayed()


def test_a_fold_holds_the_policy_with_the_deciding_statements_marked(examples: Browser) -> None:
    row = examples.row("alias/readable")
    assert examples.open_policy(row).text.startswith('{\n "Version": "2012-10-17",\n "Statement": [\n')
    [marked] = row.find_elements("css selector", "mark")
    assert '"Sid": "Allow use of the key"' in marked.text
    assert "kms:GetKeyPolicy" not in marked.text
    assert "kms:GetKeyPolicy" in row.text


def test_a_policy_that_several_keys_have_stands_in_the_page_once_and_opens_at_each(examples: Browser) -> None:
    having = ["alias/payments", "1234abcd-12ab-34cd-56ef-000000000011", "alias/customers", "alias/customers-eu"]
    rows = [examples.row(each) for each in having]
    assert [len(row.find_elements("css selector", "pre")) for row in rows] == [1, 0, 0, 0]
    shown = [examples.open_policy(row).get_attribute("innerHTML") for row in rows]
    assert shown == [shown[0]] * 4
    assert '"kms:Decrypt"' in str(shown[0])


def test_a_key_whose_policy_was_not_read_has_no_fold(examples: Browser) -> None:
    assert examples.row("alias/retired").find_elements("css selector", "details") == []


def test_a_result_of_aws_config_shows_its_own_words_and_time(browser: Browser) -> None:
    earlier = unknown_scenario("{id} was reported otherwise")
    recorded = Finding(place_of("1"), "alias/old", "1", earlier, "In other words.", recorded=MADE)
    browser.open(page(Findings([recorded])))
    assert "In other words.\nRecorded by AWS Config 9 March 2026, 07:05 UTC" in browser.row("alias/old").text
    assert browser.texts(".scenarios summary")[-1] == " unknown-sentence 1"
    assert browser.complaints() == []


def test_a_report_without_any_key_says_so(browser: Browser) -> None:
    browser.open(page(findings()))
    assert browser.one("h2#results").text == "0 results for 0 keys"
    assert browser.status() == "No key was judged."
    assert browser.complaints() == []


def test_without_scripts_the_page_is_a_plain_table_with_all_policies(browser: Browser) -> None:
    browser.allow_scripts(allowed=False)
    browser.open(page(many_findings(300, 2)))
    assert len(browser.keys()) == 300
    assert not browser.one("form").is_displayed()
    assert browser.driver.find_elements("css selector", "button") == []
    row = browser.row("alias/app-00003")
    row.find_element("css selector", "summary").click()
    assert row.find_element("css selector", "details").text.endswith("The same as the policy of alias/app-00001.")
    row.find_element("css selector", "details a").click()
    assert '"Id": "p1"' in browser.one("pre:target").text
    assert browser.one("pre:target").is_displayed()


def test_the_table_stays_readable_where_the_script_fails(browser: Browser) -> None:
    with browser.running_first("Intl.Collator = undefined"):
        browser.open(page(example_findings()))
    assert [message.partition("Uncaught ")[2] for message in browser.complaints()] != []
    assert browser.one("tbody tr").is_displayed()
    assert browser.keys() == AS_FOUND


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1920])
def test_nothing_is_wider_than_the_window(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    unbroken = "W" * 300
    found = example_findings()
    found.add(findings([key(f"alias/{unbroken}", f'{{"Statement": "{unbroken}"}}')]).judged)
    found.remarks.append(unbroken)
    browser.open(page(found))
    browser.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    too_wide = "return Array.from(document.querySelectorAll('*')).filter((one) => one.scrollWidth > innerWidth).length"
    assert browser.run(too_wide) == 0


# WCAG 2.2, "relative luminance" and "contrast ratio"; 4.5 is level AA for text of a usual size.
CONTRASTS = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const luminance = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((part) => linear(part / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  const colour = getComputedStyle(one).backgroundColor;
  return channels(colour)[3] === 0 ? behind(one.parentElement) : channels(colour);
};
const contrast = (one) => {
  const [dark, light] = [channels(getComputedStyle(one).color), behind(one)].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const hasText = (one) => Array.from(one.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
const texts = Array.from(document.body.querySelectorAll("*")).filter((one) => hasText(one) && one.checkVisibility());
return texts.map((one) => [contrast(one), one.tagName, one.textContent.slice(0, 60)]);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(browser: Browser, scheme: str) -> None:
    browser.prefer(scheme)
    browser.open(page(example_findings()))
    browser.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    measured = browser.run(CONTRASTS)
    assert len(measured) > 150
    assert [text for text in measured if text[0] < 4.5] == []


def test_the_page_is_light_or_dark_as_the_system_is(browser: Browser) -> None:
    background = "return getComputedStyle(document.documentElement).backgroundColor"
    browser.open(page(example_findings()))
    assert browser.run(background) == "rgb(255, 255, 255)"
    browser.prefer("dark")
    assert browser.run(background) == "rgb(17, 22, 28)"


def test_assistive_technology_finds_a_table_with_heads_and_labelled_controls_on_a_phone(browser: Browser) -> None:
    browser.resize(390, 844)
    browser.open(page(example_findings()))
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(node["role"]["value"], node["name"]["value"]) for node in nodes if node.get("name", {}).get("value")]
    assert ("table", "13 results for 12 keys") in named
    assert [name for role, name in named if role == "columnheader"] == [
        "Compliance",
        "Key",
        "Place",
        "Scenario",
        "What the rule says",
    ]
    assert [name for role, name in named if role == "rowheader"] == AS_FOUND
    assert ("searchbox", "Text in results and policies") in named
    assert ("combobox", "Compliance") in named
    assert ("combobox", "Scenario") in named


def test_paper_gets_every_result_that_matches(browser: Browser) -> None:
    browser.open(page(many_findings(250, 2)))
    browser.labelled("Text in results and policies").send_keys("p1")
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert len(browser.keys()) == 125
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert len(browser.keys()) == 100
