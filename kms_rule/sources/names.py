"""The names of aliases that KMS takes."""

from __future__ import annotations

import re
from typing import TypeGuard

from least_privilege.key import AWS_ALIAS_PREFIX

# Source: AWS KMS API Reference, CreateAlias.
ALIAS_NAME = re.compile(r"alias/[a-zA-Z0-9/_-]{1,250}")


def usable_alias(name: object) -> TypeGuard[str]:
    """Return whether KMS lets a customer give a key this alias."""
    return isinstance(name, str) and ALIAS_NAME.fullmatch(name) is not None and not name.startswith(AWS_ALIAS_PREFIX)
