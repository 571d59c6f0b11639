"""Sentences for people, built from text that may come from anywhere, and the error that carries one."""

from __future__ import annotations

import json
from collections.abc import Sequence

MAX_NAME = 60
MAX_NAMES_IN_ERROR = 100


class RuleError(Exception):
    """Raised when an invocation cannot do its job; the message says what is wrong, where, and what to do."""


def shortened(text: str, longest: int) -> str:
    """Return `text`, with dots for its middle where it has more than `longest` characters (at least 5)."""
    if len(text) <= longest:
        return text
    tail = (longest - 3) // 2
    return f"{text[: longest - 3 - tail]}...{text[len(text) - tail :]}"


def escaped(text: str) -> str:
    """Return `text` on one line of printable ASCII, so that it can neither forge a log line nor break a report."""
    return text if text.isascii() and text.isprintable() else json.dumps(text)[1:-1]


def quoted(value: object) -> str:
    """Return a value that came from outside as JSON in printable ASCII, shortened to fit a sentence."""
    return shortened(json.dumps(value, default=str), MAX_NAME)


def name_in_sentence(text: str) -> str:
    """Return a name that came from outside in printable ASCII, at most 60 characters."""
    return shortened(escaped(text), MAX_NAME)


def listing(ids: Sequence[str]) -> str:
    """Return ids as an error lists them: the first 100, and how many more there are."""
    more = len(ids) - MAX_NAMES_IN_ERROR
    first = ", ".join(map(escaped, ids[:MAX_NAMES_IN_ERROR]))
    return f"{first} and {more} more" if more > 0 else first
