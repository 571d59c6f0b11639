"""An AWS Config rule that judges the policy of every AWS KMS key by eight scenarios of least privilege.

A run, from AWS Config's event to `PutEvaluations`, with the module of `least_privilege` that each step lives in:

1. `Request.from_event` (`event`, `parameters`) reads which keys the event asks about, and the rule's parameters.
2. `Account.opened` (`account`) finds the role that fits, takes kept `clients`, and makes every call of AWS.
3. `Reader` (`reading`) reads keys in threads, or `read_changed_keys` the one that changed. Each is judged by the table
   of `scenarios`, which asks `AWSConfigRuleKMSPolicy` what the key's policy grants, and to whom.
4. `Report` (`report`) words each verdict (`annotation`), puts the evaluations, and retracts stale results.

Importing the module does nothing: no AWS call, no credentials, no Region.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from least_privilege.account import Account, RefusedSessionError, account_in
from least_privilege.deadline import STOP_BEFORE_END, Deadline
from least_privilege.event import Request
from least_privilege.metrics import write_metrics
from least_privilege.progress import Progress
from least_privilege.reading import NEXT_KEYS, Reader, Reading, read_changed_keys, reader_threads
from least_privilege.report import IncompleteError, Report
from least_privilege.text import RuleError, quoted

if TYPE_CHECKING:
    from mypy_boto3_config.type_defs import EvaluationTypeDef

LOGGER = logging.getLogger("AWSConfigRuleKMS")
LIBRARIES_THAT_LOG_SECRETS = ("boto3", "botocore", "urllib3")
# The thread of the last invocation serves the next, unless that invocation left it behind: to begin with a new one
# costs an event of one key a tenth of its processor time.
IDLE_EVALUATORS: list[ThreadPoolExecutor] = []
MIN_WAIT = 0.5  # seconds, so that a run which has hardly any time from the start still says how many keys there are


def lambda_handler(event: object, context: object) -> list[EvaluationTypeDef]:
    """Judge what the event from AWS Config asks for and report it.

    Returns the evaluations for RDK's tests, the first 500 of them: AWS Config ignores what is returned, and Lambda
    counts a response of over 6 MB as a failure. Raises `RuleError`, after logging it, where the job cannot be done or
    not be finished: Lambda then runs the event again, and counts an error. However a scheduled run ends, it tells
    CloudWatch.
    """
    prepare_logging()
    deadline = Deadline(context)
    progress = Progress()
    # In a thread of its own, so that people get a sentence where a call of AWS takes longer than Lambda lets us wait.
    evaluator = IDLE_EVALUATORS.pop() if IDLE_EVALUATORS else ThreadPoolExecutor(1, "evaluation")
    evaluations = evaluator.submit(_evaluate, event, context, deadline, progress)
    seconds = deadline.remaining(STOP_BEFORE_END)
    wait([evaluations], None if seconds is None else max(seconds, MIN_WAIT))
    is_done = evaluations.done()
    if is_done:
        IDLE_EVALUATORS.append(evaluator)
    else:
        progress.abandoned = True
        progress.stopped.set()
        evaluator.shutdown(wait=False)
    error = evaluations.exception() if is_done else RuleError(_time_is_up(progress))
    write_metrics(progress, context, deadline.remaining(0), is_complete=not error)
    if not error:
        return evaluations.result()
    if not is_done:
        LOGGER.error("%s", error)
    # Said last, since to log a hundred thousand keys takes a small function longer than it has; and here, since the
    # evaluation, which may go on when the handler has ended, would log them in another invocation.
    progress.log_waiting()
    raise error


def _time_is_up(progress: Progress) -> str:
    return f"The time is up, and AWS has not answered: {progress}. {progress.more_time_advice}."


def _evaluate(event: object, context: object, deadline: Deadline, progress: Progress) -> list[EvaluationTypeDef]:
    try:
        request = progress.request = Request.from_event(event)
        run = Run(request, _function_account(context), reader_threads(), deadline, progress)
        return run.evaluate()
    except RuleError as error:
        # Said before what it started has ended, since the function's time may end first.
        if not progress.abandoned:
            LOGGER.error("%s", error)  # noqa: TRY400 - the sentence is for people; Lambda logs the traceback
        raise


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation at work: what is asked for, from which account with how many threads, the time, the progress."""

    request: Request
    function_account: str | None
    threads: int
    deadline: Deadline
    progress: Progress

    def evaluate(self) -> list[EvaluationTypeDef]:
        """Judge the keys that the request asks for, report them, and return the first 500 evaluations.

        Raises `RuleError` after reporting what could be judged, naming every key that could not be read or for which
        there was no time, and every evaluation that AWS Config refused twice. Results of earlier runs are retracted
        only if there was none of these. Nothing that it starts goes on when it has ended.
        """
        try:
            try:
                return self._evaluate_in_account()
            except RefusedSessionError:
                return self._evaluate_in_account()
        except RuleError as error:
            self._leave_to_the_next_run()
            if self.progress.keys and not isinstance(error, IncompleteError):
                error.args = (f"{error} {self.progress}.",)
            raise

    def _evaluate_in_account(self) -> list[EvaluationTypeDef]:
        self.progress.begin(self.request.scope.key_ids)
        with Account.opened(self.request, self.function_account, self.threads, self.progress.stopped) as account:
            return self._report(account)

    def _report(self, account: Account) -> list[EvaluationTypeDef]:
        report = Report(account, self.request, self.deadline, self.progress)
        if self.request.scope.every_key:
            self._report_every_key(account, report)
        else:
            changed = read_changed_keys(account, self.request.parameters, self.request.scope)
            self._judge_and_report(changed, report)
            report.raise_if_incomplete()
        return report.first

    def _report_every_key(self, account: Account, report: Report) -> None:
        readers = ThreadPoolExecutor(self.threads, "reader")
        reader = Reader(account, self.request.parameters, readers, self.deadline, self.progress)
        try:
            self._judge_and_report(reader.readings(self._rule), report)
            report.raise_if_incomplete()
            if not self.request.test_mode:
                report.retract_stale()
                report.raise_if_incomplete()
        finally:
            # Whoever ended this waits for no call of AWS, which may hang.
            readers.shutdown(wait=False, cancel_futures=True)

    def _judge_and_report(self, readings: Iterable[Reading], report: Report) -> None:
        report.add_out_of_scope()
        try:
            for reading in readings:
                report.add_reading(reading)
                if not self.request.scope.every_key:
                    # A change may be about two keys, and the second may take all the time that is left.
                    report.send()
        except Exception:
            # What is judged is reported all the same; of two failures, people get the first.
            with suppress(RuleError):
                report.send()
            raise
        report.send()

    def _leave_to_the_next_run(self) -> None:
        waiting = self.progress.waiting
        if waiting and not self.progress.abandoned:
            NEXT_KEYS[self._rule] = waiting[0]

    @property
    def _rule(self) -> tuple[str, str]:
        return self.request.account_id, self.request.rule_name


