"""What `kms-rule explain` says where duties are separated by user, beside what it says of the same policy by policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kms_rule.cli import main
from kms_rule.explanation.explanation import explanation_of
from kms_rule.findings import Place
from least_privilege.condition import Unknown
from least_privilege.key import Facts
from least_privilege.scenarios import SCENARIOS, judge
from tests.command.key_policies import (
    ADMINISTRATION,
    BADGER,
    BEAVER,
    OTTER,
    USAGE,
    Json,
    allow,
    parameters,
    policy,
)

POST_POLICY = Path(__file__).parents[2] / "dev" / "demo" / "security-otter-cmk.json"
BY_POLICY, BY_USER = parameters(), parameters(separate_by="User")
MODES = ["Policy", "User"]

CHANGE = allow("kms:PutKeyPolicy", OTTER)
USE = allow(USAGE, BEAVER)


def explained(capsys: pytest.CaptureFixture[str], source: str, separate_by: str, *arguments: str) -> str:
    """What the command says of a policy that is not compliant."""
    assert main(["explain", source, "--parameter", f"SeparateDutiesBy={separate_by}", *arguments]) == 1
    out, err = capsys.readouterr()
    assert not err
    return out


def written(folder: Path, content: Json) -> str:
    path = folder / "policy.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


# --- the post's policy -----------------------------------------------------------------------------------------------

HEADINGS = [
    "NON_COMPLIANT: no-user-condition-not-compliant",
    "The questions, in the rule's order: the first yes decides",
    "The statements",
    "What would make it compliant",
    "The policy then",
    "Not judged",
]
STEPS = {
    "Policy": [
        "1. With SeparateDutiesBy = User both duties may stay in the policy as long as no user has both: 'kms-rule "
        "explain --parameter SeparateDutiesBy=User' shows how. Otherwise, change it as follows.",
        "2. Beside usage, a policy may not grant all of kms:Create*, kms:Delete* and kms:Put*: give up kms:Delete*, "
        "since somebody must keep kms:PutKeyPolicy.",
        '3. Statement 1 ("Allow access for Key Administrators"): take out kms:Delete*.',
        '4. Statement 1 ("Allow access for Key Administrators"): let AROAOTTER* alone have kms:Create* and kms:Put*.',
        '5. Statement 2 ("Allow use of the key"): let AROAEXAMPLEUSERROLEID:* alone have kms:Encrypt and kms:Decrypt.',
        '6. Statement 3 ("Allow attachment of persistent resources"): let AROAOTTER* alone have kms:CreateGrant.',
    ],
    "User": [
        '1. Statement 1 ("Allow access for Key Administrators"): let AROAOTTER* alone have kms:Create*, kms:Enable*, '
        "kms:Put*, kms:Update*, kms:Revoke* and 6 more.",
        '2. Statement 2 ("Allow use of the key"): let AROAEXAMPLEUSERROLEID:* alone have kms:Encrypt, kms:Decrypt, '
        "kms:ReEncrypt* and kms:GenerateDataKey*.",
        '3. Statement 3 ("Allow attachment of persistent resources"): let AROAEXAMPLEUSERROLEID:* alone have '
        "kms:CreateGrant and kms:RevokeGrant.",
    ],
}
ROOTS = "arn:aws:iam::111122223333:root and arn:aws:iam::444455556666:root"
ADMIN = "arn:aws:iam::111122223333:role/Admin"
IN_BOTH_MODES = [
    (1, "lets in account 444455556666 besides 111122223333."),
    (1, f"lets {ROOTS} make grants (kms:CreateGrant), and the rule does not read grants."),
    (3, f"lets {ADMIN} make grants (kms:CreateGrant), and the rule does not read grants."),
]
DUTIES_BY_USER_ALONE = [
    (
        1,
        f"grants kms:Cancel*, kms:Disable*, kms:Enable*, kms:Revoke*, kms:Schedule* and 3 more to {ROOTS}, which is a "
        "duty only with SeparateDutiesBy = User.",
    ),
    (2, f"grants kms:ReEncrypt* and kms:Generate* to {ADMIN}, which is a duty only with SeparateDutiesBy = User."),
    (3, f"grants kms:Revoke* to {ADMIN}, which is a duty only with SeparateDutiesBy = User."),
]
NOT_JUDGED = {"Policy": [*DUTIES_BY_USER_ALONE, *IN_BOTH_MODES], "User": IN_BOTH_MODES}


@pytest.mark.parametrize("separate_by", MODES)
def test_the_verdict_comes_first_and_what_is_not_judged_last(
    capsys: pytest.CaptureFixture[str], separate_by: str
) -> None:
    lines = explained(capsys, str(POST_POLICY), separate_by).splitlines()
    assert lines[0] == HEADINGS[0]
    assert lines[1].startswith("in Key Policy for security-otter-cmk.json, statement does not limit its users")
    assert lines[3].endswith(f", SeparateDutiesBy = {separate_by}")
    assert [line.rstrip() for line in lines if line.rstrip() in HEADINGS] == HEADINGS
    assert [line for line in STEPS[separate_by] if line not in lines] == []
    said = lines[lines.index("Not judged") + 1 :]
    assert len(said) == len(NOT_JUDGED[separate_by])
    assert all(line.startswith("Statement ") and line.endswith(".") for line in said)


@pytest.mark.parametrize("separate_by", MODES)
def test_programs_get_the_same_in_either_mode(capsys: pytest.CaptureFixture[str], separate_by: str) -> None:
    found = json.loads(explained(capsys, str(POST_POLICY), separate_by, "--format", "json"))
    assert found["parameters"]["SeparateDutiesBy"] == separate_by
    assert found["verdict"]["scenario"] == "no-user-condition-not-compliant"
    assert sorted((each["statement"], each["text"]) for each in found["notJudged"]) == sorted(NOT_JUDGED[separate_by])
    assert [f"{number}. {step}" for number, step in enumerate(found["remedy"]["steps"], 1)][
        : len(STEPS[separate_by])
    ] == STEPS[separate_by]
    fixed = judge(Facts(policy=json.dumps(found["remedy"]["policy"])), parameters(separate_by=separate_by))
    assert fixed.scenario.name == (
        "separate-users-compliant" if separate_by == "User" else "separation-of-duty-compliant"
    )


GRANTED_BY_STATEMENT_3 = {
    "Policy": [{"permission": "kms:Create*", "duty": "administration", "by": ["kms:CreateGrant"]}],
    # Only grants for AWS services can be made by it.
    "User": [
        {"permission": "kms:Create*", "duty": "usage", "by": ["kms:CreateGrant"]},
        {"permission": "kms:Revoke*", "duty": "usage", "by": ["kms:RevokeGrant"]},
    ],
}


@pytest.mark.parametrize("separate_by", MODES)
def test_what_a_statement_grants_is_told_by_the_duty_that_it_is_in_this_mode(
    capsys: pytest.CaptureFixture[str], separate_by: str
) -> None:
    found = json.loads(explained(capsys, str(POST_POLICY), separate_by, "--format", "json"))
    assert found["statements"][2]["grants"] == GRANTED_BY_STATEMENT_3[separate_by]


# --- the questions ---------------------------------------------------------------------------------------------------


def answer_of(content: Json, name: str) -> tuple[str, str]:
    """What is answered to the row of this name by user, and the evidence."""
    found = explanation_of("policy.json", Facts(policy=json.dumps(content)), Place("policy.json"), BY_USER)
    [question] = [each for each in found.questions if each.scenario.name == name]
    return question.answer, question.evidence


EVIDENCE: dict[str, tuple[Json, str, str]] = {
    "that no user has both duties": (
        policy(CHANGE, USE),
        "separate-users-compliant",
        "usage: kms:Encrypt and kms:Decrypt; administration: kms:Put*; Admin_User_Id covers all administrators",
    ),
    "who has both, by one text": (
        policy(CHANGE, allow("kms:Sign", OTTER)),
        "admin-role-not-allowed-actions-not-compliant",
        "usage: kms:Sign; administration: kms:Put*; Admin_User_Id covers all administrators; "
        '"AROAOTTERADMIN:*" can be one user',
    ),
    "who has both, by two texts": (
        policy(CHANGE, allow("kms:Sign", "AROAO*")),
        "admin-role-not-allowed-actions-not-compliant",
        "usage: kms:Sign; administration: kms:Put*; Admin_User_Id covers all administrators; "
        '"AROAO*" and "AROAOTTERADMIN:*" can be one user',
    ),
    "who is not covered": (
        policy(allow(ADMINISTRATION, BADGER), USE),
        "no-separation-of-duty-not-compliant",
        "usage: kms:Encrypt and kms:Decrypt; administration: kms:Create*, kms:Delete* and kms:Put*; "
        'Admin_User_Id does not cover "AROABADGERADMIN:*" among the administrators',
    ),
    "that any administration counts": (
        policy(CHANGE),
        "admin-actions-compliant",
        "usage: none; administration: kms:Put*; Admin_User_Id covers all administrators",
    ),
    "an unknown action": (
        policy(allow("kms:Transmogrify", OTTER)),
        "admin-actions-compliant",
        "usage: none; administration: an unknown action; Admin_User_Id covers all administrators",
    ),
    "that a service is limited": (
        policy(
            allow(
                "kms:Encrypt",
                Principal={"Service": "logs.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
            )
        ),
        "separation-of-duty-compliant",
        "usage: kms:Encrypt; administration: none",
    ),
    "that there are no duties": (
        policy(allow("kms:Get*")),
        "no-scenario-not-compliant",
        "usage: none; administration: none",
    ),
}


@pytest.mark.parametrize(("content", "name", "evidence"), EVIDENCE.values(), ids=list(EVIDENCE))
def test_the_evidence_says(content: Json, name: str, evidence: str) -> None:
    assert answer_of(content, name) == ("yes", evidence)


def test_the_row_of_separate_users_is_a_question_in_either_mode() -> None:
    for chosen in (BY_POLICY, BY_USER):
        found = explanation_of("policy.json", Facts(policy=json.dumps(policy(CHANGE))), Place("policy.json"), chosen)
        assert [each.scenario.name for each in found.questions] == [scenario.name for scenario in SCENARIOS]
    assert answer_of(policy(allow("kms:Get*")), "separate-users-compliant") == (
        "no",
        "usage: none; administration: none",
    )


def test_an_unknown_user_id_may_be_an_administrator_s() -> None:
    unlimited = policy(CHANGE, allow("kms:Sign", [Unknown("<Role>:*")]))
    verdict = judge(Facts(policy=unlimited), BY_USER)
    assert verdict.scenario.number == 8


# --- for people ------------------------------------------------------------------------------------------------------


def test_people_see_to_whom_each_statement_is_limited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    service = {"Service": "logs.amazonaws.com"}
    content = policy(
        allow("kms:Sign", BADGER),
        allow("kms:Sign", Principal=service, Condition=own),
        allow("kms:Sign", Principal=service),
        allow(["kms:Transmogrify", "kms:Tag*"], OTTER),
        allow("kms:Verify"),
    )
    text = " ".join(explained(capsys, written(tmp_path, content), "User").replace("│", " ").split())
    for words in (
        'usage: kms:Sign by kms:Sign StringLike "AROABADGERADMIN:*" counts',
        "usage: kms:Sign by kms:Sign AWS services, for a named source alone",
        "usage: kms:Sign by kms:Sign no condition on aws:userId",
        "administration: kms:Tag* by kms:Tag*",
        "administration: an unknown action by kms:Transmogrify",
        "no duty no condition on aws:userId; it needs none, since it grants no duty",
    ):
        assert words in text, words
