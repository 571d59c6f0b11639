"""Makes the measurements: each has an endpoint in this process, and the measured workload in one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import count, islice
from pathlib import Path
from typing import Any

from dev.bench.account import policy_text, results_of, words
from dev.bench.endpoint import FIRST_EVENTS, Endpoint
from dev.bench.inputs import INPUTS
from dev.bench.results import EVENT_WORKLOADS, BenchError, Measurement, median
from dev.bench.surroundings import HOST, share_of_a_processor, tls_context
from dev.emulator.events import (
    POST_PARAMETERS,
    REGION,
    change_notification,
    key_item,
    now,
    rule_event,
    scheduled_notification,
)

PROJECT = Path(__file__).parents[2]
WORKLOADS = Path(__file__).with_name("workloads.py")
LOCK = Path(__file__).with_name("requirements.lock")
LOCK_OF_CHECKOV = LOCK.parent / "checkov" / LOCK.name
# Apart from the rule's environment, since Cloud Custodian pins another boto3.
CHECKOV = PROJECT / ".venv-checkov" / "bin" / "checkov"
OTHER_PYTHON = PROJECT / ".venv-bench" / "bin" / "python"
THREADS = int(os.environ.get("READER_THREADS", "16"))
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

type Json = dict[str, Any]


def other_python() -> str:
    """Return the interpreter that has Cloud Custodian and matplotlib. Raises `BenchError` where it is missing."""
    if not OTHER_PYTHON.exists():
        raise BenchError(
            f"{OTHER_PYTHON} is missing, which has Cloud Custodian and matplotlib: run make .venv-bench/ready."
        )
    return str(OTHER_PYTHON)


def versions() -> dict[str, str]:
    """Return the versions of what is measured; those of other environments are pinned."""
    ours = {"Python": ".".join(map(str, sys.version_info[:2])), "boto3": version("boto3")}
    theirs = {"Cloud Custodian": _pinned(LOCK)["c7n"], "its boto3": _pinned(LOCK)["boto3"]}
    return {**ours, **theirs, "checkov": _pinned(LOCK_OF_CHECKOV)["checkov"]}


def _pinned(lock: Path) -> Mapping[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def in_turn(
    wanted: Sequence[Measurement], repeat: int, say: Callable[[str], None], checkouts: Sequence[Path] = (PROJECT,)
) -> list[Measurement]:
    """Make these measurements in turn, each for every checkout, and that `repeat` times; return the medians."""

    def made(run: Measurement, checkout: Path) -> Measurement:
        outcome = asyncio.run(_made(run, checkout))
        figures = f"{outcome.wall_seconds:.2f} s, processor {outcome.processor_seconds:.2f} s"
        say(f"{checkout.name}: {run}: {outcome.error or figures}")
        return outcome

    rounds = [[made(run, checkout) for run in wanted for checkout in checkouts] for _ in range(repeat)]
    return [median(runs) for runs in zip(*rounds, strict=True)]


async def _made(wanted: Measurement, checkout: Path) -> Measurement:
    endpoint = Endpoint(wanted.keys, wanted.latency_ms / 1000, wanted.throttle_per_second)
    with tempfile.TemporaryDirectory() as folder:
        if write := INPUTS.get(wanted.workload):
            write(Path(folder, "input"), wanted.keys)
        bundle = Path(folder, "bundle.pem") if wanted.tls else None
        tls = tls_context(Path(folder), bundle) if bundle else None
        server = await asyncio.start_server(endpoint.converse, HOST, 0, ssl=tls)
        url = f"http{'s' * wanted.tls}://{HOST}:{server.sockets[0].getsockname()[1]}"
        busy = time.process_time()
        try:
            outcome = await _outcome(wanted, checkout, environment(checkout, folder, url, bundle))
        except BenchError as error:
            outcome = {"error": str(error)}
        busy = time.process_time() - busy
        server.close()
    run = replace(
        wanted,
        **outcome,
        calls=dict(endpoint.calls),
        new_connections=endpoint.new_connections,
        throttled=endpoint.throttled,
        evaluations=endpoint.evaluations,
        endpoint_seconds=round(busy, 4),
    )
    if run.workload == "rule" and not run.error and run.evaluations != results_of(run.keys):
        return replace(run, error=f"{run.evaluations} evaluations instead of {results_of(run.keys)}")
    return run


async def _outcome(wanted: Measurement, checkout: Path, surroundings: Mapping[str, str]) -> Json:
    """Run the workload with the modules of a checkout, and return what it tells; if it failed, that is an `error`."""
    python = other_python() if wanted.workload == "custodian" else sys.executable
    child = await asyncio.create_subprocess_exec(
        *(python, "-P", str(WORKLOADS), wanted.workload),
        cwd=checkout,
        env=surroundings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if len(CORES) > 1:
        os.sched_setaffinity(0, CORES[:1])
        os.sched_setaffinity(child.pid, CORES if wanted.workload == "report-page" else CORES[-1:])
    given = {"keys": wanted.keys, "threads": THREADS, "folder": surroundings["HOME"], "checkov": str(CHECKOV)}
    job = json.dumps({**events(wanted), **given})
    with share_of_a_processor(wanted.memory_mb) if wanted.memory_mb else nullcontext(Path(os.devnull)) as members:
        members.write_text(str(child.pid))
        told, _ = await child.communicate(job.encode())
    outcome: Json = json.loads(told or "{}", parse_float=lambda text: round(float(text), 4))
    return outcome or {"error": f"the process ended with {child.returncode} and told nothing"}


def events(wanted: Measurement) -> Json:
    """Return the event of a schedule, and as many of a changed key as are asked for, after those that warm up."""
    parameters = {**POST_PARAMETERS, **({"ReadKeysFrom": wanted.source} if wanted.source else {})}
    wrapped = partial(rule_event, parameters=parameters, resultToken="bench")
    event = wrapped(scheduled_notification(now()))
    if wanted.workload not in EVENT_WORKLOADS:
        return {"event": event}
    enabled = (number for number in count() if words(number)["KEYSTATE"] == "Enabled")
    items = map(changed_item, islice(enabled, FIRST_EVENTS + wanted.keys))
    return {"event": event, "changes": [wrapped(change_notification(item)) for item in items]}


def changed_item(number: int) -> Json:
    """Return AWS Config's item of key `number`, with all that it tells."""
    told = {"keyManager": "CUSTOMER", "keyState": "Enabled"}
    supplement = {"Policy": policy_text(number)}
    return {
        **key_item(words(number)["KEYID"], now()),
        "configuration": told,
        "supplementaryConfiguration": supplement,
    }


def environment(checkout: Path, folder: str, url: str, bundle: Path | None) -> Mapping[str, str]:
    """Return the environment of a measured process: nothing of the user's own settings, and the endpoint for AWS."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": folder,
        "PYTHONPATH": os.pathsep.join(map(str, (checkout / "AWSConfigRuleKMS", checkout))),
        "AWS_ENDPOINT_URL": url,
        **({"AWS_CA_BUNDLE": str(bundle)} if bundle else {}),
        "AWS_ACCESS_KEY_ID": "AKIABENCHBENCHBENCH0",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LOGGING_LEVEL": "WARNING",
        "READER_THREADS": str(THREADS),
    }
