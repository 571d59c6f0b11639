output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.rule.function_name
}

output "function_role_arn" {
  description = "What key policies must allow to read them, unless they leave that to the account's root."
  value       = aws_iam_role.function.arn
}

output "failure_queue_url" {
  description = "Events whose runs failed three times."
  value       = aws_sqs_queue.failures.url
}
