# plan.json is what `terraform show -json` of Terraform 1.11.4 with hashicorp/aws 5.100.0 says of the plan to make all
# this, without the attributes that nothing here is about.
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
  key_arn = aws_kms_key.role.arn
}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = "{}"
}

# Only a principal is not known yet.
data "aws_iam_policy_document" "role" {
  statement {
    sid       = "Use"
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.app.arn]
    }
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["AROAUSER1234:*"]
    }
  }
}
resource "aws_kms_key" "role" { policy = data.aws_iam_policy_document.role.json }
data "aws_iam_policy_document" "open" {
  statement {
    sid       = "All"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.app.arn]
    }
  }
}
resource "aws_kms_key" "open" { policy = data.aws_iam_policy_document.open.minified_json }
data "aws_iam_policy_document" "dynamic" {
  dynamic "statement" {
    for_each = { Use = ["kms:Encrypt"], Administer = ["kms:Create*", "kms:Delete*", "kms:Put*"] }
    content {
      sid       = statement.key
      actions   = statement.value
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [aws_iam_role.app.arn]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:userId"
        values   = ["AROAUSER1234:session"]
      }
    }
  }
}
resource "aws_kms_key" "dynamic" { policy = data.aws_iam_policy_document.dynamic.json }

# The configuration in a plan has `aws_iam_role.app.unique_id` for both of these.
data "aws_iam_policy_document" "one_user" {
  statement {
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = ["*"]
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["AROAUSER1234:*", "${aws_iam_role.app.unique_id}:*"]
    }
  }
}
resource "aws_kms_key" "one_user" { policy = data.aws_iam_policy_document.one_user.json }
data "aws_iam_policy_document" "every_user" {
  statement {
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = ["*"]
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["AROAUSER1234:*", "*${aws_iam_role.app.unique_id}"]
    }
  }
}
resource "aws_kms_key" "every_user" { policy = data.aws_iam_policy_document.every_user.json }
# Whoever it is has both duties.
data "aws_iam_policy_document" "both_duties" {
  statement {
    sid       = "Both"
    actions   = ["kms:Encrypt", "kms:Create*", "kms:Delete*", "kms:Put*"]
    resources = ["*"]
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["${aws_iam_role.app.unique_id}:*"]
    }
  }
}
resource "aws_kms_key" "both_duties" { policy = data.aws_iam_policy_document.both_duties.json }

data "aws_iam_policy_document" "action" {
  statement {
    actions   = ["kms:${aws_iam_role.app.unique_id}"]
    resources = ["*"]
  }
}
resource "aws_kms_key" "action" { policy = data.aws_iam_policy_document.action.json }
data "aws_iam_policy_document" "chained" {
  source_policy_documents = [data.aws_iam_policy_document.role.json]
}
resource "aws_kms_key" "chained" { policy = data.aws_iam_policy_document.chained.json }
data "aws_iam_policy_document" "each" {
  for_each = { a = "AROAUSER1234", b = "*" }
  statement {
    actions = ["kms:Encrypt"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.app.arn]
    }
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["${each.value}:*"]
    }
  }
}
resource "aws_kms_key" "each" {
  for_each = data.aws_iam_policy_document.each
  policy   = each.value.json
}
resource "aws_kms_key" "encoded" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_role.app.arn }, Action = "kms:*", Resource = "*" }] })
}

# Through variables and outputs of modules.
module "vault" {
  source = "./vault"
  policy = data.aws_iam_policy_document.role.json
}
resource "aws_kms_alias" "vault" {
  name          = "alias/vault"
  target_key_id = module.vault.key.arn
}
module "vaults" {
  source   = "./vault"
  for_each = toset(["x", "y"])
  policy   = data.aws_iam_policy_document.open.json
}
resource "aws_kms_alias" "one_of_vaults" {
  name          = "alias/vault-x"
  target_key_id = module.vaults["x"].key.arn
}
resource "aws_kms_alias" "some_vault" {
  for_each      = toset(["x", "y"])
  name          = "alias/Otter-${each.key}"
  target_key_id = module.vaults[each.key].key.arn
}

