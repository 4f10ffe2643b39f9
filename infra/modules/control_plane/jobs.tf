# The table's stream: of all changes only those that a room reacts to. functions/*/reactions.py has the same marks.
resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn                   = aws_dynamodb_table.runhaven.stream_arn
  function_name                      = aws_lambda_alias.live["stream"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 100
  maximum_batching_window_in_seconds = 1
  parallelization_factor             = 2
  bisect_batch_on_function_error     = true
  maximum_retry_attempts             = 20
  function_response_types            = ["ReportBatchItemFailures"]

  filter_criteria {
    dynamic "filter" {
      for_each = [
        { dynamodb = { NewImage = { due = { N = [{ exists = true }] } } } },
        { dynamodb = { NewImage = { purge = { N = [{ exists = true }] } } } },
        { eventName = ["REMOVE"], dynamodb = { Keys = { PK = { S = [{ suffix = "#LATER" }] } } } },
        { eventName = ["REMOVE"], dynamodb = { Keys = { SK = { S = [{ prefix = "U#" }] } } } },
      ]
      content {
        pattern = jsonencode(filter.value)
      }
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.lost.arn
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# What takes longer than a reaction may.
resource "aws_sqs_queue" "jobs" {
  name                       = "${var.name}-jobs"
  kms_master_key_id          = aws_kms_key.runhaven.arn
  visibility_timeout_seconds = 720 # longer than the function may take; a job that failed comes again after it
  message_retention_seconds  = 14 * 24 * 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  kms_master_key_id         = aws_kms_key.runhaven.arn
  message_retention_seconds = 14 * 24 * 3600

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    # By name: the queue of jobs needs this one first.
    sourceQueueArns = ["arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-jobs"]
  })
}

# Where in the stream a change lies that was given up, as Lambda tells it: no job, so it cannot be redriven.
resource "aws_sqs_queue" "lost" {
  name                      = "${var.name}-lost"
  kms_master_key_id         = aws_kms_key.runhaven.arn
  message_retention_seconds = 14 * 24 * 3600
}

resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn        = aws_sqs_queue.jobs.arn
  function_name           = aws_lambda_alias.live["jobs"].arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  # No more than may run: a burst waits in the queue. A message that was taken for a function that may not run counts as
  # received, and would end among the dead letters untried. Without a reservation jobs leave the account to the API; the
  # queue takes 2 to 1,000: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
  scaling_config {
    maximum_concurrency = max(2, min(var.concurrency.jobs, 1000))
  }

  depends_on = [aws_iam_role_policy.function, aws_lambda_function_recursion_config.jobs]
}

# A long job is sent to its own queue piece by piece. Lambda takes that for a mistake after about 16 of them, and would
# throw the job to the dead letters: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
# MOST_PIECES in functions/jobs.py ends a job that has lost its way.
resource "aws_lambda_function_recursion_config" "jobs" {
  function_name  = aws_lambda_function.runhaven["jobs"].function_name
  recursive_loop = "Allow"
}
