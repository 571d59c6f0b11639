from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDERS = sorted(path.name for path in PROJECT.glob("[!.]*/") if any(path.rglob("*.py")))
RUFF = Path(sys.executable).with_name("ruff")
SUPPRESSED = re.compile(r"# noqa: ([A-Z0-9, ]+)")
# A word that is not a secret, chance that is the same in each run of the tests, and commands that no shell reads.
EXEMPT = {"S105", "S311", "S603", "S607"}
INSECURE = {
    "S307": "eval(input())\n",
    "S501": "import requests\nrequests.get('x', verify=False, timeout=1)\n",
    "S602": "import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n",
    "S105": "password = 'otter'\n",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_ruff_s_security_rules_are_on(folder: str) -> None:
    found = {code: finding(folder, code, text) for code, text in INSECURE.items()}
    assert [code for code, output in found.items() if f" {code} " not in output] == []


def finding(folder: str, code: str, text: str) -> str:
    command = (RUFF, "check", "--output-format=concise", f"--stdin-filename={folder}/{code}.py", "-")
    result = subprocess.run(  # noqa: S603 - runs ruff, which stands beside this interpreter
        command, cwd=PROJECT, input=text, capture_output=True, text=True, check=False
    )
    return result.stdout


def test_no_file_is_exempt_from_a_security_rule_but_tests_from_the_one_on_asserts() -> None:
    lint = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    per_file = {code for codes in lint["per-file-ignores"].values() for code in codes}
    security = re.compile(r"S\d*")
    assert lint["select"] == ["ALL"]
    assert [code for code in lint["ignore"] if security.fullmatch(code)] == []
    assert {code for code in per_file if security.fullmatch(code)} == {"S101"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_a_line_is_exempt_from_is_known(folder: str) -> None:
    for path in (PROJECT / folder).rglob("*.py"):
        found = " ".join(SUPPRESSED.findall(path.read_text("utf-8")))
        assert set(re.findall(r"\bS\d+", found)) <= EXEMPT, path
