terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
resource "aws_kms_key" "this" {
  count  = 1
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*" }] })
}
resource "aws_kms_replica_key" "this" {
  count           = 0
  primary_key_arn = "x"
}
resource "aws_kms_alias" "this" {
  for_each      = toset(["alias/vault"])
  name          = each.value
  target_key_id = try(aws_kms_key.this[0].key_id, aws_kms_replica_key.this[0].key_id)
}
