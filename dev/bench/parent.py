"""Ends a process of the benchmark with the one that started it, whatever became of that."""

from __future__ import annotations

import os
import sys
import threading

ENDED_WITH_PARENT = 3


def end_with_parent() -> None:
    """End this process once standard input is closed, which the system does when the parent is gone."""
    threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


def _wait_for_end_of_input() -> None:
    # The file descriptor itself: a thread in the middle of `sys.stdin` could not be stopped when the process ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(ENDED_WITH_PARENT)
