"""AWS Config's rules, and an organization's, for moto's CloudFormation, which otherwise skips them without an error.

It also loses a log group when it updates a stack, and then does not delete it: `update_log_group` keeps it.

Importing the module is enough: moto asks Python for all its resource classes whenever it reads a template.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from moto.config.models import config_backends
from moto.core.common_models import CloudFormationModel
from moto.logs.models import LogGroup

# What AWS Config puts around the name of an organization's rule in an account, where the end is a random one.
PREFIX = "OrgConfigRule-"
SUFFIX = "a1b2c3d4"


class ConfigRuleOfStack(CloudFormationModel):
    """A rule that a stack made; AWS Config's side of it is moto's own."""

    def __init__(self, name: str) -> None:
        """Stand for the rule of this name."""
        self.name = name

    @property
    def physical_resource_id(self) -> str:
        """The rule's name."""
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return which property names the resource."""
        return "ConfigRuleName"

    @staticmethod
    def cloudformation_type() -> str:
        """Return which resources of a template this class makes."""
        return "AWS::Config::ConfigRule"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: object
    ) -> Self:
        """Create the rule, or change it if there is one of this name."""
        request = cls.request(resource_name, cloudformation_json["Properties"])
        config_backends[account_id][region_name].put_config_rule(request)
        return cls(request["ConfigRuleName"])

    @staticmethod
    def request(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Write a template's properties as `PutConfigRule` takes them, without the evaluation modes that moto lacks."""
        parameters = properties.get("InputParameters") or {}
        request = {key: value for key, value in properties.items() if key != "EvaluationModes"}
        return {
            **request,
            "ConfigRuleName": name,
            "InputParameters": parameters if isinstance(parameters, str) else json.dumps(parameters),
        }

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Self,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Self:
        """Change the rule to its new properties."""
        del original_resource
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Delete the rule with its stack."""
        del cloudformation_json
        config_backends[account_id][region_name].delete_config_rule(resource_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the rule with its stack."""
        config_backends[account_id][region_name].delete_config_rule(self.name)

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """State that templates cannot ask for an attribute of the rule here."""
        del attr
        return False


class OrganizationRuleOfStack(ConfigRuleOfStack, CloudFormationModel):
    """An organization's rule that a stack made: the rule that AWS Config makes of it in the account of the stack.

    moto finds only the classes that have its own among their bases. In members nothing is made.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-config-organizationconfigrule.html
    """

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return which property names the resource."""
        return "OrganizationConfigRuleName"

    @staticmethod
    def cloudformation_type() -> str:
        """Return which resources of a template this class makes."""
        return "AWS::Config::OrganizationConfigRule"

    @staticmethod
    def request(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Write the rule of the organization as that of one of its accounts, under the name that it has there."""
        rule = properties["OrganizationCustomRuleMetadata"]
        types = rule["OrganizationConfigRuleTriggerTypes"]
        return {
            "ConfigRuleName": name if name.startswith(PREFIX) else f"{PREFIX}{name}-{SUFFIX}",
            "Description": rule["Description"],
            "InputParameters": rule["InputParameters"],
            "Scope": {"ComplianceResourceTypes": rule["ResourceTypesScope"]},
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": rule["LambdaFunctionArn"],
                "SourceDetails": [{"EventSource": "aws.config", "MessageType": each} for each in types],
            },
        }


def update_log_group(original_resource: LogGroup, cloudformation_json: Mapping[str, Any], **_: object) -> LogGroup:
    """Change how long the log group of a stack keeps what is in it."""
    original_resource.retention_in_days = cloudformation_json["Properties"].get("RetentionInDays")
    return original_resource


LogGroup.update_from_cloudformation_json = update_log_group  # type: ignore[method-assign, assignment]
