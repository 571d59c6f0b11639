"""The time that Lambda leaves an invocation, and the reserves that its last steps need."""

from __future__ import annotations

from typing import Final

# Seconds before the function's end. With the seventh of a processor that goes with 256 MB, the keys that are being read
# need one or two of them, and judging and reporting 400 keys needs three.
STOP_READING_BEFORE_END = 10
STOP_WAITING_BEFORE_END = 5
STOP_BEFORE_END = 0.5
MORE_TIME_ADVICE: Final = (
    "Raise the function's timeout (rdk deploy --lambda-timeout, 900 seconds at most) or its memory, or set "
    "ReadKeysFrom to Config"
)


class Deadline:
    """When Lambda ends an invocation; without a context that tells it, there is no end."""

    def __init__(self, context: object = None) -> None:
        """Ask the context that Lambda hands to the function."""
        self._milliseconds = getattr(context, "get_remaining_time_in_millis", None)

    def remaining(self, reserve: float) -> float | None:
        """Return the seconds, at least 0, until only the `reserve` is left; None where there is no end."""
        return max(self._milliseconds() / 1000 - reserve, 0.0) if callable(self._milliseconds) else None

    @property
    def is_near(self) -> bool:
        """Whether it is too late to begin with another key."""
        return self.remaining(STOP_READING_BEFORE_END) == 0
