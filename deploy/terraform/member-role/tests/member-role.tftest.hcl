# What the module makes of its inputs. `terraform init`, then `terraform test`: nothing is deployed.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "444455556666" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  function_role_arns = ["arn:aws:iam::111122223333:role/AWSConfigRuleKMS-us-east-1"]
}

run "trusts_the_functions_role_only" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.member.assume_role_policy).Statement[0].Principal.AWS == "arn:aws:iam::111122223333:root"
    error_message = "The function's account is the principal, wherever the role is."
  }

  assert {
    condition     = jsondecode(aws_iam_role.member.assume_role_policy).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == ["arn:aws:iam::111122223333:role/AWSConfigRuleKMS-us-east-1"]
    error_message = "The function's role alone may assume it."
  }
}

run "refuses_what_aws_would_refuse" {
  command = plan

  variables {
    function_role_arns = []
    member_role_name   = "rdk/role"
  }

  expect_failures = [var.function_role_arns, var.member_role_name]
}
