"""What is measured, each in a process of its own: `python -m dev.bench.child WORKLOAD`, with a job as a line of JSON.

The job comes on standard input, the outcome goes as JSON to standard output. What a workload needs is imported by the
workload alone, since the import of one would weigh on the memory and the start of another.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dev.bench.parent import end_with_parent

# The sample looks a key's aliases and description up once, and fetches its policy two times or three.
POLICY_READS_OF_SAMPLE = (3, 2, 3, 2, 2)
LINES_OF_PROFILE = 30
COMPLIANCES = ("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE")

type Json = dict[str, Any]


class Clock:
    """Takes wall time and processor time, of all threads, from its start to its stop."""

    def __init__(self) -> None:
        """Start."""
        self._wall = time.perf_counter()
        self._processor = processor_seconds()

    def stop(self) -> Json:
        """Return what has passed, and the most memory that the process has had."""
        wall, processor = time.perf_counter() - self._wall, processor_seconds() - self._processor
        return {"wall_seconds": wall, "processor_seconds": processor, "peak_megabytes": peak_megabytes()}


def processor_seconds() -> float:
    """Return the processor time of this process, its own and the system's for it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> float:
    """Return the most memory that this process has had resident.

    Linux carries `ru_maxrss` over from the process that started this one, so its own high-water mark is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def handler_module() -> Any:
    """Import the handler's module, which only a process in the place of AWS Lambda does."""
    return importlib.import_module("AWSConfigRuleKMS")


def run_rule(job: Json) -> Json:
    """Run the handler with a scheduled event, as Lambda does after its cold start."""
    rule = handler_module()

    clock = Clock()
    rule.lambda_handler(job["event"], None)
    return clock.stop()


def run_reading(job: Json) -> Json:
    """List the keys and aliases and read every key, as the handler does, but judge and report nothing."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    rule = handler_module()
    clock = Clock()
    request = rule.Request.from_event(job["event"])
    account = rule.Account.open(request, None, job["threads"])
    with ThreadPoolExecutor(job["threads"]) as executor:
        for _ in rule.Run(request, account, executor).readings():
            pass
    return clock.stop()


def run_scan(job: Json) -> Json:
    """Scan the account with the command, and write its findings as JSON."""
    import kms_rule.__main__ as command  # noqa: PLC0415
    import kms_rule.scan  # noqa: F401, PLC0415 - the handler's modules are loaded before its clock starts, too

    parameters = json.loads(job["event"]["ruleParameters"]).items()
    options = [word for name, value in parameters for word in ("--parameter", f"{name}={value}")]
    findings = Path(job["folder"]) / "findings.json"
    clock = Clock()
    code = command.main(["scan", "--format", "json", "--output", str(findings), *options])
    outcome = clock.stop()
    summary = json.loads(findings.read_text(encoding="utf-8"))["summary"]
    return {**outcome, "code": code, "found": sum(summary[compliance] for compliance in COMPLIANCES)}


@contextmanager
def recorded_clients() -> Iterator[dict[str, Any]]:
    """Collect, by service, the clients that are made until the block ends."""
    import botocore.session  # noqa: PLC0415

    create = botocore.session.Session.create_client
    made: dict[str, Any] = {}

    def recording(session: Any, service_name: str, *arguments: Any, **settings: Any) -> Any:
        made[service_name] = create(session, service_name, *arguments, **settings)
        return made[service_name]

    with patch.object(botocore.session.Session, "create_client", recording):
        yield made


def client_of_rule(job: Json) -> Any:
    """Return the client of KMS that the rule makes itself, with all its settings."""
    rule = handler_module()

    with recorded_clients() as made:
        rule.Account.open(rule.Request.from_event(job["event"]), None, job["threads"])
    return made["kms"]


def client_with_defaults(job: Json) -> Any:
    """Return a client of KMS with boto3's defaults, but for the connections that the threads need."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client("kms", config=Config(max_pool_connections=job["threads"]))


def run_bare(job: Json, client: Any) -> Json:
    """Make the two calls of each key through a thread pool, and nothing with what they answer."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    def read(key_id: str) -> None:
        if client.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled":
            client.get_key_policy(KeyId=key_id, PolicyName="default")

    clock = Clock()
    pages = client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1000})
    with ThreadPoolExecutor(job["threads"]) as executor:
        for page in pages:
            for _ in executor.map(read, [key["KeyId"] for key in page["Keys"]]):
                pass
    return clock.stop()


def run_bare_with_clients_of_rule(job: Json) -> Json:
    """Make the calls with the rule's own client."""
    return run_bare(job, client_of_rule(job))


def run_bare_with_defaults(job: Json) -> Json:
    """Make the calls with a client as boto3 makes it."""
    return run_bare(job, client_with_defaults(job))


