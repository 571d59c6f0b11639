"""Opens reports in Chromium and tells how quickly they open, filter and sort: `python -m dev.bench.report_page`.

A report on many keys is set beside one on few, since what the machine and the browser take is in both. Every figure is
the best of several, because a busy machine only ever adds to it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# First of all: this makes the rule's modules known.
import kms_rule.formats.html
from AWSConfigRuleKMS import Key, RuleParameters
from dev.bench.policies import ACCOUNT_ID, policy_text
from dev.bench.suite import PARAMETERS
from dev.bench.synthetic import ENABLED, REGION, alias_of, key_id_of, state_of
from kms_rule.findings import Findings, Place, findings_of
from tests.browser.chromium import Browser, chromium, missing

FEW, MANY = 100, 10_000
REPEATED = 5

# The time until the page has changed and been laid out; a click and a letter are told apart by the element.
TIMED = """
const [element, value] = arguments;
const start = performance.now();
if (value === null) {
  element.click();
} else {
  element.value = value;
  element.dispatchEvent(new Event(element.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
}
document.body.getBoundingClientRect();
return performance.now() - start;
"""
OPENED = "const [opened] = performance.getEntriesByType('navigation'); return opened.domContentLoadedEventEnd"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one report took: processor seconds to write, bytes, and milliseconds in the browser."""

    writing: float
    size: int
    opening: float
    letter: float
    compliance: float
    sorting: float


def findings(keys: int) -> Findings:
    """Judge so many keys, each with a policy of its own."""
    parameters = RuleParameters.parse(PARAMETERS)
    found = Findings(parameters=parameters)
    for number in range(keys):
        key_id, state = key_id_of(number), state_of(number)
        policy = policy_text(number) if state == ENABLED else None
        place = Place(f"{ACCOUNT_ID} {REGION}", resource=f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{key_id}")
        found.add(findings_of(Key(key_id, (alias_of(number),), state=state, policy=policy), parameters, place))
    return found


def measure(browser: Browser, keys: int) -> Figures:
    """Write a report on so many keys, open it, and use it."""
    found = findings(keys)
    start = time.process_time()
    page = kms_rule.formats.html.render(found)
    writing = time.process_time() - start
    opening = min(_opening(browser, page) for _ in range(REPEATED))
    return Figures(
        writing,
        len(page.encode()),
        opening,
        letter=max(_best(browser, "#filter-text", value) for value in ("app-00", "alias", "zzz", "kms:create", "")),
        compliance=_best(browser, "#filter-compliance", "COMPLIANT"),
        sorting=max(_best(browser, f"thead th:nth-child({column}) button", None) for column in range(1, 6)),
    )


def _opening(browser: Browser, page: str) -> float:
    browser.open(page)
    return float(browser.run(OPENED))


def _best(browser: Browser, selector: str, value: str | None) -> float:
    return min(float(browser.run(TIMED, browser.one(selector), value)) for _ in range(REPEATED))


def lines(few: Figures, many: Figures) -> Iterator[str]:
    """Yield a line for each figure of the large report, with how many times the small one's it is."""
    yield f"{MANY:,} keys with a policy each, and beside it {FEW:,}:"
    yield f"file {many.size / 1e6:.1f} MB, {many.size / MANY:,.0f} bytes a key; {_times(many.size, few.size)}"
    yield f"write {many.writing:.2f} s of processor time; {_times(many.writing, few.writing)}"
    for name in ("opening", "letter", "compliance", "sorting"):
        large, small = getattr(many, name), getattr(few, name)
        yield f"{name} {large:.0f} ms; {_times(large, small)}"


def _times(large: float, small: float) -> str:
    return f"{large / small:.1f} times"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both reports and print the figures."""
    described = argparse.ArgumentParser(prog="python -m dev.bench.report_page", description=__doc__)
    described.parse_args(arguments)
    if missing():
        described.error(f"{missing()} is not installed")
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder, "profile")) as driver:
        reports = Path(folder, "reports")
        reports.mkdir()
        browser = Browser(driver, reports)
        few, many = measure(browser, FEW), measure(browser, MANY)
    print("\n".join(lines(few, many)))  # noqa: T201 - what the command is asked for


if __name__ == "__main__":
    main()
