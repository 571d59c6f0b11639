"""The zip file that AWS Lambda gets, and the hash by which Lambda knows it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path

from kms_rule import RULE_FOLDER, rule_modules
from kms_rule.errors import CommandError

NEEDED = frozenset(map(Path, ("AWSConfigRuleKMS.py", "AWSConfigRuleKMSPolicy.py", "least_privilege/__init__.py")))
EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3
REGULAR_FILE_READABLE_BY_ALL = 0o100644


def zipped_rule(folder: Path = RULE_FOLDER) -> bytes:
    """Return a zip file of the rule's modules in `folder`.

    The same modules give the same bytes, whatever the machine and the day. Raises `CommandError` where a module cannot
    be read.
    """
    names = sorted(NEEDED.union(rule_modules(folder)), key=Path.as_posix)
    return _zipped({name.as_posix(): _module(folder / name) for name in names})


def code_sha256(package: bytes) -> str:
    """Return what AWS Lambda calls the `CodeSha256` of a function with this package: its SHA-256 in Base64."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def _module(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(
            f"The module {path} cannot be read ({error.strerror}): give the rule's folder, which holds "
            f"AWSConfigRuleKMS.py."
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
