"""An AWS Config rule that judges the policy of every AWS KMS key by eight scenarios of least privilege.

AWS Config invokes `lambda_handler`. In the order of this file: the event becomes a `Request` with its
`RuleParameters`; a `Key` is what is known of one KMS key; `SCENARIOS` is the table that `judge` looks a key up in, and
a `Verdict` its answer; `Account` makes every AWS call; `Report` delivers the evaluations. Importing the module does
nothing: no AWS call, no credentials, no Region.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, partial
from http import HTTPStatus
from itertools import batched
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypedDict

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ProxyConnectionError
from botocore.parsers import ResponseParserError

from AWSConfigRuleKMSPolicy import (
    PERMISSIONS,
    Duty,
    KeyPolicy,
    Pattern,
    Permission,
    PolicyError,
    Statement,
    limits_nobody,
)

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import (
        BaseConfigurationItemTypeDef,
        EvaluationTypeDef,
        PutEvaluationsResponseTypeDef,
        ResourceKeyTypeDef,
    )
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

LOGGER = logging.getLogger("AWSConfigRuleKMS")

KEY_RESOURCE_TYPE: Final = "AWS::KMS::Key"
ALIAS_RESOURCE_TYPE = "AWS::KMS::Alias"
ALIAS_PREFIX = "alias/"
AWS_ALIAS_PREFIX = "alias/aws/"

LONGEST_ANNOTATION = 256
LONGEST_NAME_IN_ANNOTATION = 60
LONGEST_REASON_IN_ANNOTATION = 100
LARGEST_BATCH = 100
MOST_EVALUATIONS_RETURNED = 500
MOST_NAMES_IN_ERROR = 100
TEST_TOKEN = "TESTMODE"  # noqa: S105 - the word by which RDK's tests ask for a dry run, no secret


class RuleError(Exception):
    """Raised when an invocation cannot do its job; the message says what is wrong, where, and what to do."""


def shortened(text: str, longest: int) -> str:
    """Return `text`, with dots for its middle where it has more than `longest` characters (at least 5)."""
    if len(text) <= longest:
        return text
    tail = (longest - 3) // 2
    return f"{text[: longest - 3 - tail]}...{text[len(text) - tail :]}"


def escaped(text: str) -> str:
    """Return `text` on one line of printable ASCII, so that it can neither forge a log line nor break a report."""
    return text if text.isascii() and text.isprintable() else json.dumps(text)[1:-1]


def quoted(value: object) -> str:
    """Return a value that came from outside as JSON in printable ASCII, shortened to fit a sentence."""
    return shortened(json.dumps(value, default=repr), LONGEST_NAME_IN_ANNOTATION)


# ---------------------------------------------------------------------------------------------------------------------
# Rule parameters
# ---------------------------------------------------------------------------------------------------------------------

WHITELIST = "CMK_Whitelist"
ADMINISTRATORS = "Admin_User_Id"
STRICT = "StrictSeparationOfDuties"
REPORT_AS = "ReportResourceAs"
READ_FROM = "ReadKeysFrom"
EXECUTION_ROLE = "ExecutionRoleName"

PARAMETER_NAMES = (WHITELIST, ADMINISTRATORS, STRICT, REPORT_AS, READ_FROM, EXECUTION_ROLE)
# The first choice is the default.
CHOICES: Mapping[str, tuple[str, ...]] = {
    STRICT: ("false", "true"),
    REPORT_AS: ("Alias", "KeyId"),
    READ_FROM: ("KMS", "Config"),
}
ROLE_NAME = re.compile(r"(([\w+=,.@-]+/)*[\w+=,.@-]+)?", re.ASCII)
COLONS_BEFORE_A_RESOURCE = 5
ACCOUNT_IN_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]+):")
ROLE_ARN = re.compile(r"arn:[\w-]+:iam::[0-9]+:role/[!-~]+", re.ASCII)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RuleParameters:
    """The rule's parameters, as the `ruleParameters` of an event give them."""

    whitelist: Mapping[str, Pattern]
    administrators: tuple[Pattern, ...]
    strict: bool
    report_key_id: bool
    read_from_config: bool
    execution_role_name: str

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> RuleParameters:
        """Read the parameters, of which `Admin_User_Id` is needed; blank optional ones count as not given.

        Raises `RuleError` naming the parameter, its value and what is allowed.
        """
        for name, value in given.items():
            if name not in PARAMETER_NAMES:
                raise RuleError(
                    f"The rule parameter {quoted(name)}, given as {quoted(value)}, is unknown: remove or rename it; "
                    f"allowed are {', '.join(PARAMETER_NAMES)}."
                )
            if not isinstance(value, str):
                raise RuleError(f"The rule parameter {name} is {quoted(value)}: give it as a string.")
        text = {name: str(given.get(name, "")).strip() for name in PARAMETER_NAMES}
        administrators = _entries(text[ADMINISTRATORS])
        if not administrators:
            raise RuleError(
                f"The rule parameter {ADMINISTRATORS} is {quoted(given.get(ADMINISTRATORS))}: give at least one user "
                f"id pattern, such as AROAOTTER*."
            )
        if not ROLE_NAME.fullmatch(text[EXECUTION_ROLE]):
            raise RuleError(
                f"The rule parameter {EXECUTION_ROLE} is {quoted(text[EXECUTION_ROLE])}: give the name of a role, "
                f"with its path if it has one, and no ARN."
            )
        chosen = {name: _choice(name, text[name]) for name in CHOICES}
        return cls(
            whitelist={
                name: Pattern.of(name)
                for entry in _entries(text[WHITELIST])
                if (name := entry.removeprefix(ALIAS_PREFIX))
            },
            administrators=tuple(map(Pattern.of, administrators)),
            strict=chosen[STRICT] == "true",
            report_key_id=chosen[REPORT_AS] == "KeyId",
            read_from_config=chosen[READ_FROM] == "Config",
            execution_role_name=text[EXECUTION_ROLE],
        )

    def whitelisting(self, aliases: Iterable[str]) -> tuple[str, str] | None:
        """Return the first of these aliases that is whitelisted and the pattern that it fits, or None."""
        return next(
            (
                (alias, entry)
                for alias in aliases
                for entry, pattern in self.whitelist.items()
                if pattern.matches(alias.removeprefix(ALIAS_PREFIX))
            ),
            None,
        )


