"""What `terraform-docs markdown table` writes of a module, without links: requirements, resources, inputs, outputs.

It is read from the module's files as `terraform fmt` formats them: one attribute a line, two blanks before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r'^(variable|output|resource|data) ((?:"[\w-]+" ?)+)\{(?:\}|\n(.*?)^\})$', re.MULTILINE | re.DOTALL)
ATTRIBUTE = re.compile(r"^  (description|type|default) += (.*)$", re.MULTILINE)
BEGIN = "<!-- BEGIN_TF_DOCS -->\n"
END = "<!-- END_TF_DOCS -->\n"


@dataclass(frozen=True)
class Block:
    """A block of a module: its kind, its labels, and those of its attributes that documentation shows."""

    kind: str
    labels: tuple[str, ...]
    attributes: dict[str, str]

    @property
    def name(self) -> str:
        """What the block declares."""
        return ".".join(self.labels)

    @property
    def description(self) -> str:
        """What the block says of itself."""
        return self.attributes["description"].strip('"')


def blocks(module: Path, kind: str) -> list[Block]:
    """Return the blocks of a kind in a module's files, by name."""
    text = "".join(path.read_text("utf-8") for path in sorted(module.glob("*.tf")))
    found = (
        Block(hit[1], tuple(re.findall(r'"([\w-]+)"', hit[2])), dict(ATTRIBUTE.findall(hit[3] or "")))
        for hit in BLOCK.finditer(text)
    )
    return sorted((block for block in found if block.kind == kind), key=lambda block: block.name)


def documentation(module: Path) -> str:
    """Return the section of a module's README that says what its files declare."""
    versions = (module / "versions.tf").read_text("utf-8")
    terraform, aws = re.findall(r'version += "(.*)"', versions)
    sections = {
        "Requirements": table(("Name", "Version"), [("terraform", terraform), ("aws", aws)]),
        "Resources": table(("Name", "Type"), _resources(module)),
        "Inputs": table(("Name", "Description", "Type", "Default", "Required"), _inputs(module)),
        "Outputs": table(
            ("Name", "Description"), ((block.name, block.description) for block in blocks(module, "output"))
        ),
    }
    return BEGIN + "\n".join(f"## {title}\n\n{rows}" for title, rows in sections.items()) + END


def _resources(module: Path) -> Iterator[tuple[str, str]]:
    for kind, called in (("resource", "resource"), ("data", "data source")):
        yield from ((block.name, called) for block in blocks(module, kind))


def _inputs(module: Path) -> Iterator[tuple[str, str, str, str, str]]:
    for block in blocks(module, "variable"):
        default = block.attributes.get("default")
        shown = ("n/a", "yes") if default is None else (f"`{default}`", "no")
        yield block.name, block.description, f"`{block.attributes['type']}`", *shown


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown; a column about being required is centred."""
    rule = (":------:" if title == "Required" else "-" * max(3, len(title)) for title in titles)
    return "".join(f"| {' | '.join(row)} |\n" for row in (titles, tuple(rule), *rows))
