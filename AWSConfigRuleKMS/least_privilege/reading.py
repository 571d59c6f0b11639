"""Reads and judges keys: in threads ahead of the one that takes the verdicts, at a pace, and until time runs low."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from queue import Empty, SimpleQueue

from least_privilege.account import Account
from least_privilege.deadline import Deadline
from least_privilege.event import Scope
from least_privilege.key import AWS, Aliases, Facts, Key, UnreadKey, UnrecordedKey, VanishedKey, managed_by_aws
from least_privilege.parameters import RuleParameters
from least_privilege.progress import Progress
from least_privilege.scenarios import Verdict, judge_key, judge_policy
from least_privilege.text import RuleError, quoted

LOGGER = logging.getLogger("AWSConfigRuleKMS")

READER_THREADS = "READER_THREADS"
# Sixteen hide a latency of some 40 ms a key at the pace below; more connections would only cost processor time.
DEFAULT_READER_THREADS = "16"
MAX_READER_THREADS = 64
# KMS allows an account 1,000 GetKeyPolicy and 2,000 DescribeKey a second, for all its applications together.
KEYS_PER_SECOND = 400
KEYS_PER_JOB = 4  # handing a job to a thread costs little beside the eight calls of four keys
KEYS_PER_BATCH = 100  # the most that BatchGetResourceConfig takes
MAX_KEYS_AHEAD = 400  # with policies of 4 KB, under 2 MB


@dataclass(frozen=True, slots=True)
class ReadKey:
    """A key that was read as far as its verdict needs; `verdict` is there where the policy does not matter.

    A parsed policy takes ten times the memory of its text, so that the policy is judged only when its turn comes.
    """

    key: Key
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class JudgedKey:
    """A key and the verdict on it."""

    key: Key
    verdict: Verdict

    @property
    def id(self) -> str:
        """The key's id."""
        return self.key.id


type Found = ReadKey | VanishedKey | UnreadKey
type Reading = JudgedKey | VanishedKey | UnreadKey


def reader_threads() -> int:
    """Return how many keys are read at once, from the environment variable `READER_THREADS` (default 16).

    Raises `RuleError` where it is not a whole number from 1 to 64.
    """
    text = os.environ.get(READER_THREADS, "").strip() or DEFAULT_READER_THREADS
    threads = int(text) if text.isdecimal() and text.isascii() else 0
    if not 1 <= threads <= MAX_READER_THREADS:
        raise RuleError(f"{READER_THREADS} is {quoted(text)}: give a whole number from 1 to {MAX_READER_THREADS}.")
    return threads


# ---------------------------------------------------------------------------------------------------------------------
# A key
# ---------------------------------------------------------------------------------------------------------------------


def read_key(account: Account, parameters: RuleParameters, key_id: str, aliases: tuple[str, ...]) -> Found:
    """Read one key live from KMS; its policy is only read where the verdict depends on it."""
    described = account.described(key_id, aliases)
    if not isinstance(described, Key):
        return described
    verdict = judge_key(described.facts, parameters)
    if verdict:
        return ReadKey(described, verdict)
    key = account.with_policy(described)
    return ReadKey(key) if isinstance(key, Key) else key


def judged(found: Found, parameters: RuleParameters) -> Reading:
    """Judge what was read of a key; what could not be read stays as it is."""
    if not isinstance(found, ReadKey):
        return found
    return JudgedKey(found.key, found.verdict or judge_policy(found.key.facts, parameters))


def read_changed_keys(account: Account, parameters: RuleParameters, scope: Scope) -> Iterator[Reading]:
    """Yield what was read of each key that a change asks for: live from KMS, or from the event's own item.

    The item is taken with `ReadKeysFrom` = `Config`, if it tells all that a verdict needs; aliases are read live.
    """
    for key_id in scope.key_ids:
        try:
            names = account.aliases_of(key_id)
        except RuleError as error:
            yield UnreadKey(key_id, str(error).removesuffix("."))
            continue
        if names is None:
            yield VanishedKey(key_id)
            continue
        aliases = scope.remaining_aliases(names, key_id)
        recorded = account.recorded_by(scope.item, {key_id: aliases}) if parameters.read_from_config else None
        found = (
            ReadKey(recorded, judge_key(recorded.facts, parameters))
            if recorded
            else read_key(account, parameters, key_id, aliases)
        )
        yield judged(found, parameters)


