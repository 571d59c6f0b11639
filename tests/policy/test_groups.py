"""Every action of KMS stands in exactly one group of the specification, so that a new one is noticed.

The actions are the operations of botocore's KMS model and the permissions that KMS has besides; the groups are written
out as the specification has them.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection

import pytest

from least_privilege.permission import BY_POLICY, BY_USER, UNKNOWN_ACTIONS, Permission
from tests.policy.strategies import KMS_ACTIONS

READING = ("kms:Describe*", "kms:Get*", "kms:List*", "kms:Verify*")
USAGE = (
    *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:Generate*", "kms:Sign", "kms:Derive*"),
    *("kms:Encapsulate", "kms:Decapsulate"),
)
ADMINISTRATION = (
    *("kms:Cancel*", "kms:Connect*", "kms:Create*", "kms:Delete*", "kms:Disable*", "kms:Disconnect*", "kms:Enable*"),
    *("kms:Import*", "kms:Put*", "kms:Replicate*", "kms:Retire*", "kms:Revoke*", "kms:Rotate*", "kms:Schedule*"),
    *("kms:Synchronize*", "kms:Tag*", "kms:Untag*", "kms:Update*"),
)
GROUPS = READING + USAGE + ADMINISTRATION
WITHOUT_AN_OPERATION = ("kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:SynchronizeMultiRegionKey")
ACTIONS = (*KMS_ACTIONS, *WITHOUT_AN_OPERATION)


def duties(permissions: Collection[Permission]) -> dict[str, str]:
    return {each.name: each.duty.value if each.duty else "reading" for each in permissions}


def groups_of(action: str) -> list[str]:
    """List the specification's groups that an action stands in."""
    return [group for group in GROUPS if fnmatch.fnmatchcase(action, group)]


def difference(listed: Collection[str], actions: Collection[str]) -> list[str]:
    """Return what is wrong with a list of today's actions, in sentences."""
    return [
        *(f"{action} is in no group" for action in actions if not groups_of(action)),
        *(f"{action} is missing" for action in actions if groups_of(action) and action not in listed),
        *(f"{action} is no action of KMS" for action in listed if action not in actions),
        *(f"{action} is listed twice" for action in sorted(set(listed)) if list(listed).count(action) > 1),
    ]


def test_by_user_the_rule_has_the_groups_of_the_specification() -> None:
    assert duties(BY_USER.permissions) == {
        **dict.fromkeys(READING, "reading"),
        **dict.fromkeys(USAGE, "usage"),
        **dict.fromkeys(ADMINISTRATION, "administration"),
    }
    assert len(BY_USER.permissions) == len(GROUPS)


def test_by_policy_the_rule_has_the_five_of_the_post() -> None:
    assert duties(BY_POLICY.permissions) == {
        "kms:Encrypt": "usage",
        "kms:Decrypt": "usage",
        "kms:Create*": "administration",
        "kms:Delete*": "administration",
        "kms:Put*": "administration",
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_stands_in_exactly_one_group(action: str) -> None:
    (group,) = groups_of(action)
    assert [permission.name for permission in BY_USER.action_pattern(action).granted] == [group]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_an_action_today(group: str) -> None:
    """A group of which no action is left, or a misspelled one, would be noticed."""
    assert [action for action in ACTIONS if groups_of(action) == [group]]


def test_the_rule_lists_the_actions_that_kms_has_today() -> None:
    listed = [action for permission in BY_USER.permissions for action in permission.actions]
    assert difference(listed, ACTIONS) == []


CHANGES = [
    pytest.param(["kms:PutKeyPolicy", "kms:GetKeyPolicy"], [], id="nothing new"),
    pytest.param(
        ["kms:PutKeyPolicy", "kms:GetKeyPolicy", "kms:Transmogrify"],
        ["kms:Transmogrify is in no group"],
        id="a new operation that no group has",
    ),
    pytest.param(
        ["kms:PutKeyPolicy", "kms:GetKeyPolicy", "kms:EncryptLater"],
        ["kms:EncryptLater is in no group"],
        id="one that only begins like a single action",
    ),
    pytest.param(
        ["kms:PutKeyPolicy", "kms:GetKeyPolicy", "kms:PutKeyOwner"],
        ["kms:PutKeyOwner is missing"],
        id="a new operation of a group",
    ),
    pytest.param(["kms:PutKeyPolicy"], ["kms:GetKeyPolicy is no action of KMS"], id="one gone"),
]


@pytest.mark.parametrize(("actions", "complaints"), CHANGES)
def test_a_changed_model_is_noticed_and_named(actions: list[str], complaints: list[str]) -> None:
    assert difference(["kms:PutKeyPolicy", "kms:GetKeyPolicy"], actions) == complaints


def test_an_action_listed_twice_is_noticed() -> None:
    assert difference(["kms:Sign", "kms:Sign"], ["kms:Sign"]) == ["kms:Sign is listed twice"]


@pytest.mark.parametrize("entry", ["kms:Transmogrify", "kms:EncryptLater", "kms:Signs", "kms:", "kms:Transmogrify*"])
def test_what_stands_in_no_group_is_an_unknown_action(entry: str) -> None:
    assert BY_USER.action_pattern(entry).granted == {UNKNOWN_ACTIONS}
    assert BY_POLICY.action_pattern(entry).granted == frozenset()
