"""What the rule asks before it answers with a scenario, in words."""

from __future__ import annotations

from collections.abc import Mapping

from AWSConfigRuleKMS import ADMINISTRATORS, STRICT, WHITELIST

ALL_OR_ANY = f"all of administration (with {STRICT}: any of it)"

# By the scenario's name.
QUESTIONS: Mapping[str, str] = {
    "aws-managed-key-not-applicable": "Does AWS manage the key?",
    "disabled-cmk-not-applicable": "Is the key disabled, or in any other state than enabled?",
    "whitelisted-cmk-compliant": f"Does one of the key's aliases fit {WHITELIST}?",
    "key-policy-denied-not-compliant": "Is the rule refused to read the key's policy?",
    "malformed-policy-not-compliant": "Is the policy malformed?",
    "wildcard-policy-action-not-compliant": "Does an Allow statement open all KMS actions?",
    "no-user-condition-not-compliant": "Does an Allow statement let somebody use or administer the key without a "
    "condition on aws:userId that limits who?",
    "no-separation-of-duty-not-compliant": f"Does the policy allow both use and {ALL_OR_ANY}, the latter to users who "
    f"are not all in {ADMINISTRATORS}?",
    "separation-of-duty-compliant": f"Does the policy allow use without all of administration (with {STRICT}: without "
    f"any of it)?",
    "admin-actions-compliant": f"Does the policy allow all of administration without use, to users who are all in "
    f"{ADMINISTRATORS}?",
    "admin-role-not-in-whitelist-not-compliant": f"Does the policy allow all of administration without use, to users "
    f"who are not all in {ADMINISTRATORS}?",
    "admin-role-not-allowed-actions-not-compliant": f"Does the policy allow both use and {ALL_OR_ANY}, the latter to "
    f"users who are all in {ADMINISTRATORS}?",
    "no-scenario-not-compliant": "Does none of the other scenarios hold?",
}
NO_QUESTION = "This is none of the rule's present scenarios."
