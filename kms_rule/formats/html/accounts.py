"""The table of accounts and results, where there are several accounts; with JavaScript it filters the results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from kms_rule.findings import Finding, Unjudged
from kms_rule.formats.html.elements import Element, element
from least_privilege.scenarios import Compliance

ACCOUNT = re.compile(r"account (\d{12})(?!\d)", re.ASCII)
OTHER = "not judged"


def accounts_of(judged: Iterable[Finding], unjudged: Iterable[Unjudged]) -> list[str]:
    """Return the accounts of everything that was found, in order, where there are several; otherwise none."""
    accounts = {*map(_account_of, judged), *map(_account_of, unjudged)} - {""}
    return sorted(accounts) if len(accounts) > 1 else []


def account_table(
    judged: Sequence[Finding], unjudged: Sequence[Unjudged], compliances: Sequence[Compliance]
) -> Element | None:
    """Return the section with how many results of each compliance an account has, or None without several accounts."""
    accounts = accounts_of(judged, unjudged)
    if not accounts:
        return None
    counts = Counter((_account_of(each), each.compliance.value) for each in judged)
    counts.update((_account_of(each), OTHER) for each in unjudged)
    columns = [*(compliance.value for compliance in compliances), *([OTHER] if unjudged else [])]
    heads = (element("th", text, scope="col") for text in ("Account", *columns))
    rows = (_row(account, columns, counts) for account in accounts)
    return element(
        "section",
        element("h2", "Results by account", id="accounts"),
        element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="accounts"),
        aria_labelledby="accounts",
    )


def _row(account: str, columns: Iterable[str], counts: Counter[tuple[str, str]]) -> Element:
    cells = (element("td", f"{counts[account, column]:,}") for column in columns)
    return element("tr", element("th", account, scope="row"), *cells)


def _account_of(found: Finding | Unjudged) -> str:
    named = ACCOUNT.match(found.place.source)
    return named[1] if named else ""
