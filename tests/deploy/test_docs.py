from __future__ import annotations

import json
import re
from pathlib import Path

from AWSConfigRuleKMSPolicy import KeyPolicy
from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.metrics import UNITS
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import SCENARIOS, judge
from tests.deploy.routes import DIFFERENCES
from tests.deploy.templates import TEMPLATES, read
from tests.deploy.terraform import EXAMPLE
from tests.deploy.terraform_docs import blocks

DEPLOYING = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text("utf-8")
DENIED = "key-policy-denied-not-compliant"


def test_quotes_the_sentence_of_a_key_policy_that_may_not_be_read() -> None:
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.name == DENIED)
    assert f"`{scenario.sentence.format(id='alias/testkey')}`" in DEPLOYING


def test_quotes_what_is_said_of_a_key_that_may_not_be_described() -> None:
    facts = Facts(policy='{"Statement": []}', denied=("kms:DescribeKey",))
    parameters = RuleParameters.parse({"Admin_User_Id": "AROAOTTER*"})
    annotation = annotate(judge(facts, parameters), "alias/testkey")
    assert "[kms:DescribeKey is missing, key taken for enabled; " in annotation
    assert "`[kms:DescribeKey is missing, key taken for enabled; …]`" in DEPLOYING


def test_shows_a_key_policy_statement_that_makes_no_key_non_compliant() -> None:
    (snippet,) = re.findall(r"```json\n(.*?)```", DEPLOYING, re.DOTALL)
    statement = json.loads(snippet)
    assert statement["Action"] == ["kms:DescribeKey", "kms:GetKeyPolicy"]
    policy = KeyPolicy.parse(json.dumps({"Statement": [statement]}))
    assert not policy.opening_every_action()
    assert not policy.granting_without_limit()


def test_names_only_parameters_that_the_templates_have() -> None:
    declared = {name for path in TEMPLATES for name in read(path)["Parameters"]}
    overrides = re.findall(r"--parameter-overrides(.*?)\n(?:\n|    aws)", DEPLOYING, re.DOTALL)
    given = {name for text in overrides for name in re.findall(r"([A-Z]\w+)=", text)}
    given |= set(re.findall(r"ParameterKey=(\w+)", DEPLOYING))
    assert given == {
        "AdminUserId",
        "CMKWhitelist",
        "CodeBucket",
        "CodeKey",
        "ExcludedAccounts",
        "FunctionRoleArns",
        "MemberRoleHere",
        "MemorySize",
        "Timeout",
    }
    assert given <= declared


def test_explains_each_difference_between_the_template_and_the_terraform_module() -> None:
    table = DEPLOYING.partition("| in Terraform | why |\n| --- | --- |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| .* \| (.*) \|$", table, re.MULTILINE)) == set(DIFFERENCES.values())


def test_names_every_metric() -> None:
    assert [name for name in UNITS if f"`{name}`" not in DEPLOYING] == []


def test_its_options_of_terraform_are_inputs_of_the_example() -> None:
    inputs = {block.name for block in blocks(EXAMPLE, "variable")}
    assert set(re.findall(r"-var ['\"](\w+)=", DEPLOYING)) == inputs
