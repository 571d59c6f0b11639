"""The version of this project."""

from __future__ import annotations

import tomllib
from importlib.metadata import version as installed_version

from kms_rule import RULE_FOLDER


def version() -> str:
    """Return the version of this project: of the checkout it runs from, or of what is installed."""
    described = RULE_FOLDER.parent / "pyproject.toml"
    if described.is_file():
        return str(tomllib.loads(described.read_text(encoding="utf-8"))["project"]["version"])
    return installed_version("kms-rule")
