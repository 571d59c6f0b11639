"""The account that the endpoint plays: keys by number, from which everything about them follows."""

from __future__ import annotations

from dataclasses import dataclass

REGION = "us-east-1"
STALE_SHARE = 0.01
ENABLED = "Enabled"

# Which key of every 100, 25 or 1,000 is out of the ordinary; no key is in two ways.
TO_BE_DELETED, DISABLED = 13, 7
UNRECORDED, RECORDED_WITHOUT_POLICY = 501, 777

# Multiplying by an odd number permutes the 32-bit numbers, so that ids look random and still tell their number.
SCRAMBLE = 0x9E3779B1
UNSCRAMBLE = pow(SCRAMBLE, -1, 2**32)


@dataclass(frozen=True, slots=True)
class Account:
    """So many customer keys, and AWS Config's results of the rule: one a key, and `stale` ones of gone keys."""

    keys: int
    stale: int

    def result_names(self, start: int, end: int) -> list[str]:
        """Return the names under which AWS Config holds results, from `start` up to `end`."""
        return [
            alias_of(number) if number < self.keys else f"alias/gone-{number - self.keys:06d}"
            for number in range(start, min(end, self.keys + self.stale))
        ]


def key_id_of(number: int) -> str:
    """Return the id of key `number`."""
    first = number * SCRAMBLE % 2**32
    rest = (number + 1) * 0x9E3779B97F4A7C15F39CC060 % 2**80
    return (
        f"{first:08x}-{rest >> 64:04x}-4{rest >> 52 & 0xFFF:03x}-a{rest >> 40 & 0xFFF:03x}-{rest & 0xFFFFFFFFFF:012x}"
    )


def number_of(key_id: str) -> int:
    """Return the number of the key with this id, which may be given as an ARN."""
    return int(key_id.rpartition("/")[2][:8], 16) * UNSCRAMBLE % 2**32


def alias_of(number: int) -> str:
    """Return the one alias of key `number`."""
    return f"alias/app-{number + 1:06d}"


def state_of(number: int) -> str:
    """Return the state of key `number`: of 100 keys, four are disabled and one is to be deleted."""
    if number % 100 == TO_BE_DELETED:
        return "PendingDeletion"
    return "Disabled" if number % 25 == DISABLED else ENABLED


def is_recorded(number: int) -> bool:
    """Say whether AWS Config has an item of key `number`: of all but one in a thousand."""
    return number % 1000 != UNRECORDED


def is_recorded_with_policy(number: int) -> bool:
    """Say whether AWS Config's item of key `number` holds the policy: in all but one in a thousand."""
    return number % 1000 != RECORDED_WITHOUT_POLICY
