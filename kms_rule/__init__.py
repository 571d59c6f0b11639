"""The command beside the rule, `kms-rule`."""

from __future__ import annotations

import sys
from pathlib import Path

_CHECKOUT = Path(__file__).parents[1]
_INSTALLED = Path(__file__).parent


def _folder(in_a_checkout: str, installed: str) -> Path:
    folder = _CHECKOUT / in_a_checkout
    return folder if folder.is_dir() and (_CHECKOUT / "pyproject.toml").is_file() else _INSTALLED / installed


# A wheel has both as package data.
RULE_FOLDER = _folder("AWSConfigRuleKMS", "rule")
TEMPLATES_FOLDER = _folder("deploy", "templates")

# RDK deploys the rule's folder as it is, so its modules cannot be part of a package; they are imported from there. In a
# checkout RDK would zip what Python leaves beside them.
sys.path.append(str(RULE_FOLDER))
sys.dont_write_bytecode |= RULE_FOLDER.parent == _CHECKOUT


def rule_modules(folder: Path = RULE_FOLDER) -> tuple[Path, ...]:
    """Return every module that Lambda runs, as sorted paths relative to the rule's folder: all but RDK's tests."""
    modules = (path.relative_to(folder) for path in folder.rglob("*.py") if not path.name.endswith("_test.py"))
    return tuple(sorted(modules, key=Path.as_posix))
