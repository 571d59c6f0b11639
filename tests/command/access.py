"""Who may do what by a key policy, read anew: what is proposed for a policy is compared with the original by it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

import botocore.session

from least_privilege.key import Facts
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Compliance, judge
from tests.command.key_policies import Json, listed


@cache
def fits(pattern: str, text: str, *, ignoring_case: bool = False) -> bool:
    """IAM's own reading of wildcards, with `${*}` and the like as characters; a variable fits nobody."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    if any("${" in part for part in parts[::2]):
        return False
    meaning = {"*": ".*", "?": "."}
    written = "".join(meaning.get(part) or re.escape(part[2] if part.startswith("${") else part) for part in parts)
    return re.fullmatch(written, text, re.DOTALL | (re.IGNORECASE if ignoring_case else 0)) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringlike": fits,
    "stringequals": lambda value, user_id: value == user_id,
    "stringequalsignorecase": lambda value, user_id: value.lower() == user_id.lower(),
}


def lets_in(condition: Json, user_id: str) -> bool:
    """Return whether all conditions on the user id that the rule knows hold for this one."""
    return all(
        any(isinstance(value, str) and OPERATORS[name](value, user_id) for value in listed(values))
        for operator, keys in condition.items()
        if (name := operator.lower().removeprefix("foranyvalue:")) in OPERATORS
        for key, values in keys.items()
        if key.lower() == "aws:userid"
    )


def other_conditions(condition: Json) -> str:
    """What a condition says besides: it holds or not whatever the policy."""
    rest = {
        operator: {key: values for key, values in keys.items() if key.lower() != "aws:userid"}
        for operator, keys in condition.items()
    }
    return json.dumps({operator: keys for operator, keys in rest.items() if keys}, sort_keys=True)


ACTIONS = tuple(
    f"kms:{name}"
    for name in (
        *botocore.session.get_session().get_service_model("kms").operation_names,
        *("ReEncryptFrom", "ReEncryptTo", "CreateSomethingNew", "PutSomethingNew", "SomethingNew"),
    )
)
USERS = (
    *("AROAOTTERADMIN:session", "AROAOTTER1", "AROAOTTERADMIN:", "AROABADGERADMIN:session", "AROAELK:alice"),
    *(
        "AROAEXAMPLEUSERROLEID:session",
        "AROAEXAMPLEADMINROLE1:session",
        "AIDASEAL",
        "aidaseal",
        "111122223333",
        "*",
        "",
    ),
    *("AROAOTTER:alice", "EXAMPLEADMIN:alice", "AROAOTTER", "AROA*"),
)

type Access = tuple[str, str, str, str, str]


def access(content: Json) -> set[Access]:
    """Who may do what by a policy's Allow statements; its Deny statements take the same away from all versions."""
    return {
        (json.dumps(statement.get("Principal")), json.dumps(statement.get("Resource")), rest, name, user_id)
        for statement in listed(content["Statement"])
        if statement.get("Effect") == "Allow"
        for rest in [other_conditions(statement.get("Condition", {}))]
        for user_id in USERS
        if lets_in(statement.get("Condition", {}), user_id)
        for name in ACTIONS
        if allows(statement, name)
    }


def allows(statement: Json, name: str) -> bool:
    element = "Action" if "Action" in statement else "NotAction"
    named = any(fits(entry, name, ignoring_case=True) for entry in listed(statement[element]))
    return named == (element == "Action")


def compliance(content: Json, given_parameters: RuleParameters) -> Compliance:
    return judge(Facts(policy=json.dumps(content)), given_parameters).compliance
