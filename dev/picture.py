"""Draws the picture of README.md, what `kms-rule check` prints of the two policies there: `python -m dev.picture`."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "check.svg"
FILES = ("orders.json", "orders-fixed.json")
PARAMETERS = {"rule.json": '{"Admin_User_Id": "AROAEXAMPLEADMIN*"}'}
COMMAND = ("kms-rule", "check", *FILES, "--parameters", *PARAMETERS)
COLUMNS = 100
# What a browser would load, and a comment with an address.
LOADED = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)


def policies() -> dict[str, str]:
    """Return the policies that README.md shows side by side, the failing one first, by the names of their files."""
    shown = re.findall(r"```json\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return dict(zip(FILES, shown, strict=True))


def output() -> str:
    """Return what the command prints of these policies on a terminal of 100 columns, with its colours."""
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "AWS_PROFILE"}}
    terminal = {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**policies(), **PARAMETERS}.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        return subprocess.run(  # noqa: S603 - runs this project's own command
            [sys.executable, "-m", "kms_rule", *COMMAND[1:]],
            cwd=folder,
            env={**plain, **terminal, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        ).stdout


def picture(printed: str) -> str:
    """Draw what was printed as an SVG that loads nothing."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(printed))
    return LOADED.sub("", console.export_svg(title=" ".join(COMMAND)))


if __name__ == "__main__":
    PICTURE.write_text(picture(output()), encoding="utf-8")
