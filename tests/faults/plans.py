"""Plans for the layer, as data: which operation is struck, by which fault, at which of its requests."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from tests.aws.fault_layer import Call, Fault

EVERY_KMS_OPERATION = "kms:*"


@dataclass(frozen=True, slots=True)
class Strike:
    """How a fault strikes the requests of an operation.

    * `share_of_calls` of all attempts are struck, each by itself, or
    * `attempts` of a request, from the first one on, None for all.
    * `share_of_subjects` are struck at all: keys, mostly; a list and a report have a single subject.
    * `spared` requests about a subject come through before: the pages of a list, and the batches of a report.
    """

    fault: Fault
    attempts: int | None = None
    share_of_calls: float = 1
    share_of_subjects: float = 1
    spared: int = 0


@dataclass(frozen=True, slots=True)
class SeededPlan:
    """A plan that anybody can make again: each decision follows from the seed and from what is asked."""

    seed: int
    operation: str
    name: str
    strike: Strike

    def __call__(self, call: Call) -> Fault | None:
        """Return the fault that becomes of this call, if one does."""
        strike = self.strike
        return strike.fault if self.is_meant(call.operation) and self._strikes(call) else None

    def __str__(self) -> str:
        """Name the plan so that it can be found again."""
        return f"{self.operation}, {self.name}, seed {self.seed}"

    def is_meant(self, operation: str) -> bool:
        """Return whether this operation is one that the plan strikes."""
        return operation == self.operation or (
            self.operation == EVERY_KMS_OPERATION and operation.startswith(EVERY_KMS_OPERATION[:-1])
        )

    def _strikes(self, call: Call) -> bool:
        strike = self.strike
        return (
            call.served >= strike.spared
            and (strike.attempts is None or call.refused < strike.attempts)
            and self._chance(call.operation, call.subject) < strike.share_of_subjects
            and self._chance(call.operation, call.subject, call.served, call.refused) < strike.share_of_calls
        )

    def _chance(self, *what: object) -> float:
        """Return a number from 0 up to 1 that looks like chance, and is the same for the same seed and question."""
        digest = blake2b(repr((self.seed, *what)).encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64
