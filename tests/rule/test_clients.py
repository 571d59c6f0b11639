"""The clients that a warm function keeps: whose they are, how long they are kept, and what they cost."""

from __future__ import annotations

import gc
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from AWSConfigRuleKMS import IDLE_EVALUATORS, lambda_handler
from dev.emulator.events import (
    ACCOUNT_ID,
    POST_PARAMETERS,
    change_notification,
    key_item,
    rule_event,
    scheduled_notification,
)
from least_privilege.account import Account
from least_privilege.clients import EXPIRED, MAX_KEPT, SESSION_SECONDS, AbandonedError, Pool
from least_privilege.connections import POOL_CLASSES
from least_privilege.event import Request
from least_privilege.progress import Progress
from least_privilege.reading import judged
from least_privilege.text import RuleError
from tests.rule.conftest import context_until, rule_threads
from tests.rule.counting_aws import HUNG_UP, KEY_ID, OWN_KEY, USAGE, Answer, Asked, CountingAws, refused

TIME = "2026-01-13T19:12:27.681Z"
HERE = SimpleNamespace(invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:rule")
FROM_CONFIG = {**POST_PARAMETERS, "ReadKeysFrom": "Config"}
WHOLE_ITEM = {
    **key_item(KEY_ID, TIME),
    "configuration": {"keyManager": "CUSTOMER", "keyState": "Enabled"},
    "supplementaryConfiguration": {"Policy": json.dumps({"Statement": USAGE})},
}
CHANGED = rule_event(change_notification(WHOLE_ITEM))
OF_A_ROLE = rule_event(change_notification(WHOLE_ITEM), {**POST_PARAMETERS, "ExecutionRoleName": "member"})
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/member"


def scheduled(**parameters: str) -> dict[str, Any]:
    return rule_event(scheduled_notification(TIME), {**POST_PARAMETERS, **parameters}, resultToken="a-result-token")


def change_in(account_id: str, role: str = "") -> dict[str, Any]:
    """Make the event of a change in an account, for the role of this name or else the recorder's."""
    item = {**WHOLE_ITEM, "awsAccountId": account_id}
    parameters = {**POST_PARAMETERS, **({"ExecutionRoleName": role} if role else {})}
    arn = f"arn:aws:iam::{account_id}:role/recorder"
    return rule_event(change_notification(item), parameters, accountId=account_id, executionRoleArn=arn)


# --- made when needed, and used again --------------------------------------------------------------------------------


def test_an_event_that_is_refused_needs_no_client(counting: CountingAws, pool: Pool) -> None:
    with pytest.raises(RuleError):
        lambda_handler({**CHANGED, "ruleParameters": "{}"}, HERE)
    assert (counting.connections, kept(pool)) == (0, [])


def kept(pool: Pool) -> list[str]:
    return list(pool._kept)  # noqa: SLF001 - nothing but a test asks


@pytest.mark.parametrize(
    ("parameters", "calls"),
    [
        (POST_PARAMETERS, ["ListAliases", "DescribeKey", "GetKeyPolicy", "PutEvaluations"]),
        (FROM_CONFIG, ["ListAliases", "PutEvaluations"]),
    ],
)
@pytest.mark.parametrize("role", ["", "member"])
def test_warm_events_cost_their_calls_and_no_connection(
    counting: CountingAws, parameters: dict[str, str], calls: list[str], role: str
) -> None:
    event = rule_event(change_notification(WHOLE_ITEM), {**parameters, "ExecutionRoleName": role})
    for _ in range(2):
        lambda_handler(event, HERE)
    connections = counting.connections
    assert connections == (3 if role else 2)
    counting.asked.clear()
    for _ in range(10):
        lambda_handler(event, HERE)
    assert counting.operations == calls * 10
    assert counting.connections == connections
    # That to STS is not kept.
    assert counting.has_open(2)


def test_scheduled_runs_and_changes_share_the_clients_of_their_role(counting: CountingAws, pool: Pool) -> None:
    for event in (scheduled(), CHANGED, scheduled(ReadKeysFrom="Config"), CHANGED):
        lambda_handler(event, HERE)
    assert kept(pool) == [""]
    assert counting.connections == 2


# --- whose credentials an event is served with -----------------------------------------------------------------------


ACCOUNTS = ("222233334444", "333344445555", "444455556666")
TURNS: list[tuple[dict[str, Any], str]] = [
    (CHANGED, ""),
    (OF_A_ROLE, ROLE),
    *((change_in(account), f"arn:aws:iam::{account}:role/recorder") for account in ACCOUNTS),
    *((change_in(account, "member"), f"arn:aws:iam::{account}:role/member") for account in ACCOUNTS),
    *((change_in(account, "path/member"), f"arn:aws:iam::{account}:role/path/member") for account in ACCOUNTS),
    (change_in(ACCOUNT_ID, "path/member"), f"arn:aws:iam::{ACCOUNT_ID}:role/path/member"),
]


# Each step visits the roles in another order; with the first, no role is kept when its turn comes again.
@pytest.mark.parametrize("step", [1, 4, 7])
def test_an_event_is_served_with_the_role_of_its_own_account_and_parameters(counting: CountingAws, step: int) -> None:
    for place in range(40):
        event, role = TURNS[(place * step + place // 5) % len(TURNS)]
        counting.asked.clear()
        lambda_handler(event, HERE)
        served = {counting.roles[asked.access_key] for asked in counting.asked if asked.operation != "AssumeRole"}
        assumed = {asked.access_key for asked in counting.asked if asked.operation == "AssumeRole"}
        assert served == {role}
        assert assumed <= {OWN_KEY}


# --- how many are kept -----------------------------------------------------------------------------------------------


def test_over_a_thousand_events_of_fifty_roles_nothing_grows(
    counting: CountingAws, pool: Pool, record_property: Callable[[str, object], None]
) -> None:
    roles = [change_in(str(222233330000 + number)) for number in range(50)]
    threads = 0
    for event in [event for event in (*roles, CHANGED) for _ in range(18)] + roles + [CHANGED] * 32:
        lambda_handler(event, HERE)
        threads = max(threads, len(rule_threads()))
        assert len(kept(pool)) <= MAX_KEPT
        # Two of each role that is kept; what was closed last may still be under way.
        assert counting.has_open(2 * MAX_KEPT)
    changes = counting.operations.count("PutEvaluations")
    assert changes == 1_000
    assert counting.operations.count("AssumeRole") == 100
    assert counting.connections == 3 * 100 + 2 * 2
    for name, figure in (("connections", counting.connections), ("open", counting.open), ("threads", threads)):
        record_property(name, figure)
    assert len(kept(pool)) == MAX_KEPT
    for thread in rule_threads():
        thread.join(30)
    assert rule_threads() == []


def test_those_kept_longest_give_way(counting: CountingAws, pool: Pool) -> None:
    roles = [change_in(str(222233330000 + number)) for number in range(MAX_KEPT + 1)]
    for event in (*roles[:MAX_KEPT], roles[0], roles[MAX_KEPT]):
        lambda_handler(event, HERE)
    numbers = [int(role.split(":")[4]) - 222233330000 for role in kept(pool)]
    assert numbers == [*range(2, MAX_KEPT), 0, MAX_KEPT]
    assert counting.has_open(2 * MAX_KEPT)


# --- when they are not used again ------------------------------------------------------------------------------------


def new_session() -> None:
    boto3.DEFAULT_SESSION = None
    boto3.setup_default_session()


CHANGES: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], bool]] = {
    "nothing": (lambda _: None, True),
    "the level of the log": (lambda patch: patch.setenv("LOGGING_LEVEL", "ERROR"), True),
    "what does not concern AWS": (lambda patch: patch.setenv("_X_AMZN_TRACE_ID", "Root=1"), True),
    "the same number of threads": (lambda patch: patch.setenv("READER_THREADS", "16"), True),
    "the number of threads": (lambda patch: patch.setenv("READER_THREADS", "3"), False),
    "the Region": (lambda patch: patch.setenv("AWS_DEFAULT_REGION", "eu-west-1"), False),
    "the credentials": (lambda patch: patch.setenv("AWS_SESSION_TOKEN", "new"), False),
    "a setting that goes": (lambda patch: patch.delenv("AWS_SHARED_CREDENTIALS_FILE"), False),
    "a proxy": (lambda patch: patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9"), False),
    "the session": (lambda _: new_session(), False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_clients_are_made_anew_where_boto3_would_make_others(
    counting: CountingAws, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    lambda_handler(CHANGED, HERE)
    make, reused = CHANGES[change]
    make(monkeypatch)
    lambda_handler(CHANGED, HERE)
    assert counting.connections == (2 if reused else 4)
    assert counting.has_open(2)


ASSUMED = datetime(2026, 1, 13, 19, 12, 27, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=ASSUMED)
    monkeypatch.setattr("least_privilege.clients._now", lambda: clock.now)
    return clock


@pytest.mark.parametrize(
    ("event", "left", "sessions"),
    [
        (OF_A_ROLE, 301, 1),
        (OF_A_ROLE, 300, 2),
        (OF_A_ROLE, -1, 2),
        (scheduled(ExecutionRoleName="member"), 891, 1),
        (scheduled(ExecutionRoleName="member"), 890, 2),
        (CHANGED, -1_000_000, 0),
    ],
)
def test_a_session_that_would_expire_before_the_event_is_through_is_made_anew(
    counting: CountingAws, clock: SimpleNamespace, event: dict[str, Any], left: int, sessions: int
) -> None:
    lambda_handler(OF_A_ROLE if sessions else CHANGED, HERE)
    clock.now += timedelta(seconds=SESSION_SECONDS - left)
    lambda_handler(event, HERE)
    assert counting.operations.count("AssumeRole") == sessions


ENDINGS: list[tuple[str, Answer, bool]] = [
    ("ListAliases", refused("NotFoundException"), True),
    ("DescribeKey", refused("AccessDeniedException"), True),
    ("ListAliases", refused("AccessDeniedException"), False),
    ("GetKeyPolicy", refused("KMSInvalidStateException"), False),
    ("PutEvaluations", refused("InvalidResultTokenException"), False),
    ("PutEvaluations", HUNG_UP, False),
]


@pytest.mark.parametrize(("operation", "answer", "reused"), ENDINGS)
def test_clients_of_an_invocation_that_failed_are_closed_and_not_kept(
    counting: CountingAws, pool: Pool, operation: str, answer: Answer, *, reused: bool
) -> None:
    counting.faults.append(lambda asked: answer if asked.operation == operation else None)
    try:
        lambda_handler(CHANGED, HERE)
    except RuleError:
        assert not reused
    assert kept(pool) == ([""] if reused else [])
    assert reused or counting.has_open(0)


# --- sessions that AWS no longer takes -------------------------------------------------------------------------------


OPERATIONS_OF = {
    "change": ("ListAliases", "DescribeKey", "GetKeyPolicy", "PutEvaluations"),
    "schedule": (
        *("DescribeConfigurationRecorderStatus", "ListKeys", "ListAliases", "BatchGetResourceConfig", "DescribeKey"),
        *("GetKeyPolicy", "PutEvaluations", "GetComplianceDetailsByConfigRule"),
    ),
}
EVENTS = {"change": OF_A_ROLE, "schedule": scheduled(ExecutionRoleName="member", ReadKeysFrom="Config")}


def refusing(operation: str, code: str, *access_keys: str) -> Callable[[Asked], Answer | None]:
    def fault(asked: Asked) -> Answer | None:
        struck = asked.operation == operation and (not access_keys or asked.access_key in access_keys)
        return refused(code) if struck else None

    return fault


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("kind", "operation"), [(kind, operation) for kind, operations in OPERATIONS_OF.items() for operation in operations]
)
def test_a_kept_session_that_aws_refuses_is_made_anew_once(
    counting: CountingAws, pool: Pool, kind: str, operation: str
) -> None:
    lambda_handler(EVENTS[kind], HERE)
    [first] = [key for key, role in counting.roles.items() if role]
    counting.faults.append(refusing(operation, "ExpiredTokenException", first))
    evaluations = lambda_handler(EVENTS[kind], HERE)
    assert [item["ComplianceType"] for item in evaluations] == ["COMPLIANT"]
    assert counting.operations.count("AssumeRole") == 2
    assert counting.asked[-1].access_key != first
    assert kept(pool) == [ROLE]
    assert counting.has_open(2)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("kind", "operation"), [(kind, operation) for kind, operations in OPERATIONS_OF.items() for operation in operations]
)
def test_a_new_session_that_aws_refuses_too_is_the_error(
    counting: CountingAws, pool: Pool, kind: str, operation: str
) -> None:
    lambda_handler(EVENTS[kind], HERE)
    counting.faults.append(refusing(operation, "ExpiredTokenException"))
    with pytest.raises(RuleError, match="ExpiredTokenException"):
        lambda_handler(EVENTS[kind], HERE)
    assert counting.operations.count("AssumeRole") == 2
    assert kept(pool) == []
    assert counting.has_open(0)


@pytest.mark.parametrize("code", [*sorted(EXPIRED), "AccessDeniedException", "KMSInvalidStateException"])
def test_only_what_says_that_a_session_is_over_makes_another(counting: CountingAws, code: str) -> None:
    lambda_handler(OF_A_ROLE, HERE)
    counting.faults.append(refusing("ListAliases", code, "ASIAOTTER1"))
    if code in EXPIRED:
        lambda_handler(OF_A_ROLE, HERE)
    else:
        with pytest.raises(RuleError, match=code):
            lambda_handler(OF_A_ROLE, HERE)
    assert counting.operations.count("AssumeRole") == (2 if code in EXPIRED else 1)


def test_a_session_that_is_refused_at_its_first_event_is_the_error(counting: CountingAws) -> None:
    counting.faults.append(refusing("ListAliases", "ExpiredTokenException"))
    with pytest.raises(RuleError, match="ExpiredTokenException: because"):
        lambda_handler(OF_A_ROLE, HERE)
    assert counting.operations == ["AssumeRole", "ListAliases"]


def test_clients_whose_refusal_cost_no_answer_are_not_kept_either(counting: CountingAws, pool: Pool) -> None:
    counting.faults.append(
        lambda asked: (500, {"__type": "ExpiredToken"}) if asked.operation == "BatchGetResourceConfig" else None
    )
    lambda_handler(scheduled(ReadKeysFrom="Config"), HERE)
    assert kept(pool) == []
    assert counting.has_open(0)


def test_what_the_first_beginning_noted_is_forgotten_by_the_second(counting: CountingAws) -> None:
    lambda_handler(OF_A_ROLE, HERE)
    counting.faults.append(refusing("DescribeKey", "ExpiredTokenException", "ASIAOTTER1"))
    counting.faults.append(refusing("GetKeyPolicy", "KMSInvalidStateException", "ASIAOTTER2"))
    with pytest.raises(RuleError) as raised:
        lambda_handler(OF_A_ROLE, HERE)
    assert f"0 of 1 keys are judged; no answer for {KEY_ID}, first because of KMSInvalidState" in str(raised.value)
    assert str(raised.value).count(KEY_ID) == 1


# --- connections that AWS closed -------------------------------------------------------------------------------------


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_error(
    counting: CountingAws, caplog: pytest.LogCaptureFixture
) -> None:
    counting.closes_after_answers = True
    for _ in range(5):
        lambda_handler(CHANGED, HERE)
        assert counting.has_open(0)
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert counting.operations.count("PutEvaluations") == 5


def test_a_kept_connection_that_closes_at_the_next_request_costs_no_error(counting: CountingAws) -> None:
    lambda_handler(CHANGED, HERE)
    closed: Counter[str] = Counter()

    def hang_up_once(asked: Asked) -> Answer | None:
        closed[asked.operation] += 1
        return HUNG_UP if closed[asked.operation] == 1 else None

    counting.faults.append(hang_up_once)
    lambda_handler(CHANGED, HERE)
    assert closed == dict.fromkeys(OPERATIONS_OF["change"], 2)


# --- what is kept beside them ----------------------------------------------------------------------------------------


def reachable(root: object) -> Iterator[object]:
    """Yield all that an object holds, itself or through others; modules, and what is in them, are held by nobody."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, ModuleType | type):
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, FunctionType):
            waiting += [each.__closure__, each.__defaults__, each.__kwdefaults__, vars(each)]
        else:
            waiting += gc.get_referents(each)


def texts(root: object) -> Iterator[str]:
    for each in reachable(root):
        if isinstance(each, str):
            yield each
        elif isinstance(each, bytes | bytearray):
            yield bytes(each).decode("latin-1")


SECRETS = {"token": "the-result-token", "administrators": "AROAWALRUS", "whitelist": "WalrusAlias", "key": KEY_ID}
TELLING: dict[str, dict[str, Any]] = {
    kind: {
        **rule_event(
            notification,
            {
                "Admin_User_Id": f"{SECRETS['administrators']}*",
                "CMK_Whitelist": SECRETS["whitelist"],
                "ReadKeysFrom": "Config",
                "ExecutionRoleName": role,
            },
            accountId="700070007000",
        ),
        "resultToken": SECRETS["token"],
        "configRuleName": "a-walrus-of-a-rule",
    }
    for role in ("", "member")
    for kind, notification in (
        (f"schedule {role}", scheduled_notification(TIME)),
        (f"change {role}", change_notification(key_item(KEY_ID, TIME))),
    )
}


@pytest.mark.parametrize("kind", TELLING)
def test_nothing_of_an_event_is_reachable_from_what_is_kept(counting: CountingAws, pool: Pool, kind: str) -> None:
    lambda_handler(TELLING[kind], None)
    assert len(kept(pool)) == 1
    assert len(counting.asked) >= 4
    found = list(texts(pool))
    # The walk itself: it comes as far as the credentials and the connection.
    assert counting.asked[-1].access_key in found
    assert any(counting.url.rpartition(":")[2] in text for text in found)
    secrets = [*SECRETS.values(), "a-walrus-of-a-rule", "AROABEAVER", *([] if "member" in kind else ["700070007000"])]
    assert [secret for secret in secrets if any(secret in text for text in found)] == []


def test_the_walk_finds_what_is_hidden_in_closures_and_bytes() -> None:
    hidden = "otter in a closure"
    held = SimpleNamespace(call=lambda: hidden, default=lambda text="otter by default": text, raw=bytearray(b"otter"))
    assert {"otter in a closure", "otter by default", "otter"} <= set(texts(held))


# --- how they are closed ---------------------------------------------------------------------------------------------


def test_a_client_that_is_closed_keeps_no_socket_whoever_holds_its_connections(counting: CountingAws) -> None:
    clients = Pool().take("", 4, threading.Event(), timedelta())
    list(Account(clients.kms, clients.config, "a role").key_ids())
    held = list(reachable(clients.kms))
    assert counting.open == 1
    clients.close()
    assert counting.has_open(0)
    assert held


def test_a_connection_in_use_is_closed_once_its_call_has_ended(counting: CountingAws) -> None:
    hanging = Hanging("ListKeys", None)
    counting.faults.append(hanging)
    clients = Pool().take("", 4, threading.Event(), timedelta())
    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(clients.kms.list_keys)
        assert hanging.reached.wait(30)
        clients.close()
        hanging.released.set()
        assert isinstance(call.exception(30), AbandonedError)
        assert counting.has_open(0)
        held = call.exception()
    assert held


@pytest.mark.parametrize("step", range(len(POOL_CLASSES)))
def test_with_a_botocore_that_makes_its_connections_otherwise_the_rule_works_as_before(
    counting: CountingAws, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(
        "least_privilege.connections.POOL_CLASSES", (*POOL_CLASSES[:step], "_made_otherwise", *POOL_CLASSES[step + 1 :])
    )
    for _ in range(2):
        lambda_handler(OF_A_ROLE, HERE)
    assert counting.connections == 3


# --- invocations that were abandoned ---------------------------------------------------------------------------------


class Hanging:
    """Holds the first request for an operation back until the test lets go, and then answers it so."""

    def __init__(self, operation: str, answer: Answer | None) -> None:
        self.operation, self.answer = operation, answer
        self.reached, self.released, self.answered = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, asked: Asked) -> Answer | None:
        if asked.operation != self.operation or self.reached.is_set():
            return None
        self.reached.set()
        self.released.wait(30)
        self.answered.set()
        return self.answer

    @property
    def time_is_up(self) -> SimpleNamespace:
        """A context whose time ends once the operation hangs."""
        return context_until(self.reached)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)


HANGING: list[tuple[str, str]] = [
    ("change", "AssumeRole"),
    *(("change", operation) for operation in OPERATIONS_OF["change"]),
    *(("schedule", operation) for operation in ("DescribeConfigurationRecorderStatus", "ListKeys", "ListAliases")),
]
LATE: dict[str, Answer | None] = {
    "as usual": None,
    "by hanging up": HUNG_UP,
    "by refusing the session": refused("ExpiredTokenException"),
    "by saying that nothing is recorded or taken": (
        200,
        {
            "ConfigurationRecordersStatus": [],
            "FailedEvaluations": [{"ComplianceResourceType": "AWS::KMS::Key", "ComplianceResourceId": KEY_ID}],
        },
    ),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize(("kind", "operation"), HANGING)
def test_what_is_answered_after_the_handler_has_ended_is_followed_by_no_request_and_no_line_of_the_log(
    counting: CountingAws,
    pool: Pool,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    operation: str,
    late: str,
) -> None:
    hanging = Hanging(operation, LATE[late])
    counting.faults.append(hanging)
    with pytest.raises(RuleError, match="The time is up"):
        lambda_handler(EVENTS[kind], hanging.time_is_up)
    left_behind = rule_threads()
    evaluations = lambda_handler(OF_A_ROLE, HERE)
    assert [item["ComplianceType"] for item in evaluations] == ["COMPLIANT"]
    [now_kept] = pool._kept.values()  # noqa: SLF001 - nothing but a test asks
    requests, lines = len(counting.asked), len(caplog.records)
    hanging.released.set()
    for thread in left_behind:
        thread.join(30)
    assert (counting.asked[requests:], caplog.messages[lines:]) == ([], [])
    assert list(pool._kept.values()) == [now_kept]  # noqa: SLF001 - likewise
    lambda_handler(OF_A_ROLE, HERE)
    assert len(counting.asked) == requests + 4


@pytest.mark.usefixtures("counting")
def test_an_invocation_serves_the_next_with_its_thread() -> None:
    lambda_handler(CHANGED, HERE)
    [waiting] = IDLE_EVALUATORS
    lambda_handler(CHANGED, HERE)
    assert [waiting] == IDLE_EVALUATORS
    with pytest.raises(RuleError):
        lambda_handler({}, HERE)
    assert [waiting] == IDLE_EVALUATORS


@pytest.mark.usefixtures("impatient")
def test_an_invocation_that_is_left_behind_takes_its_thread_with_it(counting: CountingAws) -> None:
    hanging = Hanging("DescribeKey", LATE[next(iter(LATE))])
    counting.faults.append(hanging)
    with pytest.raises(RuleError, match="The time is up"):
        lambda_handler(CHANGED, hanging.time_is_up)
    assert IDLE_EVALUATORS == []
    left_behind = rule_threads()
    hanging.released.set()
    for thread in left_behind:
        thread.join(30)
    assert rule_threads() == []


def test_what_is_judged_after_the_handler_has_ended_is_not_logged(
    counting: CountingAws, pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The time may end between two calls as well, since Lambda freezes what is left of an invocation anywhere."""
    judging, released = threading.Event(), threading.Event()

    def hanging(*arguments: Any) -> Any:
        judging.set()
        released.wait(30)
        return judged(*arguments)

    monkeypatch.setattr("AWSConfigRuleKMS.MIN_WAIT", 0)
    monkeypatch.setattr("least_privilege.reading.judged", hanging)
    with pytest.raises(RuleError, match="The time is up"):
        lambda_handler(CHANGED, context_until(judging))
    requests, lines, left_behind = len(counting.asked), len(caplog.records), rule_threads()
    released.set()
    for thread in left_behind:
        thread.join(30)
    assert (counting.asked[requests:], caplog.messages[lines:], kept(pool)) == ([], [], [])


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("ended", [False, True])
def test_clients_of_an_evaluation_that_succeeded_too_late_are_not_kept(pool: Pool, *, ended: bool) -> None:
    stopped = threading.Event()
    with Account.opened(Request.from_event(CHANGED), None, 1, stopped):
        if ended:
            stopped.set()
    assert kept(pool) == ([] if ended else [""])


def test_an_evaluation_that_is_about_to_begin_again_when_the_handler_ends_is_stopped_too(
    counting: CountingAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler ends between the two looks that a second beginning takes."""

    def begin(progress: Progress, keys: tuple[str, ...]) -> None:
        progress.abandoned = True
        progress.stopped.set()
        original(progress, keys)

    original = Progress.begin
    monkeypatch.setattr(Progress, "begin", begin)
    with pytest.raises(AbandonedError):
        lambda_handler(OF_A_ROLE, HERE)
    assert counting.asked == []


@pytest.fixture
def over_tls(counting: CountingAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CountingAws:
    """AWS over TLS, with a certificate that the function trusts."""
    certificate = tmp_path / "certificate.pem"
    counting.serve_tls(certificate)
    monkeypatch.setenv("AWS_ENDPOINT_URL", counting.url.replace("http:", "https:"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    return counting


def test_over_tls_too_connections_are_kept_and_closed(over_tls: CountingAws, pool: Pool) -> None:
    for _ in range(3):
        lambda_handler(OF_A_ROLE, HERE)
    assert over_tls.connections == 3
    [clients] = pool._kept.values()  # noqa: SLF001 - nothing but a test asks
    clients.close()
    assert over_tls.has_open(0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("operation", "connection"), [("AssumeRole", 1), ("ListAliases", 2), ("PutEvaluations", 3)])
def test_what_waits_for_its_handshake_when_the_handler_ends_is_not_sent(
    over_tls: CountingAws, caplog: pytest.LogCaptureFixture, operation: str, connection: int
) -> None:
    reached, released = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number == connection:
            reached.set()
            released.wait(30)

    over_tls.before_handshake = hold
    with pytest.raises(RuleError, match="The time is up"):
        lambda_handler(OF_A_ROLE, context_until(reached))
    requests, lines, left_behind = len(over_tls.asked), len(caplog.records), rule_threads()
    released.set()
    for thread in left_behind:
        thread.join(30)
    assert (over_tls.asked[requests:], caplog.messages[lines:]) == ([], [])
    assert operation not in over_tls.operations
    assert over_tls.has_open(0)


# --- invocations that failed for good --------------------------------------------------------------------------------


def two_keys(asked: Asked) -> Answer | None:
    return (200, {"Keys": [{"KeyId": "key-1"}, {"KeyId": "key-2"}]}) if asked.operation == "ListKeys" else None


@pytest.mark.parametrize("code", ["InvalidResultTokenException", "NoSuchConfigRuleException", "AccessDeniedException"])
@pytest.mark.parametrize("late", ["as usual", "by hanging up"])
def test_a_run_that_failed_for_good_waits_for_no_call_that_hangs(
    counting: CountingAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str, late: str
) -> None:
    released = threading.Event()
    monkeypatch.setattr("least_privilege.report.MAX_BATCH", 1)
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_JOB", 1)

    def hang(asked: Asked) -> Answer | None:
        if asked.operation == "DescribeKey" and asked.request["KeyId"] == "key-2":
            released.wait(30)
            return LATE[late]
        return None

    counting.faults += [two_keys, hang, refusing("PutEvaluations", code)]
    with pytest.raises(RuleError, match=rf"^config:PutEvaluations failed .*{code}: because\)\. 0 of 2 keys"):
        lambda_handler(scheduled(), HERE)
    # The call hangs still.
    assert not released.is_set()
    requests, lines, left_behind = len(counting.asked), len(caplog.records), rule_threads()
    released.set()
    for thread in left_behind:
        thread.join(30)
    assert (counting.asked[requests:], caplog.messages[lines:]) == ([], [])
    assert counting.operations.count("PutEvaluations") == 1


def test_of_two_failures_people_get_the_first(counting: CountingAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_THREADS", "1")
    monkeypatch.setattr("least_privilege.reading.KEYS_PER_BATCH", 1)
    item = {**WHOLE_ITEM, "resourceId": "key-1", "configuration": json.dumps(WHOLE_ITEM["configuration"])}

    def deny_the_second(asked: Asked) -> Answer | None:
        if asked.operation != "BatchGetResourceConfig":
            return None
        first = asked.request["resourceKeys"][0]["resourceId"] == "key-1"
        return (200, {"baseConfigurationItems": [item]}) if first else refused("AccessDeniedException")

    counting.faults += [two_keys, deny_the_second, refusing("PutEvaluations", "InvalidResultTokenException")]
    with pytest.raises(RuleError) as raised:
        lambda_handler(scheduled(ReadKeysFrom="Config"), HERE)
    assert str(raised.value).startswith("config:BatchGetResourceConfig failed with the function's own role: allow it")
    assert "1 of 2 keys are judged; not judged are key-2; AWS Config did not take the evaluations of key-1" in str(
        raised.value
    )
