"""What happens between two calls of a run, as data: a key changes, and another run answers for it from end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.aws.fault_layer import Call, Fault, after
from tests.faults.matrix import (
    BATCH_GET,
    DESCRIBE_KEY,
    GET_KEY_POLICY,
    HELD_RESULTS,
    LIST_ALIASES,
    LIST_KEYS,
    PUT_EVALUATIONS,
)
from tests.faults.population import CHANGED, COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE, OPEN, backend
from tests.faults.world import CHANGE, FROM_CONFIG, FROM_KMS, World


def open_policy(world: World) -> None:
    """Give the key a policy that opens all actions."""
    backend(world.account).keys[CHANGED.id].policy = OPEN


def disable(world: World) -> None:
    """Disable the key."""
    backend(world.account).disable_key(CHANGED.id)


def leave_alone(_world: World) -> None:
    """Change nothing: what is reported again is what was."""


# What happens to the key `CHANGED`, which is compliant before, and what it is after.
CHANGES: Mapping[str, tuple[Callable[[World], None], str]] = {
    "its policy is opened": (open_policy, NON_COMPLIANT),
    "it is disabled": (disable, NOT_APPLICABLE),
    "nothing happens to it": (leave_alone, COMPLIANT),
}
# The moments of a run, as the operation that is about to be answered, and how many of it were before.
MOMENTS: Mapping[str, tuple[tuple[str, int], ...]] = {
    FROM_KMS: (
        (LIST_ALIASES, 0),
        (LIST_KEYS, 0),
        (DESCRIBE_KEY, 0),
        (GET_KEY_POLICY, 0),
        (PUT_EVALUATIONS, 0),
        (PUT_EVALUATIONS, 1),
        (HELD_RESULTS, 0),
        (PUT_EVALUATIONS, 2),
    ),
    FROM_CONFIG: ((LIST_KEYS, 0), (BATCH_GET, 0), (PUT_EVALUATIONS, 0), (PUT_EVALUATIONS, 1), (HELD_RESULTS, 1)),
    CHANGE: ((LIST_ALIASES, 0), (DESCRIBE_KEY, 0), (GET_KEY_POLICY, 0), (PUT_EVALUATIONS, 0)),
}
SUBJECTS = frozenset({"", CHANGED.id})


@dataclass(frozen=True, slots=True)
class Race:
    """A run of one kind, at a moment of which the key changes and a newer run of another kind overtakes it."""

    overtaken: str
    operation: str
    number: int
    change: str
    overtaking: str

    def __str__(self) -> str:
        """Name the race."""
        return f"{self.overtaken}, at {self.operation} number {self.number + 1}, {self.change}, {self.overtaking}"


def races() -> Iterator[Race]:
    """Yield every race: a scheduled run and a change, either way round, and either with one of its own kind."""
    for overtaken, moments in MOMENTS.items():
        for operation, number in moments:
            for change in CHANGES:
                for overtaking in (FROM_KMS, CHANGE):
                    yield Race(overtaken, operation, number, change, overtaking)


def sample() -> Iterator[Race]:
    """Yield the races that every run of the tests tries."""
    yield Race(FROM_CONFIG, PUT_EVALUATIONS, 0, "its policy is opened", CHANGE)
    yield Race(CHANGE, PUT_EVALUATIONS, 0, "it is disabled", FROM_KMS)
    yield Race(CHANGE, GET_KEY_POLICY, 0, "it is disabled", CHANGE)


@dataclass(eq=False, slots=True)
class Interruption:
    """A plan in which something happens just once, at a moment of a run."""

    operation: str
    number: int
    action: Callable[[], object]
    happened: list[Call] = field(default_factory=list)

    def __call__(self, call: Call) -> Fault | None:
        """Interrupt the run at the moment, but not what then happens."""
        meant = (call.operation, call.served) == (self.operation, self.number) and call.subject in SUBJECTS
        return after(self._act) if meant and not self.happened else None

    def _act(self, call: Call) -> None:
        self.happened.append(call)
        self.action()
