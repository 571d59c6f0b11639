"""The package that the templates in `deploy/` need: a zip file of the rule's modules and nothing else."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from kms_rule import rule_modules
from kms_rule.written import write_whole

HANDLER = Path("AWSConfigRuleKMS.py")
EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3
REGULAR_FILE_READABLE_BY_ALL = 0o100644


class PackageError(Exception):
    """Raised when the package cannot be built; the message is one sentence that says what to do."""


def build_package(folder: Path, target: Path) -> Path:
    """Zip the rule's modules in `folder` to the file `target`, and return `target`.

    The same modules give the same bytes, whatever the machine and the day. Raises `PackageError` where a module cannot
    be read or the file cannot be written; an older package is then still there.
    """
    names = sorted({HANDLER, *rule_modules(folder)}, key=Path.as_posix)
    content = _zipped({name.as_posix(): _module(folder / name) for name in names})
    try:
        write_whole(content, target)
    except OSError as error:
        raise PackageError(
            f"The package cannot be written to {target} ({error.strerror}): give a file in a folder that "
            f"exists and that you may write to."
        ) from error
    return target


def _module(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError(
            f"The module {path} cannot be read ({error.strerror}): give the rule's folder, which holds {HANDLER}."
        ) from error


def _zipped(modules: dict[str, bytes]) -> bytes:
    """Return a zip file in which nothing depends on when or where it was made.

    Its entries are stored: compressed, their bytes would depend on the machine's zlib.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as package:
        for name, module in modules.items():
            entry = zipfile.ZipInfo(name, EARLIEST_ZIP_TIME)
            entry.create_system = UNIX
            entry.external_attr = REGULAR_FILE_READABLE_BY_ALL << 16
            package.writestr(entry, module)
    return content.getvalue()
