"""Scenarios, rule parameters and environment variables are the same in code, feature, templates and documentation."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.consistency.places import (
    CODE,
    FEATURE,
    ORGANIZATION_TEMPLATE,
    PARAMETERS,
    PATHS,
    RDK_PARAMETERS,
    README,
    RULE_TEMPLATE,
    SCENARIOS,
    SCENARIOS_PAGE,
    SUBJECTS,
    Subject,
    differences,
    in_another_order,
    listed,
)

PROJECT = Path(__file__).parents[2]
SCENARIO = "disabled-cmk-not-applicable"


def test_the_same_names_with_the_same_meaning_stand_in_every_place() -> None:
    found = differences(PROJECT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("subject", [SCENARIOS, PARAMETERS], ids=lambda subject: str(subject.what))
def test_every_place_has_them_in_the_same_order(subject: Subject) -> None:
    assert in_another_order(PROJECT, subject) == []


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one place, and all that is to be said of it."""

    path: str
    pattern: str
    replacement: str
    sentence: str


def places_of(subject: Subject, *but: str) -> str:
    return listed([place.path for place in subject.places if place.path not in but])


def omitted(subject: Subject, path: str, name: str, pattern: str, replacement: str = "") -> Edit:
    sentence = f"The {subject.what} {name} stands in {places_of(subject, path)}, but not in {path}."
    return Edit(path, pattern, replacement, sentence)


def added(subject: Subject, path: str, pattern: str, replacement: str) -> Edit:
    name = next(iter(re.findall(r"\w*NEW\w*", replacement)))
    sentence = f"The {subject.what} {name} stands in {path}, but not in {places_of(subject, path)}."
    return Edit(path, pattern, replacement, sentence)


