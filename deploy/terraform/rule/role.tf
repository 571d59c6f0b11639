resource "aws_iam_role" "function" {
  # Known beforehand, so that key policies can name it. Roles are global: the Region keeps two modules apart.
  name = "${var.rule_name}-${local.region}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy" "log_and_keep_failures" {
  name = "LogAndKeepFailures"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/lambda/${var.rule_name}:*"
      },
      {
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.failures.arn
      },
    ]
  })
}

# A run makes all its calls with one role: where it assumes another, its own needs nothing else.
resource "aws_iam_role_policy" "work" {
  name   = local.assumes_role ? "AssumeExecutionRole" : "ReadKeysAndReport"
  role   = aws_iam_role.function.id
  policy = local.assumes_role ? local.assume_execution_role : local.read_keys_and_report
}

locals {
  assume_execution_role = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = "arn:${local.partition}:iam::${local.account_id}:role/${var.execution_role_name}"
      },
    ]
  })

  read_keys_and_report = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [ # these have no resources
          "kms:ListKeys",
          "kms:ListAliases",
          "config:PutEvaluations",
          # for read_keys_from = "Config"
          "config:BatchGetResourceConfig",
          "config:DescribeConfigurationRecorderStatus",
        ]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy"]
        Resource = "arn:${local.partition}:kms:${local.region}:${local.account_id}:key/*"
      },
      {
        Effect = "Allow"
        Action = "config:GetComplianceDetailsByConfigRule"
        # AWS Config gives the rule a random id once it exists, which is after this role
        Resource = "arn:${local.partition}:config:${local.region}:${local.account_id}:config-rule/*"
      },
    ]
  })
}
