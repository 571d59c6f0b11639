"""Writes the help of each command into docs/commands.md: `python -m dev.commands_page`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from unittest.mock import patch

from kms_rule.cli import parser

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEADING = "## Help\n"
COLUMNS = "100"


def help_texts() -> str:
    """Return what `kms-rule --help` and that of each command print at 100 columns, as the page shows it."""
    with patch.dict(os.environ, COLUMNS=COLUMNS):
        described = parser()
        [commands] = [action for action in described._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse has no other way to list them
        shown = [described, *commands.choices.values()]
        return "".join(f"\n```text\n$ {each.prog} --help\n{each.format_help()}```\n" for each in shown)


def main() -> None:
    """Replace what stands below the heading."""
    before, heading, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    PAGE.write_text(before + heading + help_texts(), encoding="utf-8")


if __name__ == "__main__":
    main()
