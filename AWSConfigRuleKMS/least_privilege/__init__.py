"""The stages of a run, in the order in which they import one another.

`text`, `pattern`, `parameters`, `event` and `key` hold what comes in; `permission` and `condition`, with the module
`AWSConfigRuleKMSPolicy`, the language of key policies; `evidence`, `scenarios` and `annotation` decide and say why.
Nothing up to here imports boto3. `errors`, `account`, `items`, `deadline`, `reading` and `report` work with AWS.
"""
