"""The page `docs/scenarios.md` says of each scenario what the rule says, and its policies are judged as it promises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from AWSConfigRuleKMSPolicy import KeyPolicy
from dev.emulator.events import POST_PARAMETERS
from kms_rule.remediation.refusals import refusal
from kms_rule.remediation.remedy import Proposal, remedy
from least_privilege.annotation import OUT_OF_SCOPE_SENTENCE, RETRACTED_SENTENCE, annotate
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import SCENARIOS, Compliance, Verdict, judge

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
PARAMETERS = RuleParameters.parse(POST_PARAMETERS)
BY_USER = RuleParameters.parse({**POST_PARAMETERS, "SeparateDutiesBy": "User"})
SEPARATE_USERS = "separate-users-compliant"
ALIAS = "alias/testkey"
NAMES = [scenario.name for scenario in SCENARIOS]


def sections() -> dict[str, str]:
    """The text of each section of the page, by its heading."""
    _, *parts = re.split(r"^## (.+)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def blocks(section: str) -> dict[str, str]:
    """What stands in the blocks of a section, by the words in bold above each."""
    found = re.findall(r"^\*\*([^*]+)\*\*\n\n```(?:text|json)\n(.*?)\n```$", section, flags=re.MULTILINE | re.DOTALL)
    assert len(found) == section.count("```") / 2
    return dict(found)


BLOCKS: Mapping[str, Mapping[str, str]] = {name: blocks(section) for name, section in sections().items()}
FAILING = [name for name, found in BLOCKS.items() if "Mended" in found]


def parameters(name: str) -> RuleParameters:
    return BY_USER if name == SEPARATE_USERS else PARAMETERS


def verdict(policy: str, given: RuleParameters = PARAMETERS) -> Verdict:
    return judge(Facts((ALIAS,), policy=policy), given)


def test_every_scenario_stands_on_the_page_in_the_rules_order_and_no_other() -> None:
    assert list(sections()) == [*NAMES, "deleted-key-not-applicable", "taken-back-not-applicable"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_a_section_tells_the_posts_number_the_result_and_why(scenario: object) -> None:
    [row] = [row for row in SCENARIOS if row is scenario]
    section = sections()[row.name]
    opening = section.strip().partition("\n\n")[0]
    assert f"`{row.compliance}`" in opening
    assert (f"Scenario {row.number} of the post." in opening) == (row.number is not None)
    assert section.count("**Finds.** ") == section.count("**Why it matters.** ") == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_refused_policy_stands_with_what_mends_it_and_each_other_one_without(name: str) -> None:
    [row] = [row for row in SCENARIOS if row.name == name]
    expected = {
        "Annotation",
        *({"Fails", "Mended"} if row.compliance is Compliance.NON_COMPLIANT else set()),
        *({"Found in"} if row.number in {5, 6} else set()),
        *({"Found in", "Fails"} if name == SEPARATE_USERS else set()),
    }
    if name == "key-policy-denied-not-compliant":
        expected = {"Annotation", "To be added"}
    assert set(BLOCKS[name]) == expected


@pytest.mark.parametrize("name", [name for name, found in BLOCKS.items() if {"Fails", "Found in"} & found.keys()])
def test_a_policy_on_the_page_gets_its_scenario_and_the_very_annotation(name: str) -> None:
    found = verdict(BLOCKS[name].get("Found in") or BLOCKS[name]["Fails"], parameters(name))
    assert found.scenario.name == name
    assert annotate(found, ALIAS) == BLOCKS[name]["Annotation"]


@pytest.mark.parametrize("name", FAILING)
def test_a_mended_policy_is_compliant_and_one_that_kms_takes(name: str) -> None:
    text = BLOCKS[name]["Mended"]
    assert verdict(text).compliance is Compliance.COMPLIANT
    assert refusal(text, KeyPolicy.parse(text)) is None


@pytest.mark.parametrize("name", FAILING)
def test_a_mended_policy_is_what_the_command_proposes_unless_the_page_says_otherwise(name: str) -> None:
    proposed = remedy(BLOCKS[name]["Fails"], PARAMETERS)
    by_hand = re.search(r"`kms-rule explain` does not (guess|propose)", sections()[name]) is not None
    assert isinstance(proposed, Proposal) == (not by_hand)
    if isinstance(proposed, Proposal):
        assert json.loads(BLOCKS[name]["Mended"]) == proposed.policy


def test_one_user_with_both_duties_fails_with_the_words_of_the_page() -> None:
    found = verdict(BLOCKS[SEPARATE_USERS]["Fails"], BY_USER)
    [words] = re.findall(r"brackets say `(.+)`:", sections()[SEPARATE_USERS])
    assert found.scenario.number == 8
    assert f"[scenario 8](#{found.scenario.name})" in sections()[SEPARATE_USERS]
    assert words in annotate(found, ALIAS)


# What a paragraph "By user" says of the policies in its section; in the others they are judged as by policy.
JUDGED_BY_USER = {
    ("wildcard-policy-action-not-compliant", "Mended"): "no-user-condition-not-compliant",
    ("no-separation-of-duty-not-compliant", "Mended"): "no-separation-of-duty-not-compliant",
    ("separation-of-duty-compliant", "Found in"): SEPARATE_USERS,
    ("admin-role-not-allowed-actions-not-compliant", "Fails"): SEPARATE_USERS,
    ("no-scenario-not-compliant", "Fails"): "admin-actions-compliant",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name != SEPARATE_USERS])
def test_what_differs_by_user_stands_in_the_section(name: str) -> None:
    for label in BLOCKS[name].keys() & {"Fails", "Found in", "Mended"}:
        text = BLOCKS[name][label]
        found = verdict(text, BY_USER)
        if (name, label) in JUDGED_BY_USER:
            assert "**By user.** " in sections()[name]
            assert found.scenario.name == JUDGED_BY_USER[name, label]
        else:
            assert found.compliance is verdict(text).compliance


SITUATIONS = {
    "aws-managed-key-not-applicable": Facts(("alias/aws/ebs",), manager="AWS"),
    "disabled-cmk-not-applicable": Facts((ALIAS,), state="Disabled"),
    "whitelisted-cmk-compliant": Facts(("alias/Otter-EBS",)),
    "key-policy-denied-not-compliant": Facts((ALIAS,), denied=("kms:GetKeyPolicy",)),
}


@pytest.mark.parametrize("name", [name for name in NAMES if not {"Fails", "Found in"} & BLOCKS[name].keys()])
def test_a_situation_on_the_page_gets_its_scenario_and_the_very_annotation(name: str) -> None:
    facts = SITUATIONS[name]
    found = judge(facts, PARAMETERS)
    [alias] = facts.aliases
    assert found.scenario.name == name
    assert annotate(found, alias) == BLOCKS[name]["Annotation"]
    assert f"The situation: the key `{alias}`" in sections()[name]


def test_the_statement_that_lets_the_rule_read_a_policy_changes_no_answer() -> None:
    statement = json.loads(BLOCKS["key-policy-denied-not-compliant"]["To be added"])
    for name, found in BLOCKS.items():
        for text in (found.get("Mended"), found.get("Found in"), found.get("Fails")):
            if text:
                policy = json.loads(text)
                added = json.dumps({**policy, "Statement": [*policy["Statement"], statement]})
                assert verdict(added, parameters(name)).scenario is verdict(text, parameters(name)).scenario


def test_the_results_that_are_taken_back_have_the_rules_own_sentences() -> None:
    assert BLOCKS["deleted-key-not-applicable"] == {"Annotation": OUT_OF_SCOPE_SENTENCE.format(id=ALIAS)}
    assert BLOCKS["taken-back-not-applicable"] == {"Annotation": RETRACTED_SENTENCE.format(id=ALIAS)}


def test_every_link_on_the_page_leads_to_a_section_of_it() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert links
    assert set(links) <= sections().keys()


def test_the_page_says_which_parameters_it_takes() -> None:
    for name, value in POST_PARAMETERS.items():
        assert f"`{name}` = `{value}`" in PAGE.replace("\n", " ")
    assert "`SeparateDutiesBy` = `User`" in sections()[SEPARATE_USERS]
