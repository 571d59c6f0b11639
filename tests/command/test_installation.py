from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("AWSConfigRuleKMS", "dev", "kms_rule", "README.md", "pyproject.toml")


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - runs pip, and the command that it installed
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the project into an environment of its own, which finds what it depends on in this one."""
    folder = tmp_path_factory.mktemp("installed")
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.zip"))
        else:
            shutil.copy(ROOT / name, source / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)  # noqa: S603 - this one
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + os.linesep, encoding="utf-8")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-index")
    python = environment / "bin" / "python"
    ended = run(sys.executable, "-m", "pip", "--python", python, "install", *options, source, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return environment


def test_the_command_is_installed(installed: Path) -> None:
    ended = run(installed / "bin" / "kms-rule", "--help", folder=installed)
    assert ended.stdout.startswith("usage: kms-rule [-h] [--version] COMMAND ...")


def test_the_installed_command_knows_its_version(installed: Path) -> None:
    ended = run(installed / "bin" / "kms-rule", "--version", folder=installed)
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (ended.returncode, ended.stdout) == (0, f"kms-rule {described['project']['version']}\n")


def test_the_rule_s_folder_is_installed_and_nothing_else_with_it(installed: Path) -> None:
    folder = installed / "share" / "kms-rule" / "AWSConfigRuleKMS"
    assert {file.name for file in folder.iterdir() if file.is_file()} == {
        "AWSConfigRuleKMS.py",
        "AWSConfigRuleKMSPolicy.py",
        "AWSConfigRuleKMS_test.py",
        "parameters.json",
    }


def test_the_developers_tools_are_not_installed(installed: Path) -> None:
    python = installed / "bin" / "python"
    code = "from importlib.metadata import files; print(*sorted({file.parts[0] for file in files('kms-rule')}))"
    folders = run(python, "-c", code, folder=installed).stdout.split()
    assert "kms_rule" in folders
    assert "dev" not in folders


@pytest.mark.parametrize("format_name", ["table", "json", "sarif", "html"])
def test_every_format_is_installed_and_the_rule_s_own_parameters_are_found(installed: Path, format_name: str) -> None:
    shutil.copy(ROOT / "dev" / "demo" / "security-otter-cmk.json", installed / "key.json")
    ended = run(installed / "bin" / "kms-rule", "check", "key.json", "--format", format_name, folder=installed)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "SecurityOtterCMK" in ended.stdout or "key.json" in ended.stdout
