"""Holds CHANGELOG.md to its form, and to the version that the project and its documents name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pytest

from tests.documents import document

CHANGELOG = document("CHANGELOG.md")
VERSION = tomllib.loads(document("pyproject.toml"))["project"]["version"]
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)")
# What people copy from a document to use this project: a tag, or a commit with its tag behind it.
PINNED = re.compile(r"(?:rev: |kms-rule@(?:\w+ # )?)v(\d+\.\d+\.\d+)")


@dataclass(frozen=True)
class Section:
    """A section of a changelog: its heading, and what it says of each kind of change."""

    heading: str
    kinds: tuple[tuple[str, str], ...]


def sections(text: str) -> list[Section]:
    _, *found = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return [Section(heading, tuple(changes(body))) for heading, body in zip(found[::2], found[1::2], strict=True)]


def changes(body: str) -> Iterator[tuple[str, str]]:
    _, *found = re.split(r"^### (.*)\n", body, flags=re.MULTILINE)
    yield from zip(found[::2], found[1::2], strict=True)


def faults(text: str) -> list[str]:
    """Return what is wrong with the form of a changelog, one sentence each."""
    found = sections(text)
    released = found[found[:1] == [Section("[Unreleased]", found[0].kinds)] :]
    wrong = [f"{one.heading} is not a version with its date" for one in released if not RELEASE.fullmatch(one.heading)]
    return wrong or [*misordered([one.heading for one in released]), *misplaced(found)]


def misordered(headings: Sequence[str]) -> Iterator[str]:
    releases = [RELEASE.fullmatch(heading) for heading in headings]
    numbers = [tuple(map(int, one.groups()[:3])) for one in releases if one]
    dates = [date.fromisoformat(one[4]) for one in releases if one]
    if numbers != sorted(set(numbers), reverse=True):
        yield "the versions do not descend"
    if dates != sorted(dates, reverse=True):
        yield "the dates do not descend"


def misplaced(found: Sequence[Section]) -> Iterator[str]:
    for section in found:
        names = [name for name, _ in section.kinds]
        if names != [kind for kind in KINDS if kind in names]:
            yield f"{section.heading} has other kinds of changes, or in another order: {', '.join(names)}"
        yield from (f"{section.heading} says nothing of {name}" for name, said in section.kinds if "- " not in said)


def test_it_has_the_form_that_it_says() -> None:
    assert faults(CHANGELOG) == []
    assert len(sections(CHANGELOG)) > 1


def test_the_project_has_the_newest_version() -> None:
    newest = next(one.heading for one in sections(CHANGELOG) if RELEASE.fullmatch(one.heading))
    assert newest.startswith(f"[{VERSION}]")


def test_people_are_shown_how_to_use_the_newest_version() -> None:
    assert PINNED.findall(document("docs/checking.md")) == [VERSION] * 3


NEWER, OLDER = "## [1.10.0] - 2026-02-28\n\n### Added\n\n- One.\n", "## [1.9.0] - 2026-02-01\n\n### Fixed\n\n- Two.\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NEWER + OLDER, []),
        ("## [Unreleased]\n\n### Removed\n\n- Three.\n" + NEWER + OLDER, []),
        (OLDER + NEWER, ["the versions do not descend", "the dates do not descend"]),
        (NEWER + NEWER, ["the versions do not descend"]),
        (NEWER + "## [Unreleased]\n", ["[Unreleased] is not a version with its date"]),
        ("## [1.0.0] - Unreleased\n", ["[1.0.0] - Unreleased is not a version with its date"]),
        ("## 1.0.0\n", ["1.0.0 is not a version with its date"]),
        (
            OLDER + "### Improved\n\n- Four.\n",
            ["[1.9.0] - 2026-02-01 has other kinds of changes, or in another order: Fixed, Improved"],
        ),
        (
            OLDER + "### Added\n\n- Four.\n",
            ["[1.9.0] - 2026-02-01 has other kinds of changes, or in another order: Fixed, Added"],
        ),
        (OLDER + "### Security\n\n", ["[1.9.0] - 2026-02-01 says nothing of Security"]),
    ],
)
def test_another_form_would_be_noticed(text: str, said: list[str]) -> None:
    assert faults(text) == said
