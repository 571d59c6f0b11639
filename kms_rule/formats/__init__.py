"""The formats that findings and explanations are shown in; each is a module that is loaded when it is asked for.

A module for people has `print_to(console, content)`. Any other has `pieces(content)`, an iterator of texts that are
written as they come, or `render(content)`, the whole text.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from itertools import batched
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from kms_rule.explanation.explanation import Explanation
from kms_rule.findings import Findings
from kms_rule.output import print_plainly, printing, standard_output, write_or_show
from least_privilege.scenarios import Compliance

FORMATS_OF_FINDINGS: Mapping[str, str] = {
    "table": "table",
    "json": "json_format",
    "sarif": "sarif",
    "html": "html.page",
}
ONLY_REMARK = "Of the results, only those that are {} are shown; the totals count all."
# A system call for each piece would cost more than making it.
PIECES_AT_ONCE = 200
FORMATS_OF_EXPLANATION: Mapping[str, str] = {"table": "explanation_table", "json": "explanation_json"}


def show_as_asked(findings: Findings, arguments: argparse.Namespace) -> None:
    """Show findings as the arguments `format`, `output`, `only` and `quiet` of a command say. Raises like `show`."""
    findings.only = frozenset(map(Compliance, arguments.only))
    findings.quiet = arguments.quiet
    if findings.quiet:
        findings.only = frozenset({Compliance.NON_COMPLIANT})
    elif findings.only:
        findings.remarks.append(ONLY_REMARK.format(" and ".join(sorted(findings.only))))
    show(findings, arguments.format, arguments.output)


def show(findings: Findings, format_name: str, output: Path | None) -> None:
    """Print findings in one of their formats, or write them to a file, whole or not at all.

    Raises `CommandError` where the file cannot be written, the findings being printed then if they are kept, or where
    that fails.
    """
    _show(findings, FORMATS_OF_FINDINGS[format_name], output, "the findings are")


def show_explanation(explanation: Explanation, format_name: str, output: Path | None) -> None:
    """Print an explanation, or write it to a file, as `show` does findings."""
    _show(explanation, FORMATS_OF_EXPLANATION[format_name], output, "the explanation is")


def _show(content: Findings | Explanation, module_name: str, output: Path | None, called: str) -> None:
    module = import_module(f"{__name__}.{module_name}")
    if output is None:
        _print(content, module)
    else:
        write_or_show(partial(_write, content, module), output, called, partial(_print_if_kept, content, module))


def _print_if_kept(content: Findings | Explanation, module: ModuleType) -> bool:
    """Print what could not be written to a file, and return whether all of it was still there to be printed."""
    if isinstance(content, Findings) and not content.are_kept:
        return False
    _print(content, module)
    return True


def _is_for_people(module: ModuleType) -> bool:
    return hasattr(module, "print_to")


def _texts(content: object, module: ModuleType) -> Iterator[bytes]:
    """Yield what a module for programs or browsers makes, in UTF-8, whatever the terminal's encoding is."""
    pieces = module.pieces(content) if hasattr(module, "pieces") else [module.render(content)]
    return ("".join(some).encode() for some in batched(pieces, PIECES_AT_ONCE))


def _write(content: object, module: ModuleType, file: BinaryIO) -> None:
    if _is_for_people(module):
        print_plainly(lambda console: module.print_to(console, content), file)
        return
    file.writelines(_texts(content, module))


def _print(content: object, module: ModuleType) -> None:
    if _is_for_people(module):
        # A terminal has its own width and colours.
        module.print_to(standard_output(), content)
        return
    for text in _texts(content, module):
        rest = memoryview(text)
        with printing() as opened:
            while rest:
                # With PYTHONUNBUFFERED, a write may take a part, for instance where the reader goes away.
                rest = rest[opened.buffer.write(rest) :]
