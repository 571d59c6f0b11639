"""The command `kms-rule package`: builds what the deployment templates need, a zip file of the rule's modules."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from kms_rule import TEMPLATES_FOLDER
from kms_rule.errors import CommandError
from kms_rule.output import DIRECT_IT_ELSEWHERE, printing, write_whole
from kms_rule.rule_package import code_sha256, zipped_rule

# What people deploy with: CloudFormation's templates, and Terraform's modules without their tests.
TEMPLATES = ("*.yaml", "terraform/*/*.tf", "terraform/*/README.md")


def run(arguments: argparse.Namespace) -> int:
    """Build the package, copy the deployment templates where the arguments ask for them, and return the exit code.

    Raises `CommandError` where something cannot be read or written.
    """
    package = zipped_rule()
    write_package(package, arguments.output)
    lines = [
        f"{arguments.output}: {len(package)} bytes",
        f"SHA-256: {hashlib.sha256(package).hexdigest()}",
        f"CodeSha256: {code_sha256(package)}",
    ]
    if arguments.templates:
        lines += [f"{copy}: {copy.stat().st_size} bytes" for copy in copy_templates(arguments.templates)]
    with printing(DIRECT_IT_ELSEWHERE) as standard_output:
        standard_output.write("".join(f"{line}\n" for line in lines))
    return 0


def write_package(package: bytes, target: Path) -> None:
    """Write the package to the file `target`.

    Raises `CommandError` where it cannot be written; an older package is then still there.
    """
    try:
        write_whole(package, target)
    except OSError as error:
        raise CommandError(
            f"The package cannot be written to {target} ({error.strerror}): give a file in a folder that "
            f"exists and that you may write to."
        ) from error


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
