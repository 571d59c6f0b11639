"""What `kms-rule explain` says about a policy, to people and to programs."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from AWSConfigRuleKMSPolicy import KeyPolicy
from kms_rule.cli import main
from kms_rule.explanation.explanation import (
    Administrator,
    AnsweredQuestion,
    Explanation,
    conditions_on_user_id,
    duties_of,
    explanation_of,
    reason_against,
)
from kms_rule.findings import Place
from kms_rule.formats.explanation_json import render
from least_privilege.annotation import annotate
from least_privilege.condition import Condition, weakness
from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import SCENARIOS, Case, judge
from tests.command.key_policies import (
    ADMINISTRATION,
    BADGER,
    BEAVER,
    CHANGEABLE,
    EXAMPLE_PARAMETERS,
    LAW,
    OTTER,
    PARAMETERS,
    PARAMETERS_BY_USER,
    POLICIES,
    USAGE,
    Json,
    allow,
    policy,
)

PROJECT = Path(__file__).parents[2]
POST_POLICY = "dev/demo/security-otter-cmk.json"
NAMES = [scenario.name for scenario in SCENARIOS]

CHANGE = allow("kms:PutKeyPolicy", OTTER)
COMPLIANT = policy(allow(USAGE, BEAVER), CHANGE)
OPEN = policy(allow("kms:*", Sid="Root"))


def written(folder: Path, content: object, name: str = "policy.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> Json:
    """What the command says as JSON."""
    main(["explain", *arguments, "--format", "json"])
    out, err = capsys.readouterr()
    assert not err
    found: Json = json.loads(out)
    return found


def policy_at_the_end(printed: str) -> Json:
    """The fixed policy, after which only comes what is not judged."""
    _, _, rest = printed.partition("The policy then\n")
    fixed, end = json.JSONDecoder().raw_decode(rest)
    assert rest[end:] == "\n" or rest[end:].startswith("\n\nNot judged\n")
    return dict(fixed)


def case(content: object, parameters: dict[str, str] | None = None, **fields: Any) -> Case:
    given = {"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*", **(parameters or {})}
    facts = Facts(**fields, policy=content if isinstance(content, str) else json.dumps(content))
    return Case(facts, RuleParameters.parse(given))


def explanation(given: Case) -> Explanation:
    return explanation_of("policy.json", given.facts, Place("policy.json"), given.parameters)


def answers(given: Case) -> tuple[AnsweredQuestion, ...]:
    return explanation(given).questions


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_posts_key_is_explained_and_fixed_on_a_terminal_of_ones_own() -> None:
    command = [sys.executable, "-m", "kms_rule", "explain", POST_POLICY, "--alias", "alias/SecurityOtterCMK"]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (1, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "NON_COMPLIANT: no-user-condition-not-compliant"
    assert lines[2] == POST_POLICY
    assert lines[3] == (
        "CMK_Whitelist = Otter*, Admin_User_Id = AROAOTTER*, StrictSeparationOfDuties = false, "
        "SeparateDutiesBy = Policy"
    )
    assert lines[1] == (
        "in Key Policy for alias/SecurityOtterCMK, statement does not limit its users: add StringLike on aws:userId "
        '["Allow access for Key Administrators", "Allow use of the key", "Allow attachment of persistent resources"]'
    )
    assert (
        '4. Statement 1 ("Allow access for Key Administrators"): let AROAOTTER* alone have kms:Create* and kms:Put*.'
        in lines
    )
    fixed = policy_at_the_end(ran.stdout)
    assert [statement["Sid"] for statement in fixed["Statement"]][-1] == (
        "Allow attachment of persistent resources administration"
    )


CODES: dict[str, tuple[Json, list[str], int]] = {
    "a compliant policy": (COMPLIANT, [], 0),
    "a policy that is not": (OPEN, [], 1),
    "a malformed policy": (policy({}), [], 1),
    "a policy of a whitelisted key": (OPEN, ["--alias", "alias/Otter-EBS"], 0),
    "a policy of a key that AWS manages": (OPEN, ["--alias", "alias/aws/ebs"], 0),
    "a policy that is not compliant with another parameter": (
        COMPLIANT,
        ["--parameter", "StrictSeparationOfDuties=true"],
        1,
    ),
}


@pytest.mark.parametrize(("content", "options", "code"), CODES.values(), ids=list(CODES))
def test_the_exit_code_follows_from_the_verdict(tmp_path: Path, content: Json, options: list[str], code: int) -> None:
    assert main(["explain", written(tmp_path, content), *options]) == code


def test_standard_input_is_explained(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(COMPLIANT).encode())))
    found = explained(capsys, "-")
    assert found["verdict"]["annotations"] == {
        "standard input": "in Key Policy for standard input, statement does have separation of duties and CMK is not "
        "whitelisted [scenario 5: usage by statement 1 (kms:Encrypt, kms:Decrypt); administration by statement 2 "
        "(kms:PutKeyPolicy)]"
    }


def test_standard_input_with_nothing_in_it_points_at_the_command_before_the_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert main(["explain", "-"]) == 2
    sentence = "Standard input is empty: the command before the pipe may have failed, so look at its error."
    assert capsys.readouterr() == ("", f"kms-rule: -: {sentence}\n")


def test_a_file_is_written_in_the_format_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, OPEN)
    output = tmp_path / "explanation"
    printed = explained(capsys, source)
    assert main(["explain", source, "--format", "json", "--output", str(output)]) == 1
    assert json.loads(output.read_text(encoding="utf-8")) == printed
    assert main(["explain", source, "--output", str(output)]) == 1
    assert "NON_COMPLIANT: wildcard-policy-action-not-compliant" in output.read_text(encoding="utf-8").splitlines()
    assert capsys.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["explanation", "policy.json"]


@pytest.mark.parametrize("output", ["missing/explanation", "policy.json/explanation", "."])
def test_a_file_that_cannot_be_written_costs_no_explanation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = written(tmp_path, COMPLIANT)
    assert main(["explain", source, "--output", output]) == 2
    out, err = capsys.readouterr()
    assert "COMPLIANT: separation-of-duty-compliant" in out
    assert err.startswith(f"kms-rule: {output} cannot be written (")
    assert err.endswith(
        "so the explanation is on standard output: give a file in a folder that exists and that you may write to.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["policy.json"]


BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "broken JSON": (
        '{"Statement": [\n  {"Effect": "Allow" 7}\n]}',
        ":2:22: It is not JSON (Expecting ',' delimiter): correct it.",
    ),
    "no JSON at all": (
        "kms:*",
        ": It is not a key policy, which is a JSON object with a Statement: name another file.",
    ),
    "a policy in YAML": (
        "Statement: []",
        ": It seems to be a key policy, which must be JSON: write it as JSON, without comments.",
    ),
    "JSON that is nested too deeply": ("[" * 100_000, ": It is nested more than 100 deep: write it flatter."),
    "nothing": (" \n", ": It is empty: name another file."),
    "another encoding": (b"\xff\xfe{\x00", ": It is UTF-16 (byte 1): save it as UTF-8."),
    "a list": ("[]", ": It is not a key policy, which is a JSON object with a Statement: name another file."),
    "a template": (
        '{"Resources": {}}',
        ": It is a template or a plan, not a key policy: name a key in it as FILE#NAME, or use 'kms-rule check'.",
    ),
    "a template in YAML": (
        "Resources: {Key: {Type: AWS::KMS::Key}}",
        ": It is a template or a plan, not a key policy: name a key in it as FILE#NAME, or use 'kms-rule check'.",
    ),
    "another object": ("{}", ": It is not a key policy, which is a JSON object with a Statement: name another file."),
    "an answer of AWS KMS without a policy": (
        '{"Policy": "{}", "PolicyName": "default"}',
        ": It is not a key policy, which is a JSON object with a Statement: name another file.",
    ),
    "JSON with a comment": (
        '{"Statement": [] // Otter\n}',
        ":1:18: It is not JSON, which takes no comments: take them out.",
    ),
    "Terraform's own state": (
        '{"version": 4, "terraform_version": "1.11.4", "lineage": "a"}',
        ": It is Terraform's own state: give 'kms-rule check' the output of 'terraform show -json' on it.",
    ),
    "Terraform's own plan": (
        b"PK\x03\x04",
        ": It is a zip file, as Terraform's own plan is: give 'kms-rule check' the output of 'terraform show -json' on "
        "it, or unpack it.",
    ),
    "a plan": (
        '{"format_version": "1"}',
        ": It is a template or a plan, not a key policy: name a key in it as FILE#NAME, or use 'kms-rule check'.",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_what_is_no_policy_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, sentence: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["explain", str(path)]) == 2
    assert capsys.readouterr() == ("", f"kms-rule: {path}{sentence}\n")


def test_a_file_that_is_not_there_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.json"
    assert main(["explain", str(path)]) == 2
    sentence = "It cannot be read (No such file or directory): name a file that exists and may be read."
    assert capsys.readouterr() == ("", f"kms-rule: {path}: {sentence}\n")


BAD_OPTIONS = {
    "an alias that is none": (
        ["--alias", "Otter*"],
        'The alias "Otter*" is not a name that KMS gives: write it such as alias/orders.',
    ),
    "a blank alias": (["--alias", ""], 'The alias "" is not a name that KMS gives: write it such as alias/orders.'),
    "a parameter that is unknown": (
        ["--parameter", "Strict=true"],
        'The rule parameter "Strict", given as "true", is unknown: remove or rename it; allowed are CMK_Whitelist, '
        "Admin_User_Id, StrictSeparationOfDuties, SeparateDutiesBy, ReportResourceAs, ReadKeysFrom, ExecutionRoleName.",
    ),
}


@pytest.mark.parametrize(("options", "sentence"), BAD_OPTIONS.values(), ids=list(BAD_OPTIONS))
def test_a_wrong_option_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main(["explain", written(tmp_path, COMPLIANT), *options]) == 2
    assert capsys.readouterr() == ("", f"kms-rule: {sentence}\n")


def test_a_policy_that_is_too_long_for_kms_is_explained_and_remarked_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys, written(tmp_path, policy(CHANGE, allow(["kms:Get*"] * 4_000))))
    assert found["remarks"] == ["Its key policy has 48,335 bytes, and KMS takes 32,768 at most: KMS will refuse it."]


# --- the questions -------------------------------------------------------------------------------------------------


def test_each_row_of_the_rules_table_is_a_question_and_no_other() -> None:
    asked = [(question.scenario.name, question.scenario.question) for question in answers(case(OPEN))]
    assert asked == [(scenario.name, scenario.question) for scenario in SCENARIOS]


EVIDENCE: dict[str, tuple[Case, str, str]] = {
    "who manages it, without an alias": (case(OPEN), "aws-managed-key-not-applicable", "no alias is given"),
    "who manages it, with aliases": (
        case(OPEN, aliases=("alias/orders",)),
        "aws-managed-key-not-applicable",
        "none of its aliases begins with alias/aws/",
    ),
    "that AWS manages it": (
        case(OPEN, aliases=("alias/aws/ebs",), manager="AWS"),
        "aws-managed-key-not-applicable",
        "only AWS can give a name such as alias/aws/ebs",
    ),
    "what is taken for its state": (
        case(OPEN),
        "disabled-cmk-not-applicable",
        "a policy does not say; the state is taken to be Enabled",
    ),
    "which alias fits which pattern": (
        case(OPEN, {"CMK_Whitelist": "Beaver*,Otter*"}, aliases=("alias/orders", "alias/Otter-EBS")),
        "whitelisted-cmk-compliant",
        "alias/Otter-EBS fits Otter*",
    ),
    "that no alias fits": (
        case(OPEN, aliases=("alias/orders", "alias/payments")),
        "whitelisted-cmk-compliant",
        "no pattern (Otter*) fits alias/orders and alias/payments",
    ),
    "that there is no whitelist": (
        case(OPEN, {"CMK_Whitelist": ""}, aliases=("alias/orders",)),
        "whitelisted-cmk-compliant",
        "CMK_Whitelist is empty",
    ),
    "what is malformed": (
        case(policy({"Effect": "Allow"})),
        "malformed-policy-not-compliant",
        "statement 1 has neither Action nor NotAction",
    ),
    "how many statements there are": (
        case(policy(CHANGE, {**CHANGE, "Effect": "Deny"})),
        "malformed-policy-not-compliant",
        "statements: 2, with Allow: 1",
    ),
    "which statements open all, and by what": (
        case(policy(CHANGE, allow(["kms:*", "kms:Get*"], Sid="Root"), allow("*"))),
        "wildcard-policy-action-not-compliant",
        'Statement 2 ("Root") by kms:*; statement 3 by *',
    ),
    "that none opens all": (
        case(COMPLIANT),
        "wildcard-policy-action-not-compliant",
        "no Allow statement covers every KMS action",
    ),
    "which statements name no users": (
        case(policy(allow(USAGE), CHANGE, allow("kms:C*", "*", Sid="All"))),
        "no-user-condition-not-compliant",
        'Statement 1 by kms:Encrypt and kms:Decrypt; statement 3 ("All") by kms:C*',
    ),
    "that all name their users": (
        case(COMPLIANT),
        "no-user-condition-not-compliant",
        "each statement that grants a duty says who may have it",
    ),
    "that none has to": (case(policy(allow("kms:Get*"))), "no-user-condition-not-compliant", "none grants a duty"),
    "which duties there are": (
        case(COMPLIANT),
        "separation-of-duty-compliant",
        "usage: kms:Encrypt and kms:Decrypt; administration: kms:Put* without kms:Create* and kms:Delete*; "
        "Admin_User_Id covers all administrators",
    ),
    "that a part of administration counts": (
        case(COMPLIANT, {"StrictSeparationOfDuties": "true"}),
        "admin-role-not-allowed-actions-not-compliant",
        "usage: kms:Encrypt and kms:Decrypt; administration: kms:Put*; Admin_User_Id covers all administrators",
    ),
    "who is not covered": (
        case(policy(allow(ADMINISTRATION, [OTTER, BADGER]))),
        "admin-role-not-in-whitelist-not-compliant",
        "usage: none; administration: kms:Create*, kms:Delete* and kms:Put*; Admin_User_Id does not cover "
        '"AROABADGERADMIN:*" among the administrators',
    ),
    "that there are no duties": (
        case(policy(allow("kms:Get*"))),
        "no-scenario-not-compliant",
        "usage: none; administration: none",
    ),
}


@pytest.mark.parametrize(("given", "name", "evidence"), EVIDENCE.values(), ids=list(EVIDENCE))
def test_the_evidence_says(given: Case, name: str, evidence: str) -> None:
    [answer] = [answer for answer in answers(given) if answer.scenario.name == name]
    assert answer.evidence == evidence


ONE_OF_EACH = [
    case(OPEN, aliases=("alias/aws/ebs",), manager="AWS"),
    case(OPEN, state="Disabled"),
    case(OPEN, aliases=("alias/Otter",)),
    case(OPEN, denied=("kms:GetKeyPolicy",)),
    case(policy(3)),
    case(OPEN),
    case(policy(allow(USAGE))),
    case(policy(allow([*USAGE, *ADMINISTRATION], BADGER))),
    case(COMPLIANT),
    case(policy(allow(ADMINISTRATION, OTTER))),
    case(policy(allow(ADMINISTRATION, BADGER))),
    case(policy(allow([*USAGE, *ADMINISTRATION], OTTER))),
    case(COMPLIANT, {"SeparateDutiesBy": "User"}),
    case(policy(CHANGE)),
]


@pytest.mark.parametrize(("given", "name"), list(zip(ONE_OF_EACH, NAMES, strict=True)), ids=NAMES)
def test_the_questions_are_answered_in_the_rules_order_and_the_first_yes_decides(given: Case, name: str) -> None:
    found = answers(given)
    position = NAMES.index(name)
    assert [answer.scenario.name for answer in found] == NAMES
    assert [answer.answer for answer in found] == [
        *["no"] * position,
        "yes",
        *["not reached"] * (len(NAMES) - position - 1),
    ]
    assert judge(given.facts, given.parameters).scenario.name == name
    assert [bool(answer.evidence) for answer in found] == [True] * (position + 1) + [False] * (
        len(NAMES) - position - 1
    )


# --- the statements ------------------------------------------------------------------------------------------------


def grants(statement: Json) -> list[tuple[str, str, tuple[str, ...]]]:
    [parsed] = KeyPolicy.parse(policy(statement)).statements
    return [(each.name, duty.value, parsed.granting(each)) for each, duty in duties_of(parsed)]


def test_a_statements_permissions_are_told_with_the_entries_that_grant_them() -> None:
    assert grants(allow(["kms:En*", "kms:C*", "kms:CreateGrant", "kms:Get*"])) == [
        ("kms:Encrypt", "usage", ("kms:En*",)),
        ("kms:Create*", "administration", ("kms:C*", "kms:CreateGrant")),
    ]


def test_a_not_action_is_told_as_a_whole() -> None:
    statement = {"Effect": "Allow", "NotAction": ["kms:Create*", "kms:De*", "kms:E*"]}
    assert grants(statement) == [("kms:Put*", "administration", ("NotAction kms:Create*, kms:De*, kms:E*",))]


TOO_WIDE = "fewer than five characters stand before its first * or ?"


@dataclass(frozen=True)
class Limit:
    """What is told of a condition on the user id; without a reason against it, it counts."""

    operator: str
    values: tuple[object, ...]
    reason: str = ""

    @classmethod
    def of(cls, condition: Condition) -> Limit:
        reason = reason_against(condition)
        assert condition.is_effective == (not reason)
        return cls(condition.operator, condition.values, reason)


LIMITS: dict[str, tuple[Json, list[Limit]]] = {
    "one that counts": (
        {"stringlike": {"AWS:USERID": OTTER}},
        [Limit("stringlike", (OTTER,))],
    ),
    "several": (
        {
            "StringLike": {"aws:userId": [OTTER, BADGER], "kms:ViaService": "s3"},
            "StringEquals": {"aws:userid": "AIDA"},
        },
        [Limit("StringLike", (OTTER, BADGER)), Limit("StringEquals", ("AIDA",))],
    ),
    "a value that everybody fits": (
        {"StringLike": {"aws:userId": [OTTER, "AROA*"]}},
        [
            Limit(
                "StringLike",
                (OTTER, "AROA*"),
                '"AROA*" limits nobody: fewer than five characters stand before its first * or ?',
            )
        ],
    ),
    "a variable": (
        {"StringLike": {"aws:userId": "${aws:userid}"}},
        [Limit("StringLike", ("${aws:userid}",), '"${aws:userid}" limits nobody: it holds a policy variable')],
    ),
    "a blank value": (
        {"StringLike": {"aws:userId": " "}},
        [Limit("StringLike", (" ",), '" " limits nobody: it is blank')],
    ),
    "no string": (
        {"StringLike": {"aws:userId": [5]}},
        [Limit("StringLike", (5,), "5 limits nobody: it is not a string")],
    ),
    "no value": ({"StringLike": {"aws:userId": []}}, [Limit("StringLike", (), "it names nobody")]),
    "another operator": (
        {"StringLikeIfExists": {"aws:userId": OTTER}},
        [Limit("StringLikeIfExists", (OTTER,), "this operator does not limit the statement to users")],
    ),
    "another key": ({"StringLike": {"aws:username": "otter"}}, []),
}


@pytest.mark.parametrize(("condition", "limits"), LIMITS.values(), ids=list(LIMITS))
def test_conditions_on_the_user_id_are_told_with_why_they_do_not_count(condition: Json, limits: list[Limit]) -> None:
    statement = allow(USAGE, Condition=condition)
    [parsed] = KeyPolicy.parse(policy(statement)).statements
    assert [Limit.of(each) for each in conditions_on_user_id(parsed)] == limits
    assert any(not limit.reason for limit in limits) == parsed.limits_users


@pytest.mark.parametrize("value", ["${*}", "${${*}", "AROAO*", "ABCDE?", "$", "?", "a${*}b${x}", "\t", None, True, {}])
def test_a_value_counts_or_is_told_why_not_as_the_rule_reads_it(value: object) -> None:
    statement = allow(USAGE, Condition={"StringLike": {"aws:userId": value}})
    [parsed] = KeyPolicy.parse(policy(statement)).statements
    [condition] = conditions_on_user_id(parsed)
    assert condition.is_effective == (weakness(value) is None)
    assert bool(reason_against(condition)) != condition.is_effective
    assert (weakness(value) or "") in reason_against(condition)


def test_each_administrator_is_told_with_the_pattern_that_covers_it() -> None:
    content = policy(
        allow(ADMINISTRATION, [OTTER, "AROAO*"]), allow("kms:CreateGrant", [BADGER, OTTER]), allow(USAGE, BEAVER)
    )
    given = case(content, {"Admin_User_Id": "AIDASEAL, AROAOTTER*, AROA?TTER*"})
    assert explanation(given).administrators == (
        Administrator(OTTER, (1, 2), "AROAOTTER*"),
        Administrator("AROAO*", (1,), None),
        Administrator(BADGER, (2,), None),
    )


# --- for programs --------------------------------------------------------------------------------------------------


STATEMENTS: list[dict[str, Any]] = [
    {
        "number": 1,
        "sid": "Put",
        "effect": "Allow",
        "grants": [{"permission": "kms:Put*", "duty": "administration", "by": ["kms:Put*"]}],
        "opensAllBy": [],
        "userConditions": [{"operator": "StringLike", "values": [OTTER, BADGER], "counts": True, "reason": ""}],
    },
    {
        "number": 2,
        "sid": "",
        "effect": "Allow",
        "grants": [
            {"permission": "kms:Decrypt", "duty": "usage", "by": ["kms:De*"]},
            {"permission": "kms:Delete*", "duty": "administration", "by": ["kms:De*"]},
        ],
        "opensAllBy": [],
        "userConditions": [
            {
                "operator": "StringLike",
                "values": ["5"],
                "counts": False,
                "reason": "5 limits nobody: it is not a string",
            }
        ],
    },
]


def test_programs_get_everything_in_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, policy(allow(["kms:Put*", "kms:Get*"], [OTTER, BADGER], Sid="Put"), allow("kms:De*", 5)))
    found = explained(capsys, source, "--alias", "orders", "--alias", "alias/payments")
    remedy = found.pop("remedy")
    del found["questions"]
    assert found == {
        "version": 1,
        "source": source,
        "parameters": EXAMPLE_PARAMETERS,
        "statements": STATEMENTS,
        "administrators": [
            {"userId": OTTER, "statements": [1], "coveredBy": "AROAOTTER*"},
            {"userId": BADGER, "statements": [1], "coveredBy": None},
        ],
        "verdict": {
            "compliance": "NON_COMPLIANT",
            "scenario": "no-user-condition-not-compliant",
            "number": None,
            "annotations": {
                alias: f"in Key Policy for {alias}, statement does not limit its users: add StringLike on aws:userId "
                "[statement 2 (kms:De*), whose aws:userId 5 limits nobody]"
                for alias in ("alias/orders", "alias/payments")
            },
        },
        "remarks": [],
        "notJudged": [
            {
                "statement": 2,
                "sid": "",
                "text": "grants kms:Derive* and kms:Decapsulate to arn:aws:iam::111122223333:root, which is a duty "
                "only with SeparateDutiesBy = User.",
            }
        ],
    }
    assert remedy["reason"] is None
    assert judge(Facts(policy=json.dumps(remedy["policy"])), case(OPEN).parameters).compliance == "COMPLIANT"


def test_programs_get_each_question_with_its_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, policy(allow("kms:Put*", [OTTER]), allow("kms:De*", 5)))
    questions = explained(capsys, source)["questions"]
    assert questions[6] == {
        "scenario": "no-user-condition-not-compliant",
        "number": None,
        "question": "Does an Allow statement let somebody use or administer the key without a condition on aws:userId "
        "that limits who?",
        "answer": "yes",
        "evidence": "Statement 2 by kms:De*",
    }


def test_a_compliant_policy_needs_no_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, written(tmp_path, COMPLIANT))["remedy"] is None


def test_where_nothing_can_be_proposed_the_reason_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, policy(allow(USAGE)))
    found = explained(capsys, source)["remedy"]
    assert found["policy"] is None
    main(["explain", source])
    lines = capsys.readouterr().out.splitlines()
    assert found["reason"] in lines
    assert f"1. {found['steps'][0]}" in lines


def test_the_format_follows_from_the_ending_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, COMPLIANT)
    assert main(["explain", source, "--output", str(tmp_path / "why.json")]) == 0
    assert json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))["version"] == 1
    assert main(["explain", source, "--output", str(tmp_path / "why.html")]) == 2
    assert capsys.readouterr().err == (
        "kms-rule: The name of the file for --output ends as one in html does, which 'kms-rule explain' does not "
        "write: give --format, or a name with another ending.\n"
    )
    assert not (tmp_path / "why.html").exists()


# --- for people ----------------------------------------------------------------------------------------------------


def test_people_see_each_statement_and_each_administrator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = policy(
        allow("kms:*", [OTTER, BADGER], Sid="Root"),
        {**allow("kms:Put*"), "Effect": "Deny"},
        allow("kms:Get*"),
        allow("kms:Sign", "*"),
    )
    main(["explain", written(tmp_path, content)])
    out = capsys.readouterr().out
    for words in (
        "opens all KMS actions by kms:*",
        "usage: kms:Encrypt by kms:*",
        'StringLike "AROAOTTERADMIN:*" and "AROABADGERADMIN:*" counts',
        "does not count: only Allow statements do",
        "no condition on aws:userId; it needs none, since it grants no duty",
        "yes, by AROAOTTER*",
        '"*" limits nobody',
    ):
        assert words in " ".join(out.split()), words


@pytest.mark.parametrize("columns", ["80", "160"])
def test_questions_that_were_not_reached_are_shown_only_to_those_who_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    source = written(tmp_path, OPEN)
    main(["explain", source])
    short = " ".join(re.sub("│", " ", capsys.readouterr().out).split())
    assert "Does an Allow statement open all KMS actions? " in short
    assert "Does none of the other scenarios hold?" not in short
    assert f"Questions that were not reached: {len(SCENARIOS) - 6}; --all shows them." in short
    main(["explain", source, "--all"])
    long = " ".join(re.sub("│", " ", capsys.readouterr().out).split())
    assert "Does none of the other scenarios hold? " in long
    assert "--all shows them" not in long


def test_a_narrow_line_gets_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["explain", written(tmp_path, policy(allow(["kms:Put*", "kms:Delete*"], [OTTER], Sid="Change")))])
    out = capsys.readouterr().out
    assert "┃" not in out
    statements = out.partition("\n\nThe statements\n")[2].partition("\n\n")[0]
    assert statements.splitlines()[:6] == [
        "  Number: 1",
        "    Sid: Change",
        "    Effect: Allow",
        "    Grants: administration: kms:Delete* by kms:Delete*",
        "      administration: kms:Put* by kms:Put*",
        f'    To whom: StringLike "{OTTER}" counts',
    ]


def test_the_file_is_named_in_its_own_letters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, COMPLIANT, "schlüssel.json")
    main(["explain", source])
    assert capsys.readouterr().out.splitlines()[2] == source


HOSTILE = "[red]x[/red] \x1b[31m \u202e \ud800 \r\n </script>"
HOSTILE_ACTION = "[red]x[/red]\x1b[31m</script>"


def test_hostile_names_stay_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = policy(
        allow(["kms:*", HOSTILE_ACTION], [HOSTILE, f"AROAOTTER{HOSTILE}*"], Sid=HOSTILE, Effect="Allow"),
        {**allow(HOSTILE_ACTION, "*", HOSTILE), "Effect": "Deny"},
    )
    source = written(tmp_path, content)
    main(["explain", source])
    out, err = capsys.readouterr()
    assert not err
    printed = out.replace("\n", "")
    assert all(character.isprintable() for character in printed)
    assert "\\u202e" in printed
    assert "[red]x[/red] \\u001b[31m" in printed
    fixed = policy_at_the_end(out)
    assert fixed["Statement"][0]["Sid"] == HOSTILE
    assert explained(capsys, source)["statements"][0]["sid"] == HOSTILE


HOSTILE_POLICIES = {
    "action": allow(HOSTILE),
    "effect": {**allow("kms:*"), "Effect": HOSTILE},
    "element": {**allow("kms:*"), HOSTILE: HOSTILE},
    "condition keys": allow("kms:*", Condition={"StringLike": {f"{HOSTILE}a": "", f"{HOSTILE}A": ""}}),
}


@pytest.mark.parametrize("statement", HOSTILE_POLICIES.values(), ids=list(HOSTILE_POLICIES))
def test_hostile_text_that_makes_a_policy_malformed_stays_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: Json
) -> None:
    main(["explain", written(tmp_path, policy(statement))])
    out, err = capsys.readouterr()
    assert not err
    assert "NON_COMPLIANT: malformed-policy-not-compliant" in out.splitlines()
    assert all(character.isprintable() for character in out.replace("\n", ""))
    assert "[red]x[/red] \\u001b[31m" in out.replace("\n", "")


# --- laws ----------------------------------------------------------------------------------------------------------


@LAW
@given(POLICIES | CHANGEABLE, PARAMETERS | PARAMETERS_BY_USER)
def test_every_policy_is_explained_with_the_rules_own_verdict(content: Json, parameters: RuleParameters) -> None:
    facts = Facts(policy=json.dumps(content))
    verdict = judge(facts, parameters)
    found = explanation(Case(facts, parameters))
    assert [answer.scenario for answer in found.questions if answer.answer == "yes"] == [verdict.scenario]
    assert found.finding.annotation == annotate(verdict, "policy.json")
    told = {each.number for each in found.statements if duties_of(each) and each.allows}
    assert {statement.number for statement in verdict.evidence.statements} <= told
    assert json.loads(render(found))["verdict"]["scenario"] == verdict.scenario.name
