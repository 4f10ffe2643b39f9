# What each variable refuses. Nothing is applied, and no account is needed.
mock_provider "aws" {
  mock_resource "aws_cloudfront_function" {
    defaults = { arn = "arn:aws:cloudfront::111111111111:function/runhaven" }
  }
}

mock_provider "aws" {
  alias = "us_east_1"

  mock_resource "aws_wafv2_ip_set" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/ipset/a/1" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/a/1" }
  }
}

variables {
  api_host = "a1b2c3.execute-api.eu-central-1.amazonaws.com"
  secret   = "0123456789abcdef0123456789abcdef"
}

run "refuses_api_host" {
  command = plan

  variables {
    api_host = "https://example.org/"
  }

  expect_failures = [var.api_host]
}

run "refuses_secret" {
  command = plan

  variables {
    secret = "short"
  }

  expect_failures = [var.secret]
}

run "refuses_name" {
  command = plan

  variables {
    name = "-"
  }

  expect_failures = [var.name]
}

run "refuses_domain" {
  command = plan

  variables {
    domain = { name = "runhaven", certificate_arn = "arn:aws:acm:us-east-1:111111111111:certificate/1" }
  }

  expect_failures = [var.domain]
}

run "refuses_domain_2" {
  command = plan

  variables {
    domain = { name = "runhaven.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111111111111:certificate/1" }
  }

  expect_failures = [var.domain]
}

run "refuses_allowed_cidrs" {
  command = plan

  variables {
    allowed_cidrs = ["office"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "refuses_requests_per_address" {
  command = plan

  variables {
    requests_per_address = 5
  }

  expect_failures = [var.requests_per_address]
}

run "refuses_log_bucket" {
  command = plan

  variables {
    log_bucket = "logs"
  }

  expect_failures = [var.log_bucket]
}

run "refuses_allowed_cidrs_2" {
  command = plan

  variables {
    allowed_cidrs = ["192.0.2.5/24"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "refuses_allowed_cidrs_3" {
  command = plan

  variables {
    allowed_cidrs = ["010.0.0.0/8"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "refuses_allowed_cidrs_4" {
  command = plan

  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "refuses_allowed_cidrs_5" {
  command = plan

  variables {
    allowed_cidrs = ["::/0"]
  }

  expect_failures = [var.allowed_cidrs]
}
