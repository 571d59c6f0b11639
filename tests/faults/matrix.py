"""The matrix: each AWS operation that the handler uses, by fault, by kind of invocation, with the outcome expected.

`OUTCOMES` is the table that decides; a combination that it does not hold makes no sense. `rows` spells it out for each
kind of invocation that uses the operation, and `in_sample` names the rows that every test run tries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from tests.aws.fault_layer import (
    Call,
    Fault,
    after,
    cut_short,
    dropped,
    dropped_after,
    failing_evaluations,
    foreign_list,
    foreign_page,
    hanging,
    refusal,
)
from tests.faults.plans import EVERY_KMS_OPERATION, SeededPlan, Strike
from tests.faults.world import CHANGE, FROM_CONFIG, FROM_KMS, KINDS

LIST_KEYS = "kms:ListKeys"
LIST_ALIASES = "kms:ListAliases"
DESCRIBE_KEY = "kms:DescribeKey"
GET_KEY_POLICY = "kms:GetKeyPolicy"
RECORDER_STATUS = "config:DescribeConfigurationRecorderStatus"
BATCH_GET = "config:BatchGetResourceConfig"
PUT_EVALUATIONS = "config:PutEvaluations"
HELD_RESULTS = "config:GetComplianceDetailsByConfigRule"
ASSUME_ROLE = "sts:AssumeRole"

SCHEDULED = (FROM_KMS, FROM_CONFIG)
KINDS_OF: Mapping[str, tuple[str, ...]] = {
    LIST_KEYS: SCHEDULED,
    LIST_ALIASES: KINDS,
    DESCRIBE_KEY: KINDS,
    GET_KEY_POLICY: KINDS,
    EVERY_KMS_OPERATION: KINDS,
    RECORDER_STATUS: (FROM_CONFIG,),
    BATCH_GET: (FROM_CONFIG,),
    PUT_EVALUATIONS: KINDS,
    HELD_RESULTS: SCHEDULED,
    ASSUME_ROLE: KINDS,
}
# Of these a scheduled run makes several: pages, or batches. A fault that lasts begins in their midst.
IN_PARTS = frozenset({LIST_KEYS, LIST_ALIASES, PUT_EVALUATIONS, HELD_RESULTS})
# These are about one key, or a few: some are struck, and the others must not suffer.
FOR_KEYS = frozenset({DESCRIBE_KEY, GET_KEY_POLICY, BATCH_GET})


class Outcome(Enum):
    """What is to come of a run that a fault struck; the value is for people."""

    COMPLETE = "complete"
    KEY_LEFT_OUT = "without the key"
    METADATA_DENIED = "taken for enabled"
    POLICY_DENIED = "not compliant"
    NAMES_KEYS = "names the keys"
    NAMES_RESULTS = "names the results"
    NAMES_OPERATION = "names the operation"


# Faults.

THROTTLED_SOME = "throttled, 30 % of calls"
THROTTLED_FIVE_TIMES = "throttled five times each"
THROTTLED = "throttled for good"
INTERNAL_ERROR_ONCE = "HTTP 500 once"
INTERNAL_ERROR = "HTTP 500 for good"
DROPPED_ONCE = "connection dropped once"
DROPPED = "connection dropped for good"
ANSWER_LOST = "done, but the answer lost once"
HANGS_ONCE = "no response once"
HANGS = "no response for good"
CUT_SHORT = "answer cut short"
FOREIGN_PAGE = "a proxy's page for an answer"
FOREIGN_LIST = "a list for an answer"
DENIED = "AccessDeniedException"
DELETED = "the key deleted meanwhile"
EXPIRED = "expired credentials"
INVALID_TOKEN = "InvalidResultTokenException"  # noqa: S105 - an error's name
NO_SUCH_RULE = "NoSuchConfigRuleException"
FAILED_ONCE = "FailedEvaluations once"
FAILED = "FailedEvaluations for ever"

ALL_ATTEMPTS_FAIL = (THROTTLED, INTERNAL_ERROR, DROPPED, HANGS)
FOREIGN = (FOREIGN_PAGE, FOREIGN_LIST)
FAILS_AND_PASSES = (THROTTLED_SOME, INTERNAL_ERROR_ONCE, DROPPED_ONCE, ANSWER_LOST, HANGS_ONCE)


def _outcomes(*outcomes: tuple[Outcome, tuple[str, ...]]) -> Mapping[str, Outcome]:
    return {fault: outcome for outcome, faults in outcomes for fault in faults}


OUTCOMES: Mapping[str, Mapping[str, Outcome]] = {
    LIST_KEYS: _outcomes(
        (Outcome.COMPLETE, (*FAILS_AND_PASSES, DELETED)),
        (Outcome.NAMES_OPERATION, (*ALL_ATTEMPTS_FAIL, DENIED, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
    LIST_ALIASES: _outcomes(
        (Outcome.COMPLETE, (*FAILS_AND_PASSES, DELETED)),
        (Outcome.NAMES_OPERATION, (*ALL_ATTEMPTS_FAIL, DENIED, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
    DESCRIBE_KEY: _outcomes(
        (Outcome.COMPLETE, FAILS_AND_PASSES),
        (Outcome.KEY_LEFT_OUT, (DELETED,)),
        # The specification's exception: a key that cannot be described is taken for enabled, and may thus be compliant
        # although it is disabled; the annotation must name the permission that is missing.
        (Outcome.METADATA_DENIED, (DENIED,)),
        (Outcome.NAMES_KEYS, (*ALL_ATTEMPTS_FAIL, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
    GET_KEY_POLICY: _outcomes(
        (Outcome.COMPLETE, FAILS_AND_PASSES),
        (Outcome.KEY_LEFT_OUT, (DELETED,)),
        (Outcome.POLICY_DENIED, (DENIED,)),
        (Outcome.NAMES_KEYS, (*ALL_ATTEMPTS_FAIL, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
    # More retries than the mode `standard` would pay for.
    EVERY_KMS_OPERATION: _outcomes((Outcome.COMPLETE, (THROTTLED_SOME, THROTTLED_FIVE_TIMES))),
    RECORDER_STATUS: _outcomes(
        (Outcome.COMPLETE, FAILS_AND_PASSES),
        (Outcome.NAMES_OPERATION, (*ALL_ATTEMPTS_FAIL, DENIED, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
    BATCH_GET: _outcomes(
        # What AWS Config cannot tell at the moment is read from KMS.
        (Outcome.COMPLETE, (*FAILS_AND_PASSES, *ALL_ATTEMPTS_FAIL, CUT_SHORT, *FOREIGN)),
        (Outcome.KEY_LEFT_OUT, (DELETED,)),
        (Outcome.NAMES_OPERATION, (DENIED, EXPIRED)),
    ),
    PUT_EVALUATIONS: _outcomes(
        (Outcome.COMPLETE, (*FAILS_AND_PASSES, FAILED_ONCE, DELETED)),
        (Outcome.NAMES_RESULTS, (*ALL_ATTEMPTS_FAIL, EXPIRED, FAILED, *FOREIGN)),
        (Outcome.NAMES_OPERATION, (DENIED, INVALID_TOKEN, NO_SUCH_RULE)),
    ),
    HELD_RESULTS: _outcomes(
        (Outcome.COMPLETE, (*FAILS_AND_PASSES, DELETED)),
        (Outcome.NAMES_OPERATION, (*ALL_ATTEMPTS_FAIL, DENIED, EXPIRED, NO_SUCH_RULE, CUT_SHORT, *FOREIGN)),
    ),
    ASSUME_ROLE: _outcomes(
        (Outcome.COMPLETE, FAILS_AND_PASSES),
        (Outcome.NAMES_OPERATION, (*ALL_ATTEMPTS_FAIL, DENIED, EXPIRED, CUT_SHORT, *FOREIGN)),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A cell of the matrix: which operation, fault, and kind of invocation, the seed, and the outcome."""

    operation: str
    fault: str
    kind: str
    seed: int
    outcome: Outcome

    def __str__(self) -> str:
        """Name the row so that pytest can be told to try it alone."""
        return f"{self.operation}-{self.fault}-{self.kind}-seed {self.seed}"

    def plan(self, delete: Callable[[Call], object]) -> SeededPlan:
        """Return the plan of the row; `delete` deletes the key that a call is about."""
        scheduled_in_parts = self.operation in IN_PARTS and self.kind != CHANGE
        some_keys = self.operation in FOR_KEYS and self.kind != CHANGE
        strike = STRIKES[self.fault](self, delete)
        if strike.share_of_calls < 1 or self.fault in WHOLE:
            return SeededPlan(self.seed, self.operation, self.fault, strike)
        return SeededPlan(
            self.seed,
            self.operation,
            self.fault,
            Strike(
                strike.fault,
                strike.attempts,
                share_of_subjects=0.5 if some_keys else 1,
                spared=1 if scheduled_in_parts else 0,
            ),
        )


