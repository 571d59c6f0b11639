from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dev.commands_page import HEADING, PAGE, help_texts
from kms_rule.cli import FORMATS, main, parser
from kms_rule.help_texts import COMMANDS as HELP_TEXTS
from kms_rule.rule_package import code_sha256, zipped_rule
from tests.command.checking import EVERYTHING_OPEN, write

ROOT = Path(__file__).parents[2]
COMMANDS = ("scan", "check", "explain", "report", "package")
UNFORESEEN = (
    "kms-rule: It could not be finished, since kms-rule itself failed ({}): report it, with what 'kms-rule --debug' "
    "prints in addition.\n"
)
HEAVY = (
    "boto3",
    "botocore",
    "rich",
    "moto",
    "yaml",
    "AWSConfigRuleKMS",
    "least_privilege",
    "kms_rule.version",
    "zipfile",
)


def kms_rule(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom kms_rule.cli import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run(  # noqa: S603 - runs this interpreter on the code above
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_page_shows_the_help_word_for_word() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(HEADING + help_texts()), "Run python -m dev.commands_page."


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", ["60", "200"])
def test_help_says_what_a_command_does_with_two_examples_that_are_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    shown = capsys.readouterr().out
    texts = HELP_TEXTS[command]
    assert texts.description in " ".join(shown.split())
    examples = shown.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.strip() for line in examples] == [*texts.examples]
    for example in texts.examples:
        words = shlex.split(example.rpartition("| ")[2])
        assert words[0] == "kms-rule"
        assert parser().parse_args(words[1:]).command == command


def test_each_command_has_its_help() -> None:
    assert sorted(HELP_TEXTS) == sorted(COMMANDS)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    watch = f"import atexit; atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules]))"
    assert kms_rule(*filter(None, [command]), "--help", before=watch).stdout.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_project_with_the_hash_of_the_rule() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ended = kms_rule("--version")
    shown = f"kms-rule {project['version']}\nCodeSha256: {code_sha256(zipped_rule())}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, shown, "")


def test_the_version_of_a_damaged_installation_is_one_sentence(tmp_path: Path) -> None:
    for name in ("AWSConfigRuleKMS", "kms_rule"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "AWSConfigRuleKMS" / "AWSConfigRuleKMSPolicy.py").unlink()
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "kms_rule", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "AWSConfigRuleKMSPolicy.py cannot be read (No such file or directory)" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "x.json", "--parameter", "Admin"], "The parameter 'Admin' has no value: write it as NAME=VALUE."),
        (["check", "x.json", "--parameter", "Otter=1"], 'The rule parameter "Otter", given as "1", is unknown'),
        (["check", "x.json", "--parameter", "Admin_User_Id="], "The rule parameter Admin_User_Id is"),
        (
            ["check", "x.json", "--parameters", "no/such.json"],
            "no/such.json cannot be read (No such file or directory)",
        ),
        (["check", "x.json", "--parameters", "README.md"], "The parameters in README.md are not JSON"),
        (["check", "x.json", "--parameters", "dev/demo/security-otter-cmk.json"], "has no Parameters"),
    ],
)
def test_wrong_parameters_are_one_sentence(arguments: list[str], sentence: str) -> None:
    ended = kms_rule(*arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", "--aggregator", ""],
        ["scan", "--rule", " "],
        ["report", "--rule", ""],
        ["report", "--rule", "Keys", "--aggregator", ""],
        ["explain", "--key", ""],
    ],
)
def test_a_name_that_is_blank_is_not_taken_for_none(arguments: list[str]) -> None:
    ended = kms_rule(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(f"argument {arguments[-2]}: it is blank, so give a name\n")


def test_parameters_whose_lists_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"Parameters": {"InputParameters": {"Admin_User_Id": "AROAOTTER*"}}}', encoding="utf-8")
    ended = kms_rule("check", "x.json", "--parameters", str(file))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "The InputParameters in" in ended.stderr


def test_a_parameter_given_beside_the_file_replaces_the_one_in_it() -> None:
    policy = "dev/demo/security-otter-cmk.json"
    ended = kms_rule("explain", policy, "--alias", "alias/mine", "--parameter", "CMK_Whitelist=mine*")
    assert ended.returncode == 0
    assert "alias/mine matches mine*" in ended.stdout


# --- where standard output cannot be written -------------------------------------------------------------------------

PRINTING_FINDINGS = (
    *(["check", "key.json", "--format", format_name] for format_name in FORMATS),
    ["explain", "key.json"],
    ["explain", "key.json", "--format", "json"],
)
PRINTING_MORE = (["package"], ["--help"], ["check", "--help"], ["--version"])
NO_ROOM = "cannot be written (No space left on device): make room there, or"


