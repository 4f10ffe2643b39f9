# What decides how a deployment behaves, as it is by default. Nothing is applied, and no account is needed.
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

run "gateway" {
  command = plan

  assert {
    condition     = [for each in aws_apigatewayv2_stage.default.default_route_settings : [each.throttling_rate_limit, each.throttling_burst_limit, each.detailed_metrics_enabled]] == [[200, 400, false]]
    error_message = "strangers are held to the throttle, and nobody pays for the metrics of a single route"
  }

  assert {
    condition     = aws_apigatewayv2_integration.api.integration_uri == aws_lambda_alias.live["api"].invoke_arn && aws_apigatewayv2_integration.api.payload_format_version == "2.0"
    error_message = "the gateway calls the alias, in the format that Mangum reads"
  }

  assert {
    condition     = aws_lambda_permission.gateway.qualifier == "live" && aws_apigatewayv2_route.all.route_key == "$default"
    error_message = "which lets it, for every path"
  }

  assert {
    condition     = aws_lambda_function.runhaven["api"].timeout == 29 && aws_apigatewayv2_integration.api.timeout_milliseconds == 30000
    error_message = "a function that is too slow is ended, and says so, before the gateway gives up"
  }
}

run "events" {
  command = plan

  assert {
    condition     = aws_lambda_event_source_mapping.stream.function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.jobs.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "of a batch only what failed comes again"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.function_name == aws_lambda_alias.live["stream"].arn && aws_lambda_event_source_mapping.jobs.function_name == aws_lambda_alias.live["jobs"].arn
    error_message = "stream and queue call the aliases"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.jobs.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 }
    error_message = "a job is given up after five tries"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.maximum_retry_attempts == 20 && aws_lambda_event_source_mapping.stream.destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.lost.arn
    error_message = "a change is given up after twenty tries, and told"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency == aws_lambda_function.runhaven["jobs"].reserved_concurrent_executions
    error_message = "no more jobs are taken from the queue than may run"
  }

  assert {
    condition     = aws_lambda_function_recursion_config.jobs.function_name == "runhaven-jobs" && aws_lambda_function_recursion_config.jobs.recursive_loop == "Allow"
    error_message = "a long job may send itself to its own queue"
  }
}

run "many_jobs" {
  command = plan

  variables {
    concurrency = { jobs = 2000 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency == 1000
    error_message = "a queue calls a thousand at once at the most"
  }
}

run "table" {
  command = plan

  assert {
    condition     = [for each in aws_dynamodb_table.runhaven.on_demand_throughput : [each.max_read_request_units, each.max_write_request_units]] == [[12000, 4000]]
    error_message = "the table has its fuse"
  }

  assert {
    condition     = aws_dynamodb_table.runhaven.point_in_time_recovery[0].enabled && aws_dynamodb_table.runhaven.point_in_time_recovery[0].recovery_period_in_days == 35
    error_message = "it can be brought back"
  }
}

run "people" {
  command = plan

  assert {
    condition     = aws_cognito_user_pool.people.admin_create_user_config[0].allow_admin_create_user_only
    error_message = "nobody signs up"
  }

  assert {
    condition     = alltrue([for client in aws_cognito_user_pool_client.public : !client.generate_secret && client.allowed_oauth_flows == toset(["code"]) && client.refresh_token_validity == 12])
    error_message = "clients are public, take a code alone, and ask again after half a day"
  }
}

run "alarms" {
  command = plan

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.house : name => [
        alarm.namespace, alarm.metric_name, coalesce(alarm.statistic, alarm.extended_statistic), tostring(alarm.threshold), join(",", keys(alarm.dimensions)),
      ] if contains(["faults", "slow", "behind", "waiting", "api-crowded", "stream-crowded", "jobs-throttled"], name)
      } == {
      faults         = ["AWS/ApiGateway", "5xx", "Sum", "5", "ApiId"]
      slow           = ["AWS/Lambda", "Duration", "p99", "5000", "FunctionName"]
      behind         = ["AWS/Lambda", "IteratorAge", "Maximum", "300000", "FunctionName"]
      waiting        = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", "3600", "QueueName"]
      api-crowded    = ["AWS/Lambda", "ConcurrentExecutions", "Maximum", "80", "FunctionName"]
      stream-crowded = ["AWS/Lambda", "ConcurrentExecutions", "Maximum", "16", "FunctionName"]
      jobs-throttled = ["AWS/Lambda", "Throttles", "Sum", "5", "FunctionName"]
    }
    error_message = "each alarm looks at the metric under which AWS tells what it is about, from its threshold on"
  }

  assert {
    condition     = [for name in ["slow", "behind", "api-crowded"] : aws_cloudwatch_metric_alarm.house[name].dimensions.FunctionName] == ["runhaven-api", "runhaven-stream", "runhaven-api"]
    error_message = "of the function that it names"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.house : alarm.comparison_operator == "GreaterThanOrEqualToThreshold" && alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])])
    error_message = "all are told to the topic"
  }

  assert {
    condition     = { for each in aws_budgets_budget.month.notification : each.notification_type => "${each.comparison_operator} ${each.threshold}" } == { ACTUAL = "GREATER_THAN 80", FORECASTED = "GREATER_THAN 100" }
    error_message = "so is the budget"
  }
}