# Strikes that come down on all that is asked.
WHOLE = frozenset({DENIED, FAILED_ONCE, FAILED, THROTTLED_FIVE_TIMES})

type MakeStrike = Callable[[Row, Callable[[Call], object]], Strike]


def _always(fault: Fault, attempts: int | None = None) -> MakeStrike:
    return lambda _row, _delete: Strike(fault, attempts)


def _throttling(operation: str) -> Fault:
    return refusal("Throttling" if operation == ASSUME_ROLE else "ThrottlingException", "Rate exceeded")


def _throttled(attempts: int | None = None, share_of_calls: float = 1) -> MakeStrike:
    return lambda row, _delete: Strike(_throttling(row.operation), attempts, share_of_calls)


def _denied(row: Row, _delete: Callable[[Call], object]) -> Strike:
    code = "AccessDenied" if row.operation == ASSUME_ROLE else "AccessDeniedException"
    return Strike(refusal(code, "No policy allows the action"))


def _expired(row: Row, _delete: Callable[[Call], object]) -> Strike:
    code = "ExpiredToken" if row.operation == ASSUME_ROLE else "ExpiredTokenException"
    return Strike(refusal(code, "The security token included in the request is expired"))


INTERNAL = refusal("InternalFailure", "Something went wrong within AWS", 500)

