"""Finds the files that the command is to check, and reads their text."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path

from kms_rule.sources.contents import InputError

STANDARD_INPUT = "-"
MAX_FILE_BYTES = 64 * 1024 * 1024
# Terraform's configuration holds no key that can be judged, but people should learn that it was passed over.
SUFFIXES = (".json", ".yaml", ".yml", ".template", ".tf")
FOLDERS_OF_OTHERS = frozenset({"node_modules"})
BYTE_ORDER_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BEGINNING_OF_ZIP = b"PK\x03\x04"
ZIP = (
    "It is a zip file, as Terraform's own plan is: give 'kms-rule check' the output of 'terraform show -json' on it, "
    "or unpack it."
)
NOT_A_FILE = (
    "It is a pipe or a device, which is not read: save its content as a file, or pipe it to 'kms-rule check -'."
)
EMPTY = "It is empty: name another file."
EMPTY_STANDARD_INPUT = "Standard input is empty: the command before the pipe may have failed, so look at its error."
CLOSED_STANDARD_INPUT = "Standard input is closed: pipe something to 'kms-rule check -', or name a file."

type Exclusion = Callable[[str], bool]


def nothing(_name: str) -> bool:
    """Exclude nothing."""
    return False


def files_below(folder: str, is_excluded: Exclusion = nothing) -> Iterator[str | InputError]:
    """Yield the files of a folder and the folders in it that may hold keys, in order, and what could not be listed.

    Hidden folders (`.terraform` among them), `node_modules`, what is excluded and what is not a file are left out;
    links to folders are not followed.
    """
    to_list = [os.path.normpath(folder)]
    while to_list:
        parent = to_list.pop()
        try:
            with os.scandir(parent) as listed:
                entries = sorted(listed, key=attrgetter("name"))
        except OSError as error:
            yield InputError(f"The folder {parent} cannot be listed ({error.strerror}): allow it to be read.")
            continue
        prefix = "" if parent == os.curdir else parent.rstrip(os.sep) + os.sep
        wanted = [entry for entry in entries if _is_searched(entry) or _is_candidate(entry)]
        kept = [entry for entry in wanted if not is_excluded(prefix + entry.name)]
        yield from (prefix + entry.name for entry in kept if not _is_searched(entry))
        to_list += (prefix + entry.name for entry in reversed(kept) if _is_searched(entry))


def _is_searched(entry: os.DirEntry[str]) -> bool:
    others = entry.name.startswith(".") or entry.name in FOLDERS_OF_OTHERS
    return not others and entry.is_dir(follow_symlinks=False)


def _is_candidate(entry: os.DirEntry[str]) -> bool:
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    return entry.is_file(follow_symlinks=False) or (entry.is_symlink() and not entry.is_dir())


def identity_of(name: str) -> object:
    """Return what all names of one file have in common, links among them; the name itself where there is no file."""
    try:
        status = Path(name).stat()
    except OSError:
        return name
    return status.st_dev, status.st_ino


def content_of(name: str) -> bytes:
    """Read a file, or standard input for `-`.

    Raises `InputError` where it cannot be read, is not a regular file, or is larger than 64 MB. It never waits for
    anything but standard input.
    """
    try:
        content = _content_of_standard_input() if name == STANDARD_INPUT else _content_of_file(name)
    except OSError as error:
        raise InputError(f"It cannot be read ({error.strerror}): name a file that exists and may be read.") from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"It is larger than {MAX_FILE_BYTES // 1024 // 1024} MB: split it.")
    return content


def _content_of_standard_input() -> bytes:
    if sys.stdin is None:
        raise InputError(CLOSED_STANDARD_INPUT)
    return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)


def _content_of_file(name: str) -> bytes:
    # A device may do something when it is opened, so it is asked for before.
    if not stat.S_ISREG(Path(name).stat().st_mode):
        raise InputError(NOT_A_FILE)
    with open(name, "rb", opener=_open_without_waiting) as file:
        # There are files of the kernel's that let wait, and then give nothing.
        return file.read(MAX_FILE_BYTES + 1) or b""


def _open_without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


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
