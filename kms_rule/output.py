"""Standard output and standard error: what is said where the one cannot be written, and the code to end with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from kms_rule.errors import CommandError

GIVE_A_FILE = "give --output FILE"
DIRECT_IT_ELSEWHERE = "direct it elsewhere"


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