STRIKES: Mapping[str, MakeStrike] = {
    THROTTLED_SOME: _throttled(share_of_calls=0.3),
    THROTTLED_FIVE_TIMES: _throttled(5),
    THROTTLED: _throttled(),
    INTERNAL_ERROR_ONCE: _always(INTERNAL, 1),
    INTERNAL_ERROR: _always(INTERNAL),
    DROPPED_ONCE: _always(dropped, 1),
    DROPPED: _always(dropped),
    ANSWER_LOST: _always(dropped_after, 1),
    HANGS_ONCE: _always(hanging, 1),
    HANGS: _always(hanging),
    CUT_SHORT: _always(cut_short),
    FOREIGN_PAGE: _always(foreign_page),
    FOREIGN_LIST: _always(foreign_list),
    DENIED: _denied,
    DELETED: lambda _row, delete: Strike(after(delete), 1),
    EXPIRED: _expired,
    INVALID_TOKEN: _always(refusal("InvalidResultTokenException", "The result token is invalid")),
    NO_SUCH_RULE: _always(refusal("NoSuchConfigRuleException", "There is no such rule")),
    FAILED_ONCE: _always(failing_evaluations, 1),
    FAILED: _always(failing_evaluations),
}

# Where the first seed would strike nothing, or every batch.
SEED_OF: Mapping[tuple[str, str], int] = {
    **{(LIST_KEYS, kind): 3 for kind in SCHEDULED},
    (LIST_ALIASES, CHANGE): 4,
    (BATCH_GET, FROM_CONFIG): 2,
}


def rows() -> Iterator[Row]:
    """Yield every cell of the matrix that makes sense."""
    for operation, outcomes in OUTCOMES.items():
        for fault, outcome in outcomes.items():
            for kind in KINDS_OF[operation]:
                yield Row(operation, fault, kind, SEED_OF.get((operation, kind), 1), outcome)


# Each operation, each fault and each outcome at least once, and no more than take seconds.
SAMPLE = frozenset(
    {
        (LIST_KEYS, THROTTLED_SOME, FROM_KMS),
        (LIST_ALIASES, HANGS, CHANGE),
        (LIST_ALIASES, DROPPED_ONCE, CHANGE),
        (DESCRIBE_KEY, DENIED, FROM_CONFIG),
        (DESCRIBE_KEY, EXPIRED, FROM_CONFIG),
        (DESCRIBE_KEY, INTERNAL_ERROR_ONCE, CHANGE),
        (GET_KEY_POLICY, HANGS_ONCE, CHANGE),
        (GET_KEY_POLICY, DELETED, FROM_CONFIG),
        (GET_KEY_POLICY, DENIED, CHANGE),
        (GET_KEY_POLICY, HANGS, CHANGE),
        (GET_KEY_POLICY, CUT_SHORT, CHANGE),
        (EVERY_KMS_OPERATION, THROTTLED_FIVE_TIMES, FROM_KMS),
        (RECORDER_STATUS, INTERNAL_ERROR, FROM_CONFIG),
        (BATCH_GET, THROTTLED, FROM_CONFIG),
        (PUT_EVALUATIONS, ANSWER_LOST, CHANGE),
        (PUT_EVALUATIONS, FAILED_ONCE, CHANGE),
        (PUT_EVALUATIONS, FAILED, FROM_CONFIG),
        (PUT_EVALUATIONS, INVALID_TOKEN, CHANGE),
        (PUT_EVALUATIONS, FOREIGN_PAGE, CHANGE),
        (DESCRIBE_KEY, FOREIGN_LIST, CHANGE),
        (HELD_RESULTS, NO_SUCH_RULE, FROM_CONFIG),
        (ASSUME_ROLE, DROPPED, CHANGE),
        (ASSUME_ROLE, CUT_SHORT, CHANGE),
    }
)


def sample() -> Iterator[Row]:
    """Yield the rows that every run of the tests tries."""
    return (row for row in rows() if (row.operation, row.fault, row.kind) in SAMPLE)
