"""A headless Chromium with one report in it, as the tests use it."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

# By whichever of these names it is installed; the driver has one name everywhere.
BROWSER_NAMES, DRIVER_NAME = ("chromium", "chromium-browser", "google-chrome"), "chromedriver"
# Without a network of its own, a display, or anything kept; root may not use the sandbox.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SECONDS_TO_OPEN = 5
WIDE = (1280, 900)


def browser_program() -> str | None:
    """Return where the browser is installed, or None."""
    return next(filter(None, map(shutil.which, BROWSER_NAMES)), None)


def missing() -> str:
    """Return the name of the first program that is needed and not installed, or nothing."""
    if not browser_program():
        return BROWSER_NAMES[0]
    return "" if shutil.which(DRIVER_NAME) else DRIVER_NAME


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Start Chromium with this empty folder for its profile, and end it afterwards."""
    options = ChromeOptions()
    options.binary_location = str(browser_program())
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the driver's path given, Selenium looks for none in the network.
    driver = Chrome(options=options, service=Service(executable_path=shutil.which(DRIVER_NAME)))
    driver.set_script_timeout(SECONDS_TO_OPEN)
    try:
        yield driver
    finally:
        driver.quit()


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser, and the folder that reports for it are written to."""

    driver: Chrome
    folder: Path

    def reset(self) -> None:
        """Return to a wide light window in which scripts run."""
        self.allow_scripts(allowed=True)
        self.resize(*WIDE)
        self.prefer("light")

    def resize(self, width: int, height: int) -> None:
        """Give the page this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Let the system prefer `light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def allow_scripts(self, *, allowed: bool) -> None:
        """Let scripts of the pages opened from now on run, or not."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    @contextmanager
    def running_first(self, script: str) -> Iterator[None]:
        """Run this before anything of a page opened meanwhile."""
        source = {"source": script}
        added = self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
        yield
        self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)

    def open(self, page: str, fragment: str = "") -> None:
        """Open this page from a file of its own, and forget what the console held before."""
        file = self.folder / f"report-{len(list(self.folder.iterdir()))}.html"
        file.write_text(page, encoding="utf-8")
        self.complaints()
        self.driver.get(file.as_uri() + fragment)

    def complaints(self) -> list[str]:
        """Return what the console holds since it was last asked for, and forget it."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that this page has asked for."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if one["documentURL"] == self.driver.current_url]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.execute(Command.GET_LOG, {"type": kind})["value"]
        return entries

    def run(self, script: str, *arguments: object) -> Any:
        """Return what this JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> WebElement:
        """Return the first element that this selects."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the text of all elements that this selects, seen or not."""
        script = "return Array.from(document.querySelectorAll(arguments[0]), (one) => one.textContent)"
        texts: list[str] = self.run(script, selector)
        return texts

    def keys(self) -> list[str]:
        """Return the ids of the results that the table shows, from its top."""
        return self.texts("tbody tr th")

    def status(self) -> str:
        """Return what the page says about the results that it shows."""
        return self.one("[role=status]").text

    def button(self, label: str, within: str = "body") -> WebElement:
        """Return the button with this label."""
        buttons = self.one(within).find_elements(By.TAG_NAME, "button")
        return next(button for button in buttons if button.text == label)

    def choose(self, label: str, value: str) -> None:
        """Choose a value in the filter with this label."""
        Select(self.labelled(label)).select_by_visible_text(value)

    def labelled(self, label: str) -> WebElement:
        """Return the control that the label with this text is for."""
        found = next(one for one in self.driver.find_elements(By.TAG_NAME, "label") if one.text == label)
        return self.driver.find_element(By.ID, str(found.get_attribute("for")))

    def row(self, key: str) -> WebElement:
        """Return the row of the result with this id."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")
        return rows[self.keys().index(key)]

    def open_policy(self, row: WebElement) -> WebElement:
        """Open the fold in this row, wait until the policy is in it, and return the policy."""
        row.find_element(By.TAG_NAME, "summary").click()
        # A browser says later that a fold has opened.
        return WebDriverWait(row, SECONDS_TO_OPEN, poll_frequency=0.02).until(
            lambda waiting: waiting.find_element(By.TAG_NAME, "pre")
        )

    def wait_for(self, selector: str) -> WebElement:
        """Wait until something is there that this selects, and return it."""
        waiting = WebDriverWait(self.driver, SECONDS_TO_OPEN, 0.02)
        return waiting.until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))

    def printed(self) -> bytes:
        """Return the page as it comes out of a printer on A4, as a PDF file."""
        wanted = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": False}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", wanted)["data"])

    def downloaded(self, start: Callable[[], object]) -> Path:
        """Start a download into an empty folder, wait until it has ended, and return the file."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent))
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
        start()
        # Until it has ended, the file has another name.
        found = WebDriverWait(self.driver, SECONDS_TO_OPEN, 0.02).until(lambda _: [*folder.glob("*.csv")])
        return found[0]

    def focused(self) -> WebElement:
        """Return the element that has the keyboard."""
        return self.driver.switch_to.active_element

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what is seen, or the whole page, as a PNG file."""
        wanted = {"format": "png", "captureBeyondViewport": whole}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", wanted)["data"])
