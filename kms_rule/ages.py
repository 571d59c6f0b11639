"""Ages in words."""

from __future__ import annotations

from datetime import timedelta


def age(duration: timedelta) -> str:
    """Return a duration in words, in the largest unit that it has two of."""
    seconds = max(int(duration.total_seconds()), 0)
    units = (("days", 86400), ("hours", 3600), ("minutes", 60))
    return next((f"{seconds // size} {unit}" for unit, size in units if seconds >= 2 * size), f"{seconds} seconds")
