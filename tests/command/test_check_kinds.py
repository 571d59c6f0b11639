"""What a file is told to be by its content: answers of the AWS CLI, and templates that are nearly JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kms_rule.findings import ExitCode
from tests.command.checking import EVERYTHING_OPEN, OPEN, checked, positions, reasons, scenarios, write

TEMPLATE = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": EVERYTHING_OPEN}}}}
IN_YAML = (
    f"Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy: {json.dumps(EVERYTHING_OPEN)}\n"
)
STAGES = {"StagesAvailable": ["Original", "Processed"]}


@pytest.mark.parametrize("body", [TEMPLATE, json.dumps(TEMPLATE), IN_YAML], ids=["an object", "JSON", "YAML"])
def test_the_answer_of_get_template_is_judged_as_the_template_in_it(tmp_path: Path, body: object) -> None:
    text = json.dumps({**STAGES, "TemplateBody": body}, indent=1)
    name = write(tmp_path, "answer.json", text)
    for findings in (checked(name), checked(str(tmp_path))):
        assert scenarios(findings) == {"Key": OPEN}
        assert findings.exit_code == ExitCode.NON_COMPLIANT
        [(line, column)] = positions(findings)
        # An object is a part of the file, whose statement can be shown; of a text, the beginning has to do.
        statement, whole = '{\n        "Effect": "Allow"', '"TemplateBody": "'
        lines = text.splitlines()
        assert "\n".join([lines[line - 1][column - 1 :], *lines[line:]]).startswith(
            statement if isinstance(body, dict) else whole
        )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Resources: [", "It is not YAML that CloudFormation reads (did not find expected node content): correct it."),
        (
            "Resources: \ud800",
            "It is not YAML that CloudFormation reads ('utf-8' codec can't encode character '\\ud800' in position 11: "
            "surrogates not allowed): correct it.",
        ),
        ({"Resources": {"Key": {}}, "Outputs": 1}, ""),
        ("none of the kinds", ""),
    ],
    ids=str,
)
def test_an_answer_without_a_key_or_a_template_that_can_be_read_is_told(
    tmp_path: Path, body: object, reason: str
) -> None:
    findings = checked(write(tmp_path, "answer.json", {"TemplateBody": body}))
    assert [*reasons(findings).values()] == ([reason] if reason else [])
    assert len(findings.remarks) == (0 if reason else 1)


NEARLY_JSON = {
    "a trailing comma": (json.dumps(TEMPLATE)[:-1] + ",}", (1, len(json.dumps(TEMPLATE)))),
    "a comment of YAML": ("{ # Otter\n" + json.dumps(TEMPLATE)[1:], (1, 3)),
    "a tab in a text": (json.dumps({"Description": "a-b", **TEMPLATE}).replace("a-b", "a\tb"), (1, 19)),
}


@pytest.mark.parametrize(("text", "position"), NEARLY_JSON.values(), ids=list(NEARLY_JSON))
def test_a_template_that_only_readers_of_yaml_take_is_judged_with_a_remark(
    tmp_path: Path, text: str, position: tuple[int, int]
) -> None:
    name = write(tmp_path, "template.json", text)
    findings = checked(name)
    assert scenarios(findings) == {"Key": OPEN}
    line, column = position
    expected = [
        f"{name}:{line}:{column}: It is read as YAML, since it is not JSON: correct it, because not every reader takes "
        "that."
    ]
    assert findings.remarks == (expected if text.startswith('{"') else [])


def test_a_template_in_the_flow_style_of_yaml_needs_no_remark(tmp_path: Path) -> None:
    findings = checked(write(tmp_path, "template.yaml", "{Resources: {Key: {Type: AWS::KMS::Key}}}"))
    assert (scenarios(findings), findings.remarks) == ({"Key": OPEN}, [])
