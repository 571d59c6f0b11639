"""Files that the command writes: each is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from kms_rule.errors import CommandError
from kms_rule.output import OutputError


def write_whole(content: bytes, target: Path) -> None:
    """Write a file; where that fails, what was there before is still there, and nothing else is.

    A device or a pipe, such as /dev/stdout, is written to as it is. Raises `OSError` where the file cannot be written.
    """
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    # A link stays a link: what it points to is replaced.
    file = target.resolve()
    # In a folder of others, a name that can be foreseen may be there already, as a link to a file of this person's.
    partial = file.parent / f"{file.name}.{token_hex(8)}.partial"
    opened = partial.open("xb")
    try:
        with opened:
            opened.write(content)
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_or_show(text: str, target: Path, called: str, show: Callable[[], None]) -> None:
    """Write `text` to a file in UTF-8, or `show` it where that is not possible, so that it is not lost.

    Raises `CommandError` in the latter case, also where `show` raises `OutputError`; `called` is its subject and verb,
    such as "the findings are".
    """
    try:
        write_whole(text.encode(), target)
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written ({error.strerror}), {_shown_instead(called, show)}: give a file in a folder "
            f"that exists and that you may write to."
        ) from error


def _shown_instead(called: str, show: Callable[[], None]) -> str:
    try:
        show()
    except OutputError as error:
        return f"and standard output {error.reason}, so {called} lost"
    return f"so {called} on standard output"
