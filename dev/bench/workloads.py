"""What is measured, each workload in a process of its own: `python -P dev/bench/workloads.py WORKLOAD`.

A job comes as JSON on standard input, and the outcome goes as JSON to standard output. A workload prepares itself up to
its `yield`; what follows is measured, and may yield details. What it needs is imported by the workload alone, since the
import of one would weigh on the memory and the start of another.

Those in `PORTABLE` know nothing of the rule but its handler, and nothing of `kms-rule` but its options, so that any
version can be measured with them. Of the benchmark, only `opened` and what uses it or `judge` knows more of the rule.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

# The sample looks a key's aliases and description up once, and fetches its policy two times or three.
POLICY_READS_OF_SAMPLE = (3, 2, 3, 2, 2)
FORMATS = ("table", "json", "sarif", "html")
USES_OF_REPORT = Path(__file__).with_name("report_page.js")
OPENED_REPORTS = 5
PARSE = "import json, sys; print(len(json.load(open(sys.argv[1]))))"
# Rotation, a wildcard principal, and enabled keys.
CHECKS_OF_CHECKOV = "CKV_AWS_7,CKV_AWS_33,CKV_AWS_227"

type Json = dict[str, Any]
type Steps = Iterator[Json | None]


def handler_module() -> Any:
    """Import the handler's module, as AWS Lambda does."""
    return importlib.import_module("AWSConfigRuleKMS")


def request_of(job: Json) -> Any:
    """Return the request that the event makes."""
    from least_privilege.event import Request  # noqa: PLC0415

    return Request.from_event(job["event"])


def opened(job: Json) -> Any:
    """Return the account of the function, with the clients that the rule makes for it."""
    from datetime import timedelta  # noqa: PLC0415
    from threading import Event  # noqa: PLC0415

    from least_privilege.account import Account  # noqa: PLC0415
    from least_privilege.clients import POOL  # noqa: PLC0415

    made = POOL.take("", job["threads"], Event(), timedelta())
    return Account(made.kms, made.config, made.role)


def first_event(job: Json) -> Steps:
    """Import the handler's module and run it with a changed key, as Lambda does in a cold start."""
    yield None
    handler_module().lambda_handler(job["changes"][0], None)
    yield {"modules": len(sys.modules)}


def event(job: Json) -> Steps:
    """Run the handler with one changed key after another, as Lambda does after the first two events."""
    handle = handler_module().lambda_handler
    for change in job["changes"][:2]:
        handle(change, None)
    yield None
    for change in job["changes"][2:]:
        handle(change, None)


def calls_of_event(kms: Any, config: Any, change: Json) -> None:
    """Make the four calls that an event costs, and nothing else."""
    item = json.loads(change["invokingEvent"])["configurationItem"]
    kms.list_aliases(KeyId=item["resourceId"])
    kms.describe_key(KeyId=item["resourceId"])
    kms.get_key_policy(KeyId=item["resourceId"], PolicyName="default")
    evaluation = {
        "ComplianceResourceType": item["resourceType"],
        "ComplianceResourceId": item["resourceId"],
        "ComplianceType": "COMPLIANT",
        "Annotation": "nothing is judged",
        "OrderingTimestamp": item["configurationItemCaptureTime"],
    }
    config.put_evaluations(Evaluations=[evaluation], ResultToken=change["resultToken"])


def bare_first_event(job: Json) -> Steps:
    """Import boto3, make the two clients with its defaults, and make the calls of one event."""
    yield None
    import boto3  # noqa: PLC0415

    calls_of_event(boto3.client("kms"), boto3.client("config"), job["changes"][0])
    yield {"modules": len(sys.modules)}


def bare_event(job: Json) -> Steps:
    """Make the calls of one event after another with the rule's own clients."""
    account = opened(job)
    clients = account._kms, account._config  # noqa: SLF001 - for their settings
    for change in job["changes"][:2]:
        calls_of_event(*clients, change)
    yield None
    for change in job["changes"][2:]:
        calls_of_event(*clients, change)


