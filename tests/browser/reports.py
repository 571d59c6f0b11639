"""Reports for the browser: the example keys judged by the rule, hostile texts, and many keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from dev.demo.example_keys import EXAMPLE_KEYS, USAGE_ONLY, Policy, policy
from dev.emulator.events import POST_PARAMETERS
from kms_rule.findings import Finding, Findings, Place, Unjudged, findings_of
from kms_rule.formats.html.page import render
from least_privilege.evidence import Evidence
from least_privilege.key import Facts, Key
from least_privilege.parameters import RuleParameters
from least_privilege.scenarios import Answer, Compliance, Scenario, judge

PARAMETERS = RuleParameters.parse(POST_PARAMETERS)
ACCOUNT = "111122223333"
MADE = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)
# What KMS gives to a key that is created without a policy.
DEFAULT_POLICY = policy(
    {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
)
ASSUMED = "A value that only deployment will know counts as a user id that is not whitelisted."


def page(findings: Findings) -> str:
    """Return the report on these findings, made at a time that is always the same."""
    return render(findings, MADE)


def findings(keys: Iterable[Key] = (), unjudged: Iterable[Unjudged] = (), remarks: Iterable[str] = ()) -> Findings:
    """Judge keys of one account and Region."""
    found = Findings(unjudged=list(unjudged), remarks=list(remarks), parameters=PARAMETERS)
    for key in keys:
        found.add(judged(key))
    return found


def judged(key: Key, remarks: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Judge a key of the account and Region."""
    return findings_of(key, judge(key.facts, PARAMETERS), PARAMETERS, place_of(key.id), remarks)


def place_of(key_id: str) -> Place:
    """Return where a live key with this id is."""
    return Place(f"account {ACCOUNT}, eu-west-1", resource=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{key_id}")


def key(alias: str, content: Policy | str = USAGE_ONLY) -> Key:
    """Make an enabled key with one alias."""
    return Key(f"id-of-{alias}", Facts((alias,), policy=content if isinstance(content, str) else json.dumps(content)))


def unknown_scenario(sentence: str) -> Scenario:
    """Make the scenario of a result in the words of another version of the rule."""
    answer = Answer(holds=False, evidence=Evidence())
    return Scenario("unknown-sentence", None, "Is it?", lambda _case: answer, Compliance.NON_COMPLIANT, sentence)


def example_findings() -> Findings:
    """Judge the example keys, of which one has a remark, with a Region that could not be judged."""
    found = findings(
        unjudged=[
            Unjudged(
                Place(f"account {ACCOUNT}, us-west-2"),
                "Listing the keys is denied: allow kms:ListKeys to the role that scans.",
            )
        ],
        remarks=["The Region eu-south-2 has no customer managed keys."],
    )
    for number, example in enumerate(EXAMPLE_KEYS, 1):
        key_id = f"1234abcd-12ab-34cd-56ef-{number:012d}"
        text = json.dumps(example.policy or DEFAULT_POLICY) if example.enabled else None
        facts = Facts(example.aliases, state="Enabled" if example.enabled else "Disabled", policy=text)
        remarks = (ASSUMED,) if example.aliases == ("alias/orders",) else ()
        found.add(judged(Key(key_id, facts), remarks))
    return found


def many_findings(number: int, policies: int) -> Findings:
    """Judge so many keys that share so many policies; each fifth is open to everybody."""
    texts = [json.dumps({**(USAGE_ONLY if each % 5 else DEFAULT_POLICY), "Id": f"p{each}"}) for each in range(policies)]
    return findings(key(f"alias/app-{each:05d}", texts[each % policies]) for each in range(1, number + 1))
