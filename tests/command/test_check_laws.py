"""Laws of `kms-rule check`: a policy gets the rule's verdict, whatever kind of file it is in."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kms_rule.commands.check import findings_on
from kms_rule.findings import Finding
from kms_rule.sources import detect
from kms_rule.sources.contents import Contents, DefinedKey
from kms_rule.sources.json_positions import located
from kms_rule.sources.policy import why_no_key_policy
from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.scenarios import judge
from tests.command.checking import ADMINISTRATION, PARAMETERS, USAGE, Json, policy, statement

# The same cases each time, whatever the machine's speed.
law = settings(max_examples=200, deadline=None, derandomize=True, database=None)

USER_IDS = st.sampled_from(
    ["AROAOTTER1:*", "AROAUSER1:*", "A*", "", "${aws:userid}", 'é\u2028"quote', 111122223333, None, True, ["AROAX12:*"]]
)
ACTIONS = st.sampled_from(["kms:*", "*", *USAGE, *ADMINISTRATION, "kms:Describe*", "s3:*", ""])
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringLike", "stringequals", "StringNotLike", "Bool"]),
    st.dictionaries(st.sampled_from(["aws:userId", "AWS:USERID", "kms:ViaService"]), USER_IDS | st.lists(USER_IDS)),
    max_size=2,
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Allow", "Deny"]), "Principal": st.just("*"), "Resource": st.just("*")},
    optional={
        "Action": ACTIONS | st.lists(ACTIONS),
        "NotAction": ACTIONS,
        "Condition": CONDITIONS | st.just("odd"),
        # YAML takes no control characters.
        "Sid": st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=5),
    },
)
POLICIES = st.fixed_dictionaries(
    {"Version": st.just("2012-10-17")}, optional={"Statement": STATEMENTS | st.lists(STATEMENTS) | st.integers()}
)


def finding_on(contents: Contents | detect.Other) -> Finding:
    assert isinstance(contents, Contents)
    [key] = contents.keys
    assert isinstance(key, DefinedKey)
    [finding] = findings_on(key, PARAMETERS)
    return finding


def template(given: Json) -> Json:
    return {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": given}}}}


def plan(text: str) -> Json:
    resource = {"address": "aws_kms_key.a", "mode": "managed", "type": "aws_kms_key", "name": "a"}
    values = {"root_module": {"resources": [{**resource, "values": {"policy": text}}]}}
    return {"format_version": "1.2", "planned_values": values}


@law
@given(POLICIES)
@example(policy(statement(USAGE, "AROAUSER1:*"), statement(ADMINISTRATION, "AROAOTTER1:*")))
def test_a_policy_gets_the_rules_verdict_in_a_file_a_template_and_a_plan(given: Json) -> None:
    """The command adds no second opinion."""
    text = json.dumps(given)
    expected = judge(Facts(policy=text), PARAMETERS)
    files = {"template.json": json.dumps(template(given)), "plan.json": json.dumps(plan(text))}
    if "Statement" in given and not why_no_key_policy(given):
        files["key.json"] = text
    for name, content in files.items():
        finding = finding_on(detect.read(content, name, PARAMETERS))
        assert finding.scenario is expected.scenario
        assert finding.annotation == annotate(expected, finding.reported_id)
        assert finding.statements == expected.evidence.statements


@settings(law, max_examples=50)
@given(POLICIES)
def test_a_template_in_yaml_gives_the_verdict_of_the_same_in_json(given: Json) -> None:
    """YAML has all of JSON; the escapes that it lacks are left out here."""
    text = json.dumps(template(given)["Resources"], ensure_ascii=False)
    expected = judge(Facts(policy=json.dumps(given)), PARAMETERS)
    assert finding_on(detect.read(f"Resources: {text}", "template.yaml", PARAMETERS)).scenario is expected.scenario


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=20,
)


@law
@given(value=JSON_VALUES, indent=st.sampled_from([None, 0, 1, "\t"]), ascii_only=st.booleans())
def test_reading_with_positions_reads_the_same_as_reading_without(
    value: Any, indent: int | str | None, *, ascii_only: bool
) -> None:
    """Each object and list begins where it says."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = located(text)
    assert found == value
    for each in _collections(found):
        line = text.split("\n")[each.position.line - 1]
        assert line[each.position.column - 1] == ("{" if isinstance(each, dict) else "[")


def _collections(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    members = value.values() if isinstance(value, dict) else value
    return [value, *(each for member in members for each in _collections(member))]
