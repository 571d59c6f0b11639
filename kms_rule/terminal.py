"""How the command prints for people, on a terminal and elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from kms_rule.output import GIVE_A_FILE, printing

WIDTH_WHERE_THERE_IS_NO_TERMINAL = 160
NOT_JUDGED = "not judged"
COLOURS: Mapping[str, str] = {
    "COMPLIANT": "green",
    "NON_COMPLIANT": "red",
    "NOT_APPLICABLE": "dim",
    NOT_JUDGED: "yellow",
}
ALWAYS_COUNTED = frozenset({"COMPLIANT", "NON_COMPLIANT"})


class _Console(Console):
    def __init__(self, instead: str, width: int | None = None) -> None:
        super().__init__(width=width)
        self._instead = instead

    def print(self, *objects: Any, **options: Any) -> None:
        with printing(self._instead):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        # Rich would end the process with 1, which says that a key is not compliant.
        raise BrokenPipeError


def standard_output(instead: str = GIVE_A_FILE) -> Console:
    """Return a console that prints to standard output, with room for a table where that is no terminal.

    Its `print` raises what `printing` raises; `instead` says what else to do where standard output cannot be written.
    """
    console = _Console(instead)
    return console if console.is_terminal else _Console(instead, WIDTH_WHERE_THERE_IS_NO_TERMINAL)


def as_text(print_to: Callable[[Console], None]) -> str:
    """Return, as plain text, what `print_to` prints to the console that it is given."""
    written = io.StringIO()
    print_to(Console(file=written, width=WIDTH_WHERE_THERE_IS_NO_TERMINAL, color_system=None))
    return written.getvalue()


def totals(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind, in rich's markup; the rarer kinds only where there are some."""
    shown = {name: counts.get(name, 0) for name in COLOURS if name in ALWAYS_COUNTED or counts.get(name)}
    return "  ".join(f"[{COLOURS[name]}]{count} {name}[/]" for name, count in shown.items())
