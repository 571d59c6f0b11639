"""The command `kms-rule`: its arguments, and what runs for each of its commands.

What a command needs is loaded when it runs: `--help` must answer at once, and boto3 alone takes a fifth of a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, override

from kms_rule.errors import CommandError, print_failures, sentence_on
from kms_rule.help_texts import COMMANDS, DESCRIPTION, EPILOG
from kms_rule.output import DIRECT_IT_ELSEWHERE, complain, printing

PACKAGE = Path("AWSConfigRuleKMS.zip")
FORMATS = ("table", "json", "sarif", "html")
FORMATS_BY_ENDING = {".sarif.json": "sarif", ".json": "json", ".sarif": "sarif", ".html": "html", ".htm": "html"}
COMPLIANCES = ("NON_COMPLIANT", "COMPLIANT", "NOT_APPLICABLE")
STANDARD_OUTPUT = Path("-")
CANNOT = 2


class _Formatter(argparse.HelpFormatter):
    @override
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # Paragraphs are filled, and what is indented, such as an example, stays on a line of its own.
        lines = (
            line if line.startswith(" ") else super(_Formatter, self)._fill_text(line, width, indent)
            for line in text.split("\n")
        )
        return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    @override
    def print_help(self, file: Any = None) -> None:
        # The parser itself would say nothing where it cannot be written.
        _print(self.format_help())


class _Version(argparse.Action):
    @override
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from kms_rule.rule_package import code_sha256, zipped_rule  # noqa: PLC0415
        from kms_rule.version import version  # noqa: PLC0415

        _print(f"{parser.prog} {version()}\nCodeSha256: {code_sha256(zipped_rule())}\n")
        parser.exit()


def _print(text: str) -> None:
    with printing(DIRECT_IT_ELSEWHERE) as standard_output:
        standard_output.write(text)


def parser() -> argparse.ArgumentParser:
    """Describe the command's arguments."""
    described = _Parser(
        prog="kms-rule",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_Formatter,
    )
    described.add_argument(
        "--debug", action="store_true", help="also print what went wrong within kms-rule, for those who look into it"
    )
    described.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show the version and the rule's hash, and exit",
    )
    commands = described.add_subparsers(required=True, metavar="COMMAND")
    for name, texts in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=texts.summary,
            description=texts.description,
            epilog=texts.epilog,
            formatter_class=_Formatter,
        )
        command.set_defaults(command=name)
        DESCRIBED[name](command)
    return described