SCENARIO_EDITS = [
    omitted(SCENARIOS, CODE, SCENARIO, rf'    Scenario\("{SCENARIO}".*\n'),
    omitted(SCENARIOS, FEATURE, SCENARIO, rf"Scenario Outline: {SCENARIO}\n", "Scenario Outline: example\n"),
    omitted(SCENARIOS, README, SCENARIO, rf"\| 1 \| `{SCENARIO}`.*\n"),
    omitted(SCENARIOS, SCENARIOS_PAGE, SCENARIO, rf"## {SCENARIO}\n"),
    # One of those that the post does not have.
    omitted(SCENARIOS, README, "no-scenario-not-compliant", r"\| \S \| `no-scenario-not-compliant`.*\n"),
    omitted(SCENARIOS, SCENARIOS_PAGE, "no-scenario-not-compliant", "## no-scenario-not-compliant\n"),
    added(
        SCENARIOS,
        CODE,
        r"KEY_SCENARIOS = \(\n",
        r'\g<0>    Scenario("NEW", _not_enabled, Compliance.COMPLIANT, "CMK {id} is new"),\n',
    ),
    added(SCENARIOS, README, rf"\| 1 \| `{SCENARIO}`", r"| - | `NEW` | it is new | `COMPLIANT` |\n\g<0>"),
    added(SCENARIOS, SCENARIOS_PAGE, rf"## {SCENARIO}\n", r"## NEW\n\n\g<0>"),
    Edit(
        README,
        rf"(`{SCENARIO}` .*)`NOT_APPLICABLE`",
        r"\1`COMPLIANT`",
        f"The result of the scenario {SCENARIO} differs: NOT_APPLICABLE in {CODE}, but COMPLIANT in {README}.",
    ),
    Edit(
        README,
        rf"\| 1 (\| `{SCENARIO}`)",
        r"| - \1",
        f"The number of the scenario {SCENARIO} differs: 1 in {CODE}, but none in {README}.",
    ),
]
WHITELIST = "CMK_Whitelist"
PARAMETER_EDITS = [
    # Without the name, but still read, as blank.
    omitted(
        PARAMETERS,
        CODE,
        WHITELIST,
        r"(?s)PARAMETER_NAMES = \(WHITELIST, (.*?)text = \{(name: .*? in PARAMETER_NAMES)\}",
        r'PARAMETER_NAMES = (\1text = {WHITELIST: ""} | {\2}',
    ),
    omitted(PARAMETERS, FEATURE, WHITELIST, rf"    \| {WHITELIST}  .*\n.*\n"),
    omitted(PARAMETERS, RDK_PARAMETERS, WHITELIST, rf'\\"{WHITELIST}\\": \\"Otter\*\\", '),
    omitted(PARAMETERS, RULE_TEMPLATE, WHITELIST, rf"        {WHITELIST}: .*\n"),
    omitted(PARAMETERS, ORGANIZATION_TEMPLATE, WHITELIST, rf'"{WHITELIST}":"\$\{{CMKWhitelist\}}",'),
    omitted(PARAMETERS, README, WHITELIST, rf"\| `{WHITELIST}` \|.*\n"),
    added(PARAMETERS, CODE, r"PARAMETER_NAMES = \(", r'\g<0>"NEW", '),
    added(PARAMETERS, FEATURE, rf"    \| {WHITELIST}  .*\n", r"    | NEW | no | none | It is new. |\n\g<0>"),
    added(PARAMETERS, RDK_PARAMETERS, r'"OptionalParameters": "\{', r'\g<0>\\"NEW\\": \\"\\", '),
    added(PARAMETERS, RULE_TEMPLATE, rf"        {WHITELIST}: .*\n", r"        NEW: new\n\g<0>"),
    added(PARAMETERS, ORGANIZATION_TEMPLATE, r'"Admin_User_Id":', r'"NEW":"new",\g<0>'),
    added(PARAMETERS, README, rf"\| `{WHITELIST}` \|", r"| `NEW` | no | It is new. |\n\g<0>"),
    Edit(
        README,
        r"(`Admin_User_Id` \|) yes",
        r"\1 no",
        f"The need of the rule parameter Admin_User_Id differs: yes in {CODE} and {FEATURE}, but no in {README}.",
    ),
    Edit(
        README,
        "`Alias` \\(default\\)",
        "`Alias`",
        f"The default of the rule parameter ReportResourceAs differs: Alias in {CODE} and {FEATURE}, but none in "
        f"{README}.",
    ),
    Edit(
        FEATURE,
        r"\| KMS     \| KMS or Config",
        "| Config  | KMS or Config",
        f"The default of the rule parameter ReadKeysFrom differs: KMS in {CODE} and {README}, but Config in {FEATURE}.",
    ),
    Edit(
        CODE,
        r'\("Alias", "KeyId"\)',
        '("Alias", "Arn", "KeyId")',
        f"The choice of the rule parameter ReportResourceAs differs: Alias or Arn or KeyId in {CODE}, but "
        f"Alias or KeyId in {FEATURE} and {README}.",
    ),
]
VARIABLES = SUBJECTS[-1]
THREADS = "READER_THREADS"
VARIABLE_EDITS = [
    omitted(VARIABLES, CODE, THREADS, rf'os\.environ\.get\({THREADS}, ""\)\.strip\(\) or ', ""),
    omitted(VARIABLES, README, THREADS, rf"`{THREADS}` \(", "Threads ("),
    omitted(VARIABLES, RULE_TEMPLATE, THREADS, rf"          {THREADS}: .*\n"),
    omitted(VARIABLES, ORGANIZATION_TEMPLATE, THREADS, rf"          {THREADS}: .*\n"),
    added(VARIABLES, CODE, r"def reader_threads", r'NEW = os.environ.get("NEW") or "1"\n\n\n\g<0>'),
    added(VARIABLES, README, rf"`{THREADS}` \(", r"`NEW` (default 1) and \g<0>"),
    added(VARIABLES, RULE_TEMPLATE, rf"          {THREADS}: .*\n", r"          NEW: 1\n\g<0>"),
    added(VARIABLES, ORGANIZATION_TEMPLATE, rf"          {THREADS}: .*\n", r"          NEW: 1\n\g<0>"),
    Edit(
        RULE_TEMPLATE,
        r"(ReaderThreads:\n    Type: Number\n    Default:) 16",
        r"\1 8",
        f"The default of the environment variable {THREADS} differs: 16 in {CODE}, {README} and "
        f"{ORGANIZATION_TEMPLATE}, but 8 in {RULE_TEMPLATE}.",
    ),
]
EDITS = [*SCENARIO_EDITS, *PARAMETER_EDITS, *VARIABLE_EDITS]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of every place, to be changed."""
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, tmp_path / path)
    return tmp_path


def change(root: Path, edit: Edit) -> None:
    file = root / edit.path
    text, changed = re.subn(edit.pattern, edit.replacement, file.read_text(encoding="utf-8"), count=1)
    assert changed
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: str(edit.sentence))
def test_one_change_in_one_place_is_told_in_one_sentence(copy: Path, edit: Edit) -> None:
    change(copy, edit)
    assert differences(copy) == [edit.sentence]


def test_every_place_of_every_subject_is_tried() -> None:
    omissions = {(edit.path, edit.sentence.partition(" stands ")[0].rpartition(" ")[0]) for edit in EDITS}
    assert {(place.path, f"The {subject.what}") for subject in SUBJECTS for place in subject.places} <= omissions


def test_two_rows_that_changed_places_are_noticed(copy: Path) -> None:
    change(copy, Edit(README, r"(\| 4 \|.*\n)(\| 5 \|.*\n)", r"\2\1", ""))
    assert differences(copy) == []
    # The page after it has the rule's order, so differs from it.
    assert in_another_order(copy, SCENARIOS) == [README, SCENARIOS_PAGE]
