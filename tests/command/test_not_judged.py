"""What the command says of a policy that the rule does not judge: in words, and in each format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from AWSConfigRuleKMSPolicy import KeyPolicy
from kms_rule.cli import main
from kms_rule.commands.check import findings_on
from kms_rule.explanation.not_judged import not_judged
from kms_rule.findings import Place
from kms_rule.sources.contents import Candidate, DefinedKey
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.permission import BY_POLICY, BY_USER, DutyTable
from tests.command.checking import PARAMETERS, Json, policy, write
from tests.command.test_sarif import VALIDATOR

ROOT = "arn:aws:iam::111122223333:root"
ROLE = "arn:aws:iam::111122223333:role/Admin"
OTHER = "arn:aws:iam::444455556666:role/Partner"


def allow(actions: Any = "kms:Encrypt", principal: Any = ROOT, **more: Any) -> Json:
    named = {"AWS": principal} if isinstance(principal, str) and principal != "*" else principal
    return {"Effect": "Allow", "Principal": named, "Action": actions, "Resource": "*", **more}


def without(statement: Json, element: str) -> Json:
    return {name: value for name, value in statement.items() if name != element}


def lines(*statements: Json, table: DutyTable = BY_POLICY) -> list[str]:
    return [str(each) for each in not_judged(KeyPolicy.parse(policy(*statements), table))]


# --- in words --------------------------------------------------------------------------------------------------------

EVERYBODY = "Statement 1 names everybody in every AWS account as its Principal."
ALL_BUT_SOME = "Statement 1 lets in everybody but those whom its NotPrincipal names."
ANOTHER_ACCOUNT = "Statement 2 lets in account 444455556666 besides 111122223333."
GRANTS = f"Statement 1 lets {ROOT} make grants (kms:CreateGrant), and the rule does not read grants."
ONLY_BY_USER = "which is a duty only with SeparateDutiesBy = User."
NONE: list[str] = []

# Each kind beside a statement that does not get it.
KINDS: dict[str, tuple[list[Json], list[str]]] = {
    # everybody
    "everybody, as a text": ([allow(principal="*")], [EVERYBODY]),
    "everybody, of kind AWS": ([allow(principal={"AWS": "*"})], [EVERYBODY]),
    "everybody, among others": ([allow(principal={"AWS": [ROOT, "*"]})], [EVERYBODY]),
    "everybody who meets a condition": (
        [allow(principal="*", Condition={"StringEquals": {"kms:CallerAccount": "111122223333"}})],
        [EVERYBODY],
    ),
    "not everybody: a role": ([allow(principal=ROLE)], NONE),
    "not everybody: a service": ([allow(principal={"Service": "logs.amazonaws.com"})], NONE),
    "not everybody: a kind that AWS does not have": ([allow(principal={"aws": "*"})], NONE),
    "not everybody: a Deny": ([{**allow(principal="*"), "Effect": "Deny"}], NONE),
    # everybody but some
    "everybody but some": ([{**without(allow(), "Principal"), "NotPrincipal": {"AWS": ROLE}}], [ALL_BUT_SOME]),
    "not everybody but some: a Deny": (
        [{**without(allow(), "Principal"), "NotPrincipal": {"AWS": ROLE}, "Effect": "Deny"}],
        NONE,
    ),
    "not everybody but some: no principal at all": ([without(allow(), "Principal")], NONE),
    # another account
    "another account, in another statement": ([allow(), allow(principal=OTHER)], [ANOTHER_ACCOUNT]),
    "another account, by its number": ([allow(), allow(principal="444455556666")], [ANOTHER_ACCOUNT]),
    "another account, in the same statement": (
        [allow(principal={"AWS": [ROLE, OTHER, "444455556666", "arn:aws-us-gov:iam::123456789012:user/a"]})],
        ["Statement 1 lets in account 444455556666 and 123456789012 besides 111122223333."],
    ),
    "not another account: the same one": ([allow(), allow(principal="111122223333"), allow(principal=ROLE)], NONE),
    "not another account: the first to be named": ([allow(principal=OTHER)], NONE),
    "not another account: a Deny": ([allow(), {**allow(principal=OTHER), "Effect": "Deny"}], NONE),
    "not another account: a deleted role": ([allow(), allow(principal="AROADELETED12345678901")], NONE),
    "not another account: thirteen digits": ([allow(), allow(principal="4444555566667")], NONE),
    # grants
    "grants": ([allow("kms:CreateGrant")], [GRANTS]),
    "grants, by a pattern in any case": ([allow(["s3:*", "KMS:c*T"])], [GRANTS]),
    "grants, by what a NotAction leaves": (
        [{**without(allow(), "Action"), "NotAction": [f"kms:{letter}*" for letter in "ADEGILPRSTUV"]}],
        [f"Statement 1 grants kms:Cancel* and kms:Connect* to {ROOT}, {ONLY_BY_USER}", GRANTS],
    ),
    "grants by nobody who is named": (
        [without(allow("kms:CreateGrant"), "Principal")],
        [GRANTS.replace(ROOT, "principals that it does not name")],
    ),
    "grants by everybody": ([allow("kms:CreateGrant", "*")], [EVERYBODY, GRANTS.replace(ROOT, "everybody")]),
    "no grants: another action of the group": ([allow("kms:CreateAlias")], NONE),
    "no grants: listed ones": ([allow("kms:ListGrants")], NONE),
    "no grants: a NotAction that exempts them": (
        [
            {
                **without(allow(), "Action"),
                "NotAction": ["kms:CreateGrant", "kms:[a-z]*", *(f"kms:{one}*" for one in "CR")],
            }
        ],
        [
            f"Statement 1 grants kms:Generate*, kms:Sign, kms:Derive*, kms:Encapsulate, kms:Decapsulate and 9 more to "
            f"{ROOT}, {ONLY_BY_USER}"
        ],
    ),
    "no grants: a Deny": ([{**allow("kms:CreateGrant"), "Effect": "Deny"}], NONE),
    # a duty by user
    "a duty by user": ([allow("kms:Sign")], [f"Statement 1 grants kms:Sign to {ROOT}, {ONLY_BY_USER}"]),
    "duties by user, with a name": (
        [allow(["kms:ScheduleKeyDeletion", "kms:GenerateMac"], ROLE, Sid="More")],
        [f'Statement 1 ("More") grants kms:Generate* and kms:Schedule* to {ROLE}, {ONLY_BY_USER}'],
    ),
    "duties by user, of a service": (
        [allow("kms:Re*", {"Service": ["a.amazonaws.com", "b.amazonaws.com"], "AWS": ROLE})],
        [
            "Statement 1 grants kms:ReEncrypt*, kms:Replicate*, kms:Retire* and kms:Revoke* to a.amazonaws.com, "
            f"b.amazonaws.com and {ROLE}, {ONLY_BY_USER}"
        ],
    ),
    "no duty by user: a duty by policy": ([allow(["kms:Encrypt", "kms:DeleteAlias", "kms:PutKeyPolicy"])], NONE),
    "no duty by user: reading": ([allow(["kms:Get*", "kms:List*", "kms:Describe*", "kms:Verify"])], NONE),
    "no duty by user: nothing of KMS": ([allow("s3:*")], NONE),
    "no duty by user: a Deny": ([{**allow("kms:Sign"), "Effect": "Deny"}], NONE),
}


@pytest.mark.parametrize(("statements", "expected"), KINDS.values(), ids=list(KINDS))
def test_what_is_not_judged_is_said_of_each_statement(statements: list[Json], expected: list[str]) -> None:
    assert lines(*statements) == expected


@pytest.mark.parametrize(("statements", "expected"), KINDS.values(), ids=list(KINDS))
def test_by_user_the_same_is_said_but_for_what_is_a_duty_then(statements: list[Json], expected: list[str]) -> None:
    assert lines(*statements, table=BY_USER) == [line for line in expected if ONLY_BY_USER not in line]


def test_hostile_names_stay_text() -> None:
    name = "arn:aws:iam::111122223333:role/\x1b[31m\u202e\ud800\n[x](y)"
    [grants] = lines(allow("kms:CreateGrant", name, Sid="\n\x1b"))
    assert grants.isascii()
    assert grants.isprintable()


# --- of which keys ---------------------------------------------------------------------------------------------------

OPEN = policy(allow(["kms:CreateGrant", "kms:Sign"], "*", Sid="Open"))
SAID = [
    {"statement": 1, "sid": "Open", "text": f"grants kms:Sign to everybody, {ONLY_BY_USER}"},
    {"statement": 1, "sid": "Open", "text": "names everybody in every AWS account as its Principal."},
    {
        "statement": 1,
        "sid": "Open",
        "text": "lets everybody make grants (kms:CreateGrant), and the rule does not read grants.",
    },
]


def said_of(facts: Facts, parameters: RuleParameters = PARAMETERS, *, hidden: bool = False) -> list[tuple[str, int]]:
    """How much is said of a key, by each id that it is reported under."""
    key = DefinedKey(Place("key.json"), (Candidate(Key("key", facts)),), hidden)
    return [(finding.reported_id, len(finding.not_judged)) for finding in findings_on(key, parameters)]


TEXT = json.dumps(OPEN)


def test_it_is_said_under_each_name_of_a_key_whose_policy_is_judged() -> None:
    assert said_of(Facts(policy=TEXT)) == [("key", 3)]
    assert said_of(Facts(("alias/a", "alias/b"), policy=TEXT)) == [("alias/a", 3), ("alias/b", 3)]
    assert said_of(Facts(policy=OPEN)) == [("key", 3)]


UNREAD = {
    "disabled": Facts(state="Disabled", policy=TEXT),
    "managed by AWS": Facts(manager="AWS", policy=TEXT),
    "whitelisted": Facts(("alias/Otter",), policy=TEXT),
    "not read": Facts(denied=("kms:GetKeyPolicy",)),
    "malformed": Facts(policy=TEXT.replace("Allow", "allow")),
}


@pytest.mark.parametrize("facts", UNREAD.values(), ids=list(UNREAD))
def test_nothing_is_said_of_a_policy_that_does_not_matter_or_cannot_be_read(facts: Facts) -> None:
    assert [number for _, number in said_of(facts)] == [0]


def test_nothing_is_said_of_a_policy_that_nobody_may_see() -> None:
    assert said_of(Facts(policy=TEXT), hidden=True) == [("key", 0)]


# --- in each format --------------------------------------------------------------------------------------------------


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main([*arguments])
    out, err = capsys.readouterr()
    assert not err
    return out


@pytest.mark.parametrize("command", ["check", "explain"])
def test_programs_get_it_as_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    content = json.loads(shown(capsys, command, write(tmp_path, "key.json", OPEN), "--format", "json"))
    assert (content if command == "explain" else content["findings"][0])["notJudged"] == SAID


def test_people_see_it_last_in_an_explanation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "explain", write(tmp_path, "key.json", OPEN))
    _, _, end = text.partition("\nNot judged\n")
    assert end.splitlines() == [f'Statement 1 ("Open") {each["text"]}' for each in SAID]
    plain = shown(capsys, "explain", write(tmp_path, "key.json", policy(allow())))
    assert "Not judged" not in plain


def test_the_page_has_it_in_a_fold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "check", write(tmp_path, "key.json", OPEN), "--format", "html")
    items = "".join(f'<li>Statement 1 ("Open") {each["text"]}</li>' for each in SAID)
    fold = f"<details><summary>Not judged by the rule</summary><ul>{items}</ul></details>"
    assert fold in page.replace("&quot;", '"')
    plain = shown(capsys, "check", write(tmp_path, "key.json", policy(allow())), "--format", "html")
    assert "<summary>Not judged by the rule</summary>" not in plain


# --- for code scanning -----------------------------------------------------------------------------------------------


def run_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Json:
    """The one run of the log that `check` prints, which is valid."""
    log = json.loads(shown(capsys, "check", "--format", "sarif", *arguments))
    VALIDATOR.validate(log)
    [run] = log["runs"]
    return dict(run)


def notes_in(run: Json) -> list[Json]:
    return [result for result in run["results"] if result["ruleId"] == "not-judged"]


def test_notes_are_results_only_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "key.json", OPEN)
    plain, noted = run_of(capsys, file), run_of(capsys, file, "--notes")
    assert notes_in(plain) == []
    assert "not-judged" not in [rule["id"] for rule in plain["tool"]["driver"]["rules"]]
    notes = notes_in(noted)
    assert [note["message"]["text"] for note in notes] == [
        f'key.json: Statement 1 ("Open") {each["text"]}' for each in SAID
    ]
    assert {note["level"] for note in notes} == {"note"}
    rules = noted["tool"]["driver"]["rules"]
    assert [rules[note["ruleIndex"]]["id"] for note in notes] == ["not-judged"] * 3
    assert rules[-1]["defaultConfiguration"] == {"level": "note"}
    # What else the log says stays as it is.
    assert [result for result in noted["results"] if result not in notes] == plain["results"]
    assert rules[:-1] == plain["tool"]["driver"]["rules"]
    assert noted["invocations"] == plain["invocations"]


def test_a_compliant_key_has_notes_and_the_exit_code_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limited = {"StringLike": {"aws:userId": "AROABEAVER:*"}}
    file = write(tmp_path, "key.json", policy(allow(["kms:Encrypt", "kms:Sign"], Condition=limited)))
    assert [note["level"] for note in run_of(capsys, file, "--notes")["results"]] == ["note"]
    assert main(["check", "--notes", file]) == 0


def test_a_note_points_at_its_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = policy(allow("kms:*", Sid="All"), allow(principal=OTHER), allow("kms:Sign"))
    text = json.dumps(content, indent=1)
    write(tmp_path, "key.json", text)
    found = {}
    for note in notes_in(run_of(capsys, "key.json", "--notes")):
        [location] = note["locations"]
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "key.json"}
        region = location["physicalLocation"]["region"]
        found[note["message"]["text"].split()[2]] = region["startLine"]
    lines_of_statements = [number for number, line in enumerate(text.splitlines(), 1) if line == "  {"]
    assert found == dict(zip("123", lines_of_statements, strict=True))


def test_each_note_has_a_fingerprint_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = policy(allow("kms:Sign"), allow("kms:Sign"), allow("kms:Sign", Sid="a"), allow("kms:Sign", Sid="b"))
    notes = notes_in(run_of(capsys, write(tmp_path, "key.json", twice), "--notes"))
    assert len(notes) == 4
    assert len({json.dumps(note["partialFingerprints"]) for note in notes}) == 4


def test_a_fingerprint_stays_when_other_statements_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = policy(allow("kms:Sign", Sid="a"))
    after = policy(allow("kms:Get*"), *before["Statement"])
    prints = [
        notes_in(run_of(capsys, write(tmp_path, "key.json", content), "--notes"))[0]["partialFingerprints"]
        for content in (before, after)
    ]
    assert prints[0] == prints[1]


def test_a_name_in_a_policy_places_no_link_in_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = policy(allow("kms:Sign", Sid="[Mend](https://example.com)"))
    [note] = notes_in(run_of(capsys, write(tmp_path, "key.json", content), "--notes"))
    assert "[Mend] (https://example.com)" in note["message"]["text"]


@pytest.mark.parametrize("format_name", ["table", "json", "html"])
def test_other_formats_are_the_same_with_and_without_notes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    arguments = ("check", write(tmp_path, "key.json", OPEN), "--format", format_name)
    plain, noted = (re.sub("<time .*?</time>", "", shown(capsys, *arguments, *notes)) for notes in ((), ("--notes",)))
    assert plain == noted
