"""Files of Terraform that are not the output of `terraform show -json`: each is told what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_rule.sources.terraform.nearly import advice_on, defines_a_key
from tests.command.checking import checked, reasons, write

SHOW = "give 'kms-rule check' the output of 'terraform show -json'"
WRAPPED = "[command]/home/runner/_temp/terraform-bin show -json plan.out\n{}\n"
STREAM = '{"@level":"info","@message":"Terraform 1.11.4","type":"version"}\n{"@level":"info"}\n'
KEY = 'resource "aws_kms_key" "open" {\n  policy = "{}"\n}\n'
KEY_IN_JSON = '{"//": "otters", "resource": {"aws_kms_key": {"open": {"policy": "{}"}}}}'

# Each row: a text, what the advice says, if there is any, and whether the text defines a key.
TEXTS = [
    (WRAPPED, "set terraform_wrapper: false", False),
    (f"\n{WRAPPED}", "set terraform_wrapper: false", False),
    (STREAM, f"the log of 'terraform plan -json', which has no policies: {SHOW}", False),
    (KEY, SHOW, True),
    (f"# keys\n\n  {KEY}", SHOW, True),
    ('resource "aws_kms_key_policy" "a" {', SHOW, True),
    ('resource "aws_kms_alias" "a" {', SHOW, False),
    ('data "aws_kms_key" "a" {', SHOW, False),
    ('module "vault" {\n  source = "./vault"\n}\n', SHOW, False),
    ("terraform {\n}\n", SHOW, False),
    (KEY_IN_JSON, SHOW, True),
    ('{"module": {"vault": {"source": "./vault"}}}', SHOW, False),
    ('{"resource": [{"aws_kms_key": {}}]}', SHOW, False),
    # Other texts
    ("[command]/usr/bin/make\n{}\n", None, False),
    ('{"@level":"info"}\n', None, False),
    ('{"Resources": {}}', None, False),
    ('{"resource": {"aws_kms_key": {}}, "Statement": []}', None, False),
    ('{"variable": {}}', None, False),
    ("Resources:\n  Key:\n    Type: AWS::KMS::Key\n", None, False),
    ("the resource aws_kms_key is deprecated {", None, False),
    ("[1, 2]", None, False),
    ("{", None, False),
    ('{"a":' * 100_000, None, False),
    ("", None, False),
]


@pytest.mark.parametrize("text", [STREAM, WRAPPED])
def test_such_a_file_is_told_where_it_is_named(tmp_path: Path, text: str) -> None:
    findings = checked(write(tmp_path, "plan.json", text))
    assert reasons(findings) == {"plan.json": advice_on(text)}


@pytest.mark.parametrize(("text", "said", "defines"), TEXTS, ids=lambda value: str(value)[:40])
def test_what_is_nearly_a_plan_is_told_apart_and_how_to_make_one(text: str, said: str | None, *, defines: bool) -> None:
    advice = advice_on(text)
    assert said in advice if said and advice else advice == said
    assert defines_a_key(text) == defines
