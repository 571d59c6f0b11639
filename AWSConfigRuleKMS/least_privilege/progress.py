"""How far an evaluation has come, so that whatever ends it can say so."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from threading import Event

from least_privilege.event import Request
from least_privilege.key import UnreadKey
from least_privilege.text import MAX_NAMES_IN_ERROR, listing

LOGGER = logging.getLogger("AWSConfigRuleKMS")

MORE_TIME_ADVICE = "Raise the function's timeout (rdk deploy --lambda-timeout, 900 seconds at most) or its memory"


@dataclass(slots=True)
class Progress:
    """How far an evaluation has come; written by the thread that evaluates, and read by the handler when time is up.

    `request` is what is asked for, once that is known. `keys` are the ids of all keys to be judged, in order, `judged`
    those that are, or were found gone, and `compliances` how many have which compliance; `lost` are the resource ids of
    evaluations that AWS Config did not take, and `lost_because` says why the first were not.
    `began` is when the evaluation began to list keys. `abandoned` tells the evaluation that the handler has ended
    without it. Nothing is sent any more once `stopped` is set: it would fall into another invocation.
    """

    keys: Sequence[str] = ()
    judged: set[str] = field(default_factory=set)
    compliances: Counter[str] = field(default_factory=Counter)
    unread: list[UnreadKey] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lost_because: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    abandoned: bool = False
    stopped: Event = field(default_factory=Event)
    request: Request | None = None

    def begin(self, keys: Sequence[str]) -> None:
        """Begin, or begin again, with these keys and nothing judged."""
        self.keys = keys
        for noted in (self.judged, self.compliances, self.unread, self.lost):
            noted.clear()
        self.lost_because = ""
        self.began = datetime.now(UTC)
        self.stopped = Event()
        # Asked last: a handler that ends meanwhile has either set the new event itself, or is noticed here.
        if self.abandoned:
            self.stopped.set()

    @property
    def waiting(self) -> list[str]:
        """The ids of the keys that have not had their turn, in the order in which they will."""
        had_their_turn = self.judged.union([key.id for key in self.unread])
        return [key_id for key_id in self.keys if key_id not in had_their_turn]

    @property
    def is_complete(self) -> bool:
        """Whether every key is judged and every evaluation taken."""
        return not (self.unread or self.lost or self.waiting)

    @property
    def more_time_advice(self) -> str:
        """What to do where the time was too short for what is asked for."""
        from_config = self.request is not None and self.request.parameters.read_from_config
        return MORE_TIME_ADVICE if from_config else f"{MORE_TIME_ADVICE}, or set ReadKeysFrom to Config"

    def log_waiting(self) -> None:
        """Log every key that has not had its turn: an error names only the first of many."""
        for some in batched(self.waiting, MAX_NAMES_IN_ERROR):
            LOGGER.error("No answer for these keys, which were not begun: %s", listing(some))

    def __str__(self) -> str:
        """Return how many keys are judged, and name the others and what was lost."""
        waiting = self.waiting
        parts = [f"{len(self.judged):,} of {len(self.keys):,} keys are judged"]
        if self.unread:
            ids = [key.id for key in self.unread]
            parts.append(f"no answer for {listing(ids)}, first because of {self.unread[0].reason}")
        if waiting:
            parts.append(f"not judged are {listing(waiting)}")
        if self.lost:
            reason = f" ({self.lost_because})" if self.lost_because else ""
            parts.append(f"AWS Config did not take the evaluations of {listing(self.lost)}{reason}")
        return "; ".join(parts)
