# State before this is before.tfstate. plan.json, targeted.json and state.json are what `terraform show -json` of Terraform
# 1.11.4 with hashicorp/aws 5.100.0 says of the plan to make this of it, of one with -target, and of the state itself,
# without the attributes that nothing here is about.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
locals {
  used = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Use", Effect = "Allow", Principal = { AWS = "*" }, Action = ["kms:Encrypt", "kms:Decrypt"], Resource = "*", Condition = { StringLike = { "aws:userId" = "AROAUSER1234:*" } } }] })
}
removed {
  from = aws_kms_key.left
  lifecycle { destroy = false }
}
removed {
  from = aws_kms_key.left_open
  lifecycle { destroy = false }
}
removed {
  from = aws_kms_alias.left_open
  lifecycle { destroy = false }
}
moved {
  from = aws_kms_key.old
  to   = aws_kms_key.new
}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = "{}"
}
resource "aws_kms_key" "new" { policy = local.used }
resource "aws_kms_key" "replaced" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_role.app.arn }, Action = "kms:*", Resource = "*" }] })
  lifecycle { create_before_destroy = true }
}
resource "aws_kms_key" "counted" {
  count  = 2
  policy = local.used
}
# The second key is new, so that nothing but its id is unknown.
resource "aws_kms_alias" "counted" {
  count         = 2
  name          = "alias/counted-${count.index}"
  target_key_id = aws_kms_key.counted[count.index].key_id
}
