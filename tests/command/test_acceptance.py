"""Findings that are accepted: what each entry must have, what it fits, when it ends, and how all formats show it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kms_rule.cli import main
from kms_rule.findings import ExitCode
from tests.command.checking import EVERYTHING_OPEN, OPEN, USERS_MAY_USE, Json, write

DAY = date(2026, 11, 28)
LAST = "2026-12-31"
TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": EVERYTHING_OPEN}},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/a", "TargetKeyId": {"Ref": "Key"}}},
    }
}
REASON = "The key is deleted in December."
ENTRY = {"place": "key.json", "scenario": OPEN, "reason": REASON, "until": LAST}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a policy and a template that fail, on a day."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kms_rule.acceptance.today", lambda: DAY)
    write(tmp_path, "key.json", EVERYTHING_OPEN)
    write(tmp_path, "template.json", TEMPLATE)
    write(tmp_path, "good.json", USERS_MAY_USE)


def run(capsys: pytest.CaptureFixture[str], entries: object, *names: str, format_name: str = "json") -> tuple[int, str]:
    """The exit code, and what is printed."""
    write(Path.cwd(), "accepted", entries if isinstance(entries, str) else json.dumps(entries))
    code = main(["check", "--format", format_name, "--accept", "accepted", *(names or ["key.json"])])
    return code, "".join(capsys.readouterr())


def found(capsys: pytest.CaptureFixture[str], entries: object, *names: str) -> Json:
    _, printed = run(capsys, entries, *names)
    return dict(json.loads(printed))


def test_what_is_accepted_does_not_fail_and_is_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    content = found(capsys, [ENTRY], "key.json", "good.json")
    assert content["summary"] == {
        "COMPLIANT": 1,
        "NON_COMPLIANT": 0,
        "NOT_APPLICABLE": 0,
        "accepted": 1,
        "unjudged": 0,
        "passedOver": 0,
        "exitCode": 0,
    }
    [accepted] = content["accepted"]
    assert (accepted["id"], accepted["reason"], accepted["until"]) == ("key.json", REASON, LAST)
    assert [finding["id"] for finding in content["findings"]] == ["good.json"]


FITTING: list[tuple[Json, str]] = [
    ({"place": "./folder/../key.json"}, "key.json"),
    ({"resource": "key.json"}, "key.json"),
    ({"resource": "Key"}, "template.json"),
    ({"resource": "alias/a"}, "template.json"),
    ({"resource": "Key", "place": "template.json"}, "template.json"),
    ({"place": "template.json"}, "template.json"),
]


@pytest.mark.parametrize(("which", "name"), FITTING, ids=str)
def test_an_entry_fits_by_its_resource_and_its_place(
    capsys: pytest.CaptureFixture[str], which: Json, name: str
) -> None:
    entry = {**which, "scenario": OPEN, "reason": REASON, "until": LAST}
    code, _ = run(capsys, [entry], name)
    assert code == ExitCode.COMPLIANT


@pytest.mark.parametrize(
    "entry",
    [
        {**ENTRY, "scenario": "no-scenario-not-compliant"},
        {**ENTRY, "resource": "Key"},
        {**ENTRY, "place": "missing.json"},
        {**ENTRY, "place": "good.json", "scenario": "separation-of-duty-compliant"},
        {"resource": "Other", "scenario": OPEN, "reason": REASON, "until": LAST},
    ],
    ids=str,
)
def test_an_entry_that_fits_nothing_is_an_error(capsys: pytest.CaptureFixture[str], entry: Json) -> None:
    content = found(capsys, [entry], "key.json", "good.json")
    [unjudged] = content["unjudged"]
    assert unjudged["place"]["source"] == "accepted"
    assert unjudged["reason"].startswith("The accepted finding 1 (")
    assert unjudged["reason"].endswith(") fits nothing that was found: take it out.")
    assert content["summary"]["NON_COMPLIANT"] == 1
    assert content["summary"]["exitCode"] == ExitCode.INCOMPLETE


def test_an_entry_about_a_file_that_is_there_and_was_not_named_is_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, [ENTRY], "good.json")[0] == ExitCode.COMPLIANT
    assert run(capsys, [ENTRY], ".")[0] == ExitCode.NON_COMPLIANT


@pytest.mark.parametrize(("until", "accepted"), [("2026-11-28", 1), ("2026-11-27", 0)])
def test_the_last_day_is_accepted_and_the_next_is_an_error(
    capsys: pytest.CaptureFixture[str], until: str, accepted: int
) -> None:
    content = found(capsys, [{**ENTRY, "until": until}])
    assert len(content["accepted"]) == accepted
    assert [each["reason"] for each in content["unjudged"]] == (
        []
        if accepted
        else [
            f'The accepted finding 1 ("{OPEN}" of "key.json") ended on 2026-11-27: correct the policy, or accept it '
            "for longer."
        ]
    )


FORM = 'give each "resource" or "place", "scenario", "reason" and "until", such as 2026-12-31'
WRONG: list[tuple[Any, str]] = [
    ({}, f"The accepted findings in accepted are not a list: {FORM}."),
    ([1], f"The accepted finding 1 in accepted is not an object of texts: {FORM}."),
    ([{**ENTRY, "until": 2026}], f"The accepted finding 1 in accepted is not an object of texts: {FORM}."),
    ([ENTRY, {**ENTRY, "day": ""}], f'The accepted finding 2 in accepted has "day", which is unknown: {FORM}.'),
    ([{**ENTRY, "scenario": " "}], f"The accepted finding 1 in accepted has no scenario: {FORM}."),
    ([{**ENTRY, "place": ""}], f"The accepted finding 1 in accepted has no resource or place: {FORM}."),
    ([{**ENTRY, "until": "soon"}], f'The accepted finding 1 in accepted ends on "soon", which is not a day: {FORM}.'),
    (
        "[",
        "The accepted findings in accepted are not JSON (Expecting value: line 1 column 2 (char 1)): correct the file.",
    ),
    (
        '[{"until": "2026-11-01", "until": "2099-01-01"}]',
        'The accepted findings in accepted are not JSON ("until" stands twice in one object): correct the file.',
    ),
    (
        [ENTRY, {**ENTRY, "reason": "  "}, {"place": "a"}],
        "Accepted findings in accepted have no reason (2, 3): write why each is accepted.",
    ),
]


@pytest.mark.parametrize(("entries", "sentence"), WRONG, ids=str)
def test_a_file_that_lacks_anything_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], entries: object, sentence: str
) -> None:
    assert run(capsys, entries) == (ExitCode.INCOMPLETE, f"kms-rule: {sentence}\n")


def test_a_byte_order_mark_before_the_entries_is_no_matter(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, f"\ufeff{json.dumps([ENTRY])}", "key.json")[0] == ExitCode.COMPLIANT


def test_a_file_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--accept", "nowhere.json", "key.json"]) == ExitCode.INCOMPLETE
    assert capsys.readouterr().err == (
        "kms-rule: The accepted findings in nowhere.json cannot be read (No such file or directory): give another "
        "file.\n"
    )


@pytest.mark.parametrize("format_name", ["table", "json", "sarif", "html"])
def test_every_format_shows_what_is_accepted_until_when_and_why(
    capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    code, printed = run(capsys, [ENTRY], "key.json", format_name=format_name)
    assert code == ExitCode.COMPLIANT
    for words in (REASON, LAST, "key.json", "does have open KMS permissions"):
        assert words in printed


def test_the_table_lists_what_is_accepted_and_counts_it_last(capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = run(capsys, [ENTRY], "key.json", "good.json", format_name="table")
    assert printed.splitlines()[-1] == "1 COMPLIANT  0 NON_COMPLIANT  1 accepted"
    assert f"Accepted until {LAST}: {REASON}" in printed


# --- the draft -------------------------------------------------------------------------------------------------------


def test_a_draft_has_what_fails_without_reasons_and_is_refused_until_somebody_writes_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", ".", "--write-accept", "draft"]) == ExitCode.NON_COMPLIANT
    drafted = json.loads(Path("draft").read_text(encoding="utf-8"))
    rest = {"scenario": OPEN, "reason": "", "until": "2027-02-26"}
    assert drafted == [{"place": "key.json", **rest}, {"resource": "Key", "place": "template.json", **rest}]
    assert main(["check", ".", "--accept", "draft"]) == ExitCode.INCOMPLETE
    assert "Accepted findings in draft have no reason (1, 2): write why each is accepted." in capsys.readouterr().err
    assert run(capsys, [{**entry, "reason": REASON} for entry in drafted], ".")[0] == ExitCode.COMPLIANT


def test_a_draft_beside_accepted_findings_has_only_the_others() -> None:
    write(Path.cwd(), "accepted", json.dumps([ENTRY]))
    assert main(["check", ".", "--accept", "accepted", "--write-accept", "draft"]) == ExitCode.NON_COMPLIANT
    assert [entry["place"] for entry in json.loads(Path("draft").read_text(encoding="utf-8"))] == ["template.json"]


def test_a_draft_replaces_no_file_since_its_reasons_would_be_lost(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path.cwd(), "accepted", "[]")
    assert main(["check", ".", "--write-accept", "accepted"]) == ExitCode.INCOMPLETE
    assert capsys.readouterr() == (
        "",
        "kms-rule: accepted is there already, and a draft would replace its reasons: give another file.\n",
    )
    assert Path("accepted").read_text(encoding="utf-8") == "[]"


def test_a_draft_that_cannot_be_written_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "key.json", "--format", "json", "--write-accept", "nowhere/draft"]) == ExitCode.INCOMPLETE
    out, err = capsys.readouterr()
    assert '"reason": ""' in out
    assert err.startswith("kms-rule: nowhere/draft cannot be written (No such file or directory), so the draft is on ")
