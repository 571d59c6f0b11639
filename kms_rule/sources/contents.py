"""The keys that a file defines, as far as they are known before they are deployed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kms_rule.findings import Place, Unjudged
from kms_rule.sources.json_positions import NOWHERE, Position
from least_privilege.key import DISABLED, ENABLED, Key

# Source: AWS KMS Developer Guide, "Default key policy".
DEFAULT_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": "the root of the key's account"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
)
DEFAULT_POLICY_REMARK = "It has no key policy, so KMS gives it the default one."
# Source: AWS KMS Developer Guide, "Resource quotas".
MAX_POLICY_BYTES = 32_768
# What KMS refuses anyway is judged up to here, so that no file can keep the command busy or fill the memory.
MAX_BYTES_JUDGED = 4 * MAX_POLICY_BYTES


class InputError(Exception):
    """Raised when something in a file cannot be judged; the message is one sentence that says what to do.

    `position` is where in the file, as far as that is known.
    """

    def __init__(self, reason: str, position: Position = NOWHERE) -> None:
        """Take the sentence, and the position."""
        super().__init__(reason)
        self.position = position


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a key may be once it is deployed.

    `position` is that of its policy, and `statements` are those of the policy's statements, in their order, as far as
    they are known. `remarks` are sentences about what is assumed.
    """

    key: Key
    position: Position = NOWHERE
    statements: tuple[Position, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefinedKey:
    """A key that a file defines: the one thing that it will be, or several of which only deployment will know.

    With `hidden`, nothing may be shown of its policy and aliases, since they are marked as sensitive.
    """

    place: Place
    candidates: tuple[Candidate, ...]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """All keys that a file defines, or that could not be made out in it; `remarks` are sentences about the whole."""

    keys: tuple[DefinedKey | Unjudged, ...] = ()
    remarks: tuple[str, ...] = ()


def state_of(*, enabled: bool) -> str:
    """Return the key state of a key that is enabled, or is not."""
    return ENABLED if enabled else DISABLED


def checked_size(policy: str) -> tuple[str, ...]:
    """Return a remark on a policy that KMS will refuse for its size, or none.

    Raises `InputError` where the policy is too long to be judged at all.
    """
    size = len(policy.encode(errors="surrogatepass"))
    if size > MAX_BYTES_JUDGED:
        raise InputError(
            f"Its key policy has {size:,} bytes and is not judged, since KMS takes {MAX_POLICY_BYTES:,} bytes at most: "
            f"shorten it."
        )
    if size <= MAX_POLICY_BYTES:
        return ()
    return (f"Its key policy has {size:,} bytes, and KMS takes {MAX_POLICY_BYTES:,} at most: KMS will refuse it.",)
