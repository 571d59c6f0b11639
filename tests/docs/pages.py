"""The commands that the project's pages show, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "docs").glob("*.md")))
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
GOES_ON = re.compile(r"(\\|\|)\n\s+")


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a page shows it, on one line; `number` counts those of its page from 1."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        """Return where it stands, and its beginning, as a test's name."""
        return f"{self.page} {self.number}: {self.text[:60]}"


def commands_of(page: str) -> Iterator[Command]:
    """Yield the commands in the indented blocks of a page; one after `$` has its output below, and is not meant."""
    text = FENCED.sub("", (PROJECT / page).read_text(encoding="utf-8"))
    blocks = [block for block in BLOCK.findall(text) if not block.lstrip().startswith("$")]
    lines = [line.strip() for block in blocks for line in GOES_ON.sub(r"\1 ", block).splitlines()]
    for number, line in enumerate(filter(None, lines), 1):
        yield Command(page, number, line.replace("\\ ", ""))
