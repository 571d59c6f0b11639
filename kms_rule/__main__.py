"""The command `kms-rule`: its arguments, and what runs for each of its commands.

What a command needs is loaded when it runs: `--help` must answer at once, and boto3 alone takes a fifth of a second.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from kms_rule import RULE_FOLDER
from kms_rule.errors import CommandError

PACKAGE = Path("AWSConfigRuleKMS.zip")
FORMATS = ("table", "json", "sarif", "html")
CANNOT = 2


def scan(arguments: argparse.Namespace) -> int:
    """Judge the keys of live accounts."""
    from kms_rule.scan import run  # noqa: PLC0415

    return run(arguments)


def check(arguments: argparse.Namespace) -> int:
    """Judge key policies in files."""
    from kms_rule.check import run  # noqa: PLC0415

    return run(arguments)


def report(arguments: argparse.Namespace) -> int:
    """Show what AWS Config holds for the deployed rule."""
    from kms_rule.report import run  # noqa: PLC0415

    return run(arguments)


def explain(arguments: argparse.Namespace) -> int:
    """Answer every question of the rule about one policy."""
    from kms_rule.explain import run  # noqa: PLC0415

    return run(arguments)


def demo(_arguments: argparse.Namespace) -> int:
    """Run the demonstration."""
    try:
        from kms_rule.demo import run_demo  # noqa: PLC0415
        from kms_rule.deployment import DeploymentError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(
            f"The demonstration needs {error.name}, which is not installed: pip install 'kms-rule[demo]'."
        ) from error
    try:
        run_demo()
    except DeploymentError as error:
        raise CommandError(str(error)) from error
    return 0


def package(arguments: argparse.Namespace) -> int:
    """Build the package that the templates in `deploy/` need."""
    from kms_rule.package import PackageError, build_package  # noqa: PLC0415

    try:
        target = build_package(RULE_FOLDER, arguments.output)
    except PackageError as error:
        raise CommandError(str(error)) from error
    print(f"{target}: {target.stat().st_size} bytes")  # noqa: T201 - what the command is asked for
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = argparse.ArgumentParser(
        prog="kms-rule",
        description="Judges AWS KMS key policies as the AWS Config rule AWSConfigRuleKMS does.",
        epilog="Ends with 0 if all is compliant, 1 if something is NON_COMPLIANT, 2 if not all could be judged.",
    )
    commands = described.add_subparsers(required=True, metavar="COMMAND")
    _describe_scan(commands.add_parser("scan", help="judge every key of a live account and Region, read-only"))
    _describe_check(commands.add_parser("check", help="judge key policies in files, before they are deployed"))
    _describe_report(commands.add_parser("report", help="show what AWS Config holds for the deployed rule"))
    _describe_explain(commands.add_parser("explain", help="answer each question of the rule about one policy"))
    demonstration = commands.add_parser("demo", help="deploy the rule to an emulated AWS account and show its results")
    demonstration.set_defaults(run=demo)
    building = commands.add_parser("package", help="build the zip file that the templates in deploy/ need")
    building.add_argument("--output", type=Path, default=PACKAGE, help="where to write it (default: %(default)s)")
    building.set_defaults(run=package)
    return described


def _describe_scan(command: argparse.ArgumentParser) -> None:
    _add_account(command)
    _add_rule_parameters(command)
    _add_output(command)
    command.set_defaults(run=scan)


def _describe_report(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rule", required=True, metavar="NAME", help="the name of the rule in AWS Config")
    _add_account(command)
    _add_output(command)
    command.set_defaults(run=report)


def _add_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", help="the profile whose credentials to use")
    command.add_argument(
        "--region",
        action="append",
        default=[],
        help="a Region to look into, again for another, or 'all' for every enabled one (default: the profile's)",
    )
    command.add_argument("--role-arn", help="a role to assume first")


def _describe_check(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a key policy, a CloudFormation template, the output of 'terraform show -json', a folder of these, or - "
        "for standard input",
    )
    _add_rule_parameters(command)
    _add_output(command)
    command.set_defaults(run=check)


def _describe_explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("policy", metavar="POLICY", help="a key policy as JSON, or - for standard input")
    command.add_argument("--alias", action="append", default=[], help="an alias of the key, again for another")
    _add_rule_parameters(command)
    _add_output(command, formats=("table", "json"))
    command.set_defaults(run=explain)


def _add_rule_parameters(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--parameters", type=Path, metavar="FILE", help="the rule's parameters.json (default: the one of this project)"
    )
    command.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value for one parameter of the rule, again for another parameter",
    )


def _add_output(command: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    command.add_argument("--format", choices=formats, default="table", help="how to show it (default: %(default)s)")
    command.add_argument("--output", type=Path, metavar="FILE", help="where to write it (default: standard output)")


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments, those of the process where None, name; return the code to end with."""
    parsed = parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
        sys.stdout.flush()
    except CommandError as error:
        print(f"kms-rule: {error}", file=sys.stderr)  # noqa: T201 - a command's errors are printed
        return CANNOT
    except KeyboardInterrupt:
        # Scan and check end early by themselves, and show what they have; this is an interruption elsewhere.
        print("kms-rule: Interrupted before everything was shown: run it again.", file=sys.stderr)  # noqa: T201 - see above
        return CANNOT
    except BrokenPipeError:
        # Whoever read the output wants no more of it. At its end Python would flush the rest, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CANNOT
    return code


if __name__ == "__main__":
    sys.exit(main())
