"""Real plans that are kept beside their configuration, and what is expected of each."""

from __future__ import annotations

from pathlib import Path

from tests.command.checking import OPEN, SEPARATED, WHITELISTED, checked, scenarios

TERRAFORM = Path(__file__).parent / "terraform"
LATE, CHANGES = TERRAFORM / "late", TERRAFORM / "changes"
FAILED = "no-separation-of-duty-not-compliant"

# The scenario by the address; the addresses that were not judged; the resources that the remarks name.
type Expected = tuple[dict[str, str], set[str], set[str]]

ON_LATE: Expected = (
    {
        "aws_kms_key.both_duties": FAILED,
        "aws_kms_key.dynamic": FAILED,
        "aws_kms_key.open": OPEN,
        "aws_kms_key.other_prefix": OPEN,
        "aws_kms_key.pair[0] alias/first": OPEN,
        "aws_kms_key.pair[1]": OPEN,
        "aws_kms_key.prefix alias/Otter-<generated>": WHITELISTED,
        "aws_kms_key.role": SEPARATED,
        "aws_kms_key.shared[0]": SEPARATED,
        "aws_kms_key.shared[1]": SEPARATED,
        "aws_kms_key_policy.different[0]": OPEN,
        "aws_kms_key_policy.different[1]": SEPARATED,
        "module.vault.aws_kms_key.this alias/vault": SEPARATED,
        'module.vaults["x"].aws_kms_key.this alias/vault-x': OPEN,
        'module.vaults["y"].aws_kms_key.this': OPEN,
    },
    {
        *(f"aws_kms_key.{name}" for name in ("action", "chained", "encoded", "every_user", "one_user")),
        *(f"aws_kms_key.different[{index}]" for index in (0, 1)),
        *(f'aws_kms_key.each["{index}"]' for index in ("a", "b")),
    },
    {f"aws_kms_alias.{name}" for name in ("crossed", "local", "same", "second", "some_vault")},
)
ON_CHANGES: Expected = (
    {
        "aws_kms_key.counted[0] alias/counted-0": SEPARATED,
        "aws_kms_key.counted[1] alias/counted-1": SEPARATED,
        "aws_kms_key.left": SEPARATED,
        "aws_kms_key.left_open alias/Otter-left": WHITELISTED,
        "aws_kms_key.new": SEPARATED,
    },
    {"aws_kms_key.replaced"},
    set(),
)
ON_TARGETED: Expected = ({"aws_kms_key.new": SEPARATED}, set(), {"-target"})
ON_STATE: Expected = (
    {
        "aws_kms_key.counted[0] alias/counted-0": SEPARATED,
        "aws_kms_key.left": SEPARATED,
        "aws_kms_key.left_open alias/Otter-left": WHITELISTED,
        "aws_kms_key.old": SEPARATED,
        "aws_kms_key.replaced": SEPARATED,
        "aws_kms_key.replaced (deposed object 0a1b2c3d)": OPEN,
    },
    set(),
    set(),
)
PLANS = [
    (LATE / "plan.json", ON_LATE),
    (CHANGES / "plan.json", ON_CHANGES),
    (CHANGES / "targeted.json", ON_TARGETED),
    (CHANGES / "state.json", ON_STATE),
]
NAMED = ("aws_kms_alias.", "-target")


def said_of(file: str) -> Expected:
    """What the command says of a plan."""
    findings = checked(file)
    judged = {
        " ".join(dict.fromkeys((finding.place.resource, finding.reported_id))): finding.scenario.name
        for finding in findings.judged
    }
    assert len(judged) == len(scenarios(findings))
    unjudged = {each.place.resource for each in findings.unjudged}
    words = {word.rstrip(",") for remark in findings.remarks for word in remark.split()}
    return judged, unjudged, {word for word in words if word.startswith(NAMED)}