def rule(job: Json) -> Steps:
    """Run the handler with a scheduled event, as Lambda does after its cold start."""
    module = handler_module()
    yield None
    module.lambda_handler(job["event"], None)


def reading(job: Json) -> Steps:
    """List the keys and aliases and read every key, as the handler does, but judge and report nothing."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from least_privilege.deadline import Deadline  # noqa: PLC0415
    from least_privilege.progress import Progress  # noqa: PLC0415
    from least_privilege.reading import Reader  # noqa: PLC0415

    yield None
    with ThreadPoolExecutor(job["threads"]) as executor:
        reader = Reader(opened(job), request_of(job).parameters, executor, Deadline(), Progress())
        for _ in reader.readings():
            pass


def judging(job: Json) -> Steps:
    """Judge every key's policy, and write its annotation; nothing is read and nothing reported."""
    from dev.bench.account import policy_text, words  # noqa: PLC0415
    from least_privilege.annotation import annotate  # noqa: PLC0415
    from least_privilege.key import Facts  # noqa: PLC0415
    from least_privilege.scenarios import judge  # noqa: PLC0415

    parameters = request_of(job).parameters
    known = [(words(number), policy_text(number)) for number in range(job["keys"])]
    keys = [Facts((key["ALIASNAME"],), state=key["KEYSTATE"], policy=policy) for key, policy in known]
    yield None
    for facts in keys:
        annotate(judge(facts, parameters), facts.aliases[0])


def bare(job: Json, *, defaults: bool = False) -> Steps:
    """Make the two calls of each key through a thread pool, with the rule's own client or with boto3's defaults."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(max_pool_connections=job["threads"])
    client = boto3.client("kms", config=config) if defaults else opened(job)._kms  # noqa: SLF001 - for its settings

    def read(key: Json) -> None:
        if client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled":
            client.get_key_policy(KeyId=key["KeyId"], PolicyName="default")

    yield None
    with ThreadPoolExecutor(job["threads"]) as executor:
        for page in client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1000}):
            list(executor.map(read, page["Keys"]))


def sequential(_job: Json) -> Steps:
    """Make the published sample's 4.4 calls a key, one after another, with boto3's defaults."""
    import boto3  # noqa: PLC0415

    client = boto3.client("kms")
    yield None
    pages = client.get_paginator("list_keys").paginate()
    for number, key in enumerate(key for page in pages for key in page["Keys"]):
        client.list_aliases(KeyId=key["KeyId"])
        client.describe_key(KeyId=key["KeyId"])
        for _ in range(POLICY_READS_OF_SAMPLE[number % len(POLICY_READS_OF_SAMPLE)]):
            json.loads(client.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])


def custodian(job: Json) -> Steps:
    """Run Cloud Custodian with a policy that reads every key's policy."""
    from c7n import cli  # type: ignore[import-not-found]  # noqa: PLC0415 - it is in the other environment

    folder = Path(job["folder"])
    policy = {"name": "key-policies", "resource": "aws.kms-key", "filters": [{"type": "cross-account"}]}
    (folder / "policies.json").write_text(json.dumps({"policies": [policy]}))
    options = ("--output-dir", str(folder / "output"), "--cache-period", "0", "--region", os.environ["AWS_REGION"])
    sys.argv = ["custodian", "run", "--quiet", *options, str(folder / "policies.json")]
    yield None
    cli.main()
    yield {"found": len(json.loads((folder / "output" / "key-policies" / "resources.json").read_text()))}


def command(words: str, job: Json) -> Steps:
    """Run `kms-rule` with these words, from the start of its process to its end."""
    yield from process([sys.executable, "-m", "kms_rule", *words.format(**job).split()], job)


def json_load(job: Json) -> Steps:
    """Parse a plan, and print how much is in it."""
    yield from process([sys.executable, "-c", PARSE, f"{job['folder']}/input"], job)


