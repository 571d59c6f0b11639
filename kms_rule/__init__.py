"""The command beside the rule: shows the rule at work on an emulated AWS account, and builds its package."""

from __future__ import annotations

import sys
from pathlib import Path

RULE_FOLDER = Path(__file__).parents[1] / "AWSConfigRuleKMS"

# RDK deploys the rule's folder as it is, so its modules cannot be part of a package; they are imported from there.
sys.path.append(str(RULE_FOLDER))
