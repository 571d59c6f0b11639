"""What the rule does not see, whatever the policy: the list of the README, for reports that stand alone."""

from __future__ import annotations

from collections.abc import Sequence

# A word between backticks is code, as in Markdown.
LIMITS: Sequence[str] = (
    (
        "Permissions other than the two duties: `kms:ReEncrypt*`, `kms:GenerateDataKey*`, `kms:Sign` and others may "
        "be granted to anybody, as in the post. With `SeparateDutiesBy` = `User`, only reading may."
    ),
    (
        "Who the principals are, what the resource is, grants, IAM policies, and a key's second policy, `AWS_RAM`. Of"
        " the principals, `User` only sees whether all of them are AWS services."
    ),
    (
        "Conditions on anything but the caller's user id: a statement limited by `kms:ViaService` alone counts as "
        "unlimited. `User` also sees `kms:GrantIsForAWSResource`, and conditions that limit an AWS service to the "
        "resources of named accounts."
    ),
    "What a `Deny` takes away: it never makes a key compliant.",
    (
        "One person with two user ids, and the past: a changed key is judged within minutes, a changed alias in the "
        "next scheduled run (at once if you add `AWS::KMS::Alias` to `SourceEvents`)."
    ),
    "Whoever may create an alias (`kms:CreateAlias`) can whitelist a key by giving it a whitelisted name.",
)
