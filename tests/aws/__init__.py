"""The doubles of AWS, and which of them is for what.

A test takes the first of these that can play what it is about:

1. `dev.emulator`, moto over HTTP with an AWS Config that keeps results: the account of `make demo`, the feature, the
   command, and all that is deployed to it. It forgets nothing between two calls, so a test says what is there and what
   comes of it, not which calls are made. The fixture `account` of tests/conftest.py empties it.
2. `tests.aws.fault_layer`, a WSGI layer around moto: an account that works, with something between it and the rule that
   refuses, breaks, hangs or lags, call by call, after a plan that can be replayed.
3. `tests.aws.stubbed`, botocore's own stubs, by the fixture `aws` of tests/rule/conftest.py: which calls are made, in
   which order, with which parameters; requests and answers are held to botocore's model of the service.
4. `tests.aws.scripted`, a table that answers with anything: names, states, policies and errors that AWS never gives,
   in process by the thousand, and over HTTP on loopback where each byte of requests and answers counts.

`dev/bench/endpoint.py` is a double of the benchmark alone: it answers as fast and as late as it is told to.

What moto (5.2.5) cannot play:

* It keeps no evaluation results: of `PutEvaluations` it knows `TestMode` only, and it has neither
  `GetComplianceDetailsByConfigRule` nor `DescribeConfigRuleEvaluationStatus` nor `StartConfigRulesEvaluation`; nor does
  it record keys for `BatchGetResourceConfig`. `dev.emulator.config` adds these.
* `ListKeys` and `ListAliases` have a single page. `dev.emulator.config` adds the others.
* CloudFormation skips AWS Config's rules without an error, and loses log groups. `dev.emulator.stack` adds both; the
  templates' alarms and the destination of failed events remain left out, so tests/deploy/templates.py reads those in
  the templates.
* There are no keys that AWS manages and no key states that no call leads to, and `DescribeKey` ends in an internal
  error where the key's policy cannot be read. `dev.emulator.account` helps with each.
* Permissions are not looked at, or not as AWS does: tests/deploy/test_least_privilege.py says what it adds, and
  tests/features/test_feature.py denies `GetKeyPolicy` itself.
* No quota, throttling, timeout or broken connection, and no wrong answer: the doubles 2 to 4.
* No aggregator has compliance, says how its sources are, or takes a query. `dev.emulator.aggregator` adds these.
* Answers come at once: what a slow AWS costs is measured by the benchmark.
"""
