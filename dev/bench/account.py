"""The account that the endpoint plays: everything about a key follows from its number.

Key policies come in 60 shapes of 1 to 4 KB, in the words of policies that the AWS documentation and consoles write
(`policies.json`). What differs from key to key is a word in capital letters, which JSON text inside JSON text keeps as
it is: `words` has what replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

SHAPES = 60
TEAMS = 300
POLICIES = json.loads(Path(__file__).with_name("policies.json").read_text("utf-8"))

# Which key of every 100, 25 or 1,000 is out of the ordinary; no key is in two ways. Of 100 keys AWS Config has a stale
# result of one that is gone.
TO_BE_DELETED, DISABLED = 13, 7
UNRECORDED, RECORDED_WITHOUT_POLICY = 501, 777
KEYS_FOR_A_STALE_RESULT = 100

# Multiplying by an odd number permutes the numbers, so that user ids look random and differ.
SCRAMBLE = 0x9E3779B97F4A7C15


def number_of(key_id: str) -> int:
    """Return the number of the key with this id, which may be given as an ARN."""
    return int(key_id[-12:], 16)


def results_of(keys: int) -> int:
    """Return how many results AWS Config holds of an account of so many keys, the stale ones included."""
    return keys + keys // KEYS_FOR_A_STALE_RESULT


@lru_cache(1000)
def words(number: int) -> Mapping[str, str]:
    """Return what replaces each word in capital letters for key `number`; a key's team has other keys too."""
    team = number % TEAMS
    state = "Disabled" if number % 25 == DISABLED else "Enabled"
    state = "PendingDeletion" if number % 100 == TO_BE_DELETED else state
    enabled = str(state == "Enabled").lower()
    return {
        "KEYID": f"{number:08x}-79b9-47f4-aa7c-{number:012x}",
        "KEYNUMBER": f"{number:06d}",
        "KEYSTATE": state,
        '"ISENABLED"': enabled,
        '\\"ISENABLED\\"': enabled,
        "ITEMSTATUS": "OK" if number % 2 else "ResourceDiscovered",
        "ALIASNAME": f"alias/app-{number + 1:06d}",
        "TEAMNUMBER": f"{team:03d}",
        "USERIDOFTHEKEY000": _user_id(number),
        "USERIDOFTHETEAM00": _user_id(-1 - team),
    }


def _user_id(number: int) -> str:
    return f"{(number + 1) * SCRAMBLE % 2**64:017X}"


def filled(template: str, number: int) -> str:
    """Replace the words in capital letters by those of key `number`."""
    for word, replacement in words(number).items():
        template = template.replace(word, replacement)
    return template


def _statements(shape: int) -> list[Mapping[str, Any]]:
    administration, audit, services = POLICIES["administration"][shape % 6], POLICIES["audit"], POLICIES["services"]
    if shape % 10 == 1:
        return [administration, audit, *services[2:5]]
    principal = {"AWS": POLICIES["roles"][: 1 + shape % 5]}
    usage = {**POLICIES["usage"], "Principal": principal, **POLICIES["limits"][shape // 6 % 5]}
    using = [usage, POLICIES["grants"]] if shape % 3 else [audit, usage]
    return [administration, *using, *(services[(shape + step) % 6] for step in range(1 + shape // 2 % 3))]


@cache
def policy_template(shape: int) -> str:
    """Return a shape as KMS returns it: on one line, or laid out as the console stores it."""
    document = {"Version": "2012-10-17", "Id": "app-KEYNUMBER", "Statement": _statements(shape)}
    if shape // 3 % 3 == 0:
        return json.dumps(document, indent=2, separators=(",", " : "))
    return json.dumps(document)


def policy_text(number: int) -> str:
    """Return the policy of key `number`."""
    return filled(policy_template(number % SHAPES), number)
