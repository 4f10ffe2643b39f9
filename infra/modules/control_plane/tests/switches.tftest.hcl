# What each switch makes. Nothing is applied, and no account is needed.
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

run "plain" {
  command = plan

  assert {
    condition     = length(aws_apigatewayv2_domain_name.own) == 0 && !aws_apigatewayv2_api.runhaven.disable_execute_api_endpoint
    error_message = "without a domain the gateway's own address serves"
  }

  assert {
    condition     = length(aws_apigatewayv2_api.runhaven.cors_configuration) == 0
    error_message = "without other pages there is no CORS"
  }

  assert {
    condition     = [for rule in jsondecode(aws_iam_role_policy.vaults.policy).Statement : rule.Effect] == ["Deny"]
    error_message = "without team roles no role can be entered"
  }

  assert {
    condition     = length(aws_cognito_identity_provider.company) == 0
    error_message = "without a provider people sign in to the pool"
  }

  assert {
    condition     = local.settings.RUNHAVEN_EDGE_SECRET == ""
    error_message = "without an edge there is no secret"
  }

  assert {
    condition     = local.settings.RUNHAVEN_FEDERATED == "false" && strcontains(jsonencode(local.function_policies), "AdminCreateUser")
    error_message = "and are invited there"
  }

  assert {
    condition     = aws_cognito_user_pool.people.mfa_configuration == "ON"
    error_message = "a second factor is asked for"
  }

  assert {
    condition     = aws_sqs_queue.jobs.visibility_timeout_seconds > aws_lambda_function.runhaven["jobs"].timeout && 5 * aws_sqs_queue.jobs.visibility_timeout_seconds <= aws_cloudwatch_metric_alarm.house["waiting"].threshold
    error_message = "nobody takes a job that is being done, and one that failed five times is gone before it counts as waiting"
  }

  assert {
    condition     = alltrue([for name, metric in { table-read = "ReadThrottleEvents", table-write = "WriteThrottleEvents" } : aws_cloudwatch_metric_alarm.house[name].metric_name == metric && keys(aws_cloudwatch_metric_alarm.house[name].dimensions) == tolist(["TableName"])])
    error_message = "the table's refusals are seen where DynamoDB tells them"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.house["dead"].dimensions.QueueName == "runhaven-dead" && aws_cloudwatch_metric_alarm.house["lost"].dimensions.QueueName == "runhaven-lost"
    error_message = "both queues of what was given up are watched"
  }

  assert {
    condition     = [for rule in local.key_policy.Statement : try(rule.Condition, null) == null if rule.Sid == "AlarmsToTheTopic"] == [true]
    error_message = "alarms reach the encrypted topic without a condition"
  }

  assert {
    condition     = aws_dynamodb_table.runhaven.deletion_protection_enabled && aws_cognito_user_pool.people.deletion_protection == "ACTIVE"
    error_message = "data is protected"
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.runhaven : function.architectures[0] == "arm64" && function.publish])
    error_message = "functions are arm64 and published"
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.runhaven : length(function.snap_start) == 0])
    error_message = "nothing starts from a snapshot"
  }
}

run "domain" {
  command = plan

  variables {
    domain = { name = "api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111111111111:certificate/1", zone_id = "Z1" }
  }

  assert {
    condition     = aws_apigatewayv2_api.runhaven.disable_execute_api_endpoint
    error_message = "with a domain the gateway's own address is switched off"
  }

  assert {
    condition     = length(aws_apigatewayv2_api_mapping.own) == 1 && length(aws_route53_record.own) == 2
    error_message = "the domain leads to the API"
  }

  assert {
    condition     = local.settings.RUNHAVEN_HOSTS == "api.example.org" && local.settings.RUNHAVEN_ORIGINS == "https://api.example.org"
    error_message = "the house answers to its domain alone"
  }
}

run "edge" {
  command = plan

  variables {
    edge_origins  = ["https://runhaven.example.org"]
    edge_secrets  = ["0123456789abcdef0123456789abcdef"]
    allowed_cidrs = ["192.0.2.0/24", "2001:db8::/32"]
  }

  assert {
    condition     = local.settings.RUNHAVEN_EDGE_SECRET == sha256("0123456789abcdef0123456789abcdef")
    error_message = "the functions know the secret's hash alone"
  }

  assert {
    condition     = local.settings.RUNHAVEN_ALLOWED_CIDRS == "192.0.2.0/24,2001:db8::/32"
    error_message = "the networks reach the functions"
  }
}