def checkov(job: Json) -> Steps:
    """Run checkov with its three checks on KMS keys on templates, and let it look nothing up in the network."""
    options = ("--framework", "cloudformation", "--check", CHECKS_OF_CHECKOV, "--quiet", "--compact", "--skip-download")
    yield from process([job["checkov"], "--directory", f"{job['folder']}/input", *options], job)


def process(line: list[str], job: Json) -> Steps:
    """Run a process from its start to its end, which has to print something."""
    output = Path(job["folder"], "output")
    yield None
    with output.open("wb") as file:
        code = subprocess.run(line, stdout=file, check=False).returncode  # noqa: S603 - one of the benchmark's own
    # 1 says that a key is NON_COMPLIANT, but also that Python ran into an error.
    if code not in (0, 1) or not output.stat().st_size:
        raise RuntimeError(f"{' '.join(line)} ended with {code}")


def report_page(job: Json) -> Steps:
    """Write the report on a scan, then open and use it in Chromium; of several times, the fastest of each counts."""
    from tests.browser.chromium import Browser, chromium, missing  # noqa: PLC0415

    if missing():
        raise RuntimeError(f"{missing()} is not installed")
    report, pages = Path(job["folder"], "output"), Path(job["folder"], "pages")
    pages.mkdir()
    yield from command("scan --format html", job)
    with chromium(Path(job["folder"], "profile")) as driver:
        browser, runs = Browser(driver, pages), []
        for _ in range(OPENED_REPORTS):
            browser.open(report.read_text("utf-8"))
            runs.append(browser.run(USES_OF_REPORT.read_text("utf-8")))
    yield {"megabytes": report.stat().st_size / 1e6, **{use: min(run[use] for run in runs) for use in runs[0]}}


PORTABLE: Mapping[str, Callable[[Json], Steps]] = {
    "first-event": first_event,
    "event": event,
    "rule": rule,
    "--help": partial(command, "--help"),
    "scan": partial(command, "scan --format json"),
    **{words: partial(command, f"{words} {{folder}}/input") for words in map("check --format {}".format, FORMATS)},
}
OF_FILES = dict.fromkeys(
    ("check repository", "check aliases", "check plan"), partial(command, "check --format json {folder}/input")
)
WORKLOADS: Mapping[str, Callable[[Json], Steps]] = {
    **PORTABLE,
    **OF_FILES,
    "json.load plan": json_load,
    "checkov repository": checkov,
    "bare-event": bare_event,
    "bare-first-event": bare_first_event,
    "reading": reading,
    "judging": judging,
    "bare": bare,
    "bare-defaults": partial(bare, defaults=True),
    "sequential": sequential,
    "custodian": custodian,
    "report-page": report_page,
}


def processor_seconds() -> float:
    """Return the processor time until now, of all threads and of the processes that were started."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def outcome(workload: str, job: Json) -> Json:
    """Run a workload, and return what it took."""
    steps = WORKLOADS[workload](job)
    next(steps)
    wall, processor = time.perf_counter(), processor_seconds()
    details = next(steps, None)
    wall, processor = time.perf_counter() - wall, processor_seconds() - processor
    # Linux carries `ru_maxrss` over from the process that started this one, but not the high-water mark in its file.
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    peak = max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, int(own.split()[1])) / 1024
    return {"wall_seconds": wall, "processor_seconds": processor, "peak_megabytes": peak, "details": details or {}}


def main() -> None:
    """Tell the outcome on what was standard output; whatever a workload prints goes elsewhere."""
    told = os.dup(1)
    os.dup2(2, 1)
    try:
        content = outcome(sys.argv[1], json.load(sys.stdin))
    except Exception as error:  # noqa: BLE001 - whatever went wrong is what this process has to tell
        content = {"error": f"{type(error).__name__}: {error}"}
    with os.fdopen(told, "w") as file:
        json.dump(content, file)


if __name__ == "__main__":
    main()
