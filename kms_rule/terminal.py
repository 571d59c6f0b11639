"""How the command prints for people, on a terminal and elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from rich.console import Console

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
    def on_broken_pipe(self) -> None:
        # Rich would end the process with 1, which says that a key is not compliant.
        raise BrokenPipeError


def standard_output() -> Console:
    """Return a console that prints to standard output, with room for a table where that is no terminal."""
    console = _Console()
    return console if console.is_terminal else _Console(width=WIDTH_WHERE_THERE_IS_NO_TERMINAL)


def as_text(print_to: Callable[[Console], None]) -> str:
    """Return, as plain text, what `print_to` prints to the console that it is given."""
    written = io.StringIO()
    print_to(Console(file=written, width=WIDTH_WHERE_THERE_IS_NO_TERMINAL, color_system=None))
    return written.getvalue()


def totals(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind, in rich's markup; the rarer kinds only where there are some."""
    shown = {name: counts.get(name, 0) for name in COLOURS if name in ALWAYS_COUNTED or counts.get(name)}
    return "  ".join(f"[{COLOURS[name]}]{count} {name}[/]" for name, count in shown.items())
