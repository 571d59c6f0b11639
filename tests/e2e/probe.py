"""A handler that tells what its process can do; tests copy it into a function's folder, it is not run from here."""

from __future__ import annotations

import importlib
import os
from typing import Any

import boto3


def answer(event: Any, _context: object) -> Any:
    """Answer with the event."""
    return event


def answer_with_an_object(_event: Any, _context: object) -> object:
    """Answer with what JSON has no form for."""
    return object()


def imports(event: list[str], _context: object) -> dict[str, str]:
    """Import each named module, and say of those that cannot be imported why."""
    return {name: _imported(name) for name in event}


def call_aws(_event: Any, _context: object) -> str:
    """Ask AWS for the id of the account."""
    return str(boto3.client("sts").get_caller_identity()["Account"])


def end(_event: Any, _context: object) -> None:
    """End the process without an answer."""
    os._exit(1)


def _imported(name: str) -> str:
    try:
        importlib.import_module(name)
    except ImportError as error:
        return f"{type(error).__name__}: {error}"
    return "imported"
