# What the variables of the deployment refuse. Nothing is applied, and no account is needed.
mock_provider "aws" {
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:111111111111:runhaven" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:runhaven" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111111111111:key/1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/runhaven" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111111111111:runhaven" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:111111111111:function:runhaven:live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/runhaven" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:111111111111:table/runhaven", stream_arn = "arn:aws:dynamodb:eu-central-1:111111111111:table/runhaven/stream/1" }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:111111111111:a1b2c3" }
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
}

variables {
  package = "./tests/empty.zip"
}

run "refuses_package" {
  command = plan

  variables {
    package = "runhaven.tar.gz"
  }

  expect_failures = [var.package]
}

run "refuses_name" {
  command = plan

  variables {
    name = "Runhaven"
  }

  expect_failures = [var.name]
}

run "refuses_name_2" {
  command = plan

  variables {
    name = "a-name-that-is-much-too-long-for-roles"
  }

  expect_failures = [var.name]
}

run "refuses_name_3" {
  command = plan

  variables {
    name = "ml"
  }

  expect_failures = [var.name]
}

run "refuses_architecture" {
  command = plan

  variables {
    architecture = "riscv"
  }

  expect_failures = [var.architecture]
}

run "refuses_python" {
  command = plan

  variables {
    python = "3.10"
  }

  expect_failures = [var.python]
}

run "refuses_snap_start" {
  command = plan

  variables {
    snap_start = true
    python     = "3.11"
  }

  expect_failures = [var.snap_start]
}

run "refuses_memory_mb" {
  command = plan

  variables {
    memory_mb = { api = 128 }
  }

  expect_failures = [var.memory_mb]
}

run "refuses_memory_mb_2" {
  command = plan

  variables {
    memory_mb = { jobs = 512.5 }
  }

  expect_failures = [var.memory_mb]
}

run "refuses_concurrency" {
  command = plan

  variables {
    concurrency = { jobs = 1 }
  }

  expect_failures = [var.concurrency]
}

run "refuses_concurrency_2" {
  command = plan

  variables {
    concurrency = { jobs = 2.5 }
  }

  expect_failures = [var.concurrency]
}

run "refuses_throttle" {
  command = plan

  variables {
    throttle = { rate = 0 }
  }

  expect_failures = [var.throttle]
}

run "refuses_throttle_2" {
  command = plan

  variables {
    throttle = { burst = 5001 }
  }

  expect_failures = [var.throttle]
}

run "refuses_most_units" {
  command = plan

  variables {
    most_units = { write = 1 }
  }

  expect_failures = [var.most_units]
}

run "refuses_table_name" {
  command = plan

  variables {
    table_name = "a table"
  }

  expect_failures = [var.table_name]
}

run "refuses_alarm_emails" {
  command = plan

  variables {
    alarm_emails = ["nobody"]
  }

  expect_failures = [var.alarm_emails]
}

run "refuses_monthly_budget_usd" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}

run "refuses_log_days" {
  command = plan

  variables {
    log_days = 8
  }

  expect_failures = [var.log_days]
}

run "refuses_log_level" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}

run "refuses_permissions_boundary" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::111111111111:role/x"
  }

  expect_failures = [var.permissions_boundary]
}
