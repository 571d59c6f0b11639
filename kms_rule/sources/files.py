"""Finds the files that the command is to check, and reads their text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from kms_rule.sources.contents import InputError

STANDARD_INPUT = "-"
MAX_FILE_BYTES = 64 * 1024 * 1024
SUFFIXES = (".json", ".yaml", ".yml", ".template")
FOLDERS_OF_OTHERS = frozenset({"node_modules"})
BYTE_ORDER_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BEGINNING_OF_ZIP = b"PK\x03\x04"
ZIP = (
    "It is a zip file, as Terraform's own plan is: give 'kms-rule check' the output of 'terraform show -json' on it, "
    "or unpack it."
)
EMPTY = "It is empty: name another file."
EMPTY_STANDARD_INPUT = "Standard input is empty: the command before the pipe may have failed, so look at its error."


def files_below(folder: str) -> Iterator[str | InputError]:
    """Yield the files of a folder and the folders in it that may hold keys, in order, and what could not be listed.

    Hidden folders (`.terraform` among them), `node_modules` and what is not a file are left out; links to folders are
    not followed.
    """
    refused: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in FOLDERS_OF_OTHERS)
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix in SUFFIXES and (path.is_file() or path.is_symlink()):
                yield str(path)
    for error in refused:
        yield InputError(f"The folder {error.filename} cannot be listed ({error.strerror}): allow it to be read.")


def content_of(name: str) -> bytes:
    """Read a file, or standard input for `-`.

    Raises `InputError` where it cannot be read or is larger than 64 MB.
    """
    try:
        if name == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"It cannot be read ({error.strerror}): name a file that exists and may be read.") from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"It is larger than {MAX_FILE_BYTES // 1024 // 1024} MB: split it.")
    return content


def text_in(content: bytes, name: str) -> str:
    """Return the text of the content of the file of this name, which is UTF-8, with or without a byte order mark.

    Raises `InputError` where it is not, or where there is nothing in it.
    """
    if content.startswith(BEGINNING_OF_ZIP):
        raise InputError(ZIP)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if content.startswith(BYTE_ORDER_MARKS_OF_UTF_16) else "not UTF-8"
        raise InputError(f"It is {kind} (byte {error.start + 1}): save it as UTF-8.") from error
    if not text.strip():
        raise InputError(EMPTY_STANDARD_INPUT if name == STANDARD_INPUT else EMPTY)
    return text


def shown(name: str) -> str:
    """Return a name that came from outside as it can be printed: without control characters, whatever it holds."""
    if name.isprintable():
        return name
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)
