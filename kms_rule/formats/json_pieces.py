"""JSON that is written as what is in it comes, laid out as by `json.dumps` with an indent of 2, in printable ASCII."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Members:
    """An object, whose members are asked for one by one: a later one may depend on how an earlier one turned out."""

    of_object: Iterable[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Items:
    """A list, whose items are asked for one by one and not kept."""

    of_list: Iterable[object]


def pieces(value: object, indentation: str = "") -> Iterator[str]:
    """Yield the text of a value piece by piece; it may be `Members` or `Items`, and so may what is in these."""
    match value:
        case Members(members):
            labelled = ((f"{json.dumps(name)}: ", member) for name, member in members)
            yield from _within("{}", labelled, indentation)
        case Items(items):
            yield from _within("[]", (("", item) for item in items), indentation)
        case _:
            yield json.dumps(value, indent=len(INDENT)).replace("\n", f"\n{indentation}")


def _within(brackets: str, content: Iterable[tuple[str, object]], indentation: str) -> Iterator[str]:
    opening, closing = brackets[0], brackets[1]
    deeper = indentation + INDENT
    separator = opening
    for label, value in content:
        yield f"{separator}\n{deeper}{label}"
        yield from pieces(value, deeper)
        separator = ","
    yield brackets if separator == opening else f"\n{indentation}{closing}"
