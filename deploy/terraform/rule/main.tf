data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id   = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  region       = data.aws_region.current.id
  assumes_role = var.execution_role_name != ""

  # A blank value would be refused by AWS Config, so a blank parameter is left out.
  rule_parameters = {
    for name, value in {
      CMK_Whitelist            = var.cmk_whitelist
      Admin_User_Id            = var.admin_user_id
      StrictSeparationOfDuties = tostring(var.strict_separation_of_duties)
      SeparateDutiesBy         = var.separate_duties_by
      ReportResourceAs         = var.report_resource_as
      ReadKeysFrom             = var.read_keys_from
      ExecutionRoleName        = var.execution_role_name
    } : name => value if value != ""
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.rule_name}"
  retention_in_days = var.log_retention_in_days
}

resource "aws_sqs_queue" "failures" {
  name                      = "${var.rule_name}-failures"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600 # 14 days, the longest
}

resource "aws_lambda_function" "rule" {
  function_name                  = var.rule_name
  description                    = "Judges KMS key policies for AWS Config"
  filename                       = var.package_file
  source_code_hash               = filebase64sha256(var.package_file)
  handler                        = "AWSConfigRuleKMS.lambda_handler"
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  role                           = aws_iam_role.function.arn
  memory_size                    = var.memory_size
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency

  logging_config {
    log_format = var.log_format
    log_group  = aws_cloudwatch_log_group.function.name
  }

  environment {
    variables = {
      LOGGING_LEVEL  = var.logging_level
      READER_THREADS = var.reader_threads
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "failures" {
  function_name          = aws_lambda_function.rule.function_name
  qualifier              = "$LATEST"
  maximum_retry_attempts = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures.arn
    }
  }

  # Lambda refuses a destination that the role may not send to.
  depends_on = [aws_iam_role_policy.log_and_keep_failures]
}

# No source_arn: AWS Config creates the rule only if it may invoke the function, and the rule's ARN is random.
resource "aws_lambda_permission" "config" {
  function_name  = aws_lambda_function.rule.arn
  action         = "lambda:InvokeFunction"
  principal      = "config.amazonaws.com"
  source_account = local.account_id
}

resource "aws_config_config_rule" "rule" {
  name             = var.rule_name
  description      = "Checks KMS key policies for least privilege and separation of duties"
  input_parameters = jsonencode(local.rule_parameters)

  evaluation_mode {
    mode = "DETECTIVE"
  }

  scope {
    compliance_resource_types = var.watch_aliases ? ["AWS::KMS::Key", "AWS::KMS::Alias"] : ["AWS::KMS::Key"]
  }

  source {
    owner             = "CUSTOM_LAMBDA"
    source_identifier = aws_lambda_function.rule.arn

    source_detail {
      event_source = "aws.config"
      message_type = "ConfigurationItemChangeNotification"
    }

    source_detail {
      event_source = "aws.config"
      message_type = "OversizedConfigurationItemChangeNotification"
    }

    source_detail {
      event_source                = "aws.config"
      message_type                = "ScheduledNotification"
      maximum_execution_frequency = var.schedule_frequency
    }
  }

  # Its first run starts at once.
  depends_on = [
    aws_iam_role_policy.work,
    aws_lambda_function_event_invoke_config.failures,
    aws_lambda_permission.config,
  ]
}