run "snapshot" {
  command = plan

  variables {
    snap_start = true
  }

  assert {
    condition     = length(aws_lambda_function.runhaven["api"].snap_start) == 1
    error_message = "the API starts from a snapshot"
  }

  assert {
    condition     = length(aws_lambda_function.runhaven["jobs"].snap_start) == 0
    error_message = "a job does not"
  }
}

run "small_quota" {
  command = plan

  variables {
    concurrency = { api = -1, stream = -1, jobs = -1 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency == 2
    error_message = "without a reservation jobs wait in their queue, and leave the account to the API"
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.runhaven : function.reserved_concurrent_executions == -1])
    error_message = "nothing is taken from the account's quota"
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.house), "api-crowded")
    error_message = "there is no share of nothing to alarm about"
  }
}

run "company" {
  command = plan

  variables {
    identity_provider = { name = "company", saml_metadata_url = "https://sso.example.org/metadata" }
  }

  assert {
    condition     = local.settings.RUNHAVEN_FEDERATED == "true" && !strcontains(jsonencode(local.function_policies), "AdminCreateUser")
    error_message = "accounts come from the provider alone"
  }

  assert {
    condition     = aws_cognito_identity_provider.company[0].provider_type == "SAML"
    error_message = "a metadata address means SAML"
  }

  assert {
    condition     = alltrue([for client in aws_cognito_user_pool_client.public : contains(client.supported_identity_providers, "company")])
    error_message = "people sign in at the company's provider"
  }
}

run "openid" {
  command = plan

  variables {
    oidc_client_secret = "secret"
    identity_provider  = { name = "company", oidc_issuer = "https://sso.example.org", oidc_client_id = "runhaven" }
  }

  assert {
    condition     = aws_cognito_identity_provider.company[0].attribute_mapping.email_verified == "email_verified"
    error_message = "it says whether an address is verified"
  }

  assert {
    condition     = aws_cognito_identity_provider.company[0].provider_type == "OIDC"
    error_message = "an issuer means OpenID Connect"
  }
}

run "pages_elsewhere" {
  command = plan

  variables {
    cors_origins = ["https://notebooks.example.org"]
  }

  assert {
    condition     = contains(aws_apigatewayv2_api.runhaven.cors_configuration[0].allow_origins, "https://notebooks.example.org")
    error_message = "the gateway lets the page in"
  }
}

run "mails" {
  command = plan

  variables {
    alarm_emails = ["a@example.org", "b@example.org"]
  }

  assert {
    condition     = { for address, made in aws_sns_topic_subscription.alarms : address => "${made.protocol} ${made.endpoint}" } == { "a@example.org" = "email a@example.org", "b@example.org" = "email b@example.org" }
    error_message = "each address hears of alarms by mail"
  }

  assert {
    condition     = alltrue([for made in aws_sns_topic_subscription.alarms : made.topic_arn == aws_sns_topic.alarms.arn])
    error_message = "from the topic to which alarms and the budget speak"
  }
}

run "restored" {
  command = plan

  variables {
    table_name = "runhaven-restored"
  }

  assert {
    condition     = aws_dynamodb_table.runhaven.name == "runhaven-restored" && local.settings.RUNHAVEN_TABLE == "runhaven-restored"
    error_message = "the functions use the restored table"
  }
}

run "domain_of_another_zone" {
  command = plan

  variables {
    domain = { name = "api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111111111111:certificate/1" }
  }

  assert {
    condition     = length(aws_apigatewayv2_api_mapping.own) == 1 && length(aws_route53_record.own) == 0
    error_message = "the domain leads to the API, and whoever keeps its zone writes it there"
  }
}

run "unprotected" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = !aws_dynamodb_table.runhaven.deletion_protection_enabled && aws_cognito_user_pool.people.deletion_protection == "INACTIVE"
    error_message = "table and accounts can be deleted"
  }
}

run "no_second_factor" {
  command = plan

  variables {
    sign_in = { mfa = "OFF" }
  }

  assert {
    condition     = aws_cognito_user_pool.people.mfa_configuration == "OFF" && length(aws_cognito_user_pool.people.software_token_mfa_configuration) == 0
    error_message = "a password is enough"
  }
}

run "boundary" {
  command = plan

  variables {
    team_roles           = ["arn:aws:iam::222222222222:role/runhaven-red"]
    permissions_boundary = "arn:aws:iam::111111111111:policy/boundary"
  }

  assert {
    condition     = toset([for role in concat(values(aws_iam_role.function), [aws_iam_role.data, aws_iam_role.vaults]) : role.permissions_boundary]) == toset(["arn:aws:iam::111111111111:policy/boundary"])
    error_message = "every role is bounded"
  }
}
