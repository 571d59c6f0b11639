"""What the tests of `kms-rule check` share: the rule's parameters, policies, and a short way to say what was found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kms_rule.commands.check import check
from kms_rule.findings import Finding, Findings, Place, findings_of
from least_privilege.key import Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import judge

type Json = dict[str, Any]

PARAMETERS = RuleParameters.parse({"CMK_Whitelist": "Otter*", "Admin_User_Id": "AROAOTTER*"})

USAGE = ["kms:Encrypt", "kms:Decrypt"]
ADMINISTRATION = ["kms:Create*", "kms:Delete*", "kms:Put*"]

OPEN = "wildcard-policy-action-not-compliant"
UNLIMITED = "no-user-condition-not-compliant"
SEPARATED = "separation-of-duty-compliant"
ADMINISTERED = "admin-actions-compliant"
OUTSIDER = "admin-role-not-in-whitelist-not-compliant"
MALFORMED = "malformed-policy-not-compliant"
WHITELISTED = "whitelisted-cmk-compliant"
DISABLED = "disabled-cmk-not-applicable"
NONE = "no-scenario-not-compliant"


def statement(actions: Any, *user_ids: Any, **more: Any) -> Json:
    """A statement that allows these actions, to these user ids where there are some."""
    values = user_ids[0] if len(user_ids) == 1 else [*user_ids]
    condition = {"Condition": {"StringLike": {"aws:userId": values}}} if user_ids else {}
    return {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": actions, "Resource": "*", **condition, **more}


def policy(*statements: Any) -> Json:
    return {"Version": "2012-10-17", "Statement": [*statements]}


USERS_MAY_USE = policy(statement(USAGE, "AROAUSER1234:*", Sid="Use"))
EVERYTHING_OPEN = policy(statement("kms:*", Sid="All"))


def write(folder: Path, name: str, content: object) -> str:
    """Write a file, an object as JSON, and return its name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def checked(*names: str, parameters: RuleParameters = PARAMETERS) -> Findings:
    return check(names, parameters)


def judged(key: Key, place: Place, remarks: tuple[str, ...] = ()) -> list[Finding]:
    """The findings on a key with the rule's own verdict, one for each id that it is reported under."""
    return [*findings_of(key, judge(key.facts, PARAMETERS), PARAMETERS, place, remarks)]


def scenarios(findings: Findings) -> dict[str, str]:
    """The scenario of each judged key, by the id that it is reported under."""
    return {finding.reported_id: finding.scenario.name for finding in findings.judged}


def remarks(findings: Findings) -> list[str]:
    """The remarks on all keys, each once, in their order."""
    return [*dict.fromkeys(remark for finding in findings.judged for remark in finding.remarks)]


def reasons(findings: Findings) -> dict[str, str]:
    """Why what could not be judged could not, by the resource, or the file's name where there is none."""
    return {each.place.resource or Path(each.place.source).name: each.reason for each in findings.unjudged}


def positions(findings: Findings) -> Iterable[tuple[int, int]]:
    return [(finding.place.line, finding.place.column) for finding in findings.judged]
