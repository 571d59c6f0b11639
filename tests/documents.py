"""Reads the project's documents for tests that hold them to what is there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def document(name: str) -> str:
    """Return the text of a document, by its path in the project."""
    return (PROJECT / name).read_text("utf-8")


def heading_anchors(text: str) -> set[str]:
    """Return the anchors of a text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(text: str) -> list[tuple[str, str]]:
    """Return the paths and anchors that the links of a text lead to, without those that lead into the Internet."""
    found = re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", text)
    return sorted({(path, anchor) for path, anchor in found if "://" not in path})


def link_leads_somewhere(name: str, path: str, anchor: str) -> bool:
    """Return whether a link of the document `name` leads to a file, and to a heading of it if the link names one."""
    target = (PROJECT / name).parent / path if path else PROJECT / name
    return target.exists() and (not anchor or anchor in heading_anchors(target.read_text("utf-8")))


def named_tests(text: str) -> list[str]:
    """Return what a text names below `tests/`, such as `tests/rule/test_time.py::test_of_a_name`."""
    return sorted(set(re.findall(r"`(tests/[^`]*)`", text)))


def names_a_test(named: str) -> bool:
    """Return whether this file of tests is there, and this test in it if it is named."""
    path, _, name = named.partition("::")
    file = PROJECT / path
    return file.is_file() and re.search(rf"^ *def {name or 'test_'}", file.read_text("utf-8"), re.MULTILINE) is not None
