"""Where a run of the mutation tool disagrees with the list of mutants that change nothing."""

from __future__ import annotations

import pytest

from dev.mutation.findings import LIST, Name, listed, problems

LESS = ("rule.smaller", "if first < second:", "if first <= second:")
NOTHING = ("least_privilege.pattern.smaller", "return second", "")
LISTED = """
[[equivalent]]
module = "rule"
reason = "Of two equal numbers either is the smaller."
mutants = [{ where = "smaller", before = "if first < second:", after = "if first <= second:" }]

[[equivalent]]
module = "least_privilege.pattern"
reason = "Nobody asks."
mutants = [{ where = "smaller", before = "return second", after = "" }]
"""
REASONS = {LESS: "Of two equal numbers either is the smaller.", NOTHING: "Nobody asks."}

COMPLAINTS = [
    pytest.param({LESS: False}, {}, [], id="noticed"),
    pytest.param({LESS: True}, REASONS, ["There is no such mutant"], id="listed, but one does not exist"),
    pytest.param({LESS: True, NOTHING: True}, REASONS, [], id="listed"),
    pytest.param({LESS: True, NOTHING: False}, {}, ["No test notices this"], id="survived"),
    pytest.param({LESS: True, NOTHING: False}, REASONS, ["A test notices this"], id="listed, but one is noticed"),
]


def test_a_list_gives_the_reason_for_each_mutant() -> None:
    assert listed(LISTED) == REASONS


def test_the_project_s_own_list_gives_a_reason_for_each_mutant() -> None:
    assert all(reason.strip() for reason in listed(LIST.read_text(encoding="utf-8")).values())


@pytest.mark.parametrize(("survived", "reasons", "complaints"), COMPLAINTS)
def test_survivors_and_the_list_have_to_agree(
    survived: dict[Name, bool], reasons: dict[Name, str], complaints: list[str]
) -> None:
    found = list(problems(survived, reasons))
    assert len(found) == len(complaints)
    assert all(complaint in problem for complaint, problem in zip(complaints, found, strict=True))


def test_a_problem_shows_the_mutant_as_a_difference() -> None:
    [problem] = problems({NOTHING: True}, {})
    assert problem.startswith("least_privilege.pattern.smaller\n  - return second\n  No test notices this")
