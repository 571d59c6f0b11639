"""The formats that findings are shown in; each is a module with a function `render`, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

from kms_rule.findings import Findings
from kms_rule.output import printing
from kms_rule.written import write_or_show

MODULES: Mapping[str, str] = {"table": "table", "json": "programs", "sarif": "sarif", "html": "html"}


def show(findings: Findings, format_name: str, output: Path | None) -> None:
    """Print findings in one of the `MODULES`' formats, or write them to a file, whole or not at all.

    Raises `CommandError` where the file cannot be written, the findings being printed then, or where that fails.
    """
    if output is None:
        _print(findings, format_name)
        return
    write_or_show(_render(findings, format_name), output, "the findings are", partial(_print, findings, format_name))


def _render(findings: Findings, format_name: str) -> str:
    render: Callable[[Findings], str] = import_module(f"{__name__}.{MODULES[format_name]}").render
    return render(findings)


def _print(findings: Findings, format_name: str) -> None:
    if format_name == "table":
        # A terminal has its own width and colours.
        from kms_rule.formats.table import print_to  # noqa: PLC0415
        from kms_rule.terminal import standard_output  # noqa: PLC0415

        print_to(standard_output(), findings)
        return
    # A file for programs or browsers is in UTF-8, whatever the terminal's encoding is.
    rest = memoryview(_render(findings, format_name).encode())
    with printing() as opened:
        while rest:
            # With PYTHONUNBUFFERED, a write may take a part, for instance where the reader goes away.
            rest = rest[opened.buffer.write(rest) :]
