"""Holds SECURITY.md to what is there: the tests that it names, its links, its policy, and its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kms_rule.audit import Outcome
from kms_rule.events import POST_PARAMETERS

PROJECT = Path(__file__).parents[2]
SECURITY = (PROJECT / "SECURITY.md").read_text("utf-8")
PROMISES = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in SECURITY.partition("## What it promises")[2].partition("It does not promise")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
]
NAMED = sorted(set(re.findall(r"`(tests/[^`]*)`", SECURITY)))
LINKED = sorted(set(re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", SECURITY)))


def heading_anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_secrets_are_among_the_promises() -> None:
    assert "`tests/security/test_secrets.py`" in [tests for _, tests in PROMISES]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda cells: cells[0])
def test_a_promise_names_a_test(promise: tuple[str, ...]) -> None:
    _, tests = promise
    assert re.fullmatch(r"`tests/[^`]*`(, `tests/[^`]*`)*", tests)


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    text = (PROJECT / path).read_text("utf-8")
    assert re.search(rf"^ *def {name or 'test_'}", text, re.MULTILINE)


@pytest.mark.parametrize(("path", "anchor"), LINKED)
def test_a_link_leads_somewhere(path: str, anchor: str) -> None:
    target = PROJECT / path if path else PROJECT / "SECURITY.md"
    assert target.exists()
    assert not anchor or anchor in heading_anchors(target.read_text("utf-8"))


def test_the_policy_it_shows_denies_what_the_post_s_whitelist_lets_in() -> None:
    (snippet,) = re.findall(r"```json\n(.*?)```", SECURITY, re.DOTALL)
    (statement,) = json.loads(snippet)["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == ["kms:CreateAlias", "kms:UpdateAlias"]
    assert statement["Resource"] == f"arn:aws:kms:*:*:alias/{POST_PARAMETERS['CMK_Whitelist']}"


def test_it_has_the_exit_codes_of_the_audit() -> None:
    described = re.findall(r"^\| (\d) \|", SECURITY, re.MULTILINE)
    assert [int(code) for code in described] == [outcome.value for outcome in Outcome]


def test_the_readme_leads_to_it() -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert "`SECURITY.md`" in readme
    assert "`make audit`" in readme
