"""What the Terraform modules say of themselves, and that their inputs are the templates' parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.routes import variable
from tests.deploy.templates import MEMBER_ROLE, RULE, read
from tests.deploy.terraform import EXAMPLE, MEMBER_ROLE_MODULE, MODULES, RULE_MODULE
from tests.deploy.terraform_docs import BEGIN, END, blocks, documentation

PAIRS = ((RULE, RULE_MODULE), (MEMBER_ROLE, MEMBER_ROLE_MODULE))
NAMES = ("rule", "member-role")
# Terraform uploads the package itself, so needs no bucket.
ONLY_IN_TEMPLATES = {"code_bucket", "code_key"}
ONLY_IN_MODULES = {"package_file"}
# What the module returns for other modules.
ONLY_RETURNED_BY_MODULES = {"member_role_name"}
BLANK = ("", None)


@pytest.mark.parametrize("module", [RULE_MODULE, MEMBER_ROLE_MODULE], ids=NAMES)
def test_its_readme_says_what_its_files_declare(module: Path) -> None:
    written = (module / "README.md").read_text("utf-8")
    assert documentation(module) == BEGIN + written.partition(BEGIN)[2].partition(END)[0] + END


@pytest.mark.parametrize("module", [RULE_MODULE, MEMBER_ROLE_MODULE], ids=NAMES)
def test_it_has_no_provider_of_its_own_so_that_it_may_be_repeated(module: Path) -> None:
    assert not [path for path in module.glob("*.tf") if 'provider "' in path.read_text("utf-8")]


@pytest.mark.parametrize(("template", "module"), PAIRS, ids=NAMES)
def test_it_has_the_parameters_of_the_template(template: Path, module: Path) -> None:
    of_template = {variable(name) for name in read(template)["Parameters"]}
    of_module = {block.name for block in blocks(module, "variable")}
    assert of_template - of_module == (ONLY_IN_TEMPLATES if module == RULE_MODULE else set())
    assert of_module - of_template == (ONLY_IN_MODULES if module == RULE_MODULE else set())


@pytest.mark.parametrize(("template", "module"), PAIRS, ids=NAMES)
def test_its_defaults_are_those_of_the_template(template: Path, module: Path) -> None:
    declared = {block.name: block.attributes for block in blocks(module, "variable")}
    for name, parameter in read(template)["Parameters"].items():
        if variable(name) in declared:
            assert default_of(declared[variable(name)]) == as_text(parameter.get("Default", "needed")), name


def default_of(attributes: dict[str, str]) -> str:
    return as_text(json.loads(attributes["default"])) if "default" in attributes else "needed"


def as_text(value: object) -> str:
    return "" if value in BLANK else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("template", "module"), PAIRS, ids=NAMES)
def test_it_returns_what_the_template_does(template: Path, module: Path) -> None:
    returned = {block.name for block in blocks(module, "output")}
    assert {variable(name) for name in read(template)["Outputs"]} == returned - ONLY_RETURNED_BY_MODULES


def test_every_module_asks_for_the_same_versions() -> None:
    required = {path.read_text("utf-8") for path in MODULES.glob("*/versions.tf")}
    assert len(required) == 1
    assert required.pop() in (EXAMPLE / "main.tf").read_text("utf-8")
