from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("scan", "check", "explain", "report", "demo", "package")
HEAVY = ("boto3", "botocore", "rich", "moto", "cfnlint", "AWSConfigRuleKMS")


def kms_rule(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom kms_rule.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run(  # noqa: S603 - runs this interpreter on the code above
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_readme_shows_the_help_word_for_word(command: str) -> None:
    arguments = [*filter(None, [command]), "--help"]
    shown = textwrap.indent(kms_rule(*arguments).stdout, "    ")
    asked = f"    $ kms-rule {' '.join(arguments)}\n"
    assert asked + shown in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    watch = f"import atexit; atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules]))"
    assert kms_rule(*filter(None, [command]), "--help", before=watch).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "missing", "sentence"),
    [
        (
            ["demo"],
            "moto",
            "kms-rule: The demonstration needs moto.backends, which is not installed: pip install 'kms-rule[demo]'.\n",
        ),
    ],
)
def test_what_is_not_installed_is_one_sentence(arguments: list[str], missing: str, sentence: str) -> None:
    ended = kms_rule(
        *arguments, before=f"sys.modules[{missing!r}] = None; sys.modules[{missing + '.backends'!r}] = None"
    )
    assert (ended.returncode, ended.stderr) == (2, sentence)


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
        (["check", "x.json", "--parameters", "kms_rule/security-otter-cmk.json"], "has no Parameters"),
    ],
)
def test_wrong_parameters_are_one_sentence(arguments: list[str], sentence: str) -> None:
    ended = kms_rule(*arguments)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_parameters_whose_lists_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"Parameters": {"InputParameters": {"Admin_User_Id": "AROAOTTER*"}}}', encoding="utf-8")
    ended = kms_rule("check", "x.json", "--parameters", str(file))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "The InputParameters in" in ended.stderr


def test_a_parameter_given_beside_the_file_replaces_the_one_in_it() -> None:
    policy = "kms_rule/security-otter-cmk.json"
    ended = kms_rule("explain", policy, "--alias", "alias/mine", "--parameter", "CMK_Whitelist=mine*")
    assert ended.returncode == 0
    assert "alias/mine matches mine*" in ended.stdout
