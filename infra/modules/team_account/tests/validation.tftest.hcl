# What each variable refuses. Nothing is applied, and no account is needed.
mock_provider "aws" {
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111111111111:key/1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111", arn = "arn:aws:iam::111111111111:role/deployer" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
  mock_data "aws_iam_session_context" {
    defaults = { issuer_arn = "arn:aws:iam::111111111111:role/deployer" }
  }
}

variables {
  team            = "red"
  control_role    = "arn:aws:iam::111111111111:role/runhaven-vaults"
  control_account = "111111111111"
  external_id     = "runhaven-0123456789abcdef0123456789abcdef"
  prefix          = "runhaven/red/"
}

run "refuses_team" {
  command = plan

  variables {
    team = "Red Team"
  }

  expect_failures = [var.team]
}

run "refuses_control_role" {
  command = plan

  variables {
    control_role = "*"
  }

  expect_failures = [var.control_role]
}

run "refuses_control_role_2" {
  command = plan

  variables {
    control_role = "arn:aws:iam::111111111111:role/*"
  }

  expect_failures = [var.control_role]
}

run "refuses_control_account" {
  command = plan

  variables {
    control_account = "222222222222"
  }

  expect_failures = [var.control_account]
}

run "refuses_external_id" {
  command = plan

  variables {
    external_id = "red"
  }

  expect_failures = [var.external_id]
}

run "refuses_prefix" {
  command = plan

  variables {
    prefix = "runhaven/red"
  }

  expect_failures = [var.prefix]
}

run "refuses_prefix_2" {
  command = plan

  variables {
    prefix = "runhaven/*/"
  }

  expect_failures = [var.prefix]
}

run "refuses_bucket" {
  command = plan

  variables {
    bucket = "with.dots"
  }

  expect_failures = [var.bucket]
}

run "refuses_role" {
  command = plan

  variables {
    role = "a role"
  }

  expect_failures = [var.role]
}

run "refuses_origins" {
  command = plan

  variables {
    origins = ["*"]
  }

  expect_failures = [var.origins]
}

run "refuses_reader_role_arns" {
  command = plan

  variables {
    reader_role_arns = ["*"]
  }

  expect_failures = [var.reader_role_arns]
}

run "refuses_break_glass_role_arns" {
  command = plan

  variables {
    break_glass_role_arns = ["arn:aws:iam::222222222222:root"]
  }

  expect_failures = [var.break_glass_role_arns]
}

run "refuses_manager_role_arns" {
  command = plan

  variables {
    manager_role_arns = ["*"]
  }

  expect_failures = [var.manager_role_arns]
}

run "refuses_a_reader_of_another_account" {
  command = plan

  variables {
    reader_role_arns = ["arn:aws:iam::111111111111:role/spark", "arn:aws:iam::333333333333:role/spark"]
  }

  expect_failures = [aws_s3_bucket_policy.vault]
}

run "refuses_a_glass_breaker_of_another_account" {
  command = plan

  variables {
    break_glass_role_arns = ["arn:aws:iam::333333333333:role/emergency"]
  }

  expect_failures = [aws_s3_bucket_policy.vault]
}

run "refuses_trail_bucket" {
  command = plan

  variables {
    trail_bucket = "arn:aws:s3:::trail"
  }

  expect_failures = [var.trail_bucket]
}

run "refuses_noncurrent_days" {
  command = plan

  variables {
    noncurrent_days = 0
  }

  expect_failures = [var.noncurrent_days]
}

run "refuses_permissions_boundary" {
  command = plan

  variables {
    permissions_boundary = "none"
  }

  expect_failures = [var.permissions_boundary]
}
