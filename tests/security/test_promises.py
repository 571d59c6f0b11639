"""Holds SECURITY.md to what is there: the tests that it names, its links, and its policy."""

from __future__ import annotations

import json
import re

import pytest

from dev.emulator.events import POST_PARAMETERS
from tests.documents import document, link_leads_somewhere, links, named_tests, names_a_test

SECURITY = document("SECURITY.md")
PROMISES = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in SECURITY.partition("## What it promises")[2].partition("It does not promise")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
]


def test_secrets_are_among_the_promises() -> None:
    assert "`tests/security/test_secrets.py`" in [tests for _, tests in PROMISES]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda cells: cells[0])
def test_a_promise_names_a_test(promise: tuple[str, ...]) -> None:
    _, tests = promise
    assert re.fullmatch(r"`tests/[^`]*`(, `tests/[^`]*`)*", tests)


@pytest.mark.parametrize("named", named_tests(SECURITY))
def test_a_named_test_is_there(named: str) -> None:
    assert names_a_test(named)


@pytest.mark.parametrize(("path", "anchor"), links(SECURITY))
def test_a_link_leads_somewhere(path: str, anchor: str) -> None:
    assert link_leads_somewhere("SECURITY.md", path, anchor)


def test_the_policy_it_shows_denies_what_the_post_s_whitelist_lets_in() -> None:
    (snippet,) = re.findall(r"```json\n(.*?)```", SECURITY, re.DOTALL)
    (statement,) = json.loads(snippet)["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == ["kms:CreateAlias", "kms:UpdateAlias"]
    assert statement["Resource"] == f"arn:aws:kms:*:*:alias/{POST_PARAMETERS['CMK_Whitelist']}"


def test_the_readme_leads_to_it() -> None:
    assert "`SECURITY.md`" in document("README.md")
    assert "`make audit`" in document("CONTRIBUTING.md")
