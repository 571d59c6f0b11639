"""The emulated AWS account, and the emulated AWS Lambda that runs what is deployed to it."""
