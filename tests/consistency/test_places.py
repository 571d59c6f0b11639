"""Scenarios, rule parameters and environment variables are the same in code, feature, templates and documentation."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from least_privilege import key, scenarios
from least_privilege.parameters import PARAMETERS as ROWS
from least_privilege.parameters import Parameter, RuleParameters
from least_privilege.text import RuleError
from tests.consistency.places import (
    CODE,
    FEATURE,
    ORGANIZATION_TEMPLATE,
    PARAMETER_TABLE,
    PARAMETERS,
    PATHS,
    RDK_PARAMETERS,
    README,
    RULE_TEMPLATE,
    SCENARIO_TABLE,
    SCENARIOS,
    SCENARIOS_PAGE,
    SUBJECTS,
    Subject,
    differences,
    in_another_order,
    listed,
    rule_module,
)

PROJECT = Path(__file__).parents[2]
RULE_NAMES = ("AWSConfigRuleKMS", "least_privilege")
SCENARIO = "disabled-cmk-not-applicable"


def test_the_same_names_with_the_same_meaning_stand_in_every_place() -> None:
    found = differences(PROJECT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("subject", [SCENARIOS, PARAMETERS], ids=lambda subject: str(subject.what))
def test_every_place_has_them_in_the_same_order(subject: Subject) -> None:
    assert in_another_order(PROJECT, subject) == []


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file, in the place that it belongs to, and all that is to be said of it."""

    path: str
    pattern: str
    replacement: str
    sentence: str
    file: str = ""


def places_of(subject: Subject, *but: str) -> str:
    return listed([place.path for place in subject.places if place.path not in but])


def omitted(subject: Subject, path: str, name: str, pattern: str, replacement: str = "", *, file: str = "") -> Edit:
    sentence = f"The {subject.what} {name} stands in {places_of(subject, path)}, but not in {path}."
    return Edit(path, pattern, replacement, sentence, file)


def added(subject: Subject, path: str, pattern: str, replacement: str, *, file: str = "") -> Edit:
    name = next(iter(re.findall(r"\w*NEW\w*", replacement)))
    sentence = f"The {subject.what} {name} stands in {path}, but not in {places_of(subject, path)}."
    return Edit(path, pattern, replacement, sentence, file)


