locals {
  # The one description of the table, which the laptop's house reads too.
  table = jsondecode(file("${path.module}/table.json"))
  keys  = { for key in local.table.KeySchema : key.KeyType => key.AttributeName }
}

resource "aws_dynamodb_table" "runhaven" {
  name                        = coalesce(var.table_name, var.name)
  billing_mode                = local.table.BillingMode
  hash_key                    = local.keys.HASH
  range_key                   = local.keys.RANGE
  stream_enabled              = local.table.StreamSpecification.StreamEnabled
  stream_view_type            = local.table.StreamSpecification.StreamViewType
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = local.table.AttributeDefinitions
    content {
      name = attribute.value.AttributeName
      type = attribute.value.AttributeType
    }
  }

  ttl {
    enabled        = local.table.TimeToLiveSpecification.Enabled
    attribute_name = local.table.TimeToLiveSpecification.AttributeName
  }

  on_demand_throughput {
    max_read_request_units  = var.most_units.read
    max_write_request_units = var.most_units.write
  }

  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = 35
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.runhaven.arn
  }
}

# One key for what the control plane stores: table, queues, logs and alarms. Artifacts lie under the teams' own keys.
resource "aws_kms_key" "runhaven" {
  description             = "Runhaven's control plane ${var.name}: table, queues, logs, alarms"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.key_policy)
}

resource "aws_kms_alias" "runhaven" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.runhaven.key_id
}
