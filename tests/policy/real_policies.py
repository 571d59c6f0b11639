"""Key policies from public repositories and from AWS's guides, each by its id; the file says where each was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

REAL_POLICIES: Mapping[str, Json] = {
    entry["id"]: entry["policy"]
    for entry in json.loads(Path(__file__).with_name("real_policies.json").read_text(encoding="utf-8"))
}


def listed(value: Any) -> list[Any]:
    """Return a value as the list that it may be written as."""
    return value if isinstance(value, list) else [value]