SCENARIO_EDITS = [
    omitted(SCENARIOS, SCENARIO_TABLE, SCENARIO, rf'    Scenario\(\n        "{SCENARIO}",\n(        .*\n)*    \),\n'),
    omitted(SCENARIOS, FEATURE, SCENARIO, rf"Scenario Outline: {SCENARIO}\n", "Scenario Outline: example\n"),
    omitted(SCENARIOS, README, SCENARIO, rf"\| 1 \| `{SCENARIO}`.*\n"),
    omitted(SCENARIOS, SCENARIOS_PAGE, SCENARIO, rf"## {SCENARIO}\n"),
    # One of those that the post does not have.
    omitted(SCENARIOS, README, "no-scenario-not-compliant", r"\| \S \| `no-scenario-not-compliant`.*\n"),
    omitted(SCENARIOS, SCENARIOS_PAGE, "no-scenario-not-compliant", "## no-scenario-not-compliant\n"),
    added(
        SCENARIOS,
        SCENARIO_TABLE,
        r"KEY_SCENARIOS = \(\n",
        r'\g<0>    Scenario("NEW", None, "Is it new?", _not_enabled, Compliance.COMPLIANT, "CMK {id} is new"),\n',
    ),
    added(SCENARIOS, README, rf"\| 1 \| `{SCENARIO}`", r"| - | `NEW` | it is new | `COMPLIANT` |\n\g<0>"),
    added(SCENARIOS, SCENARIOS_PAGE, rf"## {SCENARIO}\n", r"## NEW\n\n\g<0>"),
    Edit(
        README,
        rf"(`{SCENARIO}` .*)`NOT_APPLICABLE`",
        r"\1`COMPLIANT`",
        f"The result of the scenario {SCENARIO} differs: NOT_APPLICABLE in {SCENARIO_TABLE}, but COMPLIANT in "
        f"{README}.",
    ),
    Edit(
        README,
        rf"\| 1 (\| `{SCENARIO}`)",
        r"| - \1",
        f"The number of the scenario {SCENARIO} differs: 1 in {SCENARIO_TABLE}, but none in {README}.",
    ),
]
WHITELIST = "CMK_Whitelist"
PARAMETER_EDITS = [
    omitted(PARAMETERS, PARAMETER_TABLE, WHITELIST, r"        Parameter\(WHITELIST, .*\n"),
    omitted(PARAMETERS, FEATURE, WHITELIST, rf"    \| {WHITELIST}  .*\n.*\n"),
    omitted(PARAMETERS, RDK_PARAMETERS, WHITELIST, rf'\\"{WHITELIST}\\": \\"Otter\*\\", '),
    omitted(PARAMETERS, RULE_TEMPLATE, WHITELIST, rf"        {WHITELIST}: .*\n"),
    omitted(PARAMETERS, ORGANIZATION_TEMPLATE, WHITELIST, rf'"{WHITELIST}":"\$\{{CMKWhitelist\}}",'),
    omitted(PARAMETERS, README, WHITELIST, rf"\| `{WHITELIST}` \|.*\n"),
    added(
        PARAMETERS,
        PARAMETER_TABLE,
        r"        Parameter\(WHITELIST,",
        r'        Parameter("NEW", "new", _role_name, str),\n\g<0>',
    ),
    added(PARAMETERS, FEATURE, rf"    \| {WHITELIST}  .*\n", r"    | NEW | no | none | It is new. |\n\g<0>"),
    added(PARAMETERS, RDK_PARAMETERS, r'"OptionalParameters": "\{', r'\g<0>\\"NEW\\": \\"\\", '),
    added(PARAMETERS, RULE_TEMPLATE, rf"        {WHITELIST}: .*\n", r"        NEW: new\n\g<0>"),
    added(PARAMETERS, ORGANIZATION_TEMPLATE, r'"Admin_User_Id":', r'"NEW":"new",\g<0>'),
    added(PARAMETERS, README, rf"\| `{WHITELIST}` \|", r"| `NEW` | no | It is new. |\n\g<0>"),
    Edit(
        README,
        r"(`Admin_User_Id` \|) yes",
        r"\1 no",
        f"The need of the rule parameter Admin_User_Id differs: yes in {PARAMETER_TABLE} and {FEATURE}, but no in "
        f"{README}.",
    ),
    Edit(
        PARAMETER_TABLE,
        ", required=True",
        "",
        f"The need of the rule parameter Admin_User_Id differs: no in {PARAMETER_TABLE}, but yes in {FEATURE} and "
        f"{README}.",
    ),
    Edit(
        README,
        "`Alias` \\(default\\)",
        "`Alias`",
        f"The default of the rule parameter ReportResourceAs differs: Alias in {PARAMETER_TABLE} and {FEATURE}, but "
        f"none in {README}.",
    ),
    Edit(
        FEATURE,
        r"\| KMS     \| KMS or Config",
        "| Config  | KMS or Config",
        f"The default of the rule parameter ReadKeysFrom differs: KMS in {PARAMETER_TABLE} and {README}, but Config in "
        f"{FEATURE}.",
    ),
    Edit(
        PARAMETER_TABLE,
        r'\("Alias", "KeyId"\)',
        '("Alias", "Arn", "KeyId")',
        f"The choice of the rule parameter ReportResourceAs differs: Alias or Arn or KeyId in {PARAMETER_TABLE}, but "
        f"Alias or KeyId in {FEATURE} and {README}.",
    ),
    Edit(
        PARAMETER_TABLE,
        r'\("KMS", "Config"\)',
        '("Config", "KMS")',
        f"The default of the rule parameter ReadKeysFrom differs: Config in {PARAMETER_TABLE}, but KMS in {FEATURE} "
        f"and {README}.",
    ),
]
VARIABLES = SUBJECTS[-1]
THREADS = "READER_THREADS"
HANDLER = f"{CODE}/AWSConfigRuleKMS.py"
READING = f"{CODE}/least_privilege/reading.py"
TEXT = f"{CODE}/least_privilege/text.py"
VARIABLE_EDITS = [
    omitted(VARIABLES, CODE, THREADS, rf'os\.environ\.get\({THREADS}, ""\)\.strip\(\) or ', file=READING),
    omitted(VARIABLES, CODE, "LOGGING_LEVEL", r'os\.environ\.get\("LOGGING_LEVEL", ""\)', '"INFO"', file=HANDLER),
    omitted(VARIABLES, README, THREADS, rf"`{THREADS}` \(", "Threads ("),
    omitted(VARIABLES, RULE_TEMPLATE, THREADS, rf"          {THREADS}: .*\n"),
    omitted(VARIABLES, ORGANIZATION_TEMPLATE, THREADS, rf"          {THREADS}: .*\n"),
    added(VARIABLES, CODE, r"def reader_threads", r'NEW = os.environ.get("NEW") or "1"\n\n\n\g<0>', file=READING),
    added(VARIABLES, CODE, r"MAX_NAME = 60", r'\g<0>\ndef new(): return os.environ.get("NEW") or "1"', file=TEXT),
    Edit(
        CODE,
        'DEFAULT_READER_THREADS = "16"',
        'DEFAULT_READER_THREADS = "8"',
        f"The default of the environment variable {THREADS} differs: 8 in {CODE}, but 16 in {README}, {RULE_TEMPLATE} "
        f"and {ORGANIZATION_TEMPLATE}.",
        READING,
    ),
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
    """A copy of every place, to be changed; of the rule, its whole folder, whose modules need one another."""
    shutil.copytree(PROJECT / CODE, tmp_path / CODE, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (path for path in PATHS if not (tmp_path / path).exists()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, tmp_path / path)
    return tmp_path


def change(root: Path, edit: Edit) -> None:
    file = root / (edit.file or edit.path)
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


# --- the rule's modules, apart from those that are imported already --------------------------------------------------


def test_a_copy_of_the_rule_is_imported_apart_and_leaves_no_trace(copy: Path) -> None:
    imported = {name: module for name, module in sys.modules.items() if name.startswith(RULE_NAMES)}
    found = rule_module(copy / SCENARIO_TABLE)
    assert found.__file__ == str(copy / SCENARIO_TABLE)
    assert found is not scenarios
    assert found.Facts is not key.Facts
    assert {name: module for name, module in sys.modules.items() if name.startswith(RULE_NAMES)} == imported
    assert str(copy / CODE) not in sys.path


def test_a_copy_that_has_changed_is_imported_again(copy: Path) -> None:
    before = rule_module(copy / SCENARIO_TABLE)
    assert rule_module(copy / SCENARIO_TABLE) is before
    permission = "least_privilege/permission.py"
    change(copy, Edit(CODE, '"kms:Put', '"kms:Get', "", f"{CODE}/{permission}"))
    after = rule_module(copy / SCENARIO_TABLE)
    assert [row.name for row in before.ADMINISTRATION_PERMISSIONS] == ["kms:Create*", "kms:Delete*", "kms:Put*"]
    assert [row.name for row in after.ADMINISTRATION_PERMISSIONS] == ["kms:Create*", "kms:Delete*", "kms:Get*"]


def test_a_copy_that_cannot_be_imported_leaves_no_trace_either(copy: Path) -> None:
    change(copy, Edit(CODE, "MAX_NAME = 60", "MAX_NAME = sixty", "", TEXT))
    before = dict(sys.modules)
    with pytest.raises(NameError, match="sixty"):
        rule_module(copy / PARAMETER_TABLE)
    assert {name: sys.modules.get(name) for name in before} == before


# --- what a row of the table says --------------------------------------------------------------------------------


GIVEN = {"Admin_User_Id": "AROAOTTER*", "CMK_Whitelist": "Otter*", "ExecutionRoleName": "role"}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_parameter_is_required_exactly_if_the_rule_does_not_do_without(row: Parameter) -> None:
    given = {name: GIVEN.get(name, other.choices[0] if other.choices else "") for name, other in ROWS.items()}
    del given[row.name]
    with pytest.raises(RuleError) if row.required else nullcontext():
        RuleParameters.parse(given)


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.choices], ids=lambda row: str(row.name))
def test_the_first_choice_is_the_default_and_every_choice_is_taken(row: Parameter) -> None:
    without, *chosen = (
        RuleParameters.parse({**GIVEN, **given}).values() for given in ({}, *({row.name: text} for text in row.choices))
    )
    assert without == chosen[0]
    assert len({str(values[row.name]) for values in chosen}) == len(row.choices)
