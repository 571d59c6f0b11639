"""The mutants that the tool makes of a small module."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import pytest

SOURCE = '''\
"""Counting."""

LIMITS = (1, 9)


class Counter:
    step: int = 1

    @property
    def twice(self) -> int:
        return self.step * 2

    def up_to(self, end: int) -> int:
        found = False
        count = 0
        while count < end:
            count += self.step
            note(f"{count} so far", count)
        return count if all(LIMITS) else None
'''
# One for each kind of change, at least; the first ones are outside functions or in a property.
EXPECTED = [
    ("counting.LIMITS", "LIMITS = (1, 9)", "LIMITS = (1,)"),
    ("counting.Counter.step", "step: int = 1", "step: int = 0"),
    ("counting.Counter.twice", "@property", ""),
    ("counting.Counter.twice", "return self.step * 2", "return self.step / 2"),
    ("counting.Counter.up_to", "while count < end:", "while count <= end:"),
    ("counting.Counter.up_to", "count += self.step", "pass"),
    ("counting.Counter.up_to", 'note(f"{count} so far", count)', 'note(f"{None} so far", count)'),
    ("counting.Counter.up_to", 'note(f"{count} so far", count)', 'note(f"{count} so far", )'),
    ("counting.Counter.up_to", "return count if all(LIMITS) else None", "return count if any(LIMITS) else None"),
    ("counting.Counter.up_to", "return count if all(LIMITS) else None", "return None"),
]


@pytest.fixture(scope="module")
def tool() -> Any:
    reason = "`make mutation` has not installed mutmut yet"
    return pytest.importorskip("dev.mutation.mutants", reason=reason, exc_type=ModuleNotFoundError)


def names(found: Any) -> list[tuple[str, str, str]]:
    return [(mutant.place, mutant.before, mutant.after) for mutant in found]


@pytest.mark.parametrize("name", EXPECTED, ids=" ".join)
def test_tables_classes_and_properties_are_changed_like_functions(tool: Any, name: tuple[str, str, str]) -> None:
    assert name in names(tool.mutants("counting", SOURCE))


def test_each_mutant_is_a_module_with_its_change_and_another_meaning(tool: Any) -> None:
    found = list(tool.mutants("counting", SOURCE))
    meanings = {ast.dump(ast.parse(source)) for source in (SOURCE, *(mutant.source for mutant in found))}
    assert len(meanings) == 1 + len(found)
    for mutant in found:
        lines = [line.strip() for line in mutant.source.split("\n")]
        assert set(mutant.after.split("\n")) <= {*lines, ""}


COLLECTIONS = [
    ("(a, b)", {"(b,)", "(a,)"}),
    ("(a,)", {"()"}),
    ("a,", {"()"}),
    ("[a]", {"[]"}),
    ("{a: b}", {"{}"}),
    ("{a, b}", {"{b}", "{a, }"}),
    ("{a}", set()),
]


@pytest.mark.parametrize(("collection", "rests"), COLLECTIONS, ids=[collection for collection, _ in COLLECTIONS])
def test_each_element_is_dropped_but_the_only_one_of_a_set(tool: Any, collection: str, rests: set[str]) -> None:
    found = {after for _, _, after in names(tool.mutants("counting", f"LIMITS = {collection}"))}
    assert found == {f"LIMITS = {rest}" for rest in ("None", *rests)}


def test_none_instead_of_false_is_no_change(tool: Any) -> None:
    changes = [(before, after) for _, before, after in names(tool.mutants("counting", SOURCE)) if "found" in before]
    assert changes == [("found = False", "found = True")]


def test_a_mutant_keeps_its_name_when_its_lines_move(tool: Any) -> None:
    assert names(tool.mutants("counting", f"import this\n\n\n{SOURCE}")) == names(tool.mutants("counting", SOURCE))


@pytest.mark.parametrize("only", ["counting.Counter", "counting.Counter.tw", "counting.L", "counting.M"])
def test_mutants_can_be_limited_to_one_place(tool: Any, only: str) -> None:
    expected = [name for name in names(tool.mutants("counting", SOURCE)) if name[0].startswith(only)]
    assert names(tool.mutants("counting", SOURCE, only)) == expected


def test_without_mutmut_people_are_told_what_installs_it() -> None:
    command = [sys.executable, "-c", "import sys; sys.modules['libcst'] = None; import dev.mutation.__main__"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (outcome.returncode, outcome.stderr) == (1, "libcst is missing: run `make mutation`, which installs it.\n")
