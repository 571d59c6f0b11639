"""The README and the HTML report say the same of what the rule does not see."""

from __future__ import annotations

import re

from kms_rule.explanation.limits import LIMITS
from tests.documents import document


def test_the_readme_lists_what_reports_list() -> None:
    _, _, rest = document("README.md").partition("\n## What the rule does not see\n")
    listed = re.findall(r"^\* (.*(?:\n  .*)*)", rest.partition("\n## ")[0], re.MULTILINE)
    assert [" ".join(each.split()) for each in listed] == [*LIMITS]
