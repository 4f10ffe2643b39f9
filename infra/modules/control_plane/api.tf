locals {
  host   = var.domain == null ? "${aws_apigatewayv2_api.runhaven.id}.execute-api.${local.region}.${data.aws_partition.here.dns_suffix}" : var.domain.name
  origin = "https://${local.host}"
}

# No authorizer of the gateway's: Runhaven's tokens are no JWTs, so the function decides who may enter.
resource "aws_apigatewayv2_api" "runhaven" {
  name                         = var.name
  description                  = "Runhaven: MLflow's REST API, the native API and the page"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain != null

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [var.cors_origins] : []
    content {
      allow_origins  = cors_configuration.value
      allow_methods  = ["GET", "POST", "PUT", "PATCH", "DELETE"]
      allow_headers  = ["authorization", "content-type", "x-mlflow-workspace"]
      expose_headers = ["retry-after"]
      max_age        = 3600
    }
  }
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.runhaven.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live["api"].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "all" {
  # checkov:skip=CKV_AWS_309: the function decides who may enter: its tokens are no JWTs, and MLflow's clients sign nothing
  api_id    = aws_apigatewayv2_api.runhaven.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.runhaven.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.throttle.rate
    throttling_burst_limit = var.throttle.burst
    # They would repeat the API's own, as there is one route, and are billed as custom metrics:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    detailed_metrics_enabled = false
  }

  # Neither query nor header is written down: both may carry credentials.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      time      = "$context.requestTime"
      request   = "$context.requestId"
      source    = "$context.identity.sourceIp"
      method    = "$context.httpMethod"
      path      = "$context.path"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      ms        = "$context.responseLatency"
      api_ms    = "$context.integrationLatency"
      api_error = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_cloudwatch_log_group" "access" {
  # checkov:skip=CKV_AWS_338: how long logs are kept is the deployment's choice (log_days)
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.runhaven.arn
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "gateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.runhaven["api"].function_name
  qualifier     = aws_lambda_alias.live["api"].name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.runhaven.execution_arn}/*/*"
}

resource "aws_apigatewayv2_domain_name" "own" {
  count       = var.domain == null ? 0 : 1
  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "own" {
  count       = length(aws_apigatewayv2_domain_name.own)
  api_id      = aws_apigatewayv2_api.runhaven.id
  domain_name = aws_apigatewayv2_domain_name.own[count.index].id
  stage       = aws_apigatewayv2_stage.default.id
}

resource "aws_route53_record" "own" {
  for_each = toset(try(var.domain.zone_id, null) == null ? [] : ["A", "AAAA"])
  zone_id  = var.domain.zone_id
  name     = var.domain.name
  type     = each.key

  alias {
    name                   = aws_apigatewayv2_domain_name.own[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.own[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
