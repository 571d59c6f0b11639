"""The clients of KMS and AWS Config, which a warm function keeps from one invocation to the next.

A new client costs a TLS connection, and each of those 20 to 25 ms of processor time: most of what an event costs whose
calls are made on kept ones. Clients serve one invocation at a time: taken out of the pool for it, and given back when
it has ended and nothing that it started is left. What an invocation leaves behind takes its clients with it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, TypedDict

import boto3
from botocore.config import Config

from least_privilege.connections import Connections
from least_privilege.errors import FAILURES, OtherAnswerError, explained, reason_of
from least_privilege.parameters import EXECUTION_ROLE
from least_privilege.text import RuleError

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_kms import KMSClient

OWN_ROLE = "the function's own role"
SESSION_SECONDS = 900  # the longest that Lambda lets a function run, and the shortest session that STS gives
# The function of an organization sees thousands of roles, and two clients take some megabytes.
MAX_KEPT = 8
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired", "UnrecognizedClientException"}
)


class AbandonedError(Exception):
    """Raised in the threads of an evaluation that the handler has ended without; no person is told a second time."""


class Session(TypedDict, total=False):
    """The credentials of an assumed role, as `boto3.client` takes them; empty for the function's own role."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str


def client_config(connections: int) -> Config:
    """Return the settings of every client, for this many threads.

    KMS throttles per account, so a scheduled run meets throttling that others cause and must outlast it: eight
    attempts back off for about a minute. The mode is `legacy`, because in `standard` all threads share one budget of
    retries, and once that is spent each throttled call fails at once.

    KMS answers within milliseconds and AWS Config within a second or two, so after three seconds without a connection
    or ten without an answer a call has failed. One that hangs at every attempt would still hold its thread for over
    two minutes: what keeps it from eating the invocation is that others do not wait for it (`BoundedReader`) and that
    the handler waits for nothing beyond its time (`Deadline`).

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


@dataclass(eq=False, slots=True)
class Clients:
    """The clients of one role.

    `role` names it in error messages; `made_of` is what boto3 made them of; `expires` is when their credentials do,
    None for the function's own role, whose credentials live as long as its sandbox. No request is sent once `stopped`
    is set, which is the present invocation's. `are_kept` if an earlier invocation made them, and `are_refused` if AWS
    no longer takes their credentials.
    """

    kms: KMSClient
    config: ConfigServiceClient
    role: str
    made_of: tuple[object, ...]
    expires: datetime | None = None
    stopped: Event = field(default_factory=Event)
    are_kept: bool = False
    are_refused: bool = False
    connections: list[Connections] = field(init=False)

    def __post_init__(self) -> None:
        """Watch what is sent and answered."""
        self.connections = [
            watch(client, self._refuse_when_stopped, self._note_refusal) for client in (self.kms, self.config)
        ]

    def _refuse_when_stopped(self, **_request: object) -> None:
        if self.stopped.is_set():
            raise AbandonedError

    def _note_refusal(self, parsed: Any = None, **_answer: object) -> None:
        # What is answered too late would be logged in another invocation.
        self._refuse_when_stopped()
        error = parsed.get("Error") if isinstance(parsed, dict) else None
        if isinstance(error, dict) and error.get("Code") in EXPIRED:
            self.are_refused = True

    def close(self) -> None:
        """Close the connections that no call is using, and each other once its call has ended."""
        self.stopped.set()
        for connections in self.connections:
            connections.close()


def watch(client: Any, before_send: Callable[..., None], after_call: Callable[..., None]) -> Connections:
    """Have these called with every request and every answer; with the watch of an earlier use, no more.

    A request that needs a new connection is told of twice, since making it takes time.
    """
    for event, watcher in (("before-send", before_send), ("after-call", after_call)):
        client.meta.events.unregister(event, unique_id=f"{__name__} {event}")
        client.meta.events.register(event, watcher, unique_id=f"{__name__} {event}")
    return Connections(client, before_send)


class Pool:
    """Clients that wait for the next invocation, by the ARN of their role; blank for the function's own."""

    def __init__(self) -> None:
        """Begin without any."""
        self._kept: OrderedDict[str, Clients] = OrderedDict()

    def take(self, role_arn: str, threads: int, stopped: Event, lifetime: timedelta) -> Clients:
        """Return clients of a role for one invocation, kept ones if their credentials last for so long.

        Raises `RuleError` where the role cannot be assumed or no client can be made.
        """
        kept = self._kept.pop(role_arn, None)
        if kept and kept.made_of == _made_of(threads) and (kept.expires is None or kept.expires > _now() + lifetime):
            kept.stopped, kept.are_kept = stopped, True
            return kept
        if kept:
            kept.close()
        return _clients_of(role_arn, threads, stopped)

    def give_back(self, role_arn: str, clients: Clients) -> None:
        """Keep clients of which nothing is in use any more; the ones kept longest give way where there are too many."""
        if clients.are_refused:
            clients.close()
            return
        self._kept[role_arn] = clients
        while len(self._kept) > MAX_KEPT:
            _, oldest = self._kept.popitem(last=False)
            oldest.close()


POOL = Pool()


def _now() -> datetime:
    return datetime.now(UTC)


def _made_of(threads: int) -> tuple[object, ...]:
    """Return what decides which clients boto3 makes: where that has changed, kept ones are of no use."""
    settings = frozenset(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith("AWS_") or name.lower().endswith("_proxy")
    )
    return boto3.client, boto3.DEFAULT_SESSION, threads, settings


def _clients_of(role_arn: str, threads: int, stopped: Event) -> Clients:
    session, expires = _assume_role(role_arn, stopped) if role_arn else (Session(), None)
    role = f"the role {role_arn}" if role_arn else OWN_ROLE
    settings = client_config(threads)
    with explained("creating the clients of KMS and AWS Config", role):
        kms = boto3.client("kms", config=settings, **session)
        config = boto3.client("config", config=settings, **session)
    return Clients(kms, config, role, _made_of(threads), expires, stopped)


def _assume_role(role_arn: str, stopped: Event) -> tuple[Session, datetime]:
    def refuse_when_stopped(**_request: object) -> None:
        if stopped.is_set():
            raise AbandonedError

    asked = _now()
    with explained(f"creating the client of STS for {role_arn}", OWN_ROLE):
        sts = boto3.client("sts", config=client_config(1))
    connections = watch(sts, refuse_when_stopped, refuse_when_stopped)
    try:
        response: Any = sts.assume_role(
            RoleArn=role_arn, RoleSessionName="AWSConfigRuleKMS", DurationSeconds=SESSION_SECONDS
        )
        if "Credentials" not in response:
            raise OtherAnswerError(member="Credentials")
        return _session(response["Credentials"]), asked + timedelta(seconds=SESSION_SECONDS)
    except FAILURES as error:
        raise RuleError(
            f"The role {role_arn} cannot be assumed: its trust policy must allow sts:AssumeRole to the function's "
            f"role, whose own policy must allow it too; the recorder's service-linked role never can be, so name "
            f"another in {EXECUTION_ROLE} ({reason_of(error)})."
        ) from None
    finally:
        connections.close()


def _session(credentials: Any) -> Session:
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
