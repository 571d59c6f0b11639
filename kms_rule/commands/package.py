"""The command `kms-rule package`: builds what the deployment templates need, a zip file of the rule's modules."""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

from kms_rule import RULE_FOLDER, TEMPLATES_FOLDER, rule_modules
from kms_rule.errors import CommandError
from kms_rule.output import DIRECT_IT_ELSEWHERE, printing, write_whole

NEEDED = frozenset(map(Path, ("AWSConfigRuleKMS.py", "AWSConfigRuleKMSPolicy.py", "least_privilege/__init__.py")))
# What people deploy with: CloudFormation's templates, and Terraform's modules without their tests.
TEMPLATES = ("*.yaml", "terraform/*/*.tf", "terraform/*/README.md")
EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3
REGULAR_FILE_READABLE_BY_ALL = 0o100644


def run(arguments: argparse.Namespace) -> int:
    """Build the package, copy the deployment templates where the arguments ask for them, and return the exit code.

    Raises `CommandError` where something cannot be read or written.
    """
    lines = [_described(build_package(RULE_FOLDER, arguments.output))]
    if arguments.templates:
        lines += map(_described, copy_templates(arguments.templates))
    with printing(DIRECT_IT_ELSEWHERE) as standard_output:
        standard_output.write("".join(f"{line}\n" for line in lines))
    return 0


def _described(file: Path) -> str:
    return f"{file}: {file.stat().st_size} bytes"


def build_package(folder: Path, target: Path) -> Path:
    """Zip the rule's modules in `folder` to the file `target`, and return `target`.

    The same modules give the same bytes, whatever the machine and the day. Raises `CommandError` where a module cannot
    be read or the file cannot be written; an older package is then still there.
    """
    names = sorted(NEEDED.union(rule_modules(folder)), key=Path.as_posix)
    content = _zipped({name.as_posix(): _module(folder / name) for name in names})
    try:
        write_whole(content, target)
    except OSError as error:
        raise CommandError(
            f"The package cannot be written to {target} ({error.strerror}): give a file in a folder that "
            f"exists and that you may write to."
        ) from error
    return target


def template_files() -> list[Path]:
    """Return the paths of all deployment templates and modules, relative to the folder that they are in."""
    found = (path for pattern in TEMPLATES for path in TEMPLATES_FOLDER.glob(pattern))
    return sorted(path.relative_to(TEMPLATES_FOLDER) for path in found)


def copy_templates(folder: Path) -> list[Path]:
    """Copy the deployment templates and Terraform modules to a folder, which is created if need be; return the copies.

    Raises `CommandError` where they cannot be written.
    """
    copies = []
    try:
        for template in template_files():
            copy = folder / template
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_whole((TEMPLATES_FOLDER / template).read_bytes(), copy)
            copies.append(copy)
    except OSError as error:
        raise CommandError(
            f"The templates cannot be written to {folder} ({error.strerror}): give a folder that you may write to."
        ) from error
    return copies


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