def run_sequential(_job: Json) -> Json:
    """Make the published sample's 4.4 calls a key, one after another, with boto3's defaults."""
    import boto3  # noqa: PLC0415

    client = boto3.client("kms")
    clock = Clock()
    number = 0
    for page in client.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            key_id = key["KeyId"]
            client.list_aliases(KeyId=key_id)
            client.describe_key(KeyId=key_id)
            for _ in range(POLICY_READS_OF_SAMPLE[number % len(POLICY_READS_OF_SAMPLE)]):
                json.loads(client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
            number += 1
    return clock.stop()


def run_custodian(job: Json) -> Json:
    """Run Cloud Custodian with a policy that reads every key's policy."""
    from c7n import cli  # type: ignore[import-not-found]  # noqa: PLC0415 - it is in the other environment

    folder = Path(job["folder"])
    policy = {"name": "key-policies", "resource": "aws.kms-key", "filters": [{"type": "cross-account"}]}
    (folder / "policies.json").write_text(json.dumps({"policies": [policy]}))
    command = ["custodian", "run", "--output-dir", str(folder / "output"), "--cache-period", "0", "--quiet"]
    clock = Clock()
    with patch.object(sys, "argv", [*command, "--region", job["region"], str(folder / "policies.json")]):
        cli.main()
    found = json.loads((folder / "output" / "key-policies" / "resources.json").read_text())
    return {**clock.stop(), "found": len(found)}


def run_judging(job: Json) -> Json:
    """Judge every key's policy, and write its annotation; nothing is read and nothing reported."""
    rule = handler_module()

    from dev.bench.policies import policy_text  # noqa: PLC0415
    from dev.bench.synthetic import alias_of, key_id_of, state_of  # noqa: PLC0415

    parameters = rule.Request.from_event(job["event"]).parameters
    keys = [
        rule.Key(key_id_of(number), (alias_of(number),), state=state_of(number), policy=policy_text(number))
        for number in range(job["keys"])
    ]
    clock = Clock()
    for key in keys:
        rule.judge(key, parameters).annotation(key.aliases[0])
    return clock.stop()


def run_cold_start(job: Json) -> Json:
    """Import the handler's module, and make its clients."""
    whole = Clock()
    importing = Clock()
    rule = handler_module()

    imported, modules = importing.stop(), len(sys.modules)
    opening = Clock()
    rule.Account.open(rule.Request.from_event(job["event"]), None, job["threads"])
    return {**whole.stop(), "import": imported, "clients": opening.stop(), "modules": modules}


def run_profile(job: Json) -> Json:
    """Read every key as the rule does, but in one thread and under a profiler; tell where the time goes."""
    import cProfile  # noqa: PLC0415
    import io  # noqa: PLC0415
    import pstats  # noqa: PLC0415

    rule = handler_module()
    request = rule.Request.from_event(job["event"])
    account = rule.Account.open(request, None)
    aliases = account.aliases()
    text = io.StringIO()
    clock = Clock()
    with cProfile.Profile() as profile:
        for key_id in account.key_ids():
            account.read(key_id, aliases[key_id], request.parameters)
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(LINES_OF_PROFILE)
    return {**clock.stop(), "profile": text.getvalue()}


def tell_about_rule(_job: Json) -> Json:
    """Tell which sources of keys the rule has, and with which versions it is measured."""
    rule = handler_module()
    import boto3  # noqa: PLC0415

    version = ".".join(map(str, sys.version_info[:2]))
    sources = rule.CHOICES[rule.READ_FROM]
    return {
        "sources": sources,
        "threads": rule.reader_threads(),
        "versions": {"Python": version, "boto3": boto3.__version__},
    }


def tell_about_custodian(_job: Json) -> Json:
    """Tell which version of Cloud Custodian is measured."""
    from importlib.metadata import version  # noqa: PLC0415

    return {"versions": {"Cloud Custodian": version("c7n"), "its boto3": version("boto3")}}


WORKLOADS: Mapping[str, Callable[[Json], Json]] = {
    "rule": run_rule,
    "reading": run_reading,
    "scan": run_scan,
    "bare": run_bare_with_clients_of_rule,
    "bare-defaults": run_bare_with_defaults,
    "sequential": run_sequential,
    "custodian": run_custodian,
    "profile": run_profile,
    "judging": run_judging,
    "cold-start": run_cold_start,
    "about-rule": tell_about_rule,
    "about-custodian": tell_about_custodian,
}


def main(workload: str) -> None:
    """Run a workload, and tell its outcome on what was standard output; whatever the workload prints goes elsewhere."""
    job = json.loads(_line_of_input())
    end_with_parent()
    outcome_file = os.dup(1)
    os.dup2(2, 1)
    try:
        outcome = WORKLOADS[workload](job)
    except Exception as error:  # noqa: BLE001 - whatever went wrong is what this process has to tell
        outcome = {"error": f"{type(error).__name__}: {error}"}
    with os.fdopen(outcome_file, "w") as file:
        json.dump(outcome, file)


def _line_of_input() -> str:
    # No buffer may take more than the line: what follows is for the thread that waits for the end.
    line = bytearray()
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line.decode()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
