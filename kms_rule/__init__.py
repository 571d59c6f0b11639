"""The command beside the rule, `kms-rule`."""

from __future__ import annotations

import sys
from pathlib import Path

_IN_A_CHECKOUT = Path(__file__).parents[1] / "AWSConfigRuleKMS"
_INSTALLED = Path(sys.prefix) / "share" / "kms-rule" / "AWSConfigRuleKMS"
RULE_FOLDER = _IN_A_CHECKOUT if _IN_A_CHECKOUT.is_dir() else _INSTALLED

# RDK deploys the rule's folder as it is, so its modules cannot be part of a package; they are imported from there.
sys.path.append(str(RULE_FOLDER))


def rule_modules(folder: Path = RULE_FOLDER) -> tuple[Path, ...]:
    """Return every module that Lambda runs, as sorted paths relative to the rule's folder: all but RDK's tests."""
    modules = (path.relative_to(folder) for path in folder.rglob("*.py") if not path.name.endswith("_test.py"))
    return tuple(sorted(modules, key=Path.as_posix))
