# The rule in two Regions of one account, which both read keys with one role.
#
#     kms-rule package --templates deploy
#     cd deploy/terraform/example
#     terraform init
#     terraform plan -var package_file=../../../AWSConfigRuleKMS.zip -var 'admin_user_id=AROAOTTER*'

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.76"
    }
  }
}

variable "package_file" {
  description = "File that `make package` or `kms-rule package` builds."
  type        = string
}

variable "admin_user_id" {
  description = "Comma-separated user id patterns of the key administrators."
  type        = string
}

provider "aws" {
  region = "us-east-1"
}

provider "aws" {
  alias  = "europe"
  region = "eu-west-1"
}

data "aws_caller_identity" "current" {}

# Roles are global: one is enough for both Regions. It does not wait for the roles that it trusts, since the rules' first
# runs need it.
module "member_role" {
  source = "../member-role"

  function_role_arns = [
    for region in ["us-east-1", "eu-west-1"] :
    "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/AWSConfigRuleKMS-${region}"
  ]
}

module "united_states" {
  source = "../rule"

  package_file        = var.package_file
  admin_user_id       = var.admin_user_id
  execution_role_name = module.member_role.member_role_name
}

module "europe" {
  source    = "../rule"
  providers = { aws = aws.europe }

  package_file        = var.package_file
  admin_user_id       = var.admin_user_id
  execution_role_name = module.member_role.member_role_name
}
