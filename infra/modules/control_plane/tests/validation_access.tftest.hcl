# What the variables refuse that say who comes in, and from where. Nothing is applied, and no account is needed.
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

run "refuses_team_roles" {
  command = plan

  variables {
    team_roles = ["arn:aws:iam::222222222222:role/*"]
  }

  expect_failures = [var.team_roles]
}

run "refuses_team_roles_2" {
  command = plan

  variables {
    team_roles = ["arn:aws:iam::222222222222:user/red"]
  }

  expect_failures = [var.team_roles]
}

run "refuses_team_roles_3" {
  command = plan

  variables {
    # Twenty roles, each below the longest path that IAM knows.
    team_roles = [for team in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20] : "arn:aws:iam::222222222222:role/%{for part in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}department-of-things/%{endfor}red-${team}"]
  }

  expect_failures = [var.team_roles]
}

run "refuses_domain" {
  command = plan

  variables {
    domain = { name = "https://api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111111111111:certificate/1" }
  }

  expect_failures = [var.domain]
}

run "refuses_domain_2" {
  command = plan

  variables {
    domain = { name = "api.example.org", certificate_arn = "certificate/1" }
  }

  expect_failures = [var.domain]
}

run "refuses_allowed_cidrs" {
  command = plan

  variables {
    allowed_cidrs = ["10.0.0.300/8"]
  }

  expect_failures = [var.allowed_cidrs]
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
    # 21 networks
    allowed_cidrs = [for last in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21] : "192.0.2.${last}/32"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "refuses_edge_origins" {
  command = plan

  variables {
    edge_origins = ["http://example.org"]
    edge_secrets = ["0123456789abcdef0123456789abcdef"]
  }

  expect_failures = [var.edge_origins]
}

run "refuses_edge_secrets" {
  command = plan

  variables {
    edge_origins = ["https://example.org"]
    edge_secrets = ["short"]
  }

  expect_failures = [var.edge_secrets]
}

run "refuses_edge_secrets_2" {
  command = plan

  variables {
    edge_origins = ["https://example.org"]
  }

  expect_failures = [var.edge_secrets]
}

run "refuses_edge_secrets_3" {
  command = plan

  variables {
    edge_origins = ["https://example.org"]
    edge_secrets = ["0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef", "2123456789abcdef0123456789abcdef"]
  }

  expect_failures = [var.edge_secrets]
}

run "refuses_cors_origins" {
  command = plan

  variables {
    cors_origins = ["*"]
  }

  expect_failures = [var.cors_origins]
}

run "refuses_a_name_that_cannot_be_an_address" {
  command = plan

  variables {
    name = "ml-aws"
  }

  expect_failures = [var.sign_in]
}

run "refuses_sign_in" {
  command = plan

  variables {
    sign_in = { mfa = "SMS" }
  }

  expect_failures = [var.sign_in]
}

run "refuses_sign_in_2" {
  command = plan

  variables {
    sign_in = { hours = 0 }
  }

  expect_failures = [var.sign_in]
}

run "refuses_sign_in_3" {
  command = plan

  variables {
    sign_in = { cli_ports = [80] }
  }

  expect_failures = [var.sign_in]
}

run "refuses_first_admin" {
  command = plan

  variables {
    first_admin = "somebody"
  }

  expect_failures = [var.first_admin]
}

run "refuses_identity_provider" {
  command = plan

  variables {
    identity_provider = { name = "company" }
  }

  expect_failures = [var.identity_provider]
}

run "refuses_identity_provider_2" {
  command = plan

  variables {
    identity_provider  = { name = "company", oidc_issuer = "https://example.org" }
    oidc_client_secret = "secret"
  }

  expect_failures = [var.identity_provider]
}

run "refuses_identity_provider_3" {
  command = plan

  variables {
    identity_provider = { name = "company", saml_metadata_url = "https://example.org/metadata", oidc_client_id = "1" }
  }

  expect_failures = [var.identity_provider]
}

run "refuses_identity_provider_4" {
  command = plan

  variables {
    identity_provider  = { name = "company", saml_metadata_url = "https://example.org/metadata", oidc_issuer = "https://example.org", oidc_client_id = "1" }
    oidc_client_secret = "secret"
  }

  expect_failures = [var.identity_provider]
}

run "refuses_oidc_client_secret" {
  command = plan

  variables {
    oidc_client_secret = "a secret without an issuer"
  }

  expect_failures = [var.oidc_client_secret]
}

run "refuses_oidc_client_secret_2" {
  command = plan

  variables {
    identity_provider = { name = "company", oidc_issuer = "https://example.org", oidc_client_id = "1" }
  }

  expect_failures = [var.oidc_client_secret]
}
