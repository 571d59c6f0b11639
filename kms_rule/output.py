"""Everything the command writes: to standard output and standard error, to a terminal with colours, and to files.

Each file is written whole or not at all. Where standard output cannot be written, one sentence says so, and the exit
code is not that of a finding. Rich, which takes its time to load, is only loaded to show tables.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from kms_rule.errors import CommandError

if TYPE_CHECKING:
    from rich.console import Console

GIVE_A_FILE = "give --output FILE"
DIRECT_IT_ELSEWHERE = "direct it elsewhere"
WIDTH_WITHOUT_A_TERMINAL = 160
# Below, the columns of a table are too narrow for whole names and readable sentences.
MIN_WIDTH_OF_TABLES = 100
NOT_JUDGED = "not judged"
ACCEPTED = "accepted"
PASSED_OVER = "files passed over"
COLOURS: Mapping[str, str] = {
    "COMPLIANT": "green",
    "NON_COMPLIANT": "red",
    "NOT_APPLICABLE": "dim",
    ACCEPTED: "cyan",
    NOT_JUDGED: "yellow",
    PASSED_OVER: "dim",
}
ALWAYS_COUNTED = frozenset({"COMPLIANT", "NON_COMPLIANT"})


class OutputError(CommandError):
    """Raised when standard output cannot be written; `reason` is the sentence's end, such as "is closed"."""

    def __init__(self, reason: str, advice: str) -> None:
        """Take why standard output cannot be written, and what to do."""
        super().__init__(f"Standard output {reason}: {advice}.")
        self.reason = reason


@contextmanager
def printing(instead: str = GIVE_A_FILE) -> Iterator[TextIO]:
    """Give standard output to write to, all of which has arrived when this ends.

    Nothing but writing to it belongs in here, since every `OSError` from within counts as its failure. Raises
    `OutputError` where it is closed or cannot be written, of which `instead` says what else to do, and
    `BrokenPipeError` where nobody reads it any more; what was not written is forgotten.
    """
    opened = sys.stdout
    if opened is None:
        raise OutputError("is closed", instead)
    try:
        yield opened
        opened.flush()
    except BrokenPipeError:
        _forget_the_rest(opened)
        raise
    except OSError as error:
        _forget_the_rest(opened)
        raise OutputError(f"cannot be written ({error.strerror or error})", f"make room there, or {instead}") from error


def complain(sentence: str) -> None:
    """Print a sentence to standard error if that can be written: where it cannot, the exit code has to do."""
    if sys.stderr is None:
        return
    try:
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - a command's errors are printed
    except OSError:
        # With `> log 2>&1` on a full disk, neither can be written.
        _forget_the_rest(sys.stderr)


def _forget_the_rest(stream: TextIO) -> None:
    """Let what is still to be written go nowhere: Python would try again at its end, and end with a code of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


# ---------------------------------------------------------------------------------------------------------------------
# For people
# ---------------------------------------------------------------------------------------------------------------------


def standard_output(instead: str = GIVE_A_FILE) -> Console:
    """Return a console that prints to standard output, as wide as a terminal is or COLUMNS says, otherwise 160 columns.

    Its `print` raises what `printing` raises; `instead` says what else to do where standard output cannot be written.
    """
    from rich.console import Console as RichConsole  # noqa: PLC0415

    class CheckedConsole(RichConsole):
        def print(self, *objects: Any, **options: Any) -> None:
            with printing(instead):
                super().print(*objects, **options)

        def on_broken_pipe(self) -> None:
            # Rich would end the process with 1, which says that a key is not compliant.
            raise BrokenPipeError

    width = _given_width()
    # Rich would take a terminal that does not know its width for one of 80 columns.
    is_terminal = RichConsole(width=width).is_terminal
    return CheckedConsole(width=get_terminal_size((width, 0)).columns if is_terminal else width)


def _given_width() -> int:
    """Return how many columns there are where no terminal says it."""
    given = os.environ.get("COLUMNS", "")
    return (int(given) if given.isdecimal() else 0) or WIDTH_WITHOUT_A_TERMINAL


def is_narrow(console: Console) -> bool:
    """Return whether lines are too short for tables, so that a list is easier to read."""
    return console.width < MIN_WIDTH_OF_TABLES


def print_plainly(print_to: Callable[[Console], None], file: BinaryIO) -> None:
    """Write to a file, as plain text in UTF-8, what `print_to` prints to the console that it is given."""
    from rich.console import Console as RichConsole  # noqa: PLC0415

    text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
    try:
        print_to(RichConsole(file=text, width=_given_width(), color_system=None))
    finally:
        text.detach()


def totals(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind, in rich's markup; the rarer kinds only where there are some."""
    shown = {name: counts.get(name, 0) for name in COLOURS if name in ALWAYS_COUNTED or counts.get(name)}
    return "  ".join(f"[{COLOURS[name]}]{count} {name}[/]" for name, count in shown.items())


# ---------------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which is `target` once the block has ended.

    Where the block or writing fails, what was there before is still there, and nothing else is. A device or a pipe,
    such as /dev/stdout, is written to as it is. Raises `OSError` where the file cannot be written.
    """
    if target.exists() and not target.is_file():
        with target.open("wb") as opened:
            yield opened
        return
    # A link stays a link: what it points to is replaced.
    file = target.resolve()
    # In a folder of others, a name that can be foreseen may be there already, as a link to a file of this person's.
    partial = file.parent / f"{file.name}.{token_hex(8)}.partial"
    opened = partial.open("xb")
    try:
        with opened:
            yield opened
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(content: bytes, target: Path) -> None:
    """Write a file whole or not at all, like `whole_file`."""
    with whole_file(target) as opened:
        opened.write(content)


def write_or_show(write: Callable[[BinaryIO], object], target: Path, called: str, show: Callable[[], bool]) -> None:
    """Let `write` write to a file, or `show` what it would have written where that is not possible, lest it be lost.

    Raises `CommandError` in the latter case, also where `show` raises `OutputError`, or returns that nothing is left to
    be shown; `called` is its subject and verb, such as "the findings are".
    """
    try:
        with whole_file(target) as opened:
            write(opened)
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written ({error.strerror}), {_shown_instead(called, show)}: give a file in a folder "
            f"that exists and that you may write to."
        ) from error


def _shown_instead(called: str, show: Callable[[], bool]) -> str:
    try:
        shown = show()
    except OutputError as error:
        return f"and standard output {error.reason}, so {called} lost"
    return f"so {called} on standard output" if shown else f"so {called} lost"
