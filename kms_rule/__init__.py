"""The command beside the rule: shows the rule at work on an emulated AWS account."""