def _entries(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _choice(name: str, value: str) -> str:
    choices = CHOICES[name]
    if value and value not in choices:
        raise RuleError(f"The rule parameter {name} is {quoted(value)}: allowed are {', '.join(choices)}.")
    return value or choices[0]


# ---------------------------------------------------------------------------------------------------------------------
# The event
# ---------------------------------------------------------------------------------------------------------------------

SCHEDULED = "ScheduledNotification"
CHANGED = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
ITEM_FIELDS: Mapping[str, str] = {CHANGED: "configurationItem", OVERSIZED: "configurationItemSummary"}
MESSAGE_TYPES = (SCHEDULED, *ITEM_FIELDS)
NOT_RECORDED = "ResourceNotRecorded"
DELETED = "ResourceDeleted"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event asks to be judged, or says is gone.

    `every_key` for all keys of the account and Region, otherwise the ids `key_ids`; `gone` are the ids, of a key or
    of an alias by its name, that no longer exist for the rule. `alias` is the alias that the event is about, and
    `target` the id of the one key that it points to; that is blank where the alias no longer exists at all.
    """

    ordering_timestamp: str
    every_key: bool = False
    key_ids: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    alias: str = ""
    target: str = ""

    @property
    def time(self) -> datetime:
        """The ordering timestamp as a point in time."""
        return _point_in_time(self.ordering_timestamp)


@dataclass(frozen=True, slots=True)
class Request:
    """What one invocation by AWS Config asks for."""

    parameters: RuleParameters
    subject: Subject
    result_token: str
    rule_name: str
    account_id: str
    execution_role_arn: str

    @classmethod
    def from_event(cls, event: object) -> Request:
        """Read the event that AWS Config invokes the function with.

        Only what is needed is read, since recorded events differ in the rest. Raises `RuleError` where something
        needed is missing or unknown. Source: AWS Config Developer Guide, "Example Events for AWS Config Rules".
        """
        if not isinstance(event, Mapping):
            # Not repeated, since it may be the text of an event, with its result token.
            raise RuleError(
                f"The event is a {type(event).__name__}, no JSON object: invoke the function through AWS Config."
            )
        content: Mapping[str, Any] = event
        mode = content.get("evaluationMode") or "DETECTIVE"
        if mode != "DETECTIVE":
            raise RuleError(
                f"The event's evaluationMode is {quoted(mode)}: this rule judges keys that exist, so deploy it with "
                f"the evaluation mode DETECTIVE only."
            )
        # AWS Config leaves them out where the rule has none.
        given = content if content.get("ruleParameters") is not None else {"ruleParameters": "{}"}
        parameters = RuleParameters.parse(_object_in_text(given, "ruleParameters"))
        left_scope = content.get("eventLeftScope") is True
        subject = _subject(_object_in_text(content, "invokingEvent"), left_scope=left_scope)
        return cls(
            parameters=parameters,
            subject=subject,
            result_token=_text(content, "resultToken", "The event"),
            # Only the results of a scheduled run are looked up under the rule's name.
            rule_name=_text(content, "configRuleName", "The event") if subject.every_key else "",
            account_id=str(content.get("accountId") or ""),
            execution_role_arn=str(content.get("executionRoleArn") or ""),
        )

    @property
    def test_mode(self) -> bool:
        """Say whether this is RDK's dry run, whose evaluations AWS Config checks but does not keep."""
        return self.result_token == TEST_TOKEN

    @property
    def role_to_assume(self) -> str:
        """The ARN of the role for the event's account, as RDK's convention makes it of `ExecutionRoleName`.

        Raises `RuleError` where the event names no role. Source: `get_execution_role_arn` of RDK's rule template.
        """
        if not ROLE_ARN.fullmatch(self.execution_role_arn):
            raise RuleError(
                f"The event's executionRoleArn is {quoted(self.execution_role_arn)}, so the role to assume in account "
                f"{quoted(self.account_id)} is unknown: invoke the function through AWS Config."
            )
        if not self.parameters.execution_role_name:
            return self.execution_role_arn
        return f"{self.execution_role_arn.split('/')[0]}/{self.parameters.execution_role_name}"


def _subject(invoking_event: Mapping[str, Any], *, left_scope: bool) -> Subject:
    message_type = invoking_event.get("messageType")
    if message_type == SCHEDULED:
        return Subject(_timestamp(invoking_event, "notificationCreationTime", "The invokingEvent"), every_key=True)
    field = ITEM_FIELDS.get(str(message_type))
    if not field:
        raise RuleError(
            f"The messageType of the invokingEvent is {quoted(message_type)}: trigger the rule by configuration "
            f"changes or a schedule only; allowed are {', '.join(MESSAGE_TYPES)}."
        )
    item = _object(invoking_event.get(field), f"The {field} of the invokingEvent")
    resource_type = item.get("resourceType")
    subject_of = SUBJECT_OF_CHANGE.get(str(resource_type))
    if not subject_of:
        raise RuleError(
            f"The {field} is of type {quoted(resource_type)}: restrict the rule's scope to {KEY_RESOURCE_TYPE} and "
            f"{ALIAS_RESOURCE_TYPE}."
        )
    status = str(item.get("configurationItemStatus"))
    deleted = status.startswith(DELETED)
    change = Change(
        item=item,
        difference=invoking_event.get("configurationItemDiff"),
        gone=left_scope or deleted or status == NOT_RECORDED,
        deleted=deleted,
        timestamp=_timestamp(item, "configurationItemCaptureTime", f"The {field}"),
    )
    return subject_of(change)


@dataclass(frozen=True, slots=True)
class Change:
    """A configuration item, or its summary, of a resource that changed; `gone` if it is not the rule's any more."""

    item: Mapping[str, Any]
    difference: object
    gone: bool
    deleted: bool
    timestamp: str


def _subject_of_key(change: Change) -> Subject:
    key_id = _text(change.item, "resourceId", "The configuration item")
    return Subject(change.timestamp, gone=(key_id,)) if change.gone else Subject(change.timestamp, key_ids=(key_id,))


def _subject_of_alias(change: Change) -> Subject:
    name = _alias_name(change.item)
    target = _target_key_id(change.item.get("configuration"))
    key_ids = tuple(dict.fromkeys(filter(None, (target, *_former_target_key_ids(change.difference)))))
    if not (key_ids or change.gone or name.startswith(AWS_ALIAS_PREFIX)):
        raise RuleError(
            f"The configuration item of {quoted(name)} does not say which key the alias points to: wait for the next "
            f"scheduled evaluation, or re-evaluate the rule."
        )
    return Subject(
        change.timestamp,
        key_ids=key_ids,
        gone=(name,) if change.gone else (),
        alias=name,
        target="" if change.deleted else target,
    )


SUBJECT_OF_CHANGE: Mapping[str, Callable[[Change], Subject]] = {
    KEY_RESOURCE_TYPE: _subject_of_key,
    ALIAS_RESOURCE_TYPE: _subject_of_alias,
}


def _alias_name(item: Mapping[str, Any]) -> str:
    configuration = item.get("configuration")
    configured = _either_case(configuration, "AliasName") if isinstance(configuration, Mapping) else None
    # Colons are allowed in an alias, too.
    *_, name_in_arn = str(item.get("ARN")).split(":", COLONS_BEFORE_A_RESOURCE)
    for candidate in (configured, item.get("resourceName"), item.get("resourceId"), name_in_arn):
        if isinstance(candidate, str) and candidate.startswith(ALIAS_PREFIX):
            return candidate
    raise RuleError(f"The configuration item of type {ALIAS_RESOURCE_TYPE} does not name its alias.")


def _target_key_id(configuration: object) -> str:
    """Return the key id an alias's configuration names, by id or by ARN, or nothing."""
    target = _either_case(configuration, "TargetKeyId") if isinstance(configuration, Mapping) else None
    return target.rpartition("/")[2] if isinstance(target, str) else ""


def _former_target_key_ids(difference: object) -> tuple[str, ...]:
    changed = difference.get("changedProperties") if isinstance(difference, Mapping) else None
    if not isinstance(changed, Mapping):
        return ()
    whole = changed.get("Configuration")
    target = _either_case(changed, "Configuration.TargetKeyId", "Configuration.targetKeyId")
    former = (
        _target_key_id(whole.get("previousValue")) if isinstance(whole, Mapping) else "",
        _target_key_id({"TargetKeyId": target.get("previousValue")}) if isinstance(target, Mapping) else "",
    )
    return tuple(filter(None, former))


def _either_case(content: Mapping[str, Any], name: str, other: str = "") -> Any:
    """Look a property up as KMS spells it, else as AWS Config does for the types of its first years."""
    return content.get(name, content.get(other or name[0].lower() + name[1:]))


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RuleError(f"{what} is {quoted(value)}, no JSON object: invoke the function through AWS Config.")
    return value


def _object_in_text(event: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    text = event.get(field)
    if not isinstance(text, str):
        raise RuleError(f"The event's {field} is {quoted(text)}: it must be a JSON object written as text.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"The event's {field} is not JSON ({escaped(str(error))}): {quoted(text)}.") from error
    return _object(content, f"The event's {field}")


def _text(content: Mapping[str, Any], field: str, what: str) -> str:
    value = content.get(field)
    if not isinstance(value, str) or not value:
        raise RuleError(f"{what} has no {field}: invoke the function through AWS Config.")
    return value


def _timestamp(content: Mapping[str, Any], field: str, what: str) -> str:
    text = _text(content, field, what)
    try:
        _point_in_time(text)
    except (ValueError, OverflowError):
        valid = False
    else:
        valid = TIMESTAMP.fullmatch(text) is not None
    if not valid:
        raise RuleError(f"{what} has the {field} {quoted(text)}, which is no ISO 8601 date and time.")
    return text


def _point_in_time(text: str) -> datetime:
    """Return an ISO 8601 time in UTC; without an offset it is in UTC already, as all of AWS Config's are."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


# ---------------------------------------------------------------------------------------------------------------------
# A key and its verdict
# ---------------------------------------------------------------------------------------------------------------------

CUSTOMER = "CUSTOMER"
ENABLED = "Enabled"
DISABLED = "Disabled"
DESCRIBE_KEY = "kms:DescribeKey"
GET_KEY_POLICY = "kms:GetKeyPolicy"
NO_POLICY = KeyPolicy(())


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of one KMS key.

    `policy` is the text of its policy named `default`, or None while it has not been read. `denied` are the
    permissions that were refused while reading: without `kms:DescribeKey` the key is taken for an enabled customer
    managed one.
    """

    id: str
    aliases: tuple[str, ...] = ()
    manager: str = CUSTOMER
    state: str = ENABLED
    policy: str | None = None
    denied: tuple[str, ...] = ()

    def reported_ids(self, request: Request) -> tuple[str, ...]:
        """Return the resource ids that the key's verdict is reported under: its aliases if it has any, or its id.

        An alias that is gone from the rule's scope is reported as that and nothing else.
        """
        names = tuple(alias for alias in self.aliases if alias not in request.subject.gone)
        return (self.id,) if request.parameters.report_key_id or not names else names


def managed_by_aws(aliases: Iterable[str]) -> bool:
    """Say whether an alias proves that AWS manages the key: customers cannot create names under `alias/aws/`."""
    return any(alias.startswith(AWS_ALIAS_PREFIX) for alias in aliases)


@dataclass(frozen=True)
class Case:
    """A key before the table of scenarios, with the rule's parameters."""

    key: Key
    parameters: RuleParameters

    @cached_property
    def parsed(self) -> KeyPolicy | PolicyError:
        """The key's policy, or what is wrong with it; a policy that was not read grants nothing."""
        if self.key.policy is None:
            return NO_POLICY
        try:
            return KeyPolicy.parse(self.key.policy)
        except PolicyError as error:
            return error

    @property
    def policy(self) -> KeyPolicy:
        """The key's policy; where there is none that can be read, one that grants nothing: it is never compliant."""
        return NO_POLICY if isinstance(self.parsed, PolicyError) else self.parsed

    @cached_property
    def administration(self) -> tuple[Permission, ...]:
        """The permissions of administration that the policy's statements grant together."""
        return self.policy.permissions(Duty.ADMINISTRATION)

    @cached_property
    def outsiders(self) -> tuple[str, ...]:
        """The user ids with administration that `Admin_User_Id` does not cover."""
        return self.policy.administrators_outside(self.parameters.administrators)

    @cached_property
    def duties(self) -> tuple[bool, bool, bool]:
        """Say whether the policy has usage, whether it has administration, and whether its users are whitelisted.

        Beside usage and with `StrictSeparationOfDuties`, any one permission of administration is administration.
        """
        usage = bool(self.policy.permissions(Duty.USAGE))
        some = bool(self.administration)
        every = len(self.administration) == len(ADMINISTRATION_PERMISSIONS)
        return usage, some if self.parameters.strict and usage else every, some and not self.outsiders


ADMINISTRATION_PERMISSIONS = tuple(permission for permission in PERMISSIONS if permission.duty is Duty.ADMINISTRATION)


class Compliance(StrEnum):
    """The compliance types that AWS Config takes from a custom rule."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Proof:
    """What decided that a scenario holds, for the square brackets of an annotation.

    `wordings` say the same, the fullest first: an annotation takes the first that fits. `needed` is never left out.
    `statements` are those of the policy that decided.
    """

    wordings: tuple[str, ...] = ()
    needed: str = ""
    statements: tuple[Statement, ...] = ()


type Question = Callable[[Case], Proof | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the rule's table: a key for which `question` has a proof gets this compliance and sentence.

    `number` is the post's, for its eight scenarios. In `sentence`, `{id}` stands for the reported id.
    """

    name: str
    question: Question
    compliance: Compliance
    sentence: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one answer to a key: the scenario that holds, its proof, and what must be said besides."""

    scenario: Scenario
    proof: Proof
    reservation: str = ""

    @property
    def compliance(self) -> Compliance:
        """The compliance type of the scenario."""
        return self.scenario.compliance

    def annotation(self, reported_id: str) -> str:
        """Return the scenario's sentence about `reported_id` and, in square brackets, what decided it.

        At most 256 characters, AWS Config's limit: the proof is worded as shortly as that needs, and the middle of
        the id gives way last.
        """
        needed = "; ".join(filter(None, (self.reservation, self.proof.needed)))
        room = LONGEST_ANNOTATION - len(_with_brackets(self.scenario.sentence.format(id=""), needed))
        sentence = self.scenario.sentence.format(id=shortened(escaped(reported_id), room))
        candidates = (
            _with_brackets(sentence, "; ".join(filter(None, (needed, wording)))) for wording in self._wordings()
        )
        return next(candidate for candidate in candidates if len(candidate) <= LONGEST_ANNOTATION)

    def _wordings(self) -> Iterator[str]:
        label = f"scenario {self.scenario.number}" if self.scenario.number else ""
        yield from (": ".join(filter(None, (label, wording))) for wording in self.proof.wordings)
        yield label
        yield ""


def _with_brackets(sentence: str, content: str) -> str:
    return f"{sentence} [{content}]" if content else sentence


def named(statement: Statement) -> str:
    """Return the statement's `Sid` in quotation marks, or its number where it has none."""
    return quoted(statement.sid) if statement.sid else f"statement {statement.number}"


def _with_actions(statements: Sequence[Statement], *duties: Duty) -> str:
    return ", ".join(f"{named(statement)} ({_actions(statement, *duties)})" for statement in statements)


def _actions(statement: Statement, *duties: Duty) -> str:
    actions = statement.deciding_actions(*duties)
    return ", ".join(shortened(escaped(action), LONGEST_NAME_IN_ANNOTATION) for action in actions)


def _with_conditions(statements: Sequence[Statement], *duties: Duty) -> str:
    return ", ".join(f"{_with_actions((statement,), *duties)}{_weakness(statement)}" for statement in statements)


def _weakness(statement: Statement) -> str:
    values = [value for condition in statement.user_conditions for value in condition.values if limits_nobody(value)]
    return f", whose aws:userId {quoted(values[0])} limits nobody" if values else ""


def _by_name(statements: Sequence[Statement], *_duties: Duty) -> str:
    return ", ".join(map(named, statements))


def _by_number(statements: Sequence[Statement], *_duties: Duty) -> str:
    return f"{_statements(statements)} {', '.join(str(statement.number) for statement in statements)}"


def _by_count(statements: Sequence[Statement], *_duties: Duty) -> str:
    return f"{len(statements)} {_statements(statements)}"


def _statements(statements: Sequence[Statement]) -> str:
    return "statement" if len(statements) == 1 else "statements"


STATEMENT_WORDINGS = (_with_actions, _by_name, _by_number, _by_count)


def _managed_by_aws(case: Case) -> Proof | None:
    return None if case.key.manager == CUSTOMER else Proof()


def _not_enabled(case: Case) -> Proof | None:
    state = case.key.state
    if state == ENABLED:
        return None
    return (
        Proof()
        if state == DISABLED
        else Proof(needed=f"key state {shortened(escaped(state), LONGEST_NAME_IN_ANNOTATION)}")
    )


def _whitelisted(case: Case) -> Proof | None:
    hit = case.parameters.whitelisting(case.key.aliases)
    return Proof((f"{escaped(hit[0])} matches {escaped(hit[1])}",)) if hit else None


def _policy_denied(case: Case) -> Proof | None:
    return Proof() if GET_KEY_POLICY in case.key.denied else None


def _malformed(case: Case) -> Proof | None:
    if not isinstance(case.parsed, PolicyError):
        return None
    return Proof(needed=shortened(escaped(str(case.parsed)), LONGEST_REASON_IN_ANNOTATION))


def _opens_every_action(case: Case) -> Proof | None:
    opening = case.policy.opening_every_action()
    wordings = tuple(wording(opening) for wording in STATEMENT_WORDINGS)
    return Proof(wordings, statements=opening) if opening else None


def _no_user_condition(case: Case) -> Proof | None:
    unlimited = case.policy.granting_without_user_condition()
    wordings = tuple(wording(unlimited, *Duty) for wording in (_with_conditions, *STATEMENT_WORDINGS))
    return Proof(wordings, statements=unlimited) if unlimited else None


def _duties(*, usage: bool, administration: bool, whitelisted: bool | None = None) -> Question:
    """Make the question whether a policy has just these duties; None where its users do not matter."""

    def question(case: Case) -> Proof | None:
        has_usage, has_administration, has_whitelisted_users = case.duties
        agrees = whitelisted is None or whitelisted == has_whitelisted_users
        if not agrees or (usage, administration) != (has_usage, has_administration):
            return None
        return _proof_of_duties(case)

    return question


def _proof_of_duties(case: Case) -> Proof:
    by_duty = {duty: case.policy.granting(duty) for duty in Duty}
    wordings = tuple(
        "; ".join(f"{duty.value} by {wording(statements, duty)}" for duty, statements in by_duty.items() if statements)
        for wording in STATEMENT_WORDINGS
    )
    deciding = case.policy.granting(*Duty)
    if not case.outsiders:
        return Proof(wordings, statements=deciding)
    outsider = f"{ADMINISTRATORS} does not cover {quoted(case.outsiders[0])}"
    return Proof((*(f"{outsider}; {wording}" for wording in wordings), outsider, *wordings), statements=deciding)


def _no_scenario(case: Case) -> Proof | None:
    lacking = (permission.name for permission in ADMINISTRATION_PERMISSIONS if permission not in case.administration)
    wording = f"no usage, and administration lacks {', '.join(lacking)}"
    return Proof((wording,), statements=case.policy.granting(*Duty))


# Answered before the policy is read, which spares the call.
KEY_SCENARIOS = (
    Scenario(
        "aws-managed-key-not-applicable",
        _managed_by_aws,
        Compliance.NOT_APPLICABLE,
        "Key {id} is managed by AWS, so its key policy is not judged: nothing to do",
    ),
    Scenario("disabled-cmk-not-applicable", _not_enabled, Compliance.NOT_APPLICABLE, "CMK {id} is disabled", 1),
    Scenario(
        "whitelisted-cmk-compliant",
        _whitelisted,
        Compliance.COMPLIANT,
        "CMK {id} is in whitelist for CMK Key Policy check",
        2,
    ),
)
POLICY_SCENARIOS = (
    Scenario(
        "key-policy-denied-not-compliant",
        _policy_denied,
        Compliance.NON_COMPLIANT,
        f"Key Policy for {{id}} cannot be read: allow {GET_KEY_POLICY} to the rule's role, in the key policy or "
        f"through the account's root",
    ),
    Scenario(
        "malformed-policy-not-compliant",
        _malformed,
        Compliance.NON_COMPLIANT,
        "Key Policy for {id} is malformed, correct it",
    ),
    Scenario(
        "wildcard-policy-action-not-compliant",
        _opens_every_action,
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does have open KMS permissions and CMK is not whitelisted",
        3,
    ),
    Scenario(
        "no-user-condition-not-compliant",
        _no_user_condition,
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does not limit its users: add StringLike on aws:userId",
    ),
    Scenario(
        "no-separation-of-duty-not-compliant",
        _duties(usage=True, administration=True, whitelisted=False),
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does not have separation of duties and CMK is not whitelisted",
        4,
    ),
    Scenario(
        "separation-of-duty-compliant",
        _duties(usage=True, administration=False),
        Compliance.COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties and CMK is not whitelisted",
        5,
    ),
    Scenario(
        "admin-actions-compliant",
        _duties(usage=False, administration=True, whitelisted=True),
        Compliance.COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties, CMK is not whitelisted, and user id is "
        "whitelisted",
        6,
    ),
    Scenario(
        "admin-role-not-in-whitelist-not-compliant",
        _duties(usage=False, administration=True, whitelisted=False),
        Compliance.NON_COMPLIANT,
        "in Key Policy for {id}, statement does have separation of duties, CMK is not whitelisted, and user id is not "
        "whitelisted",
        7,
    ),
    Scenario(
        "admin-role-not-allowed-actions-not-compliant",
        _duties(usage=True, administration=True, whitelisted=True),
        Compliance.NON_COMPLIANT,
        "In Key Policy for {id}, statement does not have separation of duties, CMK is not whitelisted, and user id is "
        "whitelisted",
        8,
    ),
    Scenario(
        "no-scenario-not-compliant",
        _no_scenario,
        Compliance.NON_COMPLIANT,
        "Key Policy for {id} does not have the permissions defined in the scenarios: grant usage or administration to "
        "named users",
    ),
)
SCENARIOS = (*KEY_SCENARIOS, *POLICY_SCENARIOS)


def judge(key: Key, parameters: RuleParameters) -> Verdict:
    """Return the verdict on a key whose policy has been read, or need not be.

    Pure: the same key and parameters always give the same verdict. The first row of `SCENARIOS` that holds decides.
    Source: the post's eight scenarios.
    """
    case = Case(key, parameters)
    reservation = f"{DESCRIBE_KEY} is missing, key taken for enabled" if DESCRIBE_KEY in key.denied else ""
    return next(
        Verdict(scenario, proof, reservation)
        for scenario in SCENARIOS
        if (proof := scenario.question(case)) is not None
    )


def decided_without_policy(key: Key, parameters: RuleParameters) -> bool:
    """Say whether the verdict on this key does not depend on its policy."""
    case = Case(key, parameters)
    return any(scenario.question(case) is not None for scenario in KEY_SCENARIOS)


# ---------------------------------------------------------------------------------------------------------------------
# Evaluations
# ---------------------------------------------------------------------------------------------------------------------

GONE_SENTENCE = "Key or alias {id} is deleted, or no longer in the rule's scope"
TAKEN_BACK_SENTENCE = "Nothing of this rule is reported under {id} any more: a key or alias is gone or has another name"


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


def evaluations_of(key: Key, request: Request) -> Iterator[EvaluationTypeDef]:
    """Judge a key and yield one evaluation for each id that it is reported under."""
    verdict = judge(key, request.parameters)
    for reported_id in key.reported_ids(request):
        yield evaluation(
            KEY_RESOURCE_TYPE,
            reported_id,
            verdict.compliance,
            verdict.annotation(reported_id),
            request.subject.ordering_timestamp,
        )


def not_applicable(resource_type: str, resource_id: str, sentence: str, request: Request) -> EvaluationTypeDef:
    """Make the evaluation that takes the result for a resource out of AWS Config's list.

    Source: AWS Config Developer Guide, "Managing Deleted Resources with Custom Lambda Rules".
    """
    room = LONGEST_ANNOTATION - len(sentence.format(id=""))
    annotation = sentence.format(id=shortened(escaped(resource_id), room))
    timestamp = request.subject.ordering_timestamp
    return evaluation(resource_type, resource_id, Compliance.NOT_APPLICABLE, annotation, timestamp)


# ---------------------------------------------------------------------------------------------------------------------
# Every call of AWS
# ---------------------------------------------------------------------------------------------------------------------

KEYS_A_PAGE = 1000
ALIASES_A_PAGE = 100
RESULTS_A_PAGE = 100
KEYS_A_BATCH = 100  # the most that BatchGetResourceConfig takes
TIMES_ASKED = 3
SESSION_SECONDS = 900  # the longest that Lambda lets a function run, and the shortest session that STS gives
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
NOT_FOUND = "NotFoundException"
# Raised over answers that were cut off or garbled on their way, or are none of AWS's, whose form botocore's parsers and
# what picks members take for granted. Their texts repeat the answer, and STS answers with credentials.
UNREADABLE = (ResponseParserError, LookupError, TypeError, AttributeError, ValueError, RecursionError)
FAILURES = (ClientError, BotoCoreError, *UNREADABLE)
# Longer than any name in what AWS says, and shorter than the tokens that it may repeat.
TOKEN = re.compile(r"[A-Za-z0-9+/=_%-]{150,}")
PASSING_STATUSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})
THROTTLED = frozenset({"LimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException"})
LONGEST_MESSAGE = 300
RETRY_ADVICE = "re-evaluate the rule once the cause is gone"
ADVICE: Mapping[str, str] = {
    "InvalidResultTokenException": "re-evaluate the rule, its token is no longer valid",
    "NoSuchConfigRuleException": "the rule was deleted meanwhile, deploy it again if that was a mistake",
}


@dataclass(frozen=True, slots=True)
class VanishedKey:
    """A key that was listed, or changed, and no longer exists."""

    id: str


@dataclass(frozen=True, slots=True)
class UnreadKey:
    """A key that could not be read, for another reason than a denial; it gets no answer in this run."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnrecordedKey:
    """A key of which AWS Config's items do not tell all that a verdict needs."""

    id: str


type Reading = Key | VanishedKey | UnreadKey

# The alias names of each key that has any, by key id.
type Aliases = Mapping[str, tuple[str, ...]]


def client_config(connections: int) -> Config:
    """Return the settings of every client, for this many threads.

    KMS throttles per account, so a scheduled run meets throttling that others cause and must outlast it: eight
    attempts back off for about a minute. The mode is `legacy`, because in `standard` all threads share one budget of
    retries, and once that is spent each throttled call fails at once.

    KMS answers within milliseconds and AWS Config within a second or two, so after three seconds without a connection
    or ten without an answer a call has failed. One that hangs at every attempt would still hold its thread for over
    two minutes: what keeps it from eating the invocation is that others do not wait for it (`ReadAhead`) and that the
    handler waits for nothing beyond its time (`TimeLeft`).

    The rest saves processor time, of which 256 MB have little: botocore takes a fifth of what it needs for a call to
    write its user agent, and a twentieth to check parameters that are constant or came from AWS.
    """
    return Config(
        retries={"mode": "legacy", "total_max_attempts": 8},
        connect_timeout=3,
        read_timeout=10,
        max_pool_connections=connections,
        user_agent="AWSConfigRuleKMS",
        parameter_validation=False,
    )


class Account:
    """The account and Region whose keys are judged, reached with the role that fits the event."""

    def __init__(self, kms: KMSClient, config: ConfigServiceClient, role: str) -> None:
        """Take the two clients, and for error messages the name of the role that they work with."""
        self._kms = kms
        self._config = config
        self._role = role

    @classmethod
    def open(cls, request: Request, function_account: str | None, threads: int) -> Account:
        """Open the account of the request, from a function that runs in `function_account` (None: in the same).

        As many as `threads` may call it at once. STS is called only where the event is for another account or
        `ExecutionRoleName` is given. Raises `RuleError` where the role may not be assumed, or is of another account
        than the event.
        """
        elsewhere = function_account is not None and request.account_id not in ("", function_account)
        if not elsewhere and not request.parameters.execution_role_name:
            return cls._with_credentials("the function's own role", threads, {})
        role_arn = request.role_to_assume
        if request.account_id not in ("", _account_in(role_arn)):
            raise RuleError(
                f"The role {quoted(role_arn)} is not of the event's account {quoted(request.account_id)}, whose keys "
                f"it is to read: invoke the function through AWS Config."
            )
        return cls._with_credentials(f"the role {role_arn}", threads, _assume_role(role_arn))

    def end_with(self, progress: Progress) -> None:
        """Send no further request once the handler has ended without the evaluation whose progress this is.

        Whatever was about to be sent, be it another attempt at a call that hung, raises `AbandonedError` instead.
        """

        def refuse(**_request: object) -> None:
            if progress.abandoned:
                raise AbandonedError

        for client in (self._kms, self._config):
            client.meta.events.register("before-send", refuse)

    @classmethod
    def _with_credentials(cls, role: str, threads: int, session: Session) -> Account:
        settings = client_config(threads)
        with _explained("creating the clients of KMS and AWS Config", role):
            return cls(
                boto3.client("kms", config=settings, **session),
                boto3.client("config", config=settings, **session),
                role,
            )

    def key_ids(self) -> Iterator[str]:
        """Yield the id of every key of the account and Region, those that AWS manages included.

        Raises `RuleError` where they cannot be listed.
        """
        with _explained("kms:ListKeys", self._role):
            pages = self._kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": KEYS_A_PAGE})
            for page in pages:
                yield from (key["KeyId"] for key in _listed(page, "Keys"))

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return the alias names of every key that has any, by key id. Raises `RuleError` if they cannot be listed."""
        targets: dict[str, str] = {}
        with _explained("kms:ListAliases", self._role):
            pages = self._kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": ALIASES_A_PAGE})
            for page in pages:
                # An alias that moves meanwhile may be listed twice; what comes later is newer.
                listed = (alias for alias in _listed(page, "Aliases") if "TargetKeyId" in alias)
                targets |= {alias["AliasName"]: alias["TargetKeyId"] for alias in listed}
        found: dict[str, tuple[str, ...]] = {}
        for name, key_id in targets.items():
            found[key_id] = (*found.get(key_id, ()), name)
        return found

    def aliases_of(self, key_id: str) -> tuple[str, ...] | None:
        """Return the alias names of one key, or None where the key does not exist (any more).

        Raises `RuleError` where they cannot be listed.
        """
        paginator = self._kms.get_paginator("list_aliases")
        with _explained(f"kms:ListAliases of key {escaped(key_id)}", self._role):
            try:
                pages = list(paginator.paginate(KeyId=key_id, PaginationConfig={"PageSize": ALIASES_A_PAGE}))
            except ClientError as error:
                if _code(error) == NOT_FOUND:
                    return None
                raise
            return tuple(dict.fromkeys(alias["AliasName"] for page in pages for alias in _listed(page, "Aliases")))

    def read(self, key_id: str, aliases: tuple[str, ...], parameters: RuleParameters) -> Reading:
        """Read what the verdict on one key depends on, with one call or two, or none for a key of AWS's.

        Denials are values in the key; whatever else goes wrong is a value too, so that the other keys are judged.
        """
        if managed_by_aws(aliases):
            return Key(key_id, aliases, manager="AWS")
        try:
            key = self._described(Key(key_id, aliases))
            return key if decided_without_policy(key, parameters) else self._with_policy(key)
        except ClientError as error:
            return VanishedKey(key_id) if _code(error) == NOT_FOUND else UnreadKey(key_id, reason_of(error))
        except (BotoCoreError, *UNREADABLE) as error:
            return UnreadKey(key_id, reason_of(error))

    def records_keys(self) -> bool:
        """Say whether AWS Config's recorder is recording. Raises `RuleError` where AWS Config does not say."""
        with _explained("config:DescribeConfigurationRecorderStatus", self._role):
            recorders = _member(self._config.describe_configuration_recorder_status(), "ConfigurationRecordersStatus")
            return any(recorder.get("recording") for recorder in recorders)

    def recorded(self, key_ids: Sequence[str], aliases: Aliases) -> dict[str, Key]:
        """Return those of at most 100 keys whose state, manager and policy AWS Config has recorded, by id.

        Keys that throttling, an internal error of AWS Config or the way to it keeps back are left out. Raises
        `RuleError` where AWS Config refuses to be read.
        """
        found: dict[str, Key] = {}
        with _explained("config:BatchGetResourceConfig", self._role):
            try:
                for item in self._items(key_ids):
                    key = recorded_key(item, aliases)
                    found |= {key.id: key} if key else {}
            except FAILURES as error:
                if isinstance(error, ClientError) and not _passes(error):
                    raise
                LOGGER.warning("Items of AWS Config could not be read, so KMS is asked: %s", reason_of(error))
        return found

    def _items(self, key_ids: Sequence[str]) -> Iterator[BaseConfigurationItemTypeDef]:
        asked: list[ResourceKeyTypeDef] = [
            {"resourceType": KEY_RESOURCE_TYPE, "resourceId": key_id} for key_id in key_ids
        ]
        for _ in range(TIMES_ASKED):
            response = self._config.batch_get_resource_config(resourceKeys=asked)
            yield from response.get("baseConfigurationItems", ())
            asked = [{**key} for key in response.get("unprocessedResourceKeys", ())]
            if not asked:
                return

    def _described(self, key: Key) -> Key:
        try:
            metadata = _member(self._kms.describe_key(KeyId=key.id), "KeyMetadata")
        except ClientError as error:
            return _without(DESCRIBE_KEY, key, error)
        described = {"KeyManager": CUSTOMER, "KeyState": ENABLED, **metadata}
        return replace(key, manager=_member(described, "KeyManager", str), state=_member(described, "KeyState", str))

    def _with_policy(self, key: Key) -> Key:
        try:
            response = self._kms.get_key_policy(KeyId=key.id, PolicyName="default")
        except ClientError as error:
            return _without(GET_KEY_POLICY, key, error)
        return replace(key, policy=_member(response, "Policy", str))

    def put_evaluations(
        self, evaluations: Sequence[EvaluationTypeDef], request: Request
    ) -> tuple[set[tuple[str, str]], str]:
        """Send at most 100 evaluations; return the resource type and id of those that were not taken, and the reason.

        Raises `RuleError` where no further evaluation would be taken either: the token is invalid, the rule deleted,
        or the permission missing.
        """
        time = request.subject.time  # as text, botocore would parse it for each evaluation again
        with _explained("config:PutEvaluations", self._role):
            try:
                response = self._config.put_evaluations(
                    Evaluations=[{**item, "OrderingTimestamp": time} for item in evaluations],
                    ResultToken=request.result_token,
                    TestMode=request.test_mode,
                )
                failed = set(map(_resource, _failed_evaluations(response)))
            except FAILURES as error:
                if isinstance(error, ClientError) and _code(error) in DENIED | ADVICE.keys():
                    raise
                return set(map(_resource, evaluations)), reason_of(error)
        return failed, "AWS Config returned them as failed"

    def held_results(self, rule_name: str, until: datetime) -> Iterator[tuple[str, str]]:
        """Yield the resource type and id of each result, compliant or not, that AWS Config holds for the rule.

        Those that events after `until` brought are left out, unless they claim to be of the future. Raises `RuleError`
        where they cannot be listed.
        """
        with _explained("config:GetComplianceDetailsByConfigRule", self._role):
            pages = self._config.get_paginator("get_compliance_details_by_config_rule").paginate(
                ConfigRuleName=rule_name,
                ComplianceTypes=["COMPLIANT", "NON_COMPLIANT"],
                PaginationConfig={"PageSize": RESULTS_A_PAGE},
            )
            for page in pages:
                for result in _member(page, "EvaluationResults"):
                    identifier = result["EvaluationResultIdentifier"]
                    qualifier = identifier["EvaluationResultQualifier"]
                    newer = until < identifier.get("OrderingTimestamp", until) <= datetime.now(UTC)
                    if not newer and qualifier.get("EvaluationMode") != "PROACTIVE":
                        yield qualifier["ResourceType"], qualifier["ResourceId"]


def _account_in(arn: str) -> str | None:
    found = ACCOUNT_IN_ARN.match(arn)
    return found[1] if found else None


RECORDED_STATUSES = frozenset({"OK", "ResourceDiscovered"})


def recorded_key(item: BaseConfigurationItemTypeDef, aliases: Aliases) -> Key | None:
    """Return the key that an item of AWS Config describes, or None where the item does not tell all that is needed.

    An item that is recorded once a day may be older than a change of the key, so it tells nothing.
    """
    if item.get("configurationItemStatus") not in RECORDED_STATUSES or item.get("recordingFrequency") == "DAILY":
        return None
    configuration = _json_or_none(item.get("configuration"))
    metadata = configuration if isinstance(configuration, Mapping) else {}
    policy = _recorded_policy(item.get("supplementaryConfiguration"))
    key_id, manager, state = item.get("resourceId"), metadata.get("keyManager"), metadata.get("keyState")
    if not (isinstance(key_id, str) and isinstance(manager, str) and isinstance(state, str) and policy):
        return None
    return Key(key_id, aliases.get(key_id, ()), manager, state, policy)


def _recorded_policy(supplementary: object) -> str | None:
    """Return the policy text, which AWS Config writes as JSON text once more, or None where there is none."""
    written = supplementary.get("Policy") if isinstance(supplementary, Mapping) else None
    content = _json_or_none(written)
    if isinstance(content, str):
        return content
    return written if isinstance(content, Mapping) and isinstance(written, str) else None


def _json_or_none(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


class Session(TypedDict, total=False):
    """The credentials of an assumed role, as `boto3.client` takes them; empty for the function's own role."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


def _session(credentials: CredentialsTypeDef) -> Session:
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def _assume_role(role_arn: str) -> Session:
    with _explained(f"creating the client of STS for {role_arn}", "the function's own role"):
        sts = boto3.client("sts", config=client_config(1))
    try:
        response = sts.assume_role(
            RoleArn=role_arn, RoleSessionName="AWSConfigRuleKMS", DurationSeconds=SESSION_SECONDS
        )
        return _session(_member(response, "Credentials"))
    except FAILURES as error:
        raise RuleError(
            f"The role {role_arn} cannot be assumed: its trust policy must allow sts:AssumeRole to the function's "
            f"role, whose own policy must allow it too; the recorder's service-linked role never can be, so name "
            f"another in {EXECUTION_ROLE} ({reason_of(error)})."
        ) from None


class AbandonedError(Exception):
    """Raised in the threads of an evaluation that the handler has ended without; no person is told a second time."""


class OtherAnswerError(BotoCoreError):
    """Raised when an answer is none of AWS's."""

    fmt = "AWS answered without {member}: look for a proxy between the function and AWS"


def _without(permission: str, key: Key, error: ClientError) -> Key:
    """Return the key with this permission noted as denied; an error that is no denial is raised again."""
    if _code(error) not in DENIED:
        raise error
    return replace(key, denied=(*key.denied, permission))


def _member(response: Mapping[str, object], name: str, kind: type = object) -> Any:
    """Return a member that the service's model promises; raises `OtherAnswerError` where something else answered."""
    if name not in response or not isinstance(response[name], kind):
        raise OtherAnswerError(member=name)
    return response[name]


def _listed(page: Mapping[str, object], name: str) -> Sequence[Any]:
    """Return what a page of KMS lists; raises `OtherAnswerError` where that is missing, or the way to the next page."""
    items: Sequence[Any] = _member(page, name)
    if page.get("Truncated"):
        _member(page, "NextMarker")
    return items


def _failed_evaluations(response: PutEvaluationsResponseTypeDef) -> Sequence[Mapping[str, Any]]:
    """Return what `PutEvaluations` answers with; raises `OtherAnswerError` where something else answered.

    AWS does not say that the member is there when nothing failed, but each of its answers over HTTP has a request id.
    """
    metadata = response.get("ResponseMetadata")  # which the answer of a stub has not
    if metadata is not None and "RequestId" not in metadata:
        _member(response, "FailedEvaluations")
    return response.get("FailedEvaluations", ())


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _passes(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return _code(error) in THROTTLED or status in PASSING_STATUSES


def reason_of(error: Exception) -> str:
    """Return why a call failed, without what AWS adds after the first line: of a bad signature, the session token.

    Tokens are left out of the first line, too.
    """
    if isinstance(error, ClientError):
        text = f"{_code(error)}: {error.response.get('Error', {}).get('Message', '')}"
    elif isinstance(error, HTTPClientError | ProxyConnectionError):
        # The rest may hold a header of the request, or the password of a proxy.
        text = f"{type(error).__name__}: {error.kwargs.get('endpoint_url', '')}"
    elif isinstance(error, BotoCoreError):
        text = f"{type(error).__name__}: {error}"
    else:
        text = f"{type(error).__name__}: the answer cannot be read, look for a proxy between the function and AWS"
    return shortened(escaped(TOKEN.sub("(token)", text.partition("\n")[0])), LONGEST_MESSAGE)


@contextmanager
def _explained(action: str, role: str) -> Iterator[None]:
    """Turn a failure of AWS into the one sentence that people get.

    The cause is left out of the traceback, because AWS repeats the request's session token in some messages.
    """
    try:
        yield
    except FAILURES as error:
        code = _code(error) if isinstance(error, ClientError) else ""
        advice = f"allow it to {role}" if code in DENIED else ADVICE.get(code, RETRY_ADVICE)
        raise RuleError(f"{action} failed with {role}: {advice} ({reason_of(error)}).") from None


# ---------------------------------------------------------------------------------------------------------------------
# The invocation
# ---------------------------------------------------------------------------------------------------------------------


READER_THREADS = "READER_THREADS"
# Sixteen hide a latency of some 40 ms a key at the pace below; more connections would only cost processor time.
DEFAULT_READER_THREADS = "16"
MOST_READER_THREADS = 64
# KMS allows an account 1,000 GetKeyPolicy and 2,000 DescribeKey a second, for all its applications together.
KEYS_A_SECOND = 400
KEYS_A_JOB = 4  # handing a job to a thread costs little beside the eight calls of four keys
KEYS_AHEAD = 400  # with policies of 4 KB, under 2 MB

# Seconds before the function's end. With the seventh of a processor that goes with 256 MB, the keys that are being read
# need one or two of them, and judging and reporting 400 keys needs three.
NO_MORE_KEYS = 10
NO_MORE_WAITING = 5
NO_MORE_TIME = 0.5
SHORTEST_WAIT = 0.5  # so that a run which has hardly any time from the start still says how many keys there are
MORE_TIME_ADVICE = (
    f"Raise the function's timeout (rdk deploy --lambda-timeout, 900 seconds at most) or its memory, or set "
    f"{READ_FROM} to Config"
)


class TimeLeft:
    """How long Lambda lets an invocation run on; without a context that tells it, there is no end."""

    def __init__(self, context: object = None) -> None:
        """Ask the context that Lambda hands to the function."""
        self._milliseconds = getattr(context, "get_remaining_time_in_millis", None)

    def until(self, seconds: float) -> float | None:
        """Return the seconds, at least 0, until only so many are left; None where there is no end."""
        return max(self._milliseconds() / 1000 - seconds, 0.0) if callable(self._milliseconds) else None

    @property
    def runs_low(self) -> bool:
        """Say whether it is too late to begin with another key."""
        return self.until(NO_MORE_KEYS) == 0


@dataclass(slots=True)
class Progress:
    """How far an evaluation has come; written by the thread that evaluates, and read by the handler when time is up.

    `keys` are the ids of all keys to be judged, in order, `judged` those that are, or were found gone; `lost` are the
    resource ids of evaluations that AWS Config did not take, and `lost_because` says why the first were not.
    `abandoned` tells the thread that the handler has ended without it, and that what it does would fall into another
    invocation.
    """

    keys: Sequence[str] = ()
    judged: set[str] = field(default_factory=set)
    unread: list[UnreadKey] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lost_because: str = ""
    abandoned: bool = False

    @property
    def waiting(self) -> list[str]:
        """The ids of the keys that have not had their turn, in the order in which they will."""
        had_their_turn = self.judged.union([key.id for key in self.unread])
        return [key_id for key_id in self.keys if key_id not in had_their_turn]

    @property
    def is_complete(self) -> bool:
        """Say whether every key is judged and every evaluation taken."""
        return not (self.unread or self.lost or self.waiting)

    def log_waiting(self) -> None:
        """Log every key that has not had its turn: an error names only the first of many."""
        for some in batched(self.waiting, MOST_NAMES_IN_ERROR):
            LOGGER.error("No answer for these keys, which were not begun: %s", _listing(some))

    def __str__(self) -> str:
        """Say how many keys are judged, and name the others and what was lost."""
        waiting = self.waiting
        parts = [f"{len(self.judged):,} of {len(self.keys):,} keys are judged"]
        if self.unread:
            ids = [key.id for key in self.unread]
            parts.append(f"no answer for {_listing(ids)}, first because of {self.unread[0].reason}")
        if waiting:
            parts.append(f"not judged are {_listing(waiting)}")
        if self.lost:
            reason = f" ({self.lost_because})" if self.lost_because else ""
            parts.append(f"AWS Config did not take the evaluations of {_listing(self.lost)}{reason}")
        return "; ".join(parts)


class Report:
    """Delivers evaluations to AWS Config in batches, and remembers what it delivered."""

    def __init__(self, account: Account, request: Request, progress: Progress) -> None:
        """Report to `account` under the token of `request`, and note in `progress` what is not taken."""
        self._account = account
        self._request = request
        self._progress = progress
        self._batch: list[EvaluationTypeDef] = []
        self.reported: set[tuple[str, str]] = set()
        self.first: list[EvaluationTypeDef] = []

    def add(self, evaluations: Iterable[EvaluationTypeDef]) -> None:
        """Take evaluations in, and send them whenever there are 100 together."""
        for item in evaluations:
            LOGGER.info("%s", item["Annotation"])
            self.reported.add(_resource(item))
            self._batch.append(item)
            # Lost until an answer says otherwise, so that it is named whatever happens meanwhile.
            self._progress.lost.append(item["ComplianceResourceId"])
            if len(self.first) < MOST_EVALUATIONS_RETURNED:
                self.first.append(item)
            if len(self._batch) == LARGEST_BATCH:
                self.send()

    def send(self) -> None:
        """Send what is left, and once more what AWS Config did not take; what it refuses twice is lost.

        Raises `RuleError` where no further evaluation would be taken either.
        """
        batch, self._batch = self._batch, []
        if not batch:
            return
        before = len(self._progress.lost) - len(batch)
        refused, reason = self._account.put_evaluations(batch, self._request)
        if refused:
            again = [item for item in batch if _resource(item) in refused]
            # An answer that names something else leaves open what was not taken.
            again = again if len(again) == len(refused) else batch
            refused, reason = self._account.put_evaluations(again, self._request)
        self._progress.lost[before:] = sorted(resource_id for _, resource_id in refused)
        if refused:
            self._progress.lost_because = self._progress.lost_because or f"refused twice: {reason}"
            LOGGER.error("Evaluations refused twice, of %s: %s", _listing(self._progress.lost[before:]), reason)


def _resource(item: Mapping[str, Any] | EvaluationTypeDef) -> tuple[str, str]:
    return item["ComplianceResourceType"], item["ComplianceResourceId"]


# The key that a run which ran out of time did not come to, by account and rule, so that the next one begins with it:
# Lambda keeps a module from one invocation to the next, mostly also for the second try of the same event.
NEXT_KEYS: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation at work: what is asked for, the account, the threads that read, the time, and the progress."""

    request: Request
    account: Account
    readers: Executor
    time_left: TimeLeft = field(default_factory=TimeLeft)
    progress: Progress = field(default_factory=Progress)

    def evaluate(self) -> list[EvaluationTypeDef]:
        """Judge the keys that the request asks for, report them, and return the first 500 evaluations.

        Raises `RuleError` after reporting what could be judged, naming every key that could not be read or for which
        there was no time, and every evaluation that AWS Config refused twice. Results of earlier runs are taken back
        only if there was none of these.
        """
        self.progress.keys = self.request.subject.key_ids
        report = Report(self.account, self.request, self.progress)
        try:
            self._judge(report)
            self._raise_if_incomplete()
            if self.request.subject.every_key and not self.request.test_mode:
                self._take_back(report)
                self._raise_if_incomplete()
        except RuleError as error:
            self._leave_to_the_next_run()
            if self.progress.keys and not isinstance(error, IncompleteError):
                error.args = (f"{error} {self.progress}.",)
            raise
        return report.first

    def _leave_to_the_next_run(self) -> None:
        waiting = self.progress.waiting
        if waiting and not self.progress.abandoned:
            NEXT_KEYS[self._rule] = waiting[0]
            self.progress.log_waiting()

    def readings(self) -> Iterator[Reading]:
        """Yield what was read of each key that the request asks for, in no order; fewer where the time runs low."""
        if not self.request.subject.every_key:
            yield from changed_keys(self.request, self.account)
            return
        from_config = self.request.parameters.read_from_config and recording(self.account)
        aliases = self.account.aliases()
        listed = list(dict.fromkeys(self.account.key_ids()))
        self.progress.keys = in_turn(listed, NEXT_KEYS.pop(self._rule, ""))
        read = self._read_from_config if from_config else self._read_from_kms
        yield from read(self.progress.keys, aliases)

    @property
    def _rule(self) -> tuple[str, str]:
        return self.request.account_id, self.request.rule_name

    def _judge(self, report: Report) -> None:
        report.add(
            not_applicable(KEY_RESOURCE_TYPE, resource_id, GONE_SENTENCE, self.request)
            for resource_id in self.request.subject.gone
        )
        try:
            for reading in self.readings():
                self._answer(reading, report)
        finally:
            report.send()

    def _answer(self, reading: Reading, report: Report) -> None:
        if isinstance(reading, UnreadKey):
            LOGGER.error("Key %s could not be read: %s", escaped(reading.id), reading.reason)
            self.progress.unread.append(reading)
            return
        if isinstance(reading, Key):
            report.add(evaluations_of(reading, self.request))
        self.progress.judged.add(reading.id)
        if not self.request.subject.every_key:
            # A change may be about two keys, and the second may take all the time that is left.
            report.send()

    def _read_from_kms(self, key_ids: Iterable[str], aliases: Aliases) -> Iterator[Key | VanishedKey | UnreadKey]:
        read = partial(read_from_kms, self.account, aliases, self.request.parameters)
        jobs = paced(batched(key_ids, KEYS_A_JOB))
        yield from ReadAhead(self.readers, read, self.time_left).answers(jobs)

    def _read_from_config(self, key_ids: Iterable[str], aliases: Aliases) -> Iterator[Key | VanishedKey | UnreadKey]:
        """Yield what AWS Config has recorded; what it has not is read from KMS soon, so that it has its turn too."""
        find = partial(read_from_config, self.account, aliases)
        unrecorded: list[str] = []
        jobs = batched(key_ids, KEYS_A_BATCH)
        for found in ReadAhead(self.readers, find, self.time_left).answers(jobs):
            if not isinstance(found, UnrecordedKey):
                yield found
                continue
            unrecorded.append(found.id)
            if len(unrecorded) == KEYS_AHEAD:
                yield from self._read_from_kms(unrecorded, aliases)
                unrecorded = []
        yield from self._read_from_kms(unrecorded, aliases)

    def _raise_if_incomplete(self) -> None:
        if self.progress.is_complete:
            return
        advice = f" The time ran low. {MORE_TIME_ADVICE}." if self.progress.waiting else ""
        raise IncompleteError(
            f"The evaluation is incomplete: {self.progress}.{advice} All other keys are reported; Lambda runs the same "
            f"event again, or re-evaluate the rule once the cause is gone."
        )

    def _take_back(self, report: Report) -> None:
        # The list is read to its end first: taking results back meanwhile could move what its next page holds.
        # Results of later events may be of keys that were made after this run had listed them.
        subject = self.request.subject
        held = self._in_time(self.account.held_results(self.request.rule_name, subject.time))
        stale = [resource for resource in held if resource not in report.reported]
        report.add(
            not_applicable(resource_type, resource_id, TAKEN_BACK_SENTENCE, self.request)
            for resource_type, resource_id in self._in_time(stale)
        )
        report.send()

    def _in_time[Item](self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            if self.time_left.runs_low:
                raise RuleError(
                    f"The time ran low before results for what is gone were taken back. {MORE_TIME_ADVICE}."
                )
            yield item


class IncompleteError(RuleError):
    """Raised when an evaluation did what it could, and its message already says how far it came."""


def in_turn(key_ids: Sequence[str], first: str) -> list[str]:
    """Return these ids from `first` on and then those before it, so that not always the same lack time.

    Where nothing is known of an earlier run, many begin anywhere, because Lambda may start each day's run afresh; so
    few as are read ahead need seconds, and begin at the beginning.
    """
    anywhere = secrets.randbelow(len(key_ids)) if len(key_ids) > KEYS_AHEAD else 0
    start = key_ids.index(first) if first in key_ids else anywhere
    return [*key_ids[start:], *key_ids[:start]]


def changed_keys(request: Request, account: Account) -> Iterator[Reading]:
    """Yield what was read, live from KMS, of each key that a change asks for."""
    for key_id in request.subject.key_ids:
        try:
            names = account.aliases_of(key_id)
        except RuleError as error:
            yield UnreadKey(key_id, str(error).removesuffix("."))
            continue
        yield (
            VanishedKey(key_id)
            if names is None
            else account.read(key_id, _left(names, key_id, request.subject), request.parameters)
        )


def _left(names: Iterable[str], key_id: str, subject: Subject) -> tuple[str, ...]:
    """Return the alias names that a key has left after a change.

    KMS may still list an alias that was deleted or moved to another key a moment ago, and a whitelisted one would
    count.
    """
    return tuple(name for name in names if name != subject.alias or key_id == subject.target)


def recording(account: Account) -> bool:
    """Say whether AWS Config's items can be trusted to be up to date, and log it where they cannot."""
    records = account.records_keys()
    if not records:
        LOGGER.warning("AWS Config's recorder is not recording, so all keys are read from KMS.")
    return records


def read_from_kms(
    account: Account, aliases: Aliases, parameters: RuleParameters, key_ids: Sequence[str]
) -> list[Reading]:
    """Read these keys live from KMS."""
    return [account.read(key_id, aliases.get(key_id, ()), parameters) for key_id in key_ids]


def read_from_config(account: Account, aliases: Aliases, key_ids: Sequence[str]) -> list[Key | UnrecordedKey]:
    """Return at most 100 keys as AWS Config has recorded them; of some it does not tell all that is needed."""
    known = {
        key_id: Key(key_id, aliases[key_id], manager="AWS")
        for key_id in key_ids
        if managed_by_aws(aliases.get(key_id, ()))
    }
    asked = [key_id for key_id in key_ids if key_id not in known]
    if asked:
        known |= account.recorded(asked, aliases)
    return [known.get(key_id, UnrecordedKey(key_id)) for key_id in key_ids]


def paced(
    jobs: Iterable[Sequence[str]],
    keys_a_second: int = KEYS_A_SECOND,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Sequence[str]]:
    """Yield jobs, lists of key ids, no faster than so many keys a second.

    A second's keys go out at once, and the rest of the second is slept: to wake a thread for each job costs more.
    """
    due = clock()
    for job in jobs:
        due = max(due, clock()) + len(job) / keys_a_second
        yield job
        early = due - clock()
        if early >= 1:
            sleep(early)


class ReadAhead[Answer]:
    """Has jobs, lists of key ids, worked at by threads ahead of the one that takes the answers.

    Jobs for `most_keys` keys are worked at or wait to be taken, and no more, because what was read of a key stays in
    memory until it is judged. Answers are taken as they come, so that a job which hangs holds up no other.
    """

    def __init__(
        self,
        readers: Executor,
        read: Callable[[Sequence[str]], Sequence[Answer]],
        time_left: TimeLeft,
        most_keys: int | None = None,
    ) -> None:
        """Let `readers` call `read` for each job, as long as `time_left` does not run low."""
        self._readers = readers
        self._read = read
        self._time_left = time_left
        self._most_keys = KEYS_AHEAD if most_keys is None else most_keys
        self._jobs: dict[Future[Sequence[Answer]], Sequence[str]] = {}
        self._keys = 0
        self._finished: SimpleQueue[Future[Sequence[Answer]]] = SimpleQueue()

    def answers(self, jobs: Iterable[Sequence[str]]) -> Iterator[Answer | UnreadKey]:
        """Yield what `read` returns for each job; what it raises, is raised here.

        When the time runs low no job is begun any more, and when there is time only to report, the keys of jobs that
        have not come back are yielded as unread.
        """
        for job in jobs:
            if self._time_left.runs_low:
                break
            self._begin(job)
            while self._keys >= self._most_keys:
                yield from self._take()
        while self._jobs:
            yield from self._take()

    def _begin(self, job: Sequence[str]) -> None:
        future = self._readers.submit(self._read, job)
        self._jobs[future] = job
        self._keys += len(job)
        future.add_done_callback(self._finished.put)

    def _take(self) -> Sequence[Answer | UnreadKey]:
        future = self._next_finished(NO_MORE_KEYS)
        if future is None:
            for waiting in self._jobs:
                waiting.cancel()
            future = self._next_finished(NO_MORE_WAITING)
        if future is None:
            return self._abandoned()
        self._keys -= len(self._jobs.pop(future))
        return () if future.cancelled() else future.result()

    def _next_finished(self, seconds_left: float) -> Future[Sequence[Answer]] | None:
        try:
            return self._finished.get(timeout=self._time_left.until(seconds_left))
        except Empty:
            return None

    def _abandoned(self) -> list[Answer | UnreadKey]:
        keys = [key_id for job in self._jobs.values() for key_id in job]
        self._jobs.clear()
        self._keys = 0
        return [UnreadKey(key_id, "AWS had not answered when the time was up") for key_id in keys]


def _listing(ids: Sequence[str]) -> str:
    more = len(ids) - MOST_NAMES_IN_ERROR
    named_ids = ", ".join(map(escaped, ids[:MOST_NAMES_IN_ERROR]))
    return f"{named_ids} and {more} more" if more > 0 else named_ids


def function_account(context: object) -> str | None:
    """Return the account that the Lambda function runs in, or None where the context does not say."""
    arn = getattr(context, "invoked_function_arn", None)
    return _account_in(arn) if isinstance(arn, str) else None


def reader_threads() -> int:
    """Return how many keys are read at once, from the environment variable `READER_THREADS` (default 16).

    Raises `RuleError` where it is no whole number from 1 to 64.
    """
    text = os.environ.get(READER_THREADS, "").strip() or DEFAULT_READER_THREADS
    threads = int(text) if text.isdecimal() and text.isascii() else 0
    if not 1 <= threads <= MOST_READER_THREADS:
        raise RuleError(f"{READER_THREADS} is {quoted(text)}: give a whole number from 1 to {MOST_READER_THREADS}.")
    return threads


LIBRARIES_THAT_LOG_SECRETS = ("boto3", "botocore", "urllib3")


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
    LOGGER.setLevel(logging.INFO if level is None else level)
    if level is None:
        LOGGER.warning("LOGGING_LEVEL is %s: INFO is used; give DEBUG, INFO, WARNING or ERROR.", quoted(name))


def lambda_handler(event: object, context: object) -> list[EvaluationTypeDef]:
    """Judge what the event from AWS Config asks for and report it.

    Returns the evaluations for RDK's tests, the first 500 of them: AWS Config ignores what is returned, and Lambda
    counts a response of over 6 MB as a failure. Raises `RuleError`, after logging it, where the job cannot be done or
    not be finished: Lambda then runs the event again, and its `Errors` metric is the only place where that shows.
    """
    prepare_logging()
    time_left = TimeLeft(context)
    progress = Progress()
    # In a thread of its own, so that people get a sentence where a call of AWS takes longer than Lambda lets us wait.
    evaluator = ThreadPoolExecutor(1, "evaluation")
    evaluations = evaluator.submit(_evaluate, event, context, time_left, progress)
    evaluator.shutdown(wait=False)
    seconds = time_left.until(NO_MORE_TIME)
    wait([evaluations], None if seconds is None else max(seconds, SHORTEST_WAIT))
    if evaluations.done():
        return evaluations.result()
    progress.abandoned = True
    progress.log_waiting()
    error = RuleError(f"The time is up, and AWS has not answered: {progress}. {MORE_TIME_ADVICE}.")
    LOGGER.error("%s", error)
    raise error


def _evaluate(event: object, context: object, time_left: TimeLeft, progress: Progress) -> list[EvaluationTypeDef]:
    with ExitStack() as ending:
        try:
            request = Request.from_event(event)
            threads = reader_threads()
            account = Account.open(request, function_account(context), threads)
            account.end_with(progress)
            readers = ThreadPoolExecutor(threads, "reader")
            ending.callback(_dismiss, readers, time_left)
            return Run(request, account, readers, time_left, progress).evaluate()
        except RuleError as error:
            # Said before the threads have ended, since the function's time may end first.
            if not progress.abandoned:
                LOGGER.error("%s", error)  # noqa: TRY400 - the sentence is for people; Lambda logs the traceback
            raise


def _dismiss(readers: Executor, time_left: TimeLeft) -> None:
    """End the threads; where the time runs low, without waiting for a call of AWS that may hang."""
    readers.shutdown(wait=not time_left.runs_low, cancel_futures=True)
