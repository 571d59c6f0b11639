"""The processes of a measurement: the endpoint, and the child that is measured. None of them outlives its block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.bench.synthetic import REGION

PROJECT = Path(__file__).parents[2]
RULE_FOLDER = PROJECT / "AWSConfigRuleKMS"
SECONDS_TO_END = 10

type Json = dict[str, Any]


class BenchError(Exception):
    """Raised when the benchmark itself cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the endpoint behaves: the number of keys, how long an answer takes, and how many a second there are."""

    keys: int
    latency_ms: float = 0
    throttle_per_second: float = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running endpoint."""

    port: int

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.port}"

    def counts(self) -> Json:
        """Fetch what was asked of it."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/counts", timeout=30) as response:
            counts: Json = json.load(response)
        return counts


@contextmanager
def running(command: list[str], environment: Mapping[str, str], core: int | None) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the block ends, on one core if one is given."""
    with subprocess.Popen(  # noqa: S603 - an interpreter of this project and its own modules
        command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process that may have ended already."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()


def cores() -> tuple[int | None, int | None]:
    """Return the core for the endpoint and the core for the child, None where they cannot be told apart."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else (None, None)


@contextmanager
def endpoint(setting: Setting) -> Iterator[Endpoint]:
    """Run an endpoint until the block ends."""
    options = {
        "--keys": setting.keys,
        "--latency-ms": setting.latency_ms,
        "--throttle-per-second": setting.throttle_per_second,
    }
    arguments = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "dev.bench.endpoint", "--end-with-parent", *arguments]
    with running(command, {**plain_environment(), "PYTHONPATH": str(PROJECT)}, cores()[0]) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise BenchError("The endpoint did not start: what it printed above says why.")
        yield Endpoint(int(line))


def plain_environment() -> dict[str, str]:
    """Return the environment of every process here: nothing of the user's own settings, and no proxy."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}


def child_environment(url: str, folder: Path) -> dict[str, str]:
    """Return the environment of a measured process: credentials that mean nothing, and the endpoint for all of AWS."""
    nowhere = str(folder / "none")
    return {
        **plain_environment(),
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (RULE_FOLDER, PROJECT))),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIABENCHBENCHBENCH0",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LOGGING_LEVEL": "WARNING",
    }


def run_child(interpreter: Path, workload: str, job: Json, url: str, variables: Mapping[str, str]) -> Json:
    """Run a workload in a process of its own and return its outcome; where it failed, that has an `error`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**child_environment(url, folder), **variables}
        command = [str(interpreter), "-m", "dev.bench.child", workload]
        with running(command, environment, cores()[1]) as process:
            outcome = _told(process, {**job, "folder": name, "region": REGION})
    return outcome


def _told(process: subprocess.Popen[str], job: Json) -> Json:
    if process.stdin is None or process.stdout is None:
        raise BenchError("The measured process has no standard input and output.")
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    told = process.stdout.read()
    status = process.wait(SECONDS_TO_END)
    if not told:
        return {"error": f"the process ended with {status} and told nothing"}
    outcome: Json = json.loads(told)
    return outcome