def read_from_kms(
    account: Account, aliases: Aliases, parameters: RuleParameters, deadline: Deadline, key_ids: Sequence[str]
) -> list[Found]:
    """Read these keys live from KMS, or as many of them as there is time for."""
    found: list[Found] = []
    for key_id in key_ids:
        if deadline.is_near:
            break
        with deadline.reading.noted():
            found.append(read_key(account, parameters, key_id, aliases.get(key_id, ())))
    return found


def read_from_config(
    account: Account, aliases: Aliases, parameters: RuleParameters, deadline: Deadline, key_ids: Sequence[str]
) -> list[ReadKey | UnrecordedKey]:
    """Return at most 100 keys as AWS Config has recorded them; of some it does not tell all that is needed.

    The list is empty where there is no time for them.
    """
    if deadline.is_near:
        return []
    known = {
        key_id: Key(key_id, Facts(aliases[key_id], manager=AWS))
        for key_id in key_ids
        if managed_by_aws(aliases.get(key_id, ()))
    }
    asked = [key_id for key_id in key_ids if key_id not in known]
    if asked:
        with deadline.reading.noted():
            known |= account.recorded(asked, aliases)
    return [
        ReadKey(known[key_id], judge_key(known[key_id].facts, parameters)) if key_id in known else UnrecordedKey(key_id)
        for key_id in key_ids
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Every key
# ---------------------------------------------------------------------------------------------------------------------

# The key that a run which ran out of time did not come to, by account and rule, so that the next one begins with it:
# Lambda keeps a module from one invocation to the next, mostly also for the second try of the same event.
NEXT_KEYS: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads every key of an account, with these threads, until the deadline is near; `progress` gets the keys' ids."""

    account: Account
    parameters: RuleParameters
    threads: Executor
    deadline: Deadline
    progress: Progress

    def readings(self, rule: tuple[str, str] = ("", "")) -> Iterator[Reading]:
        """Yield what was read of each key, in no order; fewer where time runs low.

        It begins where an earlier run of this rule, an account and a name, left off. Raises `RuleError` where keys or
        aliases cannot be listed, or where AWS Config refuses to be read.
        """
        from_config = self.parameters.read_from_config and is_recording(self.account)
        self.progress.began = datetime.now(UTC)
        # In this order, so that the alias of a key that is made meanwhile is not missed.
        listed = list(dict.fromkeys(self.account.key_ids()))
        # Noted first, since a large account's aliases take minutes to list, and its keys may have no turn.
        self.progress.keys = rotate_to(NEXT_KEYS.pop(rule, ""), listed)
        aliases = self.account.aliases()
        read = self._read_from_config if from_config else self._read_from_kms
        yield from read(self.progress.keys, aliases)

    def _read_from_kms(self, key_ids: Iterable[str], aliases: Aliases) -> Iterator[Reading]:
        read = partial(read_from_kms, self.account, aliases, self.parameters, self.deadline)
        jobs = paced(batched(key_ids, KEYS_PER_JOB), self.deadline)
        for found in BoundedReader(self.threads, read, self.deadline).answers(jobs):
            yield self._judged(found)

    def _read_from_config(self, key_ids: Iterable[str], aliases: Aliases) -> Iterator[Reading]:
        """Yield what AWS Config has recorded; what it has not is read from KMS soon, so that it has its turn too."""
        find = partial(read_from_config, self.account, aliases, self.parameters, self.deadline)
        unrecorded: list[str] = []
        jobs = batched(key_ids, KEYS_PER_BATCH)
        for found in BoundedReader(self.threads, find, self.deadline).answers(jobs):
            if not isinstance(found, UnrecordedKey):
                yield self._judged(found)
                continue
            unrecorded.append(found.id)
            if len(unrecorded) == MAX_KEYS_AHEAD:
                yield from self._read_from_kms(unrecorded, aliases)
                unrecorded = []
        yield from self._read_from_kms(unrecorded, aliases)

    def _judged(self, found: Found) -> Reading:
        with self.deadline.judging.noted():
            return judged(found, self.parameters)


def is_recording(account: Account) -> bool:
    """Return whether AWS Config's items can be trusted to be up to date, and log it where they cannot."""
    problem = account.recorder_problem()
    if problem:
        LOGGER.warning("%s, so all keys are read from KMS.", problem)
    return not problem


def rotate_to(first: str, key_ids: Sequence[str]) -> list[str]:
    """Return these ids from `first` on and then those before it, so that not always the same lack time.

    Where nothing is known of an earlier run, many begin anywhere, because Lambda may start each day's run afresh; so
    few as are read ahead need seconds, and begin at the beginning.
    """
    anywhere = secrets.randbelow(len(key_ids)) if len(key_ids) > MAX_KEYS_AHEAD else 0
    start = key_ids.index(first) if first in key_ids else anywhere
    return [*key_ids[start:], *key_ids[:start]]


def paced(
    jobs: Iterable[Sequence[str]],
    deadline: Deadline,
    keys_per_second: int = KEYS_PER_SECOND,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Sequence[str]]:
    """Yield jobs, lists of key ids, no faster than so many keys a second.

    A second's keys go out at once, and the rest of the second is slept, but not beyond the time to begin another: to
    wake a thread for each job costs more.
    """
    due = clock()
    for job in jobs:
        due = max(due, clock()) + len(job) / keys_per_second
        yield job
        early = due - clock()
        if early >= 1:
            left = deadline.left_to_begin
            sleep(early if left is None else min(early, left))


class BoundedReader[Answer]:
    """Has jobs, lists of key ids, worked at by threads ahead of the one that takes the answers.

    Jobs for `max_keys` keys are worked at or wait to be taken, and no more, because what was read of a key stays in
    memory until it is reported. Answers are taken as they come, so that a job which hangs holds up no other.
    """

    def __init__(
        self,
        threads: Executor,
        read: Callable[[Sequence[str]], Sequence[Answer]],
        deadline: Deadline,
        max_keys: int | None = None,
    ) -> None:
        """Let `threads` call `read` for each job, which begins nothing once the `deadline` is near."""
        self._threads = threads
        self._read = read
        self._deadline = deadline
        self._max_keys = MAX_KEYS_AHEAD if max_keys is None else max_keys
        self._jobs: dict[Future[Sequence[Answer]], Sequence[str]] = {}
        self._keys = 0
        self._finished: SimpleQueue[Future[Sequence[Answer]]] = SimpleQueue()

    def answers(self, jobs: Iterable[Sequence[str]]) -> Iterator[Answer | UnreadKey]:
        """Yield what `read` returns for each job; what it raises, is raised here.

        When the deadline is near no further job is begun. When there is time only to report, nothing more is yielded
        but the keys, as unread, of the jobs that are being worked at.
        """
        for job in jobs:
            if self._deadline.is_near:
                break
            self._begin(job)
            while self._keys >= self._max_keys:
                yield from self._take()
        while self._jobs:
            yield from self._take()

    def _begin(self, job: Sequence[str]) -> None:
        future = self._threads.submit(self._read, job)
        self._jobs[future] = job
        self._keys += len(job)
        future.add_done_callback(self._finished.put)

    def _take(self) -> Iterator[Answer | UnreadKey]:
        try:
            future = self._finished.get(timeout=self._deadline.left_to_judge)
        except Empty:
            yield from self._abandoned()
            return
        self._keys -= len(self._jobs.pop(future))
        for answer in future.result():
            if self._deadline.is_late:
                yield from self._abandoned()
                return
            yield answer

    def _abandoned(self) -> list[UnreadKey]:
        keys = [key_id for future, job in self._jobs.items() if future.running() for key_id in job]
        self._jobs.clear()
        self._keys = 0
        return [UnreadKey(key_id, "AWS had not answered when the time was up") for key_id in keys]
