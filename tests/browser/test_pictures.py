"""Pictures of the report for the documentation.

`REPORT_PICTURES=docs pytest tests/browser/test_pictures.py` renews them.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.reports import example_findings, page

pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")

from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

DOCUMENTATION = Path(__file__).parents[2] / "docs"
MAX_BYTES = 200_000
TABLE_WITH_POLICY = """
    document.querySelectorAll("tbody details")[3].open = true;
    document.getElementById("results").scrollIntoView();
    scrollBy(0, -40);
"""
TABLE = 'document.getElementById("results").scrollIntoView(); scrollBy(0, -30);'


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the window, after a script brought into it what is to be seen."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    script: str = ""


PICTURES = (
    Picture("report-light.png", 1280, 1250),
    Picture("report-dark.png", 1200, 1000, "dark", TABLE_WITH_POLICY),
    Picture("report-narrow.png", 390, 1000, script=TABLE),
)
PRINTED = Picture("report-print.png", 720, 1018)
SHEET = "#page=1&toolbar=0&navpanes=0&view=Fit"
LEAST_BYTES = 40_000


@pytest.mark.parametrize("picture", PICTURES, ids=[picture.name for picture in PICTURES])
def test_the_report_is_pictured(browser: Browser, picture: Picture, tmp_path: Path) -> None:
    browser.resize(picture.width, picture.height)
    browser.prefer(picture.scheme)
    browser.open(page(example_findings()))
    browser.run(picture.script)
    file = Path(os.environ.get("REPORT_PICTURES", tmp_path)) / picture.name
    file.write_bytes(browser.picture())
    assert size_of(file) == (picture.width, picture.height)


@pytest.mark.skipif("REPORT_PICTURES" not in os.environ, reason="it is only made to be kept")
def test_a_printed_page_is_pictured(browser: Browser, tmp_path: Path) -> None:
    browser.open(page(example_findings()))
    sheets = tmp_path / "report.pdf"
    sheets.write_bytes(browser.printed())
    browser.resize(PRINTED.width, PRINTED.height)
    browser.driver.get(f"{sheets.as_uri()}{SHEET}")
    # The browser's viewer does not say when it has drawn the page.
    file = Path(os.environ["REPORT_PICTURES"]) / PRINTED.name
    WebDriverWait(browser.driver, 30).until(lambda _: file.write_bytes(browser.picture()) > LEAST_BYTES)


@pytest.mark.parametrize("picture", [*PICTURES, PRINTED], ids=lambda picture: picture.name)
def test_the_documentation_has_the_picture(picture: Picture) -> None:
    file = DOCUMENTATION / picture.name
    assert size_of(file) == (picture.width, picture.height)
    assert file.stat().st_size < MAX_BYTES


def size_of(file: Path) -> tuple[int, int]:
    """Return the width and height that a PNG file gives in its first block."""
    width, height = struct.unpack(">II", file.read_bytes()[16:24])
    return width, height
