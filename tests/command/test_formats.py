"""How findings are shown: as a table, as JSON, in a file, and to a reader who stops reading."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kms_rule.cli import COMPLIANCES, FORMATS, main, parser
from kms_rule.errors import CommandError
from kms_rule.findings import Finding, Findings, Place, Unjudged
from kms_rule.formats import FORMATS_OF_FINDINGS, show, show_as_asked, table
from kms_rule.output import print_plainly, write_whole
from least_privilege.key import Facts, Key
from least_privilege.scenarios import SCENARIOS, Compliance
from tests.command.checking import (
    ADMINISTRATION,
    EVERYTHING_OPEN,
    PARAMETERS,
    USERS_MAY_USE,
    Json,
    judged,
    policy,
    statement,
    write,
)
from tests.command.key_policies import EXAMPLE_PARAMETERS

PROJECT = Path(__file__).parents[2]
DISABLED = Key("off", Facts(state="Disabled"))
HOSTILE = "[red]x[/red] [/] \x1b[31m \u202e \ud800 \r\n </script>"


def on(*keys: Key, place: Place | None = None, remarks: tuple[str, ...] = ()) -> Findings:
    findings = Findings(parameters=PARAMETERS)
    for key in keys:
        findings.add(judged(key, place or Place(f"{key.id}.json"), remarks))
    return findings


def key(name: str, content: Any, *aliases: str) -> Key:
    return Key(name, Facts(aliases, policy=json.dumps(content)))


def rendered(findings: Findings, format_name: str = "table") -> str:
    """The findings as they are written to a file."""
    module = import_module(f"kms_rule.formats.{FORMATS_OF_FINDINGS[format_name]}")
    if module is table:
        written = io.BytesIO()
        print_plainly(lambda console: table.print_to(console, findings), written)
        return written.getvalue().decode()
    return "".join(module.pieces(findings) if hasattr(module, "pieces") else [module.render(findings)])


def object_of(findings: Findings, capsys: pytest.CaptureFixture[str]) -> Json:
    show(findings, "json", None)
    content = json.loads(capsys.readouterr().out)
    assert isinstance(content, dict)
    return content


# --- the table -----------------------------------------------------------------------------------------------------


def rows(text: str) -> list[str]:
    """The first cell of each row that has one."""
    return [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│ ") and line[2] != " "]


def test_what_is_wrong_comes_first_and_the_totals_last() -> None:
    findings = on(key("good", USERS_MAY_USE), DISABLED, key("bad", EVERYTHING_OPEN), key("fine", USERS_MAY_USE))
    findings.unjudged.append(Unjudged(Place("broken.json", 2, 7), "It is not JSON: correct the file."))
    findings.remarks.append("empty.yaml: There is no KMS key in it.")
    text = rendered(findings)
    assert rows(text) == ["NON_COMPLIANT", "COMPLIANT", "COMPLIANT", "NOT_APPLICABLE"]
    assert text.splitlines()[-5:] == [
        "Not judged",
        "  broken.json:2:7: It is not JSON: correct the file.",
        "Remarks",
        "  empty.yaml: There is no KMS key in it.",
        "2 COMPLIANT  1 NON_COMPLIANT  1 NOT_APPLICABLE  1 not judged",
    ]


TOTALS = [
    (on(), "0 COMPLIANT  0 NON_COMPLIANT"),
    (on(key("good", USERS_MAY_USE)), "1 COMPLIANT  0 NON_COMPLIANT"),
    (on(key("bad", EVERYTHING_OPEN, "alias/a", "alias/b")), "0 COMPLIANT  2 NON_COMPLIANT"),
    (Findings(passed_over=1_950), "0 COMPLIANT  0 NON_COMPLIANT  1950 files passed over"),
]


@pytest.mark.parametrize(("findings", "totals"), TOTALS)
def test_the_last_line_counts_what_was_found(findings: Findings, totals: str) -> None:
    assert rendered(findings).splitlines()[-1] == totals


def test_a_row_says_which_key_where_and_what_the_rule_says_and_remarks_have_lines_of_their_own() -> None:
    findings = on(DISABLED, place=Place("a.yaml", 3, 5, "Off"), remarks=("One thing.", "Another."))
    cells = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in rendered(findings).splitlines() if "│" in line
    ]
    assert cells == [
        ["NOT_APPLICABLE", "off", "a.yaml:3:5 Off", "CMK off is disabled [scenario 1]"],
        ["", "", "", "One thing."],
        ["", "", "", "Another."],
    ]


ACCOUNT = "account 123456789012, us-east-1"
ARNS = "arn:aws:kms:us-east-1:123456789012:key/"


def live(*findings: Finding) -> list[Finding]:
    return [replace(each, place=Place(ACCOUNT, resource=f"{ARNS}{each.key_id}")) for each in findings]


def cells(text: str) -> list[list[str]]:
    """The cells of each line of a table, its titles among them."""
    return [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in text.splitlines() if line[0] in "│┃"]


def test_what_is_the_same_in_all_rows_stands_once_above_them() -> None:
    findings = on(DISABLED, Key("off-2", Facts(("alias/off",), state="Disabled")), remarks=("It is so.", "Why not."))
    findings.judged = live(*findings.judged)
    findings.judged[1] = replace(findings.judged[1], remarks=("It is so.",))
    text = rendered(findings)
    assert text.splitlines()[1:5] == [
        ACCOUNT,
        f"Places begin with {ARNS}",
        "Of each: It is so.",
        "Each is NOT_APPLICABLE",
    ]
    assert cells(text) == [
        ["Key", "Place", "What the rule says"],
        ["off", "off", "CMK off is disabled [scenario 1]"],
        ["", "", "Why not."],
        ["alias/off", "off-2", "CMK alias/off is disabled [scenario 1]"],
    ]


def test_a_place_that_the_key_itself_names_has_no_column() -> None:
    findings = Findings(live(*on(DISABLED, key("good", USERS_MAY_USE)).judged))
    assert cells(rendered(findings))[0] == ["Compliance", "Key", "What the rule says"]


def test_each_account_and_region_has_a_part_of_its_own() -> None:
    findings = Findings(live(*on(DISABLED).judged))
    elsewhere = Place("account 123456789012, eu-west-1", resource=f"{ARNS.replace('us-east-1', 'eu-west-1')}x")
    findings.judged += on(key("x", EVERYTHING_OPEN), place=elsewhere).judged
    lines = rendered(findings).splitlines()
    assert [line for line in lines if line.startswith("account")] == [ACCOUNT, elsewhere.source]
    assert rows("\n".join(lines)) == ["NOT_APPLICABLE", "NON_COMPLIANT"]


def listed(monkeypatch: pytest.MonkeyPatch, findings: Findings, columns: int = 99) -> list[str]:
    """The lines on the keys, as a list shows them that is so wide."""
    monkeypatch.setenv("COLUMNS", str(columns))
    return [line for line in rendered(findings).splitlines()[1:-1] if not line.startswith("Judged")]


def test_a_narrow_line_gets_a_list_as_compilers_print_it(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = on(DISABLED, place=Place("a.yaml", 3, 5, "Off"), remarks=("One thing.",))
    findings.judged += on(Key("Off", Facts(state="Disabled")), place=Place("b.yaml", 7, 9, "Off")).judged
    assert listed(monkeypatch, findings) == [
        "a.yaml:3:5: NOT_APPLICABLE off (Off): CMK off is disabled [scenario 1]",
        "    One thing.",
        "b.yaml:7:9: NOT_APPLICABLE Off: CMK Off is disabled [scenario 1]",
    ]


def test_a_list_of_an_account_names_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = on(Key("1234", Facts(("alias/off",), state="Disabled")), DISABLED)
    findings.judged = live(*findings.judged)
    assert listed(monkeypatch, findings) == [
        ACCOUNT,
        f"Places begin with {ARNS}",
        "1234: NOT_APPLICABLE alias/off: CMK alias/off is disabled [scenario 1]",
        "off: NOT_APPLICABLE off: CMK off is disabled [scenario 1]",
    ]


@pytest.mark.parametrize("columns", [20, 80, 99, 100, 120, 160, 400])
@pytest.mark.parametrize("length", [1, 30, 250])
def test_no_place_and_no_name_is_ever_broken_or_cut(monkeypatch: pytest.MonkeyPatch, columns: int, length: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    name, place = f"alias/{'otter' * length}"[:256], Place(f"{'folder/' * length}鍵.yaml", 3, 5, "Key")
    lines = rendered(on(key("bad", EVERYTHING_OPEN, name), place=place)).splitlines()
    [line] = [line for line in lines if "NON_COMPLIANT" in line and "0 COMPLIANT" not in line]
    assert f" {name} " in line or f" {name} (Key): " in line
    assert f" {place} " in line or line.startswith(f"{place.position}: ")


@pytest.mark.parametrize(("columns", "is_table"), [("", True), ("100", True), ("99", False), ("0", True), ("x", True)])
@pytest.mark.parametrize("to_file", [False, True])
def test_the_width_that_columns_gives_counts_without_a_terminal(
    tmp_path: Path, *, columns: str, is_table: bool, to_file: bool
) -> None:
    write(tmp_path, "key.json", USERS_MAY_USE)
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "kms_rule", "check", "key.json", *(["--output", "out"] if to_file else [])],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": columns, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    shown = (tmp_path / "out").read_text(encoding="utf-8") if to_file else ended.stdout
    assert ("What the rule says" in shown) == is_table
    assert ("\nkey.json: COMPLIANT key.json: in Key Policy " in re.sub(r":\d+:\d+", "", shown)) != is_table


def test_on_a_terminal_lines_end_where_words_do_and_never_within_a_place() -> None:
    place = Place(f"my folder/{'otter beaver/' * 9}a.yaml", 3, 5, "Key")
    findings = on(key("bad", EVERYTHING_OPEN), place=place)
    findings.judged += on(key("worse", EVERYTHING_OPEN), place=Place("a.yaml")).judged
    findings.unjudged.append(Unjudged(place, "It is empty: name another file."))
    written = io.StringIO()
    table.print_to(Console(file=written, width=80, force_terminal=True, color_system=None), findings)
    lines = written.getvalue().splitlines()
    [first] = [line for line in lines if line.startswith(f"{place.position}: NON_COMPLIANT bad (Key): ")]
    assert lines[lines.index(first) + 1].startswith("    ")
    start = lines.index("a.yaml: NON_COMPLIANT worse: in Key Policy for worse, statement does have open")
    assert lines[start + 1].startswith("    KMS permissions and CMK is not whitelisted [")
    assert any(line.startswith(f"  {place}: It") for line in lines)
    assert all(len(line) <= 80 or "my folder" in line for line in lines)


LETTERS = [
    ("schlüssel/鍵.json", "utf-8", "schlüssel/鍵.json"),
    ("schlüssel/鍵.json", "latin-1", "schlüssel/\\u9375.json"),
    ("schlüssel/鍵.json", "ascii", "schl\\u00fcssel/\\u9375.json"),
    ("e\u0301.json", "utf-8", "e\u0301.json"),
    ("a\u202eb\u200fc\u2066.json", "utf-8", "a\\u202eb\\u200fc\\u2066.json"),
    ("\u05d0\u0661.json", "utf-8", "\\u05d0\\u0661.json"),
    ("a\u00a0b\u3164c\ufe0fd", "utf-8", "a\\u00a0b\\u3164c\\ufe0fd"),
    ("\U0001f511\x1b[31m\n", "utf-8", "\U0001f511\\u001b[31m\\n"),
    ("\U0001f511", "cp1252", "\\ud83d\\udd11"),
    ("\udcff", "utf-8", "\\udcff"),
]


@pytest.mark.parametrize(("name", "encoding", "shown"), LETTERS)
def test_letters_are_shown_where_the_terminal_has_them_and_what_hides_or_turns_text_is_not(
    name: str, encoding: str, shown: str
) -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    findings = Findings(unjudged=[Unjudged(Place(name), "It is empty.")], remarks=[name])
    findings.judged = on(DISABLED, place=Place(name, 1, 2)).judged
    table.print_to(Console(file=written, width=99), findings)
    written.flush()
    lines = written.buffer.getvalue().decode(encoding).splitlines()
    assert lines[0].startswith(f"{shown}:1:2: NOT_APPLICABLE ")
    assert lines[2] == f"  {shown}: It is empty."
    assert lines[4] == f"  {shown}"


def test_a_file_with_other_letters_is_named_by_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(tmp_path, "schlüssel.json", USERS_MAY_USE)
    assert main(["check", name]) == 0
    assert "schlüssel.json" in capsys.readouterr().out


def test_a_long_sentence_about_what_was_not_judged_stays_on_one_line() -> None:
    reason = f"It {'really ' * 40}is empty."
    assert f"  a.json: {reason}" in rendered(Findings(unjudged=[Unjudged(Place("a.json"), reason)])).splitlines()


def test_texts_from_outside_stay_text(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = Key(HOSTILE, Facts((HOSTILE,), policy=json.dumps(policy(statement("kms:*", Sid=HOSTILE)))))
    findings = on(hostile, place=Place(HOSTILE, 1, 1, HOSTILE), remarks=(HOSTILE,))
    findings.unjudged.append(Unjudged(Place(HOSTILE), HOSTILE))
    findings.remarks.append(HOSTILE)
    show(findings, "table", None)
    printed = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in printed)
    lines = printed.splitlines()
    shown = "[red]x[/red] [/] \\u001b[31m \\u202e \\ud800 \\r\\n </script>"
    assert lines[-2] == f"  {shown}"
    assert lines[-4] == f"  {shown}: {shown}"


@given(st.text(), st.sampled_from(["table", "json", "sarif", "html"]))
def test_every_text_can_be_shown_in_every_format(text: str, format_name: str) -> None:
    findings = on(Key(text, Facts(policy=text)), place=Place(text, 1, 2, text), remarks=(text,))
    findings.unjudged.append(Unjudged(Place(text), text))
    findings.remarks.append(text)
    assert rendered(findings, format_name).encode()


# --- the object for programs -----------------------------------------------------------------------------------------

NOT_JUDGED = [
    {
        "statement": 1,
        "sid": "Use",
        "text": "names everybody in every AWS account as its Principal.",
    },
    {
        "statement": 2,
        "sid": "Change",
        "text": "names everybody in every AWS account as its Principal.",
    },
    {
        "statement": 2,
        "sid": "Change",
        "text": "lets everybody make grants (kms:CreateGrant), and the rule does not read grants.",
    },
]


def test_programs_get_everything_about_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    content = policy(USERS_MAY_USE["Statement"][0], statement(ADMINISTRATION, Sid="Change"))
    findings = on(key("key-1", content, "alias/x"), place=Place("a.yaml", 3, 5, "Key"), remarks=("One thing.",))
    assert object_of(findings, capsys) == {
        "version": 1,
        "summary": {
            "COMPLIANT": 0,
            "NON_COMPLIANT": 1,
            "NOT_APPLICABLE": 0,
            "accepted": 0,
            "unjudged": 0,
            "passedOver": 0,
            "exitCode": 1,
        },
        "parameters": EXAMPLE_PARAMETERS,
        "findings": [
            {
                "id": "alias/x",
                "keyId": "key-1",
                "aliases": ["alias/x"],
                "compliance": "NON_COMPLIANT",
                "scenario": {"name": "no-user-condition-not-compliant", "number": None},
                "annotation": "in Key Policy for alias/x, statement does not limit its users: add StringLike on "
                'aws:userId ["Change" (kms:Create*, kms:Delete*, kms:Put*)]',
                "place": {"source": "a.yaml", "line": 3, "column": 5, "resource": "Key"},
                "statements": [{"number": 2, "sid": "Change"}],
                "remarks": ["One thing."],
                "notJudged": NOT_JUDGED,
                "recorded": None,
            }
        ],
        "accepted": [],
        "unjudged": [],
        "remarks": [],
    }


def test_the_object_says_with_which_parameters_files_were_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", write(tmp_path, "key.json", USERS_MAY_USE), "--format", "json", "--parameter", "CMK_Whitelist=fox"])
    assert json.loads(capsys.readouterr().out)["parameters"]["CMK_Whitelist"] == ["fox"]


def test_programs_get_what_could_not_be_judged_and_the_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place("broken.json", 2, 7)
    content = object_of(Findings(unjudged=[Unjudged(place, "It is empty.")], remarks=["Nothing."]), capsys)
    assert content["unjudged"] == [
        {"place": {"source": "broken.json", "line": 2, "column": 7, "resource": ""}, "reason": "It is empty."}
    ]
    assert content["remarks"] == ["Nothing."]
    assert content["parameters"] is None
    assert content["summary"]["unjudged"] == 1
    assert content["summary"]["exitCode"] == 2


def test_a_result_that_aws_config_holds_says_when_it_was_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    [scenario] = [each for each in SCENARIOS if each.number == 3]
    recorded = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)
    held = Finding(Place("account 1"), "alias/x", "x", scenario, "As it stands there", recorded=recorded)
    [finding] = object_of(Findings([held]), capsys)["findings"]
    assert finding["recorded"] == "2026-03-09T07:05:00+00:00"
    assert finding["annotation"] == "As it stands there"
    assert finding["compliance"] == Compliance.NON_COMPLIANT


def test_the_page_names_each_field_and_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    page = (PROJECT / "docs" / "checking.md").read_text(encoding="utf-8")
    [described] = re.findall(r"^## Formats\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    findings = on(key("key-1", EVERYTHING_OPEN))
    findings.unjudged.append(Unjudged(Place("broken.json"), "It is empty."))
    names = {*names_in({**object_of(findings, capsys), "parameters": None}), *FORMATS}
    assert {name for name in names if f"`{name}`" not in described} == set()


def names_in(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield name
            yield from names_in(value)
    if isinstance(content, list):
        for each in content:
            yield from names_in(each)


# --- what is not to be shown ---------------------------------------------------------------------------------------


def of_each_kind(*, come: bool) -> Findings:
    """Findings of every compliance type, and something that was not judged; they come, or are kept."""
    findings = on(key("bad", EVERYTHING_OPEN), key("good", USERS_MAY_USE), DISABLED, place=Place("account 1"))
    findings.unjudged.append(Unjudged(Place("broken.json"), "It is empty."))
    findings.remarks.append("Something else.")
    if come:
        findings.judged, findings.coming = [], iter(findings.judged)
    return findings


def asked(*options: str, format_name: str = "table") -> argparse.Namespace:
    return parser().parse_args(["scan", *options, "--format", format_name])


@pytest.mark.parametrize("come", [False, True])
def test_only_some_results_are_shown_and_all_are_counted(capsys: pytest.CaptureFixture[str], *, come: bool) -> None:
    findings = of_each_kind(come=come)
    show_as_asked(findings, asked("--only", "NON_COMPLIANT", "--only", "NOT_APPLICABLE"))
    text = capsys.readouterr().out
    assert rows(text) == ["NON_COMPLIANT", "NOT_APPLICABLE"]
    assert text.splitlines()[-6:] == [
        "Not judged",
        "  broken.json: It is empty.",
        "Remarks",
        "  Something else.",
        "  Of the results, only those that are NON_COMPLIANT and NOT_APPLICABLE are shown; the totals count all.",
        "1 COMPLIANT  1 NON_COMPLIANT  1 NOT_APPLICABLE  1 not judged",
    ]


@pytest.mark.parametrize("come", [False, True])
def test_programs_get_only_some_findings_and_a_summary_of_all(
    capsys: pytest.CaptureFixture[str], *, come: bool
) -> None:
    show_as_asked(of_each_kind(come=come), asked("--only", "COMPLIANT", format_name="json"))
    content = json.loads(capsys.readouterr().out)
    assert [finding["id"] for finding in content["findings"]] == ["good"]
    assert [content["summary"][each] for each in COMPLIANCES] == [1, 1, 1]
    assert len(content["unjudged"]) == 1


def test_the_totals_of_the_page_count_what_it_does_not_list(capsys: pytest.CaptureFixture[str]) -> None:
    show_as_asked(of_each_kind(come=True), asked("--only", "COMPLIANT", format_name="html"))
    page = capsys.readouterr().out
    assert re.search(r"<b>1</b> <span>NON_COMPLIANT</span>", page)
    assert "CMK off is disabled" not in page


@pytest.mark.parametrize("columns", ["80", "160"])
def test_quiet_shows_nothing_but_what_fails_or_could_not_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    good, broken = write(tmp_path, "good.json", USERS_MAY_USE), write(tmp_path, "broken.json", '{"Statement"')
    assert main(["check", good, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["check", good, write(tmp_path, "bad.json", EVERYTHING_OPEN), broken, "--quiet"]) == 2
    out = capsys.readouterr().out
    assert "Judged with" not in out
    assert "good.json" not in out
    assert "NON_COMPLIANT" in out
    assert out.splitlines()[-2] == "Not judged"
    assert out.splitlines()[-1].startswith(f"  {broken}:1:")


def test_the_compliance_types_are_those_of_the_rule() -> None:
    assert {*COMPLIANCES} == {*Compliance}


# --- findings that come while they are shown -------------------------------------------------------------------------


def coming(number: int, told: list[str]) -> Findings:
    """Findings that come one by one, each of which is told when it does, and what could not be judged at the end."""
    findings = Findings(parameters=PARAMETERS)

    def each() -> Iterator[Finding]:
        for count in range(number):
            told.append(f"key-{count}")
            content = EVERYTHING_OPEN if count % 2 else USERS_MAY_USE
            yield from judged(key(f"key-{count}", content), Place(f"account 12345678901{count % 3}, us-east-1"))
        findings.unjudged.append(Unjudged(Place("account 1"), "It is empty."))

    findings.coming = each()
    return findings


def kept(findings: Findings) -> Findings:
    judged_now = [*findings.each()]
    return Findings(judged_now, findings.unjudged, findings.remarks, parameters=findings.parameters)


@pytest.mark.parametrize("format_name", ["json", "sarif"])
@pytest.mark.parametrize("number", [0, 1, 3, 450])
def test_programs_get_the_same_whether_findings_are_kept_or_come(format_name: str, number: int) -> None:
    one_by_one = rendered(coming(number, []), format_name)
    at_once = rendered(kept(coming(number, [])), format_name)
    assert one_by_one == at_once
    assert one_by_one == f"{json.dumps(json.loads(one_by_one), indent=2)}\n"


@pytest.mark.parametrize("format_name", ["json", "sarif"])
def test_each_finding_is_written_before_the_next_is_asked_for(format_name: str) -> None:
    told: list[str] = []
    module = import_module(f"kms_rule.formats.{FORMATS_OF_FINDINGS[format_name]}")
    for piece in module.pieces(coming(20, told)):
        named = [name for name in re.findall(r"key-\d+", piece) if name != told[-1]]
        assert named == []
    assert len(told) == 20


def test_the_table_has_a_part_for_each_account_and_counts_all() -> None:
    findings = coming(7, [])
    text = rendered(findings)
    assert text.count("What the rule says") == 7
    assert text.splitlines()[-3:] == ["Not judged", "  account 1: It is empty.", TOTAL_OF_SEVEN]
    assert [line for line in text.splitlines() if line.startswith("account")][:2] == [
        "account 123456789010, us-east-1",
        "account 123456789011, us-east-1",
    ]
    assert findings.exit_code == 2


def test_in_a_part_of_the_table_what_is_wrong_comes_first() -> None:
    findings = Findings()
    findings.coming = iter(on(key("good", USERS_MAY_USE), key("bad", EVERYTHING_OPEN), place=Place("account 1")).judged)
    assert rows(rendered(findings)) == ["NON_COMPLIANT", "COMPLIANT"]
    assert findings.exit_code == 1


TOTAL_OF_SEVEN = "4 COMPLIANT  3 NON_COMPLIANT  1 not judged"


@pytest.mark.parametrize("format_name", ["table", "json", "sarif"])
def test_a_file_that_breaks_off_says_that_what_has_come_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, format_name: str
) -> None:
    class Full(io.FileIO):
        def write(self, content: Any) -> int:
            if b"key-" in bytes(content):
                refuse()
            return len(content)

    opened = Path.open
    # Rich reads files of its own meanwhile.
    monkeypatch.setattr(Path, "open", lambda path, mode="r": Full(path, mode) if mode == "xb" else opened(path, mode))
    with pytest.raises(
        CommandError, match=r"cannot be written \(No space left on device\), so the findings are lost: "
    ):
        show(coming(1000, []), format_name, tmp_path / "out")
    assert capsys.readouterr().out == ""
    assert [*tmp_path.iterdir()] == []


def test_findings_that_have_not_come_yet_are_printed_where_the_file_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="so the findings are on standard output"):
        show(coming(3, []), "json", tmp_path / "no" / "folder")
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 3


# --- where it goes ---------------------------------------------------------------------------------------------------

OPENINGS = {
    "table": "Judged with CMK_Whitelist = ",
    "json": '{\n  "version": 1',
    "sarif": '{\n  "$schema"',
    "html": "<!doctype html>",
}


@pytest.mark.parametrize("format_name", FORMATS)
def test_each_format_is_printed_and_written_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    source, output = write(tmp_path, "key.json", EVERYTHING_OPEN), tmp_path / "out"
    assert main(["check", source, "--format", format_name]) == 1
    printed = capsys.readouterr().out
    assert main(["check", source, "--format", format_name, "--output", str(output)]) == 1
    assert capsys.readouterr() == ("", "")
    written = output.read_text(encoding="utf-8")
    assert written.startswith(OPENINGS[format_name])
    if format_name != "html":  # which says at what time it was made
        assert written == printed
    assert printed.startswith(OPENINGS[format_name])


ENDINGS = {
    "out.json": "json",
    "out.sarif": "sarif",
    "out.sarif.json": "sarif",
    "OUT.HTML": "html",
    "out.htm": "html",
    "out.txt": "table",
    "json": "table",
}


@pytest.mark.parametrize(("name", "format_name"), ENDINGS.items())
def test_the_format_follows_from_the_ending_of_the_file(tmp_path: Path, name: str, format_name: str) -> None:
    assert main(["check", write(tmp_path, "key.json", EVERYTHING_OPEN), "--output", str(tmp_path / name)]) == 1
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(OPENINGS[format_name])


def test_a_format_that_is_given_is_taken_whatever_the_ending_says(tmp_path: Path) -> None:
    source, output = write(tmp_path, "key.json", EVERYTHING_OPEN), tmp_path / "out.html"
    assert main(["check", source, "--format", "json", "--output", str(output)]) == 1
    assert output.read_text(encoding="utf-8").startswith(OPENINGS["json"])


def test_a_hyphen_stands_for_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", write(tmp_path, "key.json", EVERYTHING_OPEN), "--format", "sarif", "--output", "-"]) == 1
    assert capsys.readouterr().out.startswith(OPENINGS["sarif"])
    assert [each.name for each in tmp_path.iterdir()] == ["key.json"]


def test_the_command_takes_every_format_that_there_is() -> None:
    assert list(FORMATS_OF_FINDINGS) == list(FORMATS)


def test_a_format_is_loaded_only_when_it_is_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys; from kms_rule.cli import main; "
        f"main(['check', {write(tmp_path, 'key.json', USERS_MAY_USE)!r}, '--format', 'json']); "
        "print([name for name in sys.modules if name.startswith('rich') or name.endswith(('.html', '.sarif'))])"
    )
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("format_name", FORMATS)
def test_findings_that_cannot_be_written_are_printed_and_nothing_is_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    source, output = write(tmp_path, "key.json", USERS_MAY_USE), tmp_path / "folder"
    output.mkdir()
    assert main(["check", source, "--format", format_name, "--output", str(output)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith(OPENINGS[format_name])
    assert err == (
        f"kms-rule: {output} cannot be written (Is a directory), so the findings are on standard output: give a file "
        "in a folder that exists and that you may write to.\n"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "key.json"]


def refuse(*_arguments: object) -> None:
    raise OSError(28, "No space left on device")


def interrupt(*_arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["open", "replace"])
@pytest.mark.parametrize(("fault", "raised"), [(refuse, OSError), (interrupt, KeyboardInterrupt)])
def test_a_file_is_written_whole_or_stays_as_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    fault: Callable[..., None],
    raised: type[BaseException],
) -> None:
    target = tmp_path / "out"
    target.write_text("before")

    class Partly(io.FileIO):
        def write(self, content: Any) -> int:
            super().write(content[:3])
            fault()
            return len(content)

    def opened(path: Path, mode: str) -> Partly:
        return Partly(path, mode)

    faults: dict[str, Callable[..., object]] = {"open": opened, "replace": fault}
    with monkeypatch.context() as patched:
        patched.setattr(Path, method, faults[method])
        with pytest.raises(raised) as caught:
            write_whole(b"something else", target)
    assert caught.traceback[-1].name == fault.__name__
    assert target.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_what_is_there_under_the_name_of_the_part_is_neither_written_to_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.write_text("of somebody else")
    (tmp_path / "out.0.partial").symlink_to(other)
    monkeypatch.setattr("kms_rule.output.token_hex", lambda _size: "0")
    with pytest.raises(FileExistsError):
        write_whole(b"content", tmp_path / "out")
    assert (tmp_path / "out.0.partial").read_text() == "of somebody else"


def test_the_name_of_the_part_cannot_be_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda partial, _target: names.add(partial.name))
        for _ in range(3):
            write_whole(b"content", tmp_path / "out")
    assert len(names) == 3


def test_a_link_goes_on_pointing_to_the_file_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link", tmp_path / "there" / "file"
    link.symlink_to(file)
    write_whole(b"once", link)
    write_whole(b"twice", link)
    assert link.is_symlink()
    assert file.read_bytes() == b"twice"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(b"content", pipe)
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_reader_who_stops_reading_ends_the_command_quietly(tmp_path: Path, format_name: str, unbuffered: str) -> None:
    # More than a pipe holds, so that the command is still writing when its reader is gone.
    for number in range(200):
        write(tmp_path, f"{number}.json", EVERYTHING_OPEN)
    command = [sys.executable, "-m", "kms_rule", "check", str(tmp_path), "--format", format_name]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 2


@pytest.mark.parametrize("format_name", FORMATS)
def test_where_nobody_reads_a_short_output_the_command_ends_quietly(tmp_path: Path, format_name: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kms_rule", "check", write(tmp_path, "key.json", USERS_MAY_USE)]
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [*command, "--format", format_name],
        cwd=PROJECT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (2, b"")


def test_an_interruption_while_findings_are_shown_ends_in_one_sentence(tmp_path: Path) -> None:
    # More than a pipe holds, so that the command is still writing when it is interrupted.
    for number in range(200):
        write(tmp_path, f"{number}.json", EVERYTHING_OPEN)
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "kms_rule", "check", str(tmp_path), "--format", "sarif"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.read(10)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert err == b"kms-rule: Interrupted before everything was shown: run it again.\n"
    assert process.returncode == 2
