"""The names of aliases that KMS takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeGuard

from kms_rule.sources.late import LateText
from least_privilege.key import AWS_ALIAS_PREFIX
from least_privilege.parameters import ALIAS_PREFIX
from least_privilege.pattern import Pattern

# Source: AWS KMS API Reference, CreateAlias.
CHARACTERS = "[a-zA-Z0-9/_-]"
ALIAS_NAME = re.compile(rf"alias/{CHARACTERS}{{1,250}}")
PART_OF_NAME = re.compile(f"{CHARACTERS}*")


def usable_alias(name: object) -> TypeGuard[str]:
    """Return whether KMS lets a customer give a key this alias."""
    return isinstance(name, str) and ALIAS_NAME.fullmatch(name) is not None and not name.startswith(AWS_ALIAS_PREFIX)


def fits_whatever_it_becomes(name: LateText, whitelist: Iterable[Pattern]) -> bool:
    """Return whether an alias whose name is known in parts fits one of these patterns, whatever the other parts are.

    The name has to begin with a known `alias/`, and nothing known of it may keep KMS from taking it.
    """
    first = name.parts[0]
    if not isinstance(first, str) or not first.startswith(ALIAS_PREFIX) or first.startswith(AWS_ALIAS_PREFIX):
        return False
    if not all(PART_OF_NAME.fullmatch(part) for part in name.parts if isinstance(part, str)):
        return False
    every = "".join(part if isinstance(part, str) else "*" for part in name.parts)
    written = Pattern.of(every.removeprefix(ALIAS_PREFIX))
    return any(pattern.covers(written) for pattern in whitelist)
