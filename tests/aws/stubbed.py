"""AWS as botocore's stubs, one for each service, which answer in a fixed order and hold every request to its model."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import boto3
from botocore.stub import Stubber

SERVICES = ("kms", "config", "sts")
# One for all tests, since a session reads the services' models only once.
SESSION = boto3.Session("none", "none", region_name="us-east-1")


class Body(BytesIO):
    """The body of an answer, as urllib3 hands it to botocore."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class StubbedAws:
    """A stub for each service that the rule calls; `clients` are the arguments of each client that was made."""

    def __init__(self) -> None:
        self.kms = Stubber(SESSION.client("kms"))
        self.config = Stubber(SESSION.client("config"))
        self.sts = Stubber(SESSION.client("sts"))
        self.clients: list[tuple[str, dict[str, object]]] = []
        self.settings: list[Any] = []

    def client(self, service: str, config: object = None, **credentials: object) -> object:
        self.clients.append((service, credentials))
        self.settings.append(config)
        stub: Stubber = getattr(self, service)
        return stub.client
