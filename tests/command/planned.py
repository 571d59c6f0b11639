"""Plans that tests make themselves, in the form of `terraform show -json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kms_rule.findings import Findings
from tests.command.checking import EVERYTHING_OPEN, USERS_MAY_USE, Json, checked, write


class Planned:
    """Collects resources as Terraform writes a plan."""

    def __init__(self) -> None:
        self.content: Json = {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "planned_values": {"root_module": {"resources": []}},
            "resource_changes": [],
            "configuration": {"root_module": {"resources": []}},
        }

    def add(
        self, name: str, values: Json, references: dict[str, list[str]] | None = None, index: Any = None, **more: Any
    ) -> Planned:
        """Add a resource; what has references is unknown, unless it has a value too."""
        kind, _, own = name.partition(".")
        address = name if index is None else f"{name}[{json.dumps(index)}]"
        resource = {"address": address, "mode": "managed", "type": kind, "name": own, "values": values}
        resource |= {} if index is None else {"index": index}
        expressions = {attribute: {"references": listed} for attribute, listed in (references or {}).items()}
        unknown = {attribute: True for attribute in expressions if attribute not in values}
        change = {"address": address, "change": {"actions": ["create"], "after_unknown": unknown}}
        configured = {"address": name, "expressions": expressions | {given: {} for given in values}, **more}
        self.content["planned_values"]["root_module"]["resources"].append(resource)
        self.content["resource_changes"].append(change)
        self.content["configuration"]["root_module"]["resources"].append(configured)
        return self

    def judged(self, folder: Path) -> Findings:
        return checked(write(folder, "plan.json", self.content))


def text(policy: Json) -> str:
    return json.dumps(policy)


GOOD, BAD = {"policy": text(USERS_MAY_USE)}, {"policy": text(EVERYTHING_OPEN)}


def refers(*references: str) -> dict[str, list[str]]:
    """What an alias refers to."""
    return {"target_key_id": [*references]}
