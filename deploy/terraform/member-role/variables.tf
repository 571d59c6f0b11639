variable "member_role_name" {
  description = "The same in every account, and as MemberRoleName of deploy/organization.yaml."
  type        = string
  default     = "AWSConfigRuleKMSMember"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.member_role_name))
    error_message = "member_role_name is the name of a role, without a path."
  }
}

variable "function_role_arns" {
  description = "The function's role in the administrator account, such as `arn:aws:iam::111122223333:role/AWSConfigRuleKMS-us-east-1`; one for each Region. It need not exist yet."
  type        = list(string)

  validation {
    condition = length(var.function_role_arns) > 0 && alltrue([
      for arn in var.function_role_arns : can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", arn))
    ])
    error_message = "function_role_arns needs at least one ARN of a role."
  }
}
