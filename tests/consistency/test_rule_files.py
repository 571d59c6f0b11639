"""Every list of the files that AWS Lambda runs is one list: what lies in the rule's folder.

A module that is in none of them would be deployed untested: not measured, not counted, not mutated. So what each list
says is compared with a walk through the folder, of the rule and of a copy to which modules have been added.
"""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path

import pytest

from dev.mutation.trials import modules_in
from kms_rule import RULE_FOLDER, rule_modules
from kms_rule.rule_package import zipped_rule
from tests.documents import PROJECT
from tests.e2e import test_deployed_package, test_rdk_path
from tests.policy import test_cost
from tests.rule import test_handler
from tests.rule.modules import MODULES

ADDED = "least_privilege/added.py"
ADDED_FOLDER = "stages/added.py"
NOT_RUN_BY_LAMBDA = {"AWSConfigRuleKMS_test.py", "parameters.json"}


def walked(folder: Path) -> set[str]:
    """Return the modules below a folder, but for tests, without a glob."""
    files = chain.from_iterable((Path(parent, name) for name in names) for parent, _, names in os.walk(folder))
    modules = (path for path in files if path.suffix == ".py" and not path.stem.endswith("_test"))
    return {path.relative_to(folder).as_posix() for path in modules}


def untold(listed: Iterable[str], folder: Path = RULE_FOLDER) -> dict[str, str]:
    """Return what is wrong with a list, by module: nothing where it has every module of the folder and no other."""
    names, there = set(listed), walked(folder)
    return {name: "is not there" if name in names else "is not listed" for name in names ^ there}


def without_code() -> set[str]:
    """Return the modules that have a docstring and no more, so that nothing in them can be mutated."""
    trees = {name: ast.parse((RULE_FOLDER / name).read_text("utf-8")) for name in walked(RULE_FOLDER)}
    return {name for name, tree in trees.items() if len(tree.body) == (ast.get_docstring(tree) is not None)}


def below(paths: Iterable[Path | str]) -> list[str]:
    return [Path(path).relative_to(RULE_FOLDER).as_posix() for path in paths]


# --- lists that are made for any folder ------------------------------------------------------------------------------


def by_glob(project: Path) -> list[str]:
    return [path.as_posix() for path in rule_modules(project / RULE_FOLDER.name)]


def in_package(project: Path) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(zipped_rule(project / RULE_FOLDER.name))) as package:
        return package.namelist()


def measured(project: Path) -> list[str]:
    """Ask coverage which files it would measure, had any of them run."""
    (project / "nothing.py").touch()
    shutil.copy(PROJECT / "pyproject.toml", project)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    for arguments in (("run", "nothing.py"), ("json", "-q", "-o", "measured.json")):
        subprocess.run(  # noqa: S603 - this interpreter, on a file without content
            [sys.executable, "-m", "coverage", arguments[0], "--rcfile=pyproject.toml", *arguments[1:]],
            cwd=project,
            env=environment,
            capture_output=True,
            check=False,
        )
    files: Mapping[str, object] = json.loads((project / "measured.json").read_text("utf-8"))["files"]
    return [Path(file).relative_to(RULE_FOLDER.name).as_posix() for file in files]


def in_wheel(project: Path) -> list[str]:
    """List the modules in the folders that setuptools takes for packages of the rule; it looks into none below them."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    [(package, folder)] = [item for item in settings["package-dir"].items() if item[1] == RULE_FOLDER.name]
    inner = [name.removeprefix(package) for name in settings["packages"] if f"{name}.".startswith(f"{package}.")]
    root = project / folder
    modules = chain.from_iterable(root.joinpath(*name.split(".")).glob("*.py") for name in inner)
    # RDK's tests come along.
    return [path.relative_to(root).as_posix() for path in modules if not path.stem.endswith("_test")]


FOLLOWING: Mapping[str, Callable[[Path], list[str]]] = {
    "the glob": by_glob,
    "the package for the templates": in_package,
    "coverage": measured,
    "the wheel": in_wheel,
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the rule's folder in it."""
    shutil.copytree(RULE_FOLDER, tmp_path / RULE_FOLDER.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def add(project: Path, module: str) -> Path:
    path = project / RULE_FOLDER.name / module
    path.parent.mkdir(exist_ok=True)
    path.write_text("ADDED = 1\n", encoding="utf-8")
    return project / RULE_FOLDER.name


@pytest.mark.parametrize("listed", FOLLOWING.values(), ids=list(FOLLOWING))
def test_a_list_has_every_module_of_the_folder_and_each_that_is_added(
    copy: Path, listed: Callable[[Path], list[str]]
) -> None:
    assert untold(listed(copy)) == {}
    folder = add(copy, ADDED)
    add(copy, "least_privilege/added_test.py")
    assert untold(listed(copy), folder) == {}
    assert ADDED in listed(copy)


@pytest.mark.parametrize("listed", [by_glob, in_package, measured])
def test_a_module_in_a_folder_of_its_own_is_listed_too(copy: Path, listed: Callable[[Path], list[str]]) -> None:
    folder = add(copy, ADDED_FOLDER)
    assert untold(listed(copy), folder) == {}


def test_a_folder_that_the_wheel_lacks_is_told(copy: Path) -> None:
    folder = add(copy, ADDED_FOLDER)
    assert untold(in_wheel(copy), folder) == {ADDED_FOLDER: "is not listed"}


# --- lists of the rule itself ----------------------------------------------------------------------------------------

OF_THE_RULE: Mapping[str, Iterable[str]] = {
    "the cost of judging": below(test_cost.FILES),
    "the tests of the rule": below(MODULES.values()),
    "the files that RDK uploads": set(test_deployed_package.FILES) - NOT_RUN_BY_LAMBDA,
    "the files that the post's way puts in place": set(test_rdk_path.MODULES) - NOT_RUN_BY_LAMBDA,
    "mutation": {
        *(path.relative_to(RULE_FOLDER).as_posix() for path in modules_in(RULE_FOLDER.parent).values()),
        *without_code(),
    },
}


@pytest.mark.parametrize("listed", OF_THE_RULE.values(), ids=list(OF_THE_RULE))
def test_a_list_has_every_module_of_the_rule(listed: Iterable[str]) -> None:
    assert untold(listed) == {}


@pytest.mark.parametrize("module", sorted(walked(RULE_FOLDER)))
def test_a_list_without_a_module_is_told(module: str) -> None:
    assert untold(walked(RULE_FOLDER) - {module}) == {module: "is not listed"}


def test_a_list_with_a_module_that_is_gone_is_told(copy: Path) -> None:
    assert untold([*walked(RULE_FOLDER), ADDED]) == {ADDED: "is not there"}
    assert untold(walked(RULE_FOLDER), add(copy, ADDED)) == {ADDED: "is not listed"}


# --- the values that cannot be changed -------------------------------------------------------------------------------


def dataclasses_of(module: Path) -> list[str]:
    """Return the names of the classes that a module decorates as dataclasses, read from its text."""
    classes = [node for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
    return [one.name for one in classes if any("dataclass" in ast.unparse(each) for each in one.decorator_list)]


@pytest.mark.parametrize("module", rule_modules(), ids=Path.as_posix)
def test_every_dataclass_of_every_module_is_tried_to_be_changed(module: Path) -> None:
    name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    tried = [value.__name__ for value in test_handler.VALUES if value.__module__ == name]
    assert sorted(tried) == sorted(dataclasses_of(RULE_FOLDER / module))


def test_there_are_dataclasses_in_most_modules() -> None:
    assert len({value.__module__ for value in test_handler.VALUES}) > len(rule_modules()) / 2
