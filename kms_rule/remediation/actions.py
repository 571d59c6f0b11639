"""The actions of KMS by name: what an entry of a statement stands for, and the parts that it falls into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from AWSConfigRuleKMSPolicy import Statement
from least_privilege.pattern import Pattern, lower_case
from least_privilege.permission import PERMISSIONS, ActionPattern, Duty, Permission, action_pattern

# Every action of KMS today that a policy can name, some in groups such as the KMS console writes. ReEncrypt is
# authorized as two actions. Source: Service Authorization Reference; a test compares it with botocore's KMS model.
VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "kms:Encrypt": (),
    "kms:Decrypt": (),
    "kms:Create*": ("kms:CreateAlias", "kms:CreateCustomKeyStore", "kms:CreateGrant", "kms:CreateKey"),
    "kms:Delete*": ("kms:DeleteAlias", "kms:DeleteCustomKeyStore", "kms:DeleteImportedKeyMaterial"),
    "kms:Put*": ("kms:PutKeyPolicy",),
    "kms:CancelKeyDeletion": (),
    "kms:ConnectCustomKeyStore": (),
    "kms:Decapsulate": (),
    "kms:DeriveSharedSecret": (),
    "kms:Describe*": ("kms:DescribeCustomKeyStores", "kms:DescribeKey"),
    "kms:Disable*": ("kms:DisableKey", "kms:DisableKeyRotation"),
    "kms:DisconnectCustomKeyStore": (),
    "kms:Enable*": ("kms:EnableKey", "kms:EnableKeyRotation"),
    "kms:Encapsulate": (),
    "kms:Generate*": (
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyPair",
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:GenerateMac",
        "kms:GenerateRandom",
    ),
    "kms:Get*": (
        "kms:GetKeyLastUsage",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:GetParametersForImport",
        "kms:GetPublicKey",
    ),
    "kms:ImportKeyMaterial": (),
    "kms:List*": (
        "kms:ListAliases",
        "kms:ListGrants",
        "kms:ListKeyPolicies",
        "kms:ListKeyRotations",
        "kms:ListKeys",
        "kms:ListResourceTags",
        "kms:ListRetirableGrants",
    ),
    "kms:ReEncrypt*": ("kms:ReEncryptFrom", "kms:ReEncryptTo"),
    "kms:ReplicateKey": (),
    "kms:RetireGrant": (),
    "kms:RevokeGrant": (),
    "kms:RotateKeyOnDemand": (),
    "kms:ScheduleKeyDeletion": (),
    "kms:Sign": (),
    "kms:SynchronizeMultiRegionKey": (),
    "kms:TagResource": (),
    "kms:UntagResource": (),
    "kms:Update*": (
        "kms:UpdateAlias",
        "kms:UpdateCustomKeyStore",
        "kms:UpdateKeyDescription",
        "kms:UpdatePrimaryRegion",
    ),
    "kms:Verify*": ("kms:Verify", "kms:VerifyMac"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of what a statement allows: an entry for its `Action`, and the permission that it is part of."""

    entry: str
    permission: Permission | None = None

    @classmethod
    def of(cls, entry: str) -> Part:
        """Make the part that an entry is; of no permission where it grants more than one, or other things besides."""
        pattern = action_pattern(entry).pattern
        return cls(entry, next((known for known in PERMISSIONS if known.pattern.covers(pattern)), None))

    @property
    def duty(self) -> Duty | None:
        """The duty of the permission, or None where there is none."""
        return self.permission.duty if self.permission else None


PATTERNS: Mapping[str, Pattern] = {group: action_pattern(group).pattern for group in VOCABULARY}


def parts_of(statement: Statement) -> Iterator[tuple[str, list[Part]]]:
    """Yield each entry of a statement's `Action` as written, and the parts that it falls into.

    Of a `NotAction` there is no entry that could stay, so what it leaves comes one by one.
    """
    if statement.actions is None:
        for left in left_by(statement.not_actions):
            yield left, [Part.of(left)]
        return
    for entry in statement.actions:
        whole = Part.of(entry.written)
        mixed = entry.granted and not whole.permission
        yield entry.written, [*map(Part.of, spelled_out(entry.pattern))] if mixed else [whole]


def spelled_out(pattern: Pattern) -> Iterator[str]:
    """Yield the groups that an entry of an `Action` covers and, of other groups, the actions of today that fit it."""
    for group, actions in VOCABULARY.items():
        if pattern.covers(PATTERNS[group]):
            yield group
        else:
            yield from (name for name in actions if pattern.matches(lower_case(name)))


def left_by(exempted: Sequence[ActionPattern]) -> Iterator[str]:
    """Yield the groups that a `NotAction` leaves whole and, of other groups, the actions of today that it leaves."""
    patterns = [entry.pattern for entry in exempted]
    for group, actions in VOCABULARY.items():
        if _leaves(patterns, group):
            yield group
        else:
            yield from (name for name in actions if _leaves(patterns, name))


def _leaves(exempted: Sequence[Pattern], entry: str) -> bool:
    beginning = lower_case(entry.removesuffix("*"))
    if beginning == lower_case(entry):
        return not any(pattern.matches(beginning) for pattern in exempted)
    return not any(pattern.fits_some_text_beginning_with(beginning) for pattern in exempted)
