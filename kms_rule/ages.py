"""Ages in words, and the times that they stand for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def age(duration: timedelta) -> str:
    """Return a duration in words, in the largest unit that it has two of."""
    seconds = max(int(duration.total_seconds()), 0)
    units = (("days", 86400), ("hours", 3600), ("minutes", 60))
    in_seconds = f"{seconds} {'second' if seconds == 1 else 'seconds'}"
    return next((f"{seconds // size} {unit}" for unit, size in units if seconds >= 2 * size), in_seconds)


def ago(time: datetime, now: datetime) -> str:
    """Return how long before `now` a time was, in words, and when that was: what is read later has to say so."""
    return f"{age(now - time)} ago, at {time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
