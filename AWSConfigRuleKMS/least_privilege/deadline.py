"""The time that Lambda leaves an invocation, and the reserves that its last steps need, as learned from its first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

# Seconds before the function's end: for the handler's last sentence, and at least and at most for what comes before.
STOP_BEFORE_END = 0.5
REPORTING_RESERVE = (1.0, 5.0)
READING_RESERVE = (1.5, 10.0)
# Of the whole time: while nothing is known of how long AWS takes, and at most for the keys that are being read, since a
# key that was begun in vain costs less than a run that begins none.
SHARE_BEFORE_ANYTHING_IS_SEEN = 0.15
SHARE_FOR_READING = 1 / 3
# The last report may be slower than all before it. A key that is slower than those before it is not waited for.
MARGIN = 1.5
# A run begins with the slowest calls, since they make the connections. After some hundred calls, that is forgotten.
FADING = 0.98


class Slowest:
    """How long the slowest of a run's steps of one kind took lately; any thread may take such a step."""

    def __init__(self, left: Callable[[], float | None]) -> None:
        """Begin with none; `left` returns the seconds that the run has left, or None where there is no end."""
        self._left = left
        self._seconds: float | None = None
        self._lock = Lock()

    @property
    def seconds(self) -> float | None:
        """The seconds that the slowest took, None before the first."""
        return self._seconds

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take one more step in: the block."""
        before = self._left()
        try:
            yield
        finally:
            after = self._left()
            if before is not None and after is not None:
                with self._lock:
                    self._seconds = max(before - after, (self._seconds or 0) * FADING)


class Deadline:
    """When Lambda ends an invocation; without a context that tells it, there is no end.

    Before that lie two reserves, each within bounds: in the last seconds nothing is done but report what is judged, and
    so long before that as a key needs, no other is begun. How long that is, a run notes in `reading` (a key, or
    whatever else is read in one go), `judging` (a key) and `reporting` (a batch).
    """

    def __init__(self, context: object = None) -> None:
        """Ask the context that Lambda hands to the function."""
        self._milliseconds = getattr(context, "get_remaining_time_in_millis", None)
        self._budget = self._left() or 0.0
        self.reading, self.judging, self.reporting = (Slowest(self._left) for _ in range(3))

    def remaining(self, reserve: float) -> float | None:
        """Return the seconds, at least 0, until only the `reserve` is left; None where there is no end."""
        left = self._left()
        return None if left is None else max(left - reserve, 0.0)

    @property
    def left_to_begin(self) -> float | None:
        """The seconds until it is too late to begin with another key; None where there is no end."""
        return self.remaining(self._reading_reserve)

    @property
    def left_to_judge(self) -> float | None:
        """The seconds until there is time only to report what is judged; None where there is no end."""
        return self.remaining(self._reporting_reserve)

    @property
    def is_near(self) -> bool:
        """Whether it is too late to begin with another key."""
        return self.left_to_begin == 0

    @property
    def is_late(self) -> bool:
        """Whether there is time only to report what is judged."""
        return self.left_to_judge == 0

    def _left(self) -> float | None:
        return self._milliseconds() / 1000 if callable(self._milliseconds) else None

    @property
    def _reporting_reserve(self) -> float:
        report, read, judge = self.reporting.seconds, self.reading.seconds or 0, self.judging.seconds or 0
        if report is None:
            # AWS Config is taken to be as slow as what was read.
            unseen = SHARE_BEFORE_ANYTHING_IS_SEEN * self._budget / 2
            return _within(REPORTING_RESERVE, max(unseen, STOP_BEFORE_END + read + judge))
        return _within(REPORTING_RESERVE, STOP_BEFORE_END + MARGIN * (report + judge))

    @property
    def _reading_reserve(self) -> float:
        read, reporting = self.reading.seconds, self._reporting_reserve
        expected = SHARE_BEFORE_ANYTHING_IS_SEEN * self._budget if read is None else reporting + read
        return max(_within(READING_RESERVE, min(expected, SHARE_FOR_READING * self._budget)), reporting)


def _within(bounds: tuple[float, float], seconds: float) -> float:
    least, most = bounds
    return min(max(seconds, least), most)
