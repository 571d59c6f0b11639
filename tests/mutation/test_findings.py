"""What the mutation tool says about a module: which mutants it complains of, and the score."""

from __future__ import annotations

import pytest

from dev.mutation.listed import LIST, ListError, reasons
from dev.mutation.mutants import Mutant
from dev.mutation.report import Findings, difference, excuses
from dev.mutation.trials import Outcome

SOURCE = """\
def smaller(first, second):
    if first < second:
        return first
    return second
"""


def changed(before: str, after: str) -> Mutant:
    return Mutant.between("smaller", SOURCE, SOURCE.replace(before, after), 0)


LESS_OR_EQUAL = changed("<", "<=")
GREATER = changed("<", ">")
NOTHING = changed("return second", "return None")

CHANGES = [
    ("<", "<=", "if first < second:", "if first <= second:"),
    ("        return first\n", "", "return first", ""),
    ("    if", "    second += 1\n    if", "", "second += 1"),
    (
        "first < second:\n        return first",
        "True:\n        pass",
        "if first < second:\nreturn first",
        "if True:\npass",
    ),
]


@pytest.mark.parametrize(("old", "new", "before", "after"), CHANGES)
def test_a_mutant_is_the_lines_that_it_changes(old: str, new: str, before: str, after: str) -> None:
    mutated = SOURCE.replace(old, new, 1)
    mutant = Mutant.between("smaller", SOURCE, mutated, 0)
    assert mutant.name == ("smaller", before, after, 1)
    assert mutant.applied_to(SOURCE) == mutated


def test_a_mutant_keeps_its_name_when_its_lines_move() -> None:
    moved = Mutant.between("smaller", SOURCE, SOURCE.replace("<", "<="), 10)
    assert moved.name == LESS_OR_EQUAL.name
    assert moved.applied_to("\n" * 10 + SOURCE) == "\n" * 10 + SOURCE.replace("<", "<=")


def test_the_difference_shows_place_and_lines() -> None:
    assert difference(LESS_OR_EQUAL) == ("  line 2, smaller\n    - if first < second:\n    + if first <= second:")


LISTED = """
[[equivalent]]
module = "rule"
reason = "Of two equal numbers either is the smaller."
mutants = [{ where = "smaller", before = "if first < second:", after = "if first <= second:" }]

[[equivalent]]
module = "policy"
reason = "Another module's."
mutants = [{ where = "smaller", before = "return second", after = "return None", occurrence = 2 }]
"""


def test_the_list_gives_the_reasons_of_one_module() -> None:
    assert reasons("rule", LISTED) == {LESS_OR_EQUAL.name: "Of two equal numbers either is the smaller."}
    assert reasons("policy", LISTED) == {("smaller", "return second", "return None", 2): "Another module's."}


def test_a_mutant_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(ListError, match="lists a mutant of rule twice"):
        reasons("rule", LISTED.replace('"policy"', '"rule"') + LISTED)


@pytest.mark.parametrize("module", ["AWSConfigRuleKMS", "AWSConfigRuleKMSPolicy"])
def test_the_project_s_own_list_gives_a_reason_for_each_mutant(module: str) -> None:
    assert all(reasons(module, LIST.read_text(encoding="utf-8")).values())


KILLED, TIMED_OUT, SURVIVED = Outcome.KILLED, Outcome.TIMED_OUT, Outcome.SURVIVED
EQUAL = {LESS_OR_EQUAL.name: "Of two equal numbers either is the smaller."}

COMPLAINTS = [
    pytest.param([(GREATER, KILLED), (NOTHING, TIMED_OUT)], {}, [], 1, id="each is noticed"),
    pytest.param([(GREATER, KILLED), (LESS_OR_EQUAL, SURVIVED)], EQUAL, [], 1, id="the other is listed"),
    pytest.param([(GREATER, KILLED), (NOTHING, SURVIVED)], {}, ["1 of its mutants survived"], 0.5, id="one survived"),
    pytest.param([(LESS_OR_EQUAL, KILLED)], EQUAL, ["a test notices it"], 1, id="listed, but noticed"),
    pytest.param([], {}, [], 1, id="none"),
]


@pytest.mark.parametrize(("outcomes", "listed", "complaints", "score"), COMPLAINTS)
def test_what_is_wrong_with_a_module_s_mutants(
    outcomes: list[tuple[Mutant, Outcome]],
    listed: dict[tuple[str, str, str, int], str],
    complaints: list[str],
    score: float,
) -> None:
    found = Findings("rule", listed, (), outcomes)
    problems = list(found.problems())
    assert len(problems) == len(complaints)
    assert all(complaint in problem for complaint, problem in zip(complaints, problems, strict=True))
    assert found.score == score


def test_a_listed_mutant_that_does_not_exist_is_a_problem() -> None:
    found = Findings("rule", EQUAL, [LESS_OR_EQUAL.name], [(GREATER, KILLED)])
    assert ["there is no such mutant" in problem for problem in found.problems()] == [True]


def test_what_is_excused_is_shown_under_its_reason() -> None:
    found = Findings("rule", EQUAL, (), [(LESS_OR_EQUAL, SURVIVED), (NOTHING, SURVIVED)])
    assert list(excuses(found)) == [
        "  Of two equal numbers either is the smaller.\n    smaller: 'if first < second:' -> 'if first <= second:'"
    ]


STATEMENTS = [
    ("def smaller(first, second)", "def smaller(second, first)", range(1, 2)),
    ("<", ">", range(2, 3)),
    ("return first", "return None", range(3, 4)),
]


@pytest.mark.parametrize(("before", "after", "lines"), STATEMENTS)
def test_a_mutant_knows_the_statement_that_it_changes(before: str, after: str, lines: range) -> None:
    assert changed(before, after).statement_in(SOURCE) == lines


def test_a_statement_of_several_lines_is_changed_as_a_whole() -> None:
    source = "def announce():\n    print(\n        'one'\n        'two',\n    )\n"
    mutant = Mutant.between("announce", source, source.replace("two", "2"), 0)
    assert mutant.first == 3
    assert mutant.statement_in(source) == range(2, 6)
