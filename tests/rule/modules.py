"""The modules of the rule that Lambda runs, by the names that they are imported under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kms_rule import RULE_FOLDER, rule_modules


def name_of(path: Path) -> str:
    """Return the name that a module is imported under, by its path in the rule's folder."""
    return ".".join(part for part in path.with_suffix("").parts if part != "__init__")


MODULES: Mapping[str, Path] = {name_of(path): RULE_FOLDER / path for path in rule_modules()}
