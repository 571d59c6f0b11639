# What the module makes of its inputs. `terraform init`, then `terraform test`: nothing is deployed.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }
}

variables {
  package_file  = "versions.tf" # any file
  admin_user_id = "AROAOTTER*"
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_iam_role.function.name == "AWSConfigRuleKMS-us-east-1"
    error_message = "The role's name is known beforehand."
  }

  assert {
    condition     = aws_iam_role_policy.work.name == "ReadKeysAndReport"
    error_message = "The function reads keys with its own role."
  }

  assert {
    condition     = !contains(keys(jsondecode(aws_config_config_rule.rule.input_parameters)), "CMK_Whitelist")
    error_message = "A blank parameter is left out."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.overdue.evaluation_periods == 26
    error_message = "A daily run is overdue after 26 hours."
  }
}

run "an_assumed_role_and_alarms_that_somebody_hears" {
  command = plan

  variables {
    execution_role_name = "rdk/config-role"
    alarm_topic_arn     = "arn:aws:sns:us-east-1:111122223333:otters"
    schedule_frequency  = "One_Hour"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.work.policy).Statement[*].Action == ["sts:AssumeRole"]
    error_message = "The function may assume that role, and nothing else."
  }

  assert {
    condition = alltrue([
      for alarm in [
        aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.throttles,
        aws_cloudwatch_metric_alarm.failures, aws_cloudwatch_metric_alarm.overdue,
      ] : alarm.alarm_actions == toset([var.alarm_topic_arn])
    ])
    error_message = "Every alarm tells the topic."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.overdue.evaluation_periods == 3
    error_message = "An hourly run is overdue after three hours."
  }
}

run "refuses_what_aws_would_refuse" {
  command = plan

  variables {
    admin_user_id         = " , "
    architecture          = "x86"
    cmk_whitelist         = "Otter\""
    execution_role_name   = "/role"
    log_format            = "json"
    log_retention_in_days = 42
    logging_level         = "LOUD"
    memory_size           = 64
    read_keys_from        = "Trail"
    reader_threads        = 0
    report_resource_as    = "Arn"
    reserved_concurrency  = 0
    rule_name             = "otter rule"
    runtime               = "python3.12"
    schedule_frequency    = "Daily"
    separate_duties_by    = "Role"
    timeout               = 901
  }

  expect_failures = [
    var.admin_user_id, var.architecture, var.cmk_whitelist, var.execution_role_name, var.log_format,
    var.log_retention_in_days, var.logging_level, var.memory_size, var.read_keys_from, var.reader_threads,
    var.report_resource_as, var.reserved_concurrency, var.rule_name, var.runtime, var.schedule_frequency,
    var.separate_duties_by, var.timeout,
  ]
}
