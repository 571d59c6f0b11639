"""The stages of a run, each importing only from those named before it.

`text` and `pattern` are what everything is built on; `permission` and `condition` the language of key policies, which
the module `AWSConfigRuleKMSPolicy` reads; `parameters`, `key` and `event` hold what comes in; `evidence`, `scenarios`
and `annotation` decide and say why. Nothing up to here imports boto3. `errors`, `items`, `account`, `deadline`,
`progress`, `reading` and `report` work with AWS.
"""
