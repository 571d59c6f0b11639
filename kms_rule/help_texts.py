"""What the help of each command says besides its options; docs/commands.md repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EXIT_CODES = (
    "Exit code: 0 = everything is compliant or not applicable; 1 = something is NON_COMPLIANT; 2 = not everything "
    "could be judged or shown."
)
EXIT_CODES_OF_EXPLAIN = (
    "Exit code: 0 = the policy is compliant or the key not applicable; 1 = it is NON_COMPLIANT; 2 = it could not be "
    "explained or shown."
)
DESCRIPTION = "Judges AWS KMS key policies as the AWS Config rule AWSConfigRuleKMS does."
EPILOG = f"'kms-rule COMMAND --help' shows the options of a command, with examples.\n\n{EXIT_CODES}"


@dataclass(frozen=True, slots=True)
class HelpTexts:
    """A command's line in the list of all, what it does, how it is called, and what its exit code says, if much."""

    summary: str
    description: str
    examples: tuple[str, str]
    exit_codes: str = ""

    @property
    def epilog(self) -> str:
        """What comes after the options."""
        lines = ("Examples:", *(f"  {example}" for example in self.examples), "", self.exit_codes)
        return "\n".join(lines).rstrip()


COMMANDS: Mapping[str, HelpTexts] = {
    "scan": HelpTexts(
        "judge every key of a live account and Region, read-only",
        "Judges every KMS key of the account and Region that your credentials lead to, as the deployed rule would. It "
        "only reads, and reports nothing to AWS Config.",
        (
            "kms-rule scan --profile audit --region all --quiet",
            "kms-rule scan --rule AWSConfigRuleKMS --output findings.html",
        ),
        EXIT_CODES,
    ),
    "check": HelpTexts(
        "judge key policies in files, before they are deployed",
        "Gives the keys in key policies, CloudFormation templates and Terraform plans the verdicts that the deployed "
        "rule will give them. It needs no AWS account.",
        (
            "kms-rule check policies/ template.yaml --parameters parameters.json",
            "terraform show -json plan.out | kms-rule check - --only NON_COMPLIANT",
        ),
        EXIT_CODES,
    ),
    "report": HelpTexts(
        "show what AWS Config holds for the deployed rule",
        "Shows the results that AWS Config holds for the deployed rule, how old they are, and whether its last run "
        "looks failed.",
        (
            "kms-rule report --rule AWSConfigRuleKMS --region eu-west-1",
            "kms-rule report --rule AWSConfigRuleKMS --aggregator organization --output report.html",
        ),
        EXIT_CODES,
    ),
    "explain": HelpTexts(
        "answer each question of the rule about one policy or key",
        "Gives the verdict on one key policy, says which of the rule's questions led to it and what each statement "
        "grants, and proposes a policy that is compliant.",
        (
            "kms-rule explain template.yaml#OrdersKey",
            "kms-rule explain --key alias/orders --profile audit",
        ),
        EXIT_CODES_OF_EXPLAIN,
    ),
    "package": HelpTexts(
        "build the zip file that the deployment templates need",
        "Builds the zip file of the rule for AWS Lambda, always the same from the same modules, and prints its hashes.",
        (
            "kms-rule package",
            "kms-rule package --output build/rule.zip --templates build/templates",
        ),
    ),
}
