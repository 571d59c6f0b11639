"""A KMS key: what is known of it, and the ids that its verdict is reported under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from least_privilege.parameters import RuleParameters

KEY_RESOURCE_TYPE: Final = "AWS::KMS::Key"
ALIAS_RESOURCE_TYPE = "AWS::KMS::Alias"
AWS_ALIAS_PREFIX = "alias/aws/"
CUSTOMER = "CUSTOMER"
AWS = "AWS"
ENABLED = "Enabled"
DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict on a key depends on, beside the rule's parameters.

    `policy` is the document of its policy named `default`, as JSON text or parsed; None while it has not been read.
    `denied` are the permissions that were refused while reading: without `kms:DescribeKey` the key is taken for an
    enabled customer managed one.
    """

    aliases: tuple[str, ...] = ()
    manager: str = CUSTOMER
    state: str = ENABLED
    policy: str | Mapping[str, object] | None = None
    denied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its id, with the facts that are known of it."""

    id: str
    facts: Facts = field(default_factory=Facts)

    def reported_ids(self, parameters: RuleParameters, out_of_scope: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the resource ids that the key's verdict is reported under: its aliases if it has any, or its id.

        An alias that has left the rule's scope is reported as that and nothing else.
        """
        names = tuple(alias for alias in self.facts.aliases if alias not in out_of_scope)
        return (self.id,) if parameters.report_key_id or not names else names


@dataclass(frozen=True, slots=True)
class VanishedKey:
    """A key that was listed, or changed, and no longer exists."""

    id: str


@dataclass(frozen=True, slots=True)
class UnreadKey:
    """A key that could not be read, for another reason than a denial; it gets no answer in this run."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnrecordedKey:
    """A key of which AWS Config's items do not tell all that a verdict needs."""

    id: str


# The alias names of each key that has any, by key id.
type Aliases = Mapping[str, tuple[str, ...]]


def managed_by_aws(aliases: Iterable[str]) -> bool:
    """Return whether an alias proves that AWS manages the key: customers cannot create names under `alias/aws/`."""
    return any(alias.startswith(AWS_ALIAS_PREFIX) for alias in aliases)
