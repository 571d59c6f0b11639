"""The types of Terraform resources that make a key what it is.

Source: the documentation of the providers hashicorp/aws and hashicorp/awscc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyType:
    """The attributes of a type of keys."""

    policy: str
    enabled: str


@dataclass(frozen=True, slots=True)
class AttachedType:
    """The attributes of a type that gives a key something: what it gives, and the key that it names."""

    given: str
    key: str


KEY_TYPES: Mapping[str, KeyType] = {
    "aws_kms_key": KeyType("policy", "is_enabled"),
    "aws_kms_external_key": KeyType("policy", "enabled"),
    "aws_kms_replica_key": KeyType("policy", "enabled"),
    "aws_kms_replica_external_key": KeyType("policy", "enabled"),
    "awscc_kms_key": KeyType("key_policy", "enabled"),
    "awscc_kms_replica_key": KeyType("key_policy", "enabled"),
}
ALIAS_TYPES: Mapping[str, AttachedType] = {
    "aws_kms_alias": AttachedType("name", "target_key_id"),
    "awscc_kms_alias": AttachedType("alias_name", "target_key_id"),
}
POLICY_TYPES: Mapping[str, AttachedType] = {"aws_kms_key_policy": AttachedType("policy", "key_id")}
ATTACHED_TYPES: Mapping[str, AttachedType] = {**ALIAS_TYPES, **POLICY_TYPES}
DOCUMENT_TYPE = "data.aws_iam_policy_document"
# These deploy templates of CloudFormation, which may make keys.
TYPES_OF_STACKS: Mapping[str, object] = dict.fromkeys(
    (
        "aws_cloudformation_stack",
        "aws_cloudformation_stack_set",
        "aws_serverlessapplicationrepository_cloudformation_stack",
        "aws_servicecatalog_provisioned_product",
        "awscc_cloudformation_stack",
        "awscc_cloudformation_stack_set",
        "awscc_servicecatalog_cloudformation_provisioned_product",
    )
)
TYPES_READ = frozenset({*KEY_TYPES, *ATTACHED_TYPES, DOCUMENT_TYPE, *TYPES_OF_STACKS})


def attribute_of_policy(resource_type: str) -> str:
    """Return the attribute that holds the key policy, of a type of keys or of one that gives a key its policy."""
    of_key = KEY_TYPES.get(resource_type)
    return of_key.policy if of_key else POLICY_TYPES[resource_type].given
