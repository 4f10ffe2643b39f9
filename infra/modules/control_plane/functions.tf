locals {
  # Seconds: the gateway waits 30; the stream's reactions are short; a job's pieces take ten, but settling a run is one
  # piece, which reads every point: 100,000 a second.
  functions = {
    api    = { seconds = 29, memory = var.memory_mb.api, most = var.concurrency.api }
    stream = { seconds = 120, memory = var.memory_mb.stream, most = var.concurrency.stream }
    jobs   = { seconds = 600, memory = var.memory_mb.jobs, most = var.concurrency.jobs }
  }

  issuer = "https://cognito-idp.${local.region}.${data.aws_partition.here.dns_suffix}/${aws_cognito_user_pool.people.id}"

  # functions/settings.py says what each means, and a test holds the two together.
  settings = {
    RUNHAVEN_TABLE               = aws_dynamodb_table.runhaven.name
    RUNHAVEN_REGION              = local.region
    RUNHAVEN_DATA_ROLE           = aws_iam_role.data.arn
    RUNHAVEN_CONTROL_ROLE        = aws_iam_role.vaults.arn
    RUNHAVEN_ASSUME_CONTROL_ROLE = "true"
    RUNHAVEN_JOBS_QUEUE          = aws_sqs_queue.jobs.url
    RUNHAVEN_USER_POOL           = aws_cognito_user_pool.people.id
    RUNHAVEN_USER_POOL_CLIENTS   = join(",", [for client in aws_cognito_user_pool_client.public : client.id])
    RUNHAVEN_ISSUER              = local.issuer
    RUNHAVEN_JWKS_URL            = "${local.issuer}/.well-known/jwks.json"
    RUNHAVEN_HOSTS               = local.host
    RUNHAVEN_ORIGINS             = join(",", concat([local.origin], var.edge_origins, var.cors_origins))
    RUNHAVEN_ALLOWED_CIDRS       = join(",", var.allowed_cidrs)
    # Of the edge's secrets the functions know the hashes alone.
    RUNHAVEN_EDGE_SECRET = join(",", nonsensitive([for secret in var.edge_secrets : sha256(secret)]))
    RUNHAVEN_FIRST_ADMIN = var.first_admin
    RUNHAVEN_FEDERATED   = tostring(var.identity_provider != null)
    RUNHAVEN_LOG_LEVEL   = var.log_level
  }
}

resource "aws_lambda_function" "runhaven" {
  # checkov:skip=CKV_AWS_50: no X-Ray: its client costs more of a cold start than it tells
  # checkov:skip=CKV_AWS_116: nothing calls these functions asynchronously; stream and queue have their own dead letters
  # checkov:skip=CKV_AWS_117: they reach nothing in a VPC, and a NAT gateway would cost more than the whole house
  # checkov:skip=CKV_AWS_173: the environment holds names and one hash, no secret
  # checkov:skip=CKV_AWS_272: what is deployed is a zip of one's own build, whose hash scripts/build prints
  for_each         = local.functions
  function_name    = "${var.name}-${each.key}"
  description      = "Runhaven ${var.name}: functions/handlers/${each.key}.py"
  role             = aws_iam_role.function[each.key].arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "functions.handlers.${each.key}.handler"
  runtime          = "python${var.python}"
  architectures    = [var.architecture]
  memory_size      = each.value.memory
  timeout          = each.value.seconds
  publish          = true

  reserved_concurrent_executions = each.value.most

  environment {
    variables = local.settings
  }

  dynamic "snap_start" {
    for_each = var.snap_start && each.key == "api" ? ["PublishedVersions"] : []
    content {
      apply_on = snap_start.value
    }
  }

  # A function that runs before it may write its log would make a group that nobody encrypts or empties.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

# Whoever calls a function calls this alias, which moves to a new version when that one is ready.
resource "aws_lambda_alias" "live" {
  for_each         = aws_lambda_function.runhaven
  name             = "live"
  description      = "The version that serves"
  function_name    = each.value.function_name
  function_version = each.value.version

  # A new version may need what these newly allow.
  depends_on = [aws_iam_role_policy.data, aws_iam_role_policy.vaults]
}

resource "aws_cloudwatch_log_group" "function" {
  # checkov:skip=CKV_AWS_338: how long logs are kept is the deployment's choice (log_days)
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.runhaven.arn
}
