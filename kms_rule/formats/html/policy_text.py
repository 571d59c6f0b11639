"""The text of a key policy for people to read: one entry a line, and its deciding statements told from the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

WORD = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
OPENING, CLOSING = frozenset("[{"), frozenset("]}")
# A policy's own statements are not nested half as deeply; indenting a hostile one further would square its length.
MAX_INDENTATION = 20
NO_STATEMENT = 0
IN_POLICY, IN_LIST = 1, 2


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole lines of a policy; `decides` where they are a statement that decided."""

    text: str
    decides: bool = False


def passages(policy: str, deciding: frozenset[int] = frozenset()) -> Iterator[Passage]:
    """Yield the policy's text in passages, of which the statements with the `deciding` numbers are one each.

    JSON is laid out anew: its words are those of `policy`, letter for letter, and only the white space between them is
    changed. Other text, which has no statements, is left as it is.
    """
    if not _is_json(policy):
        yield Passage(policy)
        return
    for number, lines in groupby(_numbered_lines(laid_out(policy)), key=itemgetter(0)):
        yield Passage("".join(line for _, line in lines), number in deciding)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def laid_out(policy: str) -> str:
    """Return JSON with each entry on a line of its own, indented by tabs; empty lists and objects stay together."""
    written: list[str] = []
    depth = 0
    previous = ""
    for word in WORD.findall(policy):
        opened, closes = previous in OPENING, word in CLOSING
        depth += opened - closes
        if previous == "," or opened != closes:
            written.append("\n" + "\t" * min(depth, MAX_INDENTATION))
        written.append(": " if word == ":" else word)
        previous = word
    return "".join(written)


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with the number of the statement it belongs to, or `NO_STATEMENT`."""
    number = NO_STATEMENT
    listed = False
    least_indentation = IN_LIST
    # No word of JSON has a line break in it, but some have what `splitlines` takes for one.
    for line in text.split("\n"):
        entry = line.lstrip("\t")
        indentation = len(line) - len(entry)
        begins = entry[0] not in CLOSING
        if begins and indentation == IN_POLICY:
            alone = _opens_statements(entry, "{")
            least_indentation = IN_POLICY if alone else IN_LIST
            number = 1 if alone else NO_STATEMENT
            listed = _opens_statements(entry, "[")
        elif begins and indentation == IN_LIST and listed:
            number += 1
        yield (number if indentation >= least_indentation else NO_STATEMENT), f"{line}\n"


def _opens_statements(entry: str, bracket: str) -> bool:
    """Return whether this line of the outermost object opens its `Statement`, whichever way that word is spelt."""
    if not entry.startswith('"') or not entry.endswith(bracket):
        return False
    name, _ = json.JSONDecoder().raw_decode(entry)
    return bool(name == "Statement")
