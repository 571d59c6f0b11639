# new.json is what `terraform show -json` of Terraform 1.11.4 says of the plan to make all this, state.json of the state
# afterwards, and changed.json of a plan that renames alias/open, enables the disabled key and deletes the external one.
# In the place of AWS was a stub with the provider's schema, which makes key ids and no default policy.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "secret" {
  default   = "AROAOTTER:*"
  sensitive = true
}
locals {
  usage = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Use", Effect = "Allow", Principal = { AWS = "*" }, Action = ["kms:Encrypt", "kms:Decrypt"], Resource = "*", Condition = { StringLike = { "aws:userId" = "AROAUSER1234:*" } } }] })
}
resource "aws_iam_role" "admin" { name = "admin" }
resource "aws_kms_key" "open" { policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "All", Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }] }) }
resource "aws_kms_key" "default" {}
resource "aws_kms_key" "late" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_role.admin.arn }, Action = "kms:Encrypt", Resource = "*" }] })
}
resource "aws_kms_key" "disabled" { is_enabled = false }
resource "aws_kms_key" "counted" {
  count  = 2
  policy = local.usage
}
resource "aws_kms_key" "each" {
  for_each = toset(["a", "b.c"])
}
resource "aws_kms_key_policy" "each" {
  for_each = aws_kms_key.each
  key_id   = each.value.key_id
  policy   = local.usage
}
resource "aws_kms_key" "sensitive" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Hush", Effect = "Allow", Principal = { AWS = "*" }, Action = ["kms:Create*", "kms:Delete*", "kms:Put*"], Resource = "*", Condition = { StringLike = { "aws:userId" = var.secret } } }] })
}
resource "aws_kms_external_key" "external" { policy = local.usage }
resource "aws_kms_replica_key" "replica" {
  primary_key_arn = aws_kms_key.open.arn
  policy          = local.usage
}
resource "aws_kms_alias" "open" {
  name          = "alias/open"
  target_key_id = aws_kms_key.open.key_id
}
resource "aws_kms_alias" "counted" {
  count         = 2
  name          = "alias/counted-${count.index}"
  target_key_id = aws_kms_key.counted[count.index].key_id
}
resource "aws_kms_alias" "first" {
  name          = "alias/Otter-first"
  target_key_id = aws_kms_key.counted[0].arn
}
resource "aws_kms_alias" "ambiguous" {
  name          = "alias/Otter-either"
  target_key_id = var.secret == "x" ? aws_kms_key.open.id : aws_kms_key.default.id
}
resource "aws_kms_alias" "generated" { target_key_id = aws_kms_key.default.key_id }
resource "aws_kms_key_policy" "elsewhere" {
  key_id = "1234abcd-12ab-34cd-56ef-1234567890ab"
  policy = local.usage
}
module "vault" {
  source   = "./vault"
  for_each = toset(["x.y"])
}
