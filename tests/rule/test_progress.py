"""How far an evaluation came, as people read it."""

from __future__ import annotations

import pytest

from least_privilege.key import UnreadKey
from least_privilege.progress import Progress


@pytest.mark.parametrize(
    ("progress", "sentence"),
    [
        (Progress(), "0 of 0 keys are judged"),
        (Progress(keys=["a", "b"], judged={"a", "b"}), "2 of 2 keys are judged"),
        (Progress(keys=["a", "b", "c"], judged={"b"}), "1 of 3 keys are judged; not judged are a, c"),
        (
            Progress(keys=["a", "b"], unread=[UnreadKey("b", "it rains"), UnreadKey("a", "it snows")]),
            "0 of 2 keys are judged; no answer for b, a, first because of it rains",
        ),
        (
            Progress(keys=["a"], judged={"a"}, lost=["a", "alias/b"]),
            "1 of 1 keys are judged; AWS Config did not take the evaluations of a, alias/b",
        ),
        (
            Progress(keys=["a"], judged={"a"}, lost=["a"], lost_because="refused twice: no"),
            "1 of 1 keys are judged; AWS Config did not take the evaluations of a (refused twice: no)",
        ),
        (
            Progress(keys=["a", "b", "c"], judged={"a"}, unread=[UnreadKey("b", "rain")], lost=["a"]),
            "1 of 3 keys are judged; no answer for b, first because of rain; not judged are c; "
            "AWS Config did not take the evaluations of a",
        ),
        (
            Progress(keys=[str(number) for number in range(1234)], judged={str(number) for number in range(1233)}),
            "1,233 of 1,234 keys are judged; not judged are 1233",
        ),
    ],
)
def test_progress_says_what_is_missing(progress: Progress, sentence: str) -> None:
    assert str(progress) == sentence


def test_an_evaluation_that_begins_again_counts_nothing_twice() -> None:
    progress = Progress(keys=["a"], judged={"a"}, lost=["a"], unread=[UnreadKey("b", "it rains")])
    progress.compliances["COMPLIANT"] += 1
    progress.begin(["a"])
    assert (progress.compliances.total(), str(progress)) == (0, "0 of 1 keys are judged; not judged are a")
