terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "policy" {}
resource "aws_kms_key" "this" { policy = var.policy }
output "key" { value = { arn = aws_kms_key.this.arn, tags = ["otters"] } }
