"""What the rule does not see, whatever the policy: the list of the README, for reports that stand alone."""

from __future__ import annotations

from collections.abc import Sequence

# A word between backticks is code, as in Markdown.
LIMITS: Sequence[str] = (
    (
        "Other permissions than the two duties: `kms:ReEncrypt*`, `kms:GenerateDataKey*`, `kms:Sign` and others may be "
        "given to anybody, as in the post. With `SeparateDutiesBy` = `User`, only reading may be."
    ),
    (
        "Who the principals are, and the resource; nor grants, IAM policies, or a key's second policy `AWS_RAM`. "
        "`User` sees of the principals only whether they are AWS services and nobody else."
    ),
    (
        "Conditions on anything but the caller's user id: a statement limited by `kms:ViaService` alone counts as "
        "unlimited. `User` also sees `kms:GrantIsForAWSResource`, and conditions that limit an AWS service to the "
        "resources of named accounts."
    ),
    "What a `Deny` takes away: it never makes a key compliant.",
    (
        "One person behind two user ids, and the past: a change of a key is judged in minutes, one of its aliases "
        "alone with the next scheduled run (at once if you add `AWS::KMS::Alias` to `SourceEvents`)."
    ),
    "Whoever may create an alias (`kms:CreateAlias`) can whitelist a key by giving it a whitelisted name.",
)
