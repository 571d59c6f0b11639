"""The list of mutants that change nothing, `equivalent.toml`, and where a run disagrees with it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

LIST = Path(__file__).with_name("equivalent.toml")

# The definition, from the module on, and the lines before and after the change; without line numbers, as lines move.
type Name = tuple[str, str, str]


def listed(text: str) -> dict[Name, str]:
    """Return the mutants of a list, each with the reason why it changes nothing."""
    return {
        (f"{entry['module']}.{mutant['where']}", mutant["before"], mutant["after"]): entry["reason"]
        for entry in tomllib.loads(text)["equivalent"]
        for mutant in entry["mutants"]
    }


def problems(survived: Mapping[Name, bool], reasons: Mapping[Name, str]) -> Iterator[str]:
    """Yield a sentence for each survivor that is not listed, and for each listed mutant that is not a survivor."""
    for name, has_survived in survived.items():
        if has_survived and name not in reasons:
            yield f"{shown(name)}\n  No test notices this: add one, or list it in {LIST.name} with the reason."
    for name in reasons:
        if name not in survived:
            yield f"{shown(name)}\n  There is no such mutant: remove or correct the entry in {LIST.name}."
        elif not survived[name]:
            yield f"{shown(name)}\n  A test notices this: remove the entry in {LIST.name}."


def shown(name: Name) -> str:
    """Return a mutant's name as the lines of a diff."""
    place, before, after = name
    lines = [f"  {sign} {line}" for sign, text in (("-", before), ("+", after)) for line in text.split("\n") if line]
    return "\n".join([place, *lines])
