"""The published page of performance is what the published results make."""

from __future__ import annotations

from dev.bench import page
from dev.bench.results import Results
from tests.documents import document


def test_the_page_is_made_of_the_results_but_for_what_people_wrote() -> None:
    assert document("docs/performance.md") == page.text(Results.load())