def redirected(
    folder: Path, arguments: list[str], redirection: str, unbuffered: str = "", standard_output: int = subprocess.PIPE
) -> tuple[int, str, str]:
    """The exit code of the command in this folder, and what it wrote to standard output and error."""
    write(folder, "key.json", EVERYTHING_OPEN)
    ended = subprocess.run(  # noqa: S603 - runs this interpreter
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "kms_rule", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        stdout=standard_output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stdout or "", ended.stderr


@pytest.mark.parametrize(
    ("redirection", "unbuffered", "reason"),
    [("> /dev/full", "", NO_ROOM), ("> /dev/full", "1", NO_ROOM), (">&-", "", "is closed:")],
)
@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        *((arguments, "give --output FILE") for arguments in PRINTING_FINDINGS),
        *((arguments, "direct it elsewhere") for arguments in PRINTING_MORE),
    ],
)
def test_where_standard_output_cannot_be_written_one_sentence_says_so(
    tmp_path: Path, arguments: list[str], advice: str, redirection: str, unbuffered: str, reason: str
) -> None:
    sentence = f"kms-rule: Standard output {reason} {advice}.\n"
    assert redirected(tmp_path, arguments, redirection, unbuffered) == (2, "", sentence)


@pytest.mark.parametrize("redirection", ["> /dev/full 2>&1", ">&- 2>&-", "> /dev/full 2>&-"])
@pytest.mark.parametrize("arguments", [PRINTING_FINDINGS[0], ["--help"]])
def test_where_nothing_can_be_said_the_exit_code_is_still_right(
    tmp_path: Path, arguments: list[str], redirection: str
) -> None:
    assert redirected(tmp_path, arguments, redirection) == (2, "", "")


def test_a_sentence_for_a_closed_standard_error_is_not_among_the_findings(tmp_path: Path) -> None:
    assert redirected(tmp_path, ["check", "key.json", "--parameter", "Admin"], "2>&-") == (2, "", "")


@pytest.mark.parametrize("arguments", PRINTING_FINDINGS)
def test_who_writes_to_a_file_needs_no_standard_output(tmp_path: Path, arguments: list[str]) -> None:
    assert redirected(tmp_path, [*arguments, "--output", "out"], ">&-") == (1, "", "")
    assert redirected(tmp_path, [*arguments, "--output", "again"], "") == (1, "", "")
    if "html" not in arguments:  # which says at what time it was made
        assert (tmp_path / "out").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "out").stat().st_size == (tmp_path / "again").stat().st_size > 0


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", "cannot be written (No space left on device)"), (">&-", "is closed")],
)
@pytest.mark.parametrize(
    ("arguments", "lost"),
    [(["check", "key.json"], "the findings are"), (["explain", "key.json"], "the explanation is")],
)
def test_where_neither_the_file_nor_standard_output_can_be_written_one_sentence_names_both(
    tmp_path: Path, arguments: list[str], lost: str, redirection: str, reason: str
) -> None:
    sentence = (
        f"kms-rule: . cannot be written (Is a directory), and standard output {reason}, so {lost} lost: give a file in "
        "a folder that exists and that you may write to.\n"
    )
    assert redirected(tmp_path, [*arguments, "--output", "."], redirection) == (2, "", sentence)


@pytest.mark.parametrize(
    ("arguments", "broken"),
    [
        (["check", "--format", "table"], "kms_rule.formats.table.print_to"),
        (["check", "--format", "json"], "kms_rule.formats.json_format.pieces"),
        (["check", "--format", "sarif"], "kms_rule.formats.sarif.pieces"),
        (["check", "--format", "html"], "kms_rule.formats.html.page.render"),
        (["explain", "--format", "table"], "kms_rule.formats.explanation_table.print_to"),
        (["explain", "--format", "json"], "kms_rule.formats.explanation_json.render"),
    ],
)
def test_another_failure_is_one_sentence_that_does_not_call_it_one_of_standard_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    broken: str,
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, fail)
    assert main([*arguments, write(tmp_path, "key.json", EVERYTHING_OPEN)]) == 2
    assert capsys.readouterr() == ("", UNFORESEEN.format("OSError"))


@pytest.mark.parametrize("command", COMMANDS)
def test_what_nobody_foresaw_ends_every_command_with_2_and_shows_where_only_to_those_who_ask(command: str) -> None:
    fail = f"import kms_rule.commands.{command} as command\ncommand.run = lambda _arguments: [][0]"
    arguments = [command, *{"check": ["x.json"], "explain": ["x.json"], "report": ["--rule", "x"]}.get(command, [])]
    quiet, shown = kms_rule(*arguments, before=fail), kms_rule("--debug", *arguments, before=fail)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (2, "", UNFORESEEN.format("IndexError"))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "Traceback" in shown.stderr
    assert shown.stderr.endswith(f"IndexError: list index out of range\n{UNFORESEEN.format('IndexError')}")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["package"], ["explain", "key.json"]])
def test_a_reader_who_is_gone_ends_every_command_quietly(tmp_path: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert redirected(tmp_path, arguments, "", standard_output=writing) == (2, "", "")
    finally:
        os.close(writing)
