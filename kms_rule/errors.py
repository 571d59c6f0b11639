"""What the command cannot do, told in one sentence; what nobody foresaw, too, with its traceback for those who ask."""

from __future__ import annotations

FAILURES = "kms_rule.failures"


class CommandError(Exception):
    """Raised when a command cannot do its job; the message is one sentence: what is wrong, where, and what to do.

    The command prints it to standard error and ends with code 2.
    """


def sentence_on(error: Exception) -> str:
    """Return the sentence on an exception that nobody foresaw; after `print_failures`, its traceback is printed, too.

    Its message is not repeated, since it may quote anything.
    """
    import logging  # noqa: PLC0415 - it takes its time to load, and what goes well does without it

    logging.getLogger(FAILURES).debug("What follows ended it.", exc_info=error)
    return (
        f"It could not be finished, since kms-rule itself failed ({type(error).__name__}): report it, with what "
        f"'kms-rule --debug' prints in addition."
    )


def print_failures() -> None:
    """Have the traceback of each exception that nobody foresaw printed to standard error."""
    import logging  # noqa: PLC0415 - as above

    logger = logging.getLogger(FAILURES)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.StreamHandler())
