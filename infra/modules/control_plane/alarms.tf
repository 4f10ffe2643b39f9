locals {
  function_names = { for name, made in aws_lambda_function.runhaven : name => made.function_name }

  # Each: what it is called, the metric, its dimensions, and from which value on it is alarming, for how many
  # periods of so many seconds.
  alarms = merge(
    {
      faults = {
        says = "The API answered 5xx", namespace = "AWS/ApiGateway", metric = "5xx", statistic = "Sum"
        of   = { ApiId = aws_apigatewayv2_api.runhaven.id }, from = 5, seconds = 300, periods = 1
      }
      slow = {
        says = "One answer in a hundred took 5 s", namespace = "AWS/Lambda", metric = "Duration", statistic = "p99"
        of   = { FunctionName = local.function_names.api }, from = 5000, seconds = 300, periods = 3
      }
      behind = {
        says = "The stream's reactions are 5 minutes behind", namespace = "AWS/Lambda", metric = "IteratorAge", statistic = "Maximum"
        of   = { FunctionName = local.function_names.stream }, from = 300000, seconds = 300, periods = 2
      }
      # A job that fails is taken every 12 minutes, and leaves the queue after five: this one waits for its turn.
      waiting = {
        says = "A job has waited for an hour", namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
        of   = { QueueName = aws_sqs_queue.jobs.name }, from = 3600, seconds = 300, periods = 1
      }
      dead = {
        says = "A job was given up; it lies in the queue of dead letters", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        of   = { QueueName = aws_sqs_queue.dead.name }, from = 1, seconds = 300, periods = 1
      }
      lost = {
        says = "A change was given up by the stream's function; what is told of it lies in the queue of lost changes", namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        of   = { QueueName = aws_sqs_queue.lost.name }, from = 1, seconds = 300, periods = 1
      }
    },
    {
      for name in ["Read", "Write"] : "table-${lower(name)}" => {
        says = "The table refused to ${lower(name)} above its fuse (most_units)", namespace = "AWS/DynamoDB", metric = "${name}ThrottleEvents", statistic = "Sum"
        of   = { TableName = aws_dynamodb_table.runhaven.name }, from = 50, seconds = 300, periods = 1
      }
    },
    {
      for name, function in local.function_names : "${name}-throttled" => {
        says = "${function} was refused for want of concurrency", namespace = "AWS/Lambda", metric = "Throttles", statistic = "Sum"
        of   = { FunctionName = function }, from = 5, seconds = 300, periods = 1
      }
    },
    {
      for name, function in local.function_names : "${name}-failed" => {
        says = "${function} failed", namespace = "AWS/Lambda", metric = "Errors", statistic = "Sum"
        of   = { FunctionName = function }, from = 5, seconds = 300, periods = 1
      }
    },
    {
      for name, function in local.function_names : "${name}-crowded" => {
        says = "${function} uses four fifths of its concurrency", namespace = "AWS/Lambda", metric = "ConcurrentExecutions", statistic = "Maximum"
        of   = { FunctionName = function }, from = 0.8 * local.functions[name].most, seconds = 300, periods = 2
      } if local.functions[name].most > 0
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "house" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.of
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.from
  period              = each.value.seconds
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.runhaven.arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudgetOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each  = toset(var.alarm_emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_budgets_budget" "month" {
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
    }
  }

  depends_on = [aws_sns_topic_policy.alarms]
}

resource "aws_cloudwatch_dashboard" "house" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for at, chart in [
        { title = "Requests and refusals", metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", aws_apigatewayv2_api.runhaven.id, { stat = "Sum" }]] },
        { title = "Answers, ms", metrics = [for stat in ["p50", "p99"] : ["AWS/ApiGateway", "Latency", "ApiId", aws_apigatewayv2_api.runhaven.id, { stat = stat }]] },
        { title = "Functions at once", metrics = [for function in values(local.function_names) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", function, { stat = "Maximum" }]] },
        { title = "Failures and throttles of functions", metrics = [for pair in setproduct(values(local.function_names), ["Errors", "Throttles"]) : ["AWS/Lambda", pair[1], "FunctionName", pair[0], { stat = "Sum" }]] },
        { title = "Units of the table", metrics = [for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] : ["AWS/DynamoDB", metric, "TableName", aws_dynamodb_table.runhaven.name, { stat = "Sum" }]] },
        { title = "Jobs waiting and given up, changes lost", metrics = [for queue in [aws_sqs_queue.jobs.name, aws_sqs_queue.dead.name, aws_sqs_queue.lost.name] : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, { stat = "Maximum" }]] },
      ] :
      {
        type       = "metric"
        x          = 8 * (at % 3)
        y          = 6 * floor(at / 3)
        width      = 8
        height     = 6
        properties = { title = chart.title, metrics = chart.metrics, region = local.region, view = "timeSeries", period = 300 }
      }
    ]
  })
}