def _function_account(context: object) -> str | None:
    """Return the account that the Lambda function runs in, or None where the context does not say."""
    arn = getattr(context, "invoked_function_arn", None)
    return account_in(arn) if isinstance(arn, str) else None


def prepare_logging() -> None:
    """Set the level from the environment variable `LOGGING_LEVEL` (default INFO), and a handler if there is none.

    Only the rule's own logger is set. Lambda's log level, though, is that of every logger: where it lets DEBUG through,
    those that would log what requests are signed with, and the answers of STS, are raised to WARNING.
    """
    logging.basicConfig(format="%(message)s")
    for library in map(logging.getLogger, LIBRARIES_THAT_LOG_SECRETS):
        if library.isEnabledFor(logging.DEBUG):
            library.setLevel(logging.WARNING)
    name = os.environ.get("LOGGING_LEVEL", "").strip().upper() or "INFO"
    level = logging.getLevelNamesMapping().get(name)
    wanted = logging.INFO if level is None else level
    # Setting it makes every logger there is forget what it lets through, which costs an event of one key a fifth.
    if LOGGER.level != wanted:
        LOGGER.setLevel(wanted)
    if level is None:
        LOGGER.warning("LOGGING_LEVEL is %s: INFO is used; give DEBUG, INFO, WARNING or ERROR.", quoted(name))
