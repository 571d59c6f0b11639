"""The keys that a CloudFormation template defines."""