def _name(text: str) -> str:
    """Return a name that was given; a blank one, as of a shell's variable that is not set, would count as not given."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is blank, so give a name")
    return text


def _describe_scan(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--aggregator",
        type=_name,
        metavar="NAME",
        help="judge the keys of all accounts and Regions of this aggregator, by what AWS Config has recorded of them",
    )
    _add_account(command)
    _add_rule_parameters(command)
    _add_selection(command)
    _add_output(command)


def _describe_report(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rule", required=True, type=_name, metavar="NAME", help="the name of the rule in AWS Config")
    command.add_argument(
        "--aggregator",
        type=_name,
        metavar="NAME",
        help="show the results in all accounts and Regions of this aggregator",
    )
    _add_account(command)
    _add_selection(command)
    _add_output(command)


def _add_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", help="the profile whose credentials to use")
    command.add_argument(
        "--region",
        action="append",
        default=[],
        help="a Region to look into; may be repeated; 'all' stands for every enabled one (default: the profile's)",
    )
    command.add_argument(
        "--role-arn",
        action="append",
        default=[],
        help="a role to assume first; may be repeated, for one account after another",
    )
    command.add_argument(
        "--accounts-file",
        type=Path,
        metavar="FILE",
        help="accounts to look into: the ARN of a role on each line, or the id of an account, for which ACCOUNT stands "
        "in --role-arn",
    )


def _add_one_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", help="the profile whose credentials to use where AWS is asked")
    command.add_argument(
        "--region", action="append", default=[], help="the Region to look into then (default: the profile's)"
    )
    command.add_argument("--role-arn", action="append", default=[], help="a role to assume first")
    command.set_defaults(accounts_file=None)


def _describe_check(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a key policy, a CloudFormation template, the output of 'terraform show -json', a folder of these, or - "
        "for standard input",
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="files and folders to leave out, by name or end of path, such as 'tests/*'; may be repeated",
    )
    _add_one_account(command)
    _add_rule_parameters(command)
    command.add_argument(
        "--template-parameters",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the values of a CloudFormation template's parameters, as the AWS CLI takes them; may be repeated",
    )
    command.add_argument(
        "--accept",
        type=Path,
        metavar="FILE",
        help="findings that are accepted, each until a day and for a reason: they do not fail",
    )
    command.add_argument(
        "--write-accept", type=Path, metavar="FILE", help="where to draft a file for --accept, without the reasons"
    )
    _add_selection(command)
    _add_output(command)
    command.add_argument(
        "--notes", action="store_true", help="in SARIF, also report as notes what the rule does not judge"
    )


def _describe_explain(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "policy",
        nargs="?",
        metavar="POLICY",
        help="a key policy as JSON, FILE#NAME for one key of a template or plan, or - for standard input",
    )
    command.add_argument(
        "--key", type=_name, metavar="KEY", help="a key of a live account instead: its alias, id or ARN"
    )
    command.add_argument("--alias", action="append", default=[], help="an alias of the policy's key; may be repeated")
    _add_one_account(command)
    _add_rule_parameters(command)
    command.add_argument("--all", action="store_true", help="also show the questions that were not reached")
    _add_output(command, formats=("table", "json"))


def _describe_package(command: argparse.ArgumentParser) -> None:
    command.add_argument("--output", type=Path, default=PACKAGE, help="where to write it (default: %(default)s)")
    command.add_argument(
        "--templates", type=Path, metavar="DIR", help="a folder to copy the templates and modules to, which is created"
    )


def _add_rule_parameters(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--parameters",
        type=Path,
        metavar="FILE",
        help="the rule's parameters: its parameters.json, a JSON object, or the deployment template's in JSON or YAML "
        "(default: the example that comes with kms-rule)",
    )
    source.add_argument(
        "--rule", type=_name, metavar="NAME", help="take the parameters of this rule, as it is deployed"
    )
    command.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for one parameter of the rule; may be repeated",
    )


def _add_selection(command: argparse.ArgumentParser) -> None:
    selection = command.add_mutually_exclusive_group()
    selection.add_argument(
        "--only",
        choices=COMPLIANCES,
        action="append",
        default=[],
        help="show only the results of this compliance type, with the totals of all; may be repeated",
    )
    selection.add_argument(
        "--quiet",
        action="store_true",
        help="show only what is NON_COMPLIANT or could not be judged, without parameters, remarks and totals: nothing "
        "where there is none",
    )


def _add_output(command: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    endings = ", ".join(f".{name}" for name in formats[1:])
    command.add_argument(
        "--format",
        choices=formats,
        help=f"how to show it (default: the ending of the file's name, {endings}, otherwise {formats[0]})",
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it; - is standard output, which is the default"
    )
    command.set_defaults(formats=formats)


def _settle_output(parsed: argparse.Namespace) -> None:
    """Let the format follow from the ending of the file's name unless it is given; - is no file.

    Raises `CommandError` where the command does not have the format that the ending stands for.
    """
    if parsed.output == STANDARD_OUTPUT:
        parsed.output = None
    if parsed.format:
        return
    name = parsed.output.name.lower() if parsed.output else ""
    parsed.format = next((each for ending, each in FORMATS_BY_ENDING.items() if name.endswith(ending)), "table")
    if parsed.format not in parsed.formats:
        raise CommandError(
            f"The name of the file for --output ends as one in {parsed.format} does, which 'kms-rule {parsed.command}' "
            f"does not write: give --format, or a name with another ending."
        )


DESCRIBED: Mapping[str, Callable[[argparse.ArgumentParser], None]] = {
    "scan": _describe_scan,
    "check": _describe_check,
    "report": _describe_report,
    "explain": _describe_explain,
    "package": _describe_package,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments, those of the process where None, name; return the code to end with.

    Whatever goes wrong is one sentence on standard error and the code 2; with `--debug`, its traceback comes before.
    """
    try:
        parsed = parser().parse_args(arguments)
        if parsed.debug:
            print_failures()
        if "formats" in parsed:
            _settle_output(parsed)
        code: int = import_module(f"kms_rule.commands.{parsed.command}").run(parsed)
    except CommandError as error:
        complain(f"kms-rule: {error}")
        return CANNOT
    except KeyboardInterrupt:
        # Scan and check end early by themselves, and show what they have; this is an interruption elsewhere.
        complain("kms-rule: Interrupted before everything was shown: run it again.")
        return CANNOT
    except BrokenPipeError:
        # Whoever read the output wants no more of it.
        return CANNOT
    except Exception as error:  # noqa: BLE001 - the exit code 1, with which Python would end, is that of a finding
        complain(f"kms-rule: {sentence_on(error)}")
        return CANNOT
    return code
