data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id    = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  administrator = split(":", var.function_role_arns[0])[4]
}

resource "aws_iam_role" "member" {
  name = var.member_role_name

  # The account is the principal and the condition names the role. A role as principal would have to exist before this
  # one, so that the rule's first runs would fail, and would be forgotten as soon as it is made anew.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.administrator}:root" }
        Action    = "sts:AssumeRole"
        Condition = { ArnEquals = { "aws:PrincipalArn" = var.function_role_arns } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "read_keys_and_report" {
  name = "ReadKeysAndReport"
  role = aws_iam_role.member.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [ # these have no resources
          "kms:ListKeys",
          "kms:ListAliases",
          "config:PutEvaluations",
          # for ReadKeysFrom = Config
          "config:BatchGetResourceConfig",
          "config:DescribeConfigurationRecorderStatus",
        ]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy"]
        Resource = "arn:${local.partition}:kms:*:${local.account_id}:key/*"
      },
      {
        Effect = "Allow"
        Action = "config:GetComplianceDetailsByConfigRule"
        # AWS Config gives every rule a random id
        Resource = "arn:${local.partition}:config:*:${local.account_id}:config-rule/*"
      },
    ]
  })
}
