"""Shows the rule at work: an emulated account, the event that AWS Config sends, and the table of its console."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from AWSConfigRuleKMS import lambda_handler
from kms_rule.emulator import EmulatedAccount, emulated_account
from kms_rule.events import POST_PARAMETERS, now, rule_event, scheduled_notification
from kms_rule.example_keys import EXAMPLE_KEYS, ExampleKey

if TYPE_CHECKING:
    from mypy_boto3_config.type_defs import EvaluationTypeDef

COLOURS: Mapping[str, str] = {"COMPLIANT": "green", "NON_COMPLIANT": "red", "NOT_APPLICABLE": "bright_black"}
WIDTH_WHERE_THERE_IS_NO_TERMINAL = 160


def run_demo() -> None:
    """Judge the example keys on an emulated account and print the verdicts; nothing leaves this machine."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_WHERE_THERE_IS_NO_TERMINAL)
    os.environ.setdefault("LOGGING_LEVEL", "WARNING")
    with emulated_account() as account:
        for key in EXAMPLE_KEYS:
            create(key)
        account.add_aws_managed_key("ebs")
        console.print(
            f"{len(EXAMPLE_KEYS) + 1} keys in an emulated account; AWS Config sends its scheduled event with the "
            f"post's parameters, CMK_Whitelist = {POST_PARAMETERS['CMK_Whitelist']} and "
            f"Admin_User_Id = {POST_PARAMETERS['Admin_User_Id']}.",
            highlight=False,
        )
        evaluations = lambda_handler(rule_event(scheduled_notification(now())), context_of(account))
    console.print(resources_in_scope(evaluations))
    console.print(totals(evaluations), highlight=False)


def create(key: ExampleKey) -> str:
    """Create an example key in the account that boto3 reaches, and return its id."""
    kms = boto3.client("kms")
    key_id = kms.create_key(Description=key.shows)["KeyMetadata"]["KeyId"]
    if key.policy is not None:
        kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=json.dumps(key.policy))
    for alias in key.aliases:
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    if not key.enabled:
        kms.disable_key(KeyId=key_id)
    return key_id


def context_of(account: EmulatedAccount) -> object:
    """Make what the handler reads of the context that Lambda gives to a function of this account."""
    arn = f"arn:aws:lambda:{account.region}:{account.id}:function:RDK-Rule-Function-AWSConfigRuleKMS"
    return SimpleNamespace(invoked_function_arn=arn)


def resources_in_scope(evaluations: Sequence[EvaluationTypeDef]) -> Table:
    """Lay evaluations out as the AWS Config console does under "Resources in scope"."""
    table = Table("ID", "Type", "Compliance", "Annotation", title="AWSConfigRuleKMS: resources in scope")
    for item in evaluations:
        compliance = item["ComplianceType"]
        table.add_row(
            item["ComplianceResourceId"],
            item["ComplianceResourceType"],
            f"[{COLOURS[compliance]}]{compliance}[/]",
            escape(item["Annotation"]),
        )
    return table


def totals(evaluations: Sequence[EvaluationTypeDef]) -> str:
    """Say how many evaluations there are of each compliance type."""
    counts = Counter[str](item["ComplianceType"] for item in evaluations)
    return "  ".join(f"[{colour}]{counts[compliance]} {compliance}[/]" for compliance, colour in COLOURS.items())
