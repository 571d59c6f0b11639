"""Reports verdicts to AWS Config as evaluations, in batches, and retracts the results that no longer hold."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from least_privilege.account import Account, Resource, resource_of
from least_privilege.annotation import OUT_OF_SCOPE_SENTENCE, RETRACTED_SENTENCE, about, annotate_each
from least_privilege.clients import AbandonedError
from least_privilege.deadline import Deadline
from least_privilege.event import Request
from least_privilege.key import KEY_RESOURCE_TYPE, UnreadKey
from least_privilege.progress import Progress
from least_privilege.reading import JudgedKey, Reading
from least_privilege.scenarios import Compliance
from least_privilege.text import RuleError, escaped, listing

if TYPE_CHECKING:
    from mypy_boto3_config.type_defs import EvaluationTypeDef

LOGGER = logging.getLogger("AWSConfigRuleKMS")

MAX_BATCH = 100
MAX_EVALUATIONS_RETURNED = 500


class IncompleteError(RuleError):
    """Raised when an evaluation did what it could, and its message already says how far it came."""


def evaluation(
    resource_type: str, resource_id: str, compliance: Compliance, annotation: str, ordering_timestamp: str
) -> EvaluationTypeDef:
    """Make an evaluation as `PutEvaluations` takes it; its values are all text, so that Lambda can return it."""
    return {
        "ComplianceResourceType": resource_type,
        "ComplianceResourceId": resource_id,
        "ComplianceType": compliance.value,
        "Annotation": annotation,
        "OrderingTimestamp": ordering_timestamp,
    }


def evaluations_of(judged: JudgedKey, request: Request) -> Iterator[EvaluationTypeDef]:
    """Yield one evaluation for each id that a key's verdict is reported under."""
    ids = judged.key.reported_ids(request.parameters, request.scope.out_of_scope)
    timestamp = request.scope.ordering_timestamp
    for reported_id, annotation in zip(ids, annotate_each(judged.verdict, ids), strict=True):
        yield evaluation(KEY_RESOURCE_TYPE, reported_id, judged.verdict.compliance, annotation, timestamp)


def not_applicable(resource_type: str, resource_id: str, sentence: str, request: Request) -> EvaluationTypeDef:
    """Make the evaluation that takes the result for a resource out of AWS Config's list.

    Source: AWS Config Developer Guide, "Managing Deleted Resources with Custom Lambda Rules".
    """
    annotation, timestamp = about(sentence, resource_id), request.scope.ordering_timestamp
    return evaluation(resource_type, resource_id, Compliance.NOT_APPLICABLE, annotation, timestamp)


class Report:
    """Delivers evaluations to AWS Config in batches, and remembers what it delivered."""

    def __init__(self, account: Account, request: Request, deadline: Deadline, progress: Progress) -> None:
        """Report to `account` under the token of `request`, and note in `progress` what is not taken.

        The `deadline` learns how long that takes.
        """
        self._account = account
        self._request = request
        self._deadline = deadline
        self._progress = progress
        self._batch: list[EvaluationTypeDef] = []
        self._is_refused = False
        self.reported: set[Resource] = set()
        self.first: list[EvaluationTypeDef] = []

    def add_out_of_scope(self) -> None:
        """Report the keys and aliases that the event says are no longer the rule's."""
        self.add(
            not_applicable(KEY_RESOURCE_TYPE, resource_id, OUT_OF_SCOPE_SENTENCE, self._request)
            for resource_id in self._request.scope.out_of_scope
        )

    def add_reading(self, reading: Reading) -> None:
        """Report the verdict on a key, or note that it has none; what is gone needs none."""
        self._raise_if_stopped()
        if isinstance(reading, UnreadKey):
            LOGGER.error("Key %s could not be read: %s", escaped(reading.id), reading.reason)
            self._progress.unread.append(reading)
            return
        if isinstance(reading, JudgedKey):
            self._progress.compliances[reading.verdict.compliance] += 1
            self.add(evaluations_of(reading, self._request))
        self._progress.judged.add(reading.id)

    def add(self, evaluations: Iterable[EvaluationTypeDef]) -> None:
        """Take evaluations in, and send them whenever there are 100 together."""
        for item in evaluations:
            self._raise_if_stopped()
            LOGGER.info("%s", item["Annotation"])
            self.reported.add(resource_of(item))
            self._batch.append(item)
            # Lost until an answer says otherwise, so that it is named whatever happens meanwhile.
            self._progress.lost.append(item["ComplianceResourceId"])
            if len(self.first) < MAX_EVALUATIONS_RETURNED:
                self.first.append(item)
            if len(self._batch) == MAX_BATCH:
                self.send()

    def send(self) -> None:
        """Send what is left, and once more what AWS Config did not take; what it refuses twice is lost.

        Raises `RuleError` where no further evaluation would be taken either.
        """
        batch, self._batch = self._batch, []
        if not batch or self._is_refused:
            return
        before = len(self._progress.lost) - len(batch)
        refused, reason = self._put(batch)
        if refused:
            again = [item for item in batch if resource_of(item) in refused]
            # An answer that names something else leaves open what was not taken.
            again = again if len(again) == len(refused) else batch
            refused, reason = self._put(again)
        self._progress.lost[before:] = sorted(resource_id for _, resource_id in refused)
        if refused:
            self._progress.lost_because = self._progress.lost_because or f"refused twice: {reason}"
            LOGGER.error("Evaluations refused twice, of %s: %s", listing(self._progress.lost[before:]), reason)

    def _raise_if_stopped(self) -> None:
        """Raise `AbandonedError` where the handler has ended: what is logged would fall into another invocation."""
        if self._progress.stopped.is_set():
            raise AbandonedError

    def _put(self, batch: Sequence[EvaluationTypeDef]) -> tuple[set[Resource], str]:
        try:
            with self._deadline.reporting.noted():
                return self._account.put_evaluations(batch, self._request)
        except RuleError:
            self._is_refused = True
            raise

    def retract_stale(self) -> None:
        """Retract every result that AWS Config holds for the rule and that this run did not report.

        Raises `RuleError` where the results cannot be listed, or where there is no time left to retract them.
        """
        # The list is read to its end first: retracting meanwhile could move what its next page holds. Results of later
        # events may be of keys that were made after this run had listed them.
        until = self._request.scope.time
        stored = self._account.stored_results(self._request.rule_name, until, self._progress.began)
        stale = [resource for resource in self._in_time(stored) if resource not in self.reported]
        self.add(
            not_applicable(resource_type, resource_id, RETRACTED_SENTENCE, self._request)
            for resource_type, resource_id in self._in_time(stale)
        )
        self.send()

    def _in_time[Item](self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            if self._deadline.is_late:
                advice = self._progress.more_time_advice
                raise RuleError(f"The time ran low before results for what is gone were retracted. {advice}.")
            yield item

    def raise_if_incomplete(self) -> None:
        """Raise `IncompleteError`, naming it, where a key has no answer or an evaluation was not taken."""
        if self._progress.is_complete:
            return
        advice = f" The time ran low. {self._progress.more_time_advice}." if self._progress.waiting else ""
        raise IncompleteError(
            f"The evaluation is incomplete: {self._progress}.{advice} All other keys are reported; Lambda runs the "
            f"same event again, or re-evaluate the rule once the cause is gone."
        )
