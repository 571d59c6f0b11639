"""The command: `python -m kms_rule demo` and `python -m kms_rule package`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kms_rule import RULE_FOLDER
from kms_rule.package import PackageError, build_package

PACKAGE = Path("AWSConfigRuleKMS.zip")


def demo(_arguments: argparse.Namespace) -> None:
    """Run the demonstration."""
    # The emulator is much to load, and the other commands do without it.
    from kms_rule.demo import run_demo  # noqa: PLC0415
    from kms_rule.deployment import DeploymentError  # noqa: PLC0415

    try:
        run_demo()
    except DeploymentError as error:
        sys.exit(str(error))


def package(arguments: argparse.Namespace) -> None:
    """Build the package that the templates in `deploy/` need."""
    try:
        target = build_package(RULE_FOLDER, arguments.output)
    except PackageError as error:
        sys.exit(str(error))
    print(f"{target}: {target.stat().st_size} bytes")  # noqa: T201 - what the command is asked for


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(
        prog="python -m kms_rule", description="The AWS Config rule for KMS key policies."
    )
    commands = described.add_subparsers(required=True)
    demonstration = commands.add_parser("demo", help="deploy the rule to an emulated AWS account and show its results")
    demonstration.set_defaults(run=demo)
    building = commands.add_parser("package", help="build the zip file that the templates in deploy/ need")
    building.add_argument("--output", type=Path, default=PACKAGE, help="where to write it (default: %(default)s)")
    building.set_defaults(run=package)
    return described


def main(arguments: list[str]) -> None:
    """Run the command that the arguments name."""
    parsed = parser().parse_args(arguments)
    parsed.run(parsed)


if __name__ == "__main__":
    main(sys.argv[1:])
