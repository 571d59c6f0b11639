# AWS Config does not show that a run failed: it goes on showing the results of the last run that did not.

locals {
  alarm_actions = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]

  # The hours between two runs, and two for the run itself, to try it twice more, and to begin late.
  overdue_after_hours = {
    One_Hour         = 3
    Three_Hours      = 5
    Six_Hours        = 8
    Twelve_Hours     = 14
    TwentyFour_Hours = 26
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.rule_name}-errors"
  alarm_description   = "A run of the KMS key policy rule failed, so its results may be out of date. The function's log says why."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.rule.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${var.rule_name}-throttles"
  alarm_description   = "Lambda has had no room for runs of the KMS key policy rule for 15 minutes. Raise the account's concurrency, or the function's."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.rule.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  alarm_name          = "${var.rule_name}-failures"
  alarm_description   = "Lambda gave up an event of the KMS key policy rule; it is in the queue. Re-evaluate once the cause is gone, then purge the queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failures.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

# The rule prints the metric at the end of each scheduled run. Hours without a run have no data: filled with 0, exactly
# as many count as are given here, where CloudWatch would otherwise look back further for data.
resource "aws_cloudwatch_metric_alarm" "overdue" {
  alarm_name          = "${var.rule_name}-overdue"
  alarm_description   = "No scheduled run of the KMS key policy rule was complete for too long. Look whether the rule, the function and their permissions are still there, and at the function's log."
  evaluation_periods  = local.overdue_after_hours[var.schedule_frequency]
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions

  metric_query {
    id          = "filled"
    expression  = "FILL(complete, 0)"
    label       = "Complete scheduled runs"
    return_data = true
  }

  metric_query {
    id = "complete"

    metric {
      namespace   = "AWSConfigRuleKMS"
      metric_name = "Complete"
      dimensions  = { FunctionName = aws_lambda_function.rule.function_name }
      stat        = "Maximum"
      period      = 3600
    }
  }
}
