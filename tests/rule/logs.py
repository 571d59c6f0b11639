"""What the rule logs, and whether a name within it could pass for another line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

RULE_LOGGER = logging.getLogger("AWSConfigRuleKMS")


class Listener(logging.Handler):
    """Keeps every record that reaches it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def everything_logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what the rule's own loggers say, at every level."""
    listener = Listener()
    RULE_LOGGER.addHandler(listener)
    with patch.dict("os.environ", {"LOGGING_LEVEL": "DEBUG"}), patch.object(RULE_LOGGER, "propagate", new=False):
        try:
            yield listener.records
        finally:
            RULE_LOGGER.removeHandler(listener)


def forged(records: list[logging.LogRecord]) -> list[str]:
    """Return the log lines that are more than one line of printable ASCII, as they would be written."""
    lines = [logging.Formatter("%(message)s").format(record) for record in records]
    return [line for line in lines if not (line.isascii() and line.isprintable())]
