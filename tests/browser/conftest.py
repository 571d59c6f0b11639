"""One Chromium for all tests of this folder, which skip where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.reports import example_findings, page

if TYPE_CHECKING:
    from tests.browser.chromium import Browser


@pytest.fixture(scope="session")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    pytest.importorskip("selenium", reason="Selenium, which drives the browser, is not installed")
    from tests.browser.chromium import Browser, chromium, missing  # noqa: PLC0415 - these need Selenium

    if missing():
        pytest.skip(f"{missing()} is not installed: apt-get install chromium chromium-driver")
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield Browser(driver, tmp_path_factory.mktemp("reports"))


@pytest.fixture
def browser(_browser: Browser) -> Browser:
    """A browser with a wide light window, in which scripts run."""
    _browser.reset()
    return _browser


@pytest.fixture
def examples(browser: Browser) -> Browser:
    """The browser with the report on the example keys open."""
    browser.open(page(example_findings()))
    return browser
