"""The list of mutants that change nothing, each with the reason: `equivalent.toml`.

The file has a table for each reason: `module`, `reason` and `mutants`, whose fields are `where`, `before`, `after` and,
where a definition has several mutants that are called alike, `occurrence`, which counts from 1.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dev.mutation.mutants import Name

LIST = Path(__file__).with_name("equivalent.toml")


class ListError(Exception):
    """Raised when the list cannot be read; the message says which entry is wrong."""


def reasons(module: str, text: str) -> dict[Name, str]:
    """Return why each listed mutant of a module changes nothing. Raises `ListError` where one is listed twice."""
    found: dict[Name, str] = {}
    for entry in tomllib.loads(text).get("equivalent", ()):
        for name in _names(entry) if entry["module"] == module else ():
            if name in found:
                raise ListError(f"{LIST.name} lists a mutant of {module} twice: {name}.")
            found[name] = entry["reason"].strip()
    return found


def _names(entry: Mapping[str, Any]) -> Iterator[Name]:
    for mutant in entry["mutants"]:
        yield mutant["where"], mutant["before"], mutant["after"], mutant.get("occurrence", 1)
