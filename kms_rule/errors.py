"""What the command cannot do, told in one sentence."""

from __future__ import annotations


class CommandError(Exception):
    """Raised when a command cannot do its job; the message is one sentence: what is wrong, where, and what to do.

    The command prints it to standard error and ends with code 2.
    """
