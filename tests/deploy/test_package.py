from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

from kms_rule import RULE_FOLDER, rule_modules
from kms_rule.commands.package import run, write_package
from kms_rule.errors import CommandError
from kms_rule.rule_package import zipped_rule

MODULES = [path.as_posix() for path in rule_modules()]
OTHER_FILES = (
    "AWSConfigRuleKMS_test.py",
    "parameters.json",
    "AWSConfigRuleKMS.zip",
    ".env",
    "least_privilege/notes.md",
    "least_privilege/__pycache__/text.cpython-313.pyc",
)


def built(folder: Path, target: Path) -> Path:
    write_package(zipped_rule(folder), target)
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rule's folder with more in it than belongs into the package."""
    folder = tmp_path / "rule"
    for name in (*MODULES, *OTHER_FILES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"# {name}\n".encode())
    return folder


def test_holds_the_modules_of_the_rule_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(RULE_FOLDER, tmp_path / "rule.zip")) as package:
        assert package.namelist() == MODULES
        assert {"AWSConfigRuleKMS.py", "AWSConfigRuleKMSPolicy.py", "least_privilege/__init__.py"} <= set(MODULES)
        for name in package.namelist():
            assert package.read(name) == (RULE_FOLDER / name).read_bytes()
        assert package.testzip() is None


def test_leaves_out_whatever_else_lies_in_the_folder(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built(folder, tmp_path / "rule.zip")) as package:
        assert package.namelist() == MODULES


def test_has_the_same_bytes_on_another_day_by_another_person(folder: Path, tmp_path: Path) -> None:
    first = built(folder, tmp_path / "first.zip").read_bytes()
    for name in MODULES:
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
        (folder / name).chmod(0o600)
    assert built(folder, tmp_path / "second.zip").read_bytes() == first


# The zip file of modules that hold nothing but `# their/name`, as every version of Python from 3.12 writes it.
HASH_OF_THREE_MODULES = "5e27251ae9bb309541acfa3258d1b4ee85a7049bc4bdd682c2ae57cab3694d92"


def test_has_the_same_bytes_with_every_python(tmp_path: Path) -> None:
    for name in ("AWSConfigRuleKMS.py", "AWSConfigRuleKMSPolicy.py", "least_privilege/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(f"# {name}\n".encode())
    assert hashlib.sha256(zipped_rule(tmp_path)).hexdigest() == HASH_OF_THREE_MODULES


def test_has_the_same_bytes_from_a_checkout_with_the_line_endings_of_windows(tmp_path: Path) -> None:
    def git(*arguments: str | Path) -> None:
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)  # noqa: S603, S607

    shutil.copytree(RULE_FOLDER, tmp_path / RULE_FOLDER.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RULE_FOLDER.parent / ".gitattributes", tmp_path)
    git("init")
    git("add", ".")
    shutil.rmtree(tmp_path / RULE_FOLDER.name)
    git("-c", "core.autocrlf=true", "checkout", "--", ".")
    assert zipped_rule(tmp_path / RULE_FOLDER.name) == zipped_rule()


def test_the_command_prints_the_hash_of_the_file_and_as_lambda_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "rule.zip"
    assert run(Namespace(output=target, templates=None)) == 0
    package = target.read_bytes()
    digest = hashlib.sha256(package)
    assert capsys.readouterr().out.splitlines() == [
        f"{target}: {len(package)} bytes",
        f"SHA-256: {digest.hexdigest()}",
        f"CodeSha256: {base64.b64encode(digest.digest()).decode()}",
    ]


def test_has_other_bytes_for_another_content(folder: Path, tmp_path: Path) -> None:
    first = built(folder, tmp_path / "first.zip").read_bytes()
    (folder / MODULES[1]).write_bytes(b"# changed\n")
    assert built(folder, tmp_path / "second.zip").read_bytes() != first


def test_is_readable_by_the_user_that_lambda_runs_as(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built(folder, tmp_path / "rule.zip")) as package:
        assert [oct(entry.external_attr >> 16) for entry in package.infolist()] == ["0o100644"] * len(MODULES)
        assert {entry.compress_type for entry in package.infolist()} == {zipfile.ZIP_STORED}


def test_replaces_an_older_package(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "rule.zip"
    target.write_bytes(b"older")
    assert built(folder, target) == target
    assert zipfile.is_zipfile(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rule", "rule.zip"]


@pytest.mark.parametrize("missing", ["AWSConfigRuleKMS.py", "AWSConfigRuleKMSPolicy.py", "least_privilege/__init__.py"])
def test_says_which_module_is_missing_and_leaves_the_older_package(folder: Path, tmp_path: Path, missing: str) -> None:
    target = tmp_path / "rule.zip"
    target.write_bytes(b"older")
    (folder / missing).unlink()
    with pytest.raises(CommandError) as caught:
        built(folder, target)
    assert str(caught.value) == (
        f"The module {folder / missing} cannot be read (No such file or directory): give the rule's "
        f"folder, which holds AWSConfigRuleKMS.py."
    )
    assert target.read_bytes() == b"older"


@pytest.mark.parametrize("unreadable", MODULES)
def test_says_which_module_cannot_be_read_and_leaves_the_older_package(
    folder: Path, tmp_path: Path, unreadable: str
) -> None:
    target = tmp_path / "rule.zip"
    target.write_bytes(b"older")
    (folder / unreadable).unlink()
    (folder / unreadable).mkdir()
    with pytest.raises(CommandError) as caught:
        built(folder, target)
    assert str(caught.value) == (
        f"The module {folder / unreadable} cannot be read (Is a directory): give the rule's folder, which holds "
        f"AWSConfigRuleKMS.py."
    )
    assert target.read_bytes() == b"older"


def test_says_that_the_folder_of_the_package_is_missing(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "rule.zip"
    with pytest.raises(CommandError) as caught:
        built(folder, target)
    assert str(caught.value) == (
        f"The package cannot be written to {target} (No such file or directory): give a file in a folder that exists "
        f"and that you may write to."
    )


def test_leaves_nothing_behind_where_a_folder_has_the_name_of_the_package(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "rule.zip"
    target.mkdir()
    with pytest.raises(CommandError, match=r"cannot be written to .*rule\.zip \(Is a directory\)"):
        built(folder, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rule", "rule.zip"]
    assert list(target.iterdir()) == []
