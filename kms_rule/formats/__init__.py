"""The formats that findings and explanations are shown in; each is a module that is loaded when it is asked for.

A module for people has `print_to(console, content)`, any other `render(content) -> str`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

from kms_rule.explanation.explanation import Explanation
from kms_rule.findings import Findings
from kms_rule.output import as_text, printing, standard_output, write_or_show

FORMATS_OF_FINDINGS: Mapping[str, str] = {
    "table": "table",
    "json": "json_format",
    "sarif": "sarif",
    "html": "html.page",
}
FORMATS_OF_EXPLANATION: Mapping[str, str] = {"table": "explanation_table", "json": "explanation_json"}


def show(findings: Findings, format_name: str, output: Path | None) -> None:
    """Print findings in one of their formats, or write them to a file, whole or not at all.

    Raises `CommandError` where the file cannot be written, the findings being printed then, or where that fails.
    """
    _show(findings, FORMATS_OF_FINDINGS[format_name], output, "the findings are")


def show_explanation(explanation: Explanation, format_name: str, output: Path | None) -> None:
    """Print an explanation, or write it to a file, as `show` does findings."""
    _show(explanation, FORMATS_OF_EXPLANATION[format_name], output, "the explanation is")


def _show(content: object, module_name: str, output: Path | None, called: str) -> None:
    module = import_module(f"{__name__}.{module_name}")
    if output is None:
        _print(content, module)
    else:
        write_or_show(_rendered(content, module), output, called, partial(_print, content, module))


def _is_for_people(module: ModuleType) -> bool:
    return hasattr(module, "print_to")


def _rendered(content: object, module: ModuleType) -> str:
    if _is_for_people(module):
        return as_text(lambda console: module.print_to(console, content))
    rendered: str = module.render(content)
    return rendered


def _print(content: object, module: ModuleType) -> None:
    if _is_for_people(module):
        # A terminal has its own width and colours.
        module.print_to(standard_output(), content)
        return
    # A file for programs or browsers is in UTF-8, whatever the terminal's encoding is.
    rest = memoryview(_rendered(content, module).encode())
    with printing() as opened:
        while rest:
            # With PYTHONUNBUFFERED, a write may take a part, for instance where the reader goes away.
            rest = rest[opened.buffer.write(rest) :]
