# What each switch makes. Nothing is applied, and no account is needed.
mock_provider "aws" {
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111111111111:key/1" }
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
  mock_data "aws_iam_session_context" {
    defaults = { issuer_arn = "arn:aws:iam::111111111111:role/deployer" }
  }
}

variables {
  team            = "red"
  control_role    = "arn:aws:iam::111111111111:role/runhaven-vaults"
  control_account = "111111111111"
  external_id     = "runhaven-0123456789abcdef0123456789abcdef"
  prefix          = "runhaven/red/"
}

run "plain" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.vault) == 0 && length(aws_cloudtrail.objects) == 0
    error_message = "what was not asked for is not there"
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.vault.rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "overwritten-and-deleted"] == [36]
    error_message = "what was deleted outlives the table's own 35 days"
  }

  assert {
    condition     = !aws_s3_bucket.vault.object_lock_enabled && !aws_s3_bucket.vault.force_destroy
    error_message = "nothing is locked, and nothing is destroyed with what lies in it"
  }

  assert {
    condition     = aws_s3_bucket.vault.bucket == "runhaven-red-111111111111" && aws_iam_role.vault.name == "runhaven-red"
    error_message = "bucket and role are named after the team"
  }

  assert {
    condition     = jsondecode(aws_iam_role.vault.assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == var.external_id
    error_message = "the trust demands the ExternalId"
  }

  assert {
    condition     = length(jsondecode(aws_iam_role.vault.assume_role_policy).Statement) == 1
    error_message = "nobody else is trusted"
  }
}

run "page" {
  command = plan

  variables {
    origins = ["https://runhaven.example.org"]
  }

  assert {
    condition     = [for rule in aws_s3_bucket_cors_configuration.vault[0].cors_rule : [rule.allowed_origins, rule.allowed_methods]] == [[toset(["https://runhaven.example.org"]), toset(["GET", "HEAD", "PUT"])]]
    error_message = "the page, and no other, may read and write by presigned URLs"
  }
}

run "trail" {
  command = plan

  variables {
    trail_bucket = "trail"
  }

  assert {
    condition     = aws_cloudtrail.objects[0].s3_bucket_name == "trail" && contains([for rule in local.key_policy.Statement : rule.Sid], "TheTrailEncrypts")
    error_message = "reads and writes are recorded, under the vault's key"
  }
}

run "lock" {
  command = plan

  variables {
    object_lock = true
  }

  assert {
    condition     = aws_s3_bucket.vault.object_lock_enabled
    error_message = "versions can be locked"
  }
}

run "others" {
  command = plan

  variables {
    bucket               = "models-of-red"
    role                 = "house"
    permissions_boundary = "arn:aws:iam::111111111111:policy/bound"
    force_destroy        = true
    manager_role_arns    = ["arn:aws:iam::111111111111:role/deployer"]
    noncurrent_days      = 90
  }

  assert {
    condition     = aws_s3_bucket.vault.bucket == "models-of-red" && aws_s3_bucket.vault.force_destroy && aws_iam_role.vault.name == "house" && aws_iam_role.vault.permissions_boundary == var.permissions_boundary
    error_message = "names, boundary and the leave to destroy are the team's"
  }

  assert {
    condition     = tolist(local.managers) == tolist(var.manager_role_arns)
    error_message = "who manages the bucket is who was named"
  }
}
