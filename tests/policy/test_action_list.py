"""The lists of today's KMS actions are botocore's, and what judges a policy by them needs nothing but Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection

import botocore.session
import pytest

from kms_rule import RULE_FOLDER
from least_privilege.pattern import lower_case
from least_privilege.permission import PERMISSIONS, Permission

BY_NAME = {permission.name: permission for permission in PERMISSIONS}
GROUPS = ["kms:Create*", "kms:Delete*", "kms:Put*"]
SINGLE_ACTIONS = ["kms:Encrypt", "kms:Decrypt"]


@pytest.fixture(scope="module")
def operations() -> frozenset[str]:
    """The names of all operations in botocore's KMS service model, as they are written there."""
    return frozenset(botocore.session.get_session().get_service_model("kms").operation_names)


def difference(permission: Permission, operations: Collection[str]) -> str:
    """Return what the permission's list lacks and what it has too much; empty where the two agree."""
    letters = lower_case(permission.name).rstrip("*")
    existing = {f"kms:{lower_case(operation)}" for operation in operations}
    expected = {action for action in existing if action.startswith(letters)}
    listed = set(permission.actions)
    complaints = [
        *(f"{action} is missing" for action in sorted(expected - listed)),
        *(f"{action} is no operation of KMS" for action in sorted(listed - expected)),
    ]
    return (
        f"in least_privilege.permission.PERMISSIONS, {permission.name}: {', '.join(complaints)}" if complaints else ""
    )


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_lists_the_operations_that_kms_has_today(name: str, operations: frozenset[str]) -> None:
    assert difference(BY_NAME[name], operations) == ""


@pytest.mark.parametrize("name", SINGLE_ACTIONS)
def test_a_single_action_lists_itself(name: str, operations: frozenset[str]) -> None:
    assert BY_NAME[name].actions == (lower_case(name),)
    assert name.removeprefix("kms:") in operations


def test_the_five_permissions_are_the_ones_that_the_scenarios_ask_about() -> None:
    assert [(permission.name, permission.duty.value) for permission in PERMISSIONS] == [
        ("kms:Encrypt", "usage"),
        ("kms:Decrypt", "usage"),
        ("kms:Create*", "administration"),
        ("kms:Delete*", "administration"),
        ("kms:Put*", "administration"),
    ]


def test_no_action_is_listed_twice() -> None:
    actions = [action for permission in PERMISSIONS for action in permission.actions]
    assert sorted(set(actions)) == sorted(actions)


CHANGED_MODELS = [
    pytest.param(["PutKeyPolicy", "GetKeyPolicy"], "", id="nothing new"),
    pytest.param(
        ["PutKeyPolicy", "PutKeyOwner"],
        "in least_privilege.permission.PERMISSIONS, kms:Put*: kms:putkeyowner is missing",
        id="a new operation",
    ),
    pytest.param(
        ["GetKeyPolicy"],
        "in least_privilege.permission.PERMISSIONS, kms:Put*: kms:putkeypolicy is no operation of KMS",
        id="one gone",
    ),
]


@pytest.mark.parametrize(("operations", "message"), CHANGED_MODELS)
def test_a_changed_model_is_noticed_and_named(operations: list[str], message: str) -> None:
    assert difference(BY_NAME["kms:Put*"], operations) == message


# --- without the AWS libraries -------------------------------------------------------------------------------------

# What is raised is not an ImportError: code that catches one, to do without the AWS libraries, would be found out too.
WITHOUT_AWS_LIBRARIES = """
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore"}:
            raise RuntimeError("somebody imports " + name)

sys.meta_path.insert(0, Refusal())
"""
JUDGING = """
from least_privilege.annotation import annotate
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge

policy = {"Statement": {"Effect": "Allow", "Action": "kms:*"}}
print(annotate(judge(Facts(policy=policy), RuleParameters.parse({"Admin_User_Id": "AROAOTTER*"})), "otter"))
"""


def without_aws_libraries(program: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the rule's folder, in an interpreter that has imported nothing yet and refuses them."""
    return subprocess.run(
        [sys.executable, "-B", "-"],
        input=WITHOUT_AWS_LIBRARIES + program,
        cwd=RULE_FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_judged_and_its_verdict_worded_without_the_aws_libraries() -> None:
    outcome = without_aws_libraries(JUDGING)
    assert outcome.stderr == ""
    assert outcome.stdout.endswith("[scenario 3: statement 1 (kms:*)]\n")


@pytest.mark.parametrize("library", ["boto3", "botocore.session"])
def test_an_import_of_the_aws_libraries_would_be_noticed(library: str) -> None:
    program = f"try:\n    import {library}\nexcept ImportError:\n    pass\n"
    assert f"somebody imports {library.partition('.')[0]}" in without_aws_libraries(program).stderr
