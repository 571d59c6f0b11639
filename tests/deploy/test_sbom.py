from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dev.sbom import main
from kms_rule import rule_modules
from kms_rule.rule_package import zipped_rule
from kms_rule.version import version
from tests.documents import PROJECT
from tests.security.test_supply_chain import OWN, imported, parsed


@pytest.fixture
def written(tmp_path: Path) -> str:
    (tmp_path / "rule.zip").write_bytes(zipped_rule())
    main([str(tmp_path / "rule.zip")])
    return (tmp_path / "rule.cdx.json").read_text("utf-8")


@pytest.fixture
def bill(written: str) -> Any:
    return json.loads(written)


def test_has_the_form_of_cyclonedx(written: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_7)
    assert validator.validate_str(written) is None
    assert validator.validate_str(written.replace('"bom-ref"', '"reference"')) is not None


def test_names_the_rule_with_the_hash_of_its_package(bill: Any) -> None:
    digest = hashlib.sha256(zipped_rule()).hexdigest()
    rule = bill["metadata"]["component"]
    assert (rule["name"], rule["version"]) == ("AWSConfigRuleKMS", version())
    assert rule["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert rule["purl"] == f"pkg:generic/AWSConfigRuleKMS@{version()}?checksum=sha256:{digest}"


def test_names_as_external_all_that_the_rule_imports_and_the_package_does_not_hold(bill: Any) -> None:
    names = {name for module in rule_modules() for name in imported(parsed(module))} - OWN - sys.stdlib_module_names
    assert [(one["name"], one["isExternal"]) for one in bill["components"]] == [(name, True) for name in sorted(names)]
    [needed] = [one["dependsOn"] for one in bill["dependencies"] if one["ref"] == "AWSConfigRuleKMS"]
    assert needed == sorted(names)


def test_make_package_writes_it_for_the_package_that_it_has_built() -> None:
    made = subprocess.run(
        ["make", "--dry-run", "package"],  # noqa: S607 - the make of the path is the one that people run
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"python -m (.*)", made.stdout)[-2:] == ["kms_rule package", "dev.sbom AWSConfigRuleKMS.zip"]
