"""The values of a template's parameters that people give with `--template-parameters`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kms_rule.errors import CommandError
from kms_rule.sources.cloudformation.inputs import template_inputs
from tests.command.checking import write

GIVEN = {"Users": "AROAUSER1:*", "Number": "5", "Open": "false", "List": "a,b"}
FORMS = {
    "create-stack.json": [{"ParameterKey": name, "ParameterValue": value} for name, value in GIVEN.items()],
    "pairs.json": [f"{name}={value}" for name, value in GIVEN.items()],
    "configuration.json": {"Parameters": GIVEN, "Tags": {"Team": "otter"}},
    "plain.json": {"Users": "AROAUSER1:*", "Number": 5, "Open": False, "List": ["a", "b"]},
    "plain.yaml": 'Users: "AROAUSER1:*"\nNumber: 5\nOpen: false\nList: [a, b]\n',
    "marked.json": b"\xef\xbb\xbf" + json.dumps(GIVEN).encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_that_aws_takes_gives_the_same_values(tmp_path: Path, name: str) -> None:
    assert template_inputs([Path(write(tmp_path, name, FORMS[name]))]).given == GIVEN


def test_a_later_file_replaces_what_an_earlier_one_gives(tmp_path: Path) -> None:
    files = [Path(write(tmp_path, f"{number}.json", {"A": number, f"B{number}": ""})) for number in (1, 2)]
    assert template_inputs(files).given == {"A": "2", "B1": "", "B2": ""}


def test_a_value_that_stays_as_it_was_is_not_known(tmp_path: Path) -> None:
    unchanged = [{"ParameterKey": "Users", "UsePreviousValue": True}]
    assert template_inputs([Path(write(tmp_path, "a.json", unchanged))]).given == {}


WRONG = {
    "none.json": (None, "cannot be read (No such file or directory): give another file."),
    "broken.json": ("{", "are not JSON (Expecting property name"),
    "deep.json": ("[" * 100_000, "are not JSON ("),
    "utf-16.json": ("{}".encode("utf-16"), "are not UTF-8 ("),
    "broken.yaml": ("a: [", "cannot be read: It is not YAML that CloudFormation reads ("),
    "number.json": ("5", "has no template parameters: give a list of"),
    "list.json": (["a"], "has no template parameters: give a list of"),
    "name.json": ([{"ParameterKey": 1}], "has no template parameters: give a list of"),
    "value.json": ({"Users": {"a": 1}}, "The value of the template parameter Users in "),
    "null.json": ({"Users": None}, "The value of the template parameter Users in "),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_without_template_parameters_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    content, words = WRONG[name]
    file = write(tmp_path, name, content) if content is not None else str(tmp_path / name)
    with pytest.raises(CommandError) as error:
        template_inputs([Path(file)])
    assert words in str(error.value)
    assert file in str(error.value)
