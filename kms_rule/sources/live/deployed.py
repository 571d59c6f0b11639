"""The parameters of a rule that is deployed, as AWS Config has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from kms_rule.errors import CommandError
from kms_rule.sources.aggregator.report import is_called
from kms_rule.sources.live.accounts import Connection, explained
from least_privilege.errors import NO_SUCH_RULE, code_of
from least_privilege.text import escaped

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient


def deployed_parameters(connection: Connection, name: str) -> dict[str, object]:
    """Return the parameters that a rule has in AWS Config, by name; an organization's rule is found by its own name.

    Raises `CommandError` where there is no such rule, or AWS Config refuses to be read.
    """
    with explained(f"The parameters of the rule {escaped(name)} cannot be read with config:DescribeConfigRules"):
        rule = next(_rules(connection.config(), name), None)
        if rule is None:
            raise CommandError(
                f"AWS Config in {connection.region} has no rule {escaped(name)}: correct the name, or name the Region "
                f"and role of an account that has it."
            )
        # AWS Config has blank text for a rule without parameters.
        parameters: dict[str, object] = json.loads(rule.get("InputParameters") or "{}")
        return parameters


def _rules(config: ConfigServiceClient, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rule of this name, and what an organization's rule of this name has made."""
    try:
        yield from config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]
    except ClientError as error:
        if code_of(error) != NO_SUCH_RULE:
            raise
    for page in config.get_paginator("describe_config_rules").paginate():
        yield from (rule for rule in page["ConfigRules"] if is_called(rule["ConfigRuleName"], name))
