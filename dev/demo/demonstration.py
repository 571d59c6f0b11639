"""Shows the rule at work: keys in an emulated account, the rule deployed to it by RDK, and the compliance dashboard."""

from __future__ import annotations

import json
import os
import shlex
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import boto3
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dev.demo.example_keys import EXAMPLE_KEYS, USAGE_ONLY, ExampleKey, Policy, readable
from dev.emulator.account import EmulatedAccount, emulated_account
from dev.emulator.deployment import ConfigService, deploy, deployed_function
from dev.emulator.events import POST_PARAMETERS, RULE_NAME
from kms_rule.output import COLOURS, DIRECT_IT_ELSEWHERE, printing, standard_output, totals

REPAIRED_ALIAS = "alias/SecurityOtterCMK"
# What another terminal needs to reach the account, a line each.
EXPORTED = (
    ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "NO_PROXY", "no_proxy"),
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)

type Result = Mapping[str, str]


def run_demo() -> None:
    """Deploy the rule to an emulated account, re-evaluate it, repair one key, and print what the dashboard shows.

    Raises `OutputError` where standard output cannot be written, and `DeploymentError`.
    """
    console = standard_output(DIRECT_IT_ELSEWHERE)
    with emulated_account() as account, deployed_rule(console, account) as (config, key_ids):
        show(console, config, key_ids[REPAIRED_ALIAS])


def serve() -> None:
    """Deploy the rule to an emulated account, evaluate it once, and serve the account until Ctrl-C.

    Raises what `run_demo` raises, and `KeyboardInterrupt` where Ctrl-C comes before the account is ready.
    """
    console = standard_output(DIRECT_IT_ELSEWHERE)
    # `rdk init` attaches policies of AWS's own, which moto has only if it is asked to.
    with patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"), emulated_account() as account:
        account.start_recording()
        with deployed_rule(console, account) as (config, _):
            boto3.client("config").start_config_rules_evaluation(ConfigRuleNames=[RULE_NAME])
            say(console, f"3. AWS Config has evaluated the rule: {totals_of(config.results())}")
            say(console, "4. To reach the account from another terminal, paste these lines there:")
            with printing(DIRECT_IT_ELSEWHERE) as output:
                output.writelines(f"{line}\n" for line in exports(account))
            try:
                say(console, "   Press Ctrl-C here to end it; nothing of it is kept.")
                threading.Event().wait()
            except KeyboardInterrupt:
                say(console, "The emulated account is gone.")


def exports(account: EmulatedAccount) -> Iterator[str]:
    """Yield the lines that lead the clients of another terminal to the account."""
    for names in EXPORTED:
        yield " ".join(["export", *(f"{name}={shlex.quote(account.environment[name])}" for name in names)])


@contextmanager
def deployed_rule(console: Console, account: EmulatedAccount) -> Iterator[tuple[ConfigService, dict[str, str]]]:
    """Create the example keys, deploy the rule, and run it until the block ends; give AWS Config, and the keys' ids."""
    key_ids = create_keys(account)
    say(console, f"1. An emulated AWS account with {len(key_ids) + 1} keys; nothing leaves this machine.")
    deployment = deploy(account).strip().splitlines()
    say(console, f"2. rdk deploy {RULE_NAME}: {deployment[-1].partition(': ')[2]}")
    parameters = ", ".join(f"{name} = {value}" for name, value in POST_PARAMETERS.items())
    say(console, f"   The rule's parameters are the post's: {parameters}.")
    with deployed_function(account) as function:
        yield ConfigService(account, function), key_ids


def show(console: Console, config: ConfigService, repaired_key_id: str) -> None:
    """Re-evaluate the deployed rule, then repair one key and let AWS Config report the change; print both results."""
    boto3.client("config").start_config_rules_evaluation(ConfigRuleNames=[RULE_NAME])
    before = config.results()
    say(console, "3. Re-evaluate: AWS Config invokes the deployed package, on schedule and for each key.")
    console.print(resources_in_scope(before))
    say(console, totals_of(before))
    say(console, "Keys that are disabled or managed by AWS are not applicable, and on no list.")
    put_policy(repaired_key_id, readable(USAGE_ONLY))
    config.change(repaired_key_id)
    after = config.results()
    say(console, f"4. The policy of {REPAIRED_ALIAS} is repaired; AWS Config reports the change of that key.")
    rows = [row for row in (*before, *after) if row not in before or row not in after]
    changed = sorted({row["ComplianceResourceId"] for row in rows})
    console.print(resources_in_scope(after, changed))
    say(console, totals_of(after))
    say(console, f"{len(changed)} of {len(after)} rows changed: {', '.join(changed)}")


def say(console: Console, text: str) -> None:
    """Print a line without colouring the numbers in it."""
    console.print(text, highlight=False)


def create_keys(account: EmulatedAccount) -> dict[str, str]:
    """Create the example keys and one that AWS manages; return the ids of the former, by alias where they have one."""
    created = [(create_key(key), key) for key in EXAMPLE_KEYS]
    account.add_aws_managed_key("ebs")
    return {key.aliases[0] if key.aliases else key_id: key_id for key_id, key in created}


def create_key(key: ExampleKey) -> str:
    """Create an example key in the account that boto3 reaches, and return its id."""
    kms = boto3.client("kms")
    key_id = kms.create_key(Description=key.shows)["KeyMetadata"]["KeyId"]
    if key.policy is not None:
        put_policy(key_id, key.policy)
    for alias in key.aliases:
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    if not key.enabled:
        kms.disable_key(KeyId=key_id)
    return key_id


def put_policy(key_id: str, policy: Policy) -> None:
    """Give a key this policy."""
    boto3.client("kms").put_key_policy(KeyId=key_id, PolicyName="default", Policy=json.dumps(policy))


def resources_in_scope(results: Sequence[Result], changed: Sequence[str] = ()) -> Table:
    """Lay results out as the AWS Config console does under "Resources in scope"; those in `changed` stand out."""
    table = Table("ID", "Type", "Compliance", "Annotation", title=f"{RULE_NAME}: resources in scope")
    for result in results:
        resource_id, compliance = result["ComplianceResourceId"], result["ComplianceType"]
        table.add_row(
            resource_id,
            result["ComplianceResourceType"],
            f"[{COLOURS[compliance]}]{compliance}[/]",
            escape(result["Annotation"]),
            style="bold reverse" if resource_id in changed else None,
        )
    return table


def totals_of(results: Sequence[Result]) -> str:
    """Return how many results there are of each compliance type; those that are not applicable are on no list."""
    return totals(Counter(result["ComplianceType"] for result in results))