# A plan has the same of all three, and of the last two.
resource "aws_kms_key" "pair" {
  count  = 2
  policy = data.aws_iam_policy_document.open.json
}
resource "aws_kms_alias" "same" {
  count         = 2
  name          = "alias/Otter-same-${count.index}"
  target_key_id = aws_kms_key.pair[count.index].key_id
}
resource "aws_kms_alias" "crossed" {
  count         = 2
  name          = "alias/Otter-crossed-${count.index}"
  target_key_id = aws_kms_key.pair[1 - count.index].key_id
}
resource "aws_kms_alias" "second" {
  name          = "alias/Otter-second"
  target_key_id = coalesce(element(aws_kms_key.pair, 1).key_id, aws_kms_key.pair[0].key_id)
}
resource "aws_kms_alias" "first" {
  name          = "alias/first"
  target_key_id = aws_kms_key.pair[0].key_id
}
resource "aws_kms_alias" "local" {
  name          = "alias/Otter-local"
  target_key_id = local.key_arn
}

resource "aws_kms_key" "prefix" { policy = data.aws_iam_policy_document.open.json }
resource "aws_kms_alias" "prefix" {
  name_prefix   = "alias/Otter-"
  target_key_id = aws_kms_key.prefix.key_id
}
resource "aws_kms_key" "other_prefix" { policy = data.aws_iam_policy_document.open.json }
resource "aws_kms_alias" "other_prefix" {
  name_prefix   = "alias/Beaver-"
  target_key_id = aws_kms_key.other_prefix.key_id
}

# The policies of two keys whose order is not known, once the same and once not.
resource "aws_kms_key" "shared" {
  count = 2
}
resource "aws_kms_key_policy" "shared" {
  count  = 2
  key_id = aws_kms_key.shared[1 - count.index].key_id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "kms:Encrypt", Resource = "*", Condition = { StringLike = { "aws:userId" = "AROAUSER1234:*" } } }] })
}
resource "aws_kms_key" "different" {
  count = 2
}
resource "aws_kms_key_policy" "different" {
  count  = 2
  key_id = aws_kms_key.different[1 - count.index].key_id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = count.index == 0 ? "kms:*" : "kms:Encrypt", Resource = "*", Condition = { StringLike = { "aws:userId" = "AROAUSER1234:*" } } }] })
}

# These are known, so the plan has both their arguments and what the provider makes of them.
data "aws_iam_policy_document" "plain" {
  policy_id = "otters"
  statement {
    sid       = "Use"
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/a"]
    }
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/c"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["AROAUSER1234:*"]
    }
    condition {
      test     = "StringLike"
      variable = "aws:userId"
      values   = ["AROAUSER5678:*", "&{aws:userid}"]
    }
    condition {
      test     = "StringLike"
      variable = "kms:ViaService"
      values   = ["s3.*.amazonaws.com"]
    }
    condition {
      test     = "Bool"
      variable = "kms:GrantIsForAWSResource"
      values   = ["true"]
    }
  }
  statement {
    effect        = "Deny"
    not_actions   = ["kms:Create*"]
    not_resources = ["arn:aws:kms:*:&{aws:PrincipalAccount}:key/x"]
    not_principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
  statement {
    actions = ["kms:Get*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}
data "aws_iam_policy_document" "taking_in" {
  source_policy_documents = [
    jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "First", Effect = "Allow", Principal = "*", Action = "kms:*", Resource = "*" }, { Effect = "Allow", Principal = "*", Action = "kms:List*", Resource = "*" }] }),
    data.aws_iam_policy_document.plain.json,
    "",
  ]
  override_policy_documents = [
    jsonencode({ Statement = [{ Sid = "Use", Effect = "Allow", Principal = { AWS = "*" }, Action = ["kms:Encrypt"], Resource = "*", Condition = { StringEquals = { "aws:userId" = "AROAUSER1234:x" } } }, { Sid = "Last", Effect = "Deny", Principal = "*", Action = "kms:Delete*", Resource = "*" }] }),
  ]
  statement {
    sid       = "First"
    actions   = ["kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
  statement {
    sid       = "Own"
    actions   = ["kms:Put*"]
    resources = ["*"]
  }
}
