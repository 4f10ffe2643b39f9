resource "aws_s3_bucket" "vault" {
  # checkov:skip=CKV_AWS_18: server access logs are late and incomplete; trail_bucket keeps CloudTrail's data events
  # checkov:skip=CKV_AWS_144: versions guard against loss; another region is the team's choice and cost
  # checkov:skip=CKV2_AWS_62: nothing waits for the bucket's events
  bucket        = local.bucket
  force_destroy = var.force_destroy

  # Without a default retention: such a bucket takes no PUT without Content-MD5 or a checksum, which presigned
  # uploads of MLflow's clients do not send. A role with s3:PutObjectRetention or s3:PutObjectLegalHold locks
  # single versions. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
  object_lock_enabled = var.object_lock
}

resource "aws_s3_bucket_ownership_controls" "vault" {
  bucket = aws_s3_bucket.vault.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "vault" {
  bucket                  = aws_s3_bucket.vault.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "vault" {
  bucket = aws_s3_bucket.vault.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "vault" {
  bucket = aws_s3_bucket.vault.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.vault.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "vault" {
  bucket = aws_s3_bucket.vault.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }
  }

  rule {
    id     = "overwritten-and-deleted"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "seldom-read"
    status = "Enabled"
    filter {}

    transition {
      days          = 0
      storage_class = "INTELLIGENT_TIERING"
    }
  }

  depends_on = [aws_s3_bucket_versioning.vault]
}

resource "aws_s3_bucket_cors_configuration" "vault" {
  count  = length(var.origins) > 0 ? 1 : 0
  bucket = aws_s3_bucket.vault.id

  cors_rule {
    allowed_origins = var.origins
    allowed_methods = ["GET", "HEAD", "PUT"]
    allowed_headers = ["content-type", "if-none-match", "range", "x-amz-checksum-sha256", "x-amz-expected-bucket-owner", "x-amz-sdk-checksum-algorithm"]
    expose_headers  = ["ETag", "Content-Range", "x-amz-checksum-sha256", "x-amz-version-id"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_policy" "vault" {
  bucket = aws_s3_bucket.vault.id
  policy = jsonencode(local.bucket_policy)

  # A bucket that blocks public access later would let a policy pass that it must refuse.
  depends_on = [aws_s3_bucket_public_access_block.vault]

  lifecycle {
    precondition {
      condition     = alltrue([for arn in concat(var.reader_role_arns, var.break_glass_role_arns) : split(":", arn)[4] == local.account])
      error_message = "reader_role_arns and break_glass_role_arns are roles of this account: objects leave it only through the house."
    }
  }
}

resource "aws_kms_key" "vault" {
  description             = "Runhaven's vault of team ${var.team}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = jsonencode(local.key_policy)
}

resource "aws_kms_alias" "vault" {
  name          = "alias/${local.bucket}"
  target_key_id = aws_kms_key.vault.key_id
}

resource "aws_cloudtrail" "objects" {
  # checkov:skip=CKV_AWS_67: it records the objects of one bucket, which lies in one region
  # checkov:skip=CKV_AWS_252: nothing waits for its files
  # checkov:skip=CKV2_AWS_10: its files lie in the bucket that the team chose; CloudWatch would cost twenty times as much
  count                         = var.trail_bucket == null ? 0 : 1
  name                          = local.bucket
  s3_bucket_name                = var.trail_bucket
  enable_log_file_validation    = true
  include_global_service_events = false
  kms_key_id                    = aws_kms_key.vault.arn

  advanced_event_selector {
    name = "Objects of the vault"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = ["${aws_s3_bucket.vault.arn}/"]
    }
  }
}
