"""How much work one file may cause, so that none keeps the command busy or fills the memory."""

from __future__ import annotations

from kms_rule.sources.contents import InputError

MAX_DEPTH = 100
CHARACTERS_PER_STEP = 16


class BudgetError(InputError):
    """Raised when a file, or a part of it, causes more work than it may."""


class Budget:
    """The work that may still be done for a file, or for a part of it, in steps of some microseconds each."""

    def __init__(self, steps: int, reason: str, whole: Budget | None = None) -> None:
        """Begin with so many steps; `reason` is the sentence of the error, and what is spent is spent for `whole`."""
        self.left = steps
        self._reason = reason
        self._whole = whole

    @property
    def is_spent(self) -> bool:
        """Whether more was asked for than there was."""
        return self.left < 0

    def spend(self, steps: int = 1) -> None:
        """Take steps away. Raises `BudgetError` where there are no more."""
        self.left -= steps
        if self._whole:
            self._whole.spend(steps)
        if self.left < 0:
            raise BudgetError(self._reason)

    def spend_on_text(self, text: object) -> None:
        """Take away what it costs to make or read a text. Raises `BudgetError` as `spend` does."""
        self.spend(1 + len(str(text)) // CHARACTERS_PER_STEP)
