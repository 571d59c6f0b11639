output "member_role_arn" {
  description = "What key policies of this account must allow to read them, unless they leave that to the account's root."
  value       = aws_iam_role.member.arn
}

output "member_role_name" {
  description = "What `execution_role_name` of the module rule takes."
  value       = aws_iam_role.member.name
}
