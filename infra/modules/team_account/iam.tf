resource "aws_iam_role" "vault" {
  name                 = coalesce(var.role, "runhaven-${substr(var.team, 0, 55)}")
  description          = "Runhaven in the vault of team ${var.team}"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary

  assume_role_policy = templatefile("${path.module}/trust.json", {
    control_role = var.control_role
    external_id  = var.external_id
  })
}

resource "aws_iam_role_policy" "vault" {
  name = "vault"
  role = aws_iam_role.vault.name

  policy = templatefile("${path.module}/role.json", {
    partition  = local.partition
    bucket     = aws_s3_bucket.vault.id
    prefix     = var.prefix
    account    = local.account
    region     = local.region
    kms_key    = aws_kms_key.vault.arn
    dns_suffix = data.aws_partition.here.dns_suffix
  })
}

locals {
  objects  = "${aws_s3_bucket.vault.arn}/*"
  lists    = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
  owners   = concat([aws_iam_role.vault.arn], var.break_glass_role_arns)
  managers = length(var.manager_role_arns) > 0 ? var.manager_role_arns : [data.aws_iam_session_context.here.issuer_arn]

  bucket_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "NothingInTheClear"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = [aws_s3_bucket.vault.arn, local.objects]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          Sid       = "NoOlderSignatureThanVersion4"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = local.objects
          Condition = { StringNotEquals = { "s3:signatureversion" = "AWS4-HMAC-SHA256" } }
        },
        {
          Sid       = "NoSignatureOlderThanAQuarterOfAnHour"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = local.objects
          Condition = { NumericGreaterThan = { "s3:signatureAge" = "900000" } }
        },
        {
          Sid       = "ObjectsAreForTheHouse"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource  = local.objects
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat(local.owners, var.reader_role_arns) } }
        },
        {
          # Whoever manages the bucket has to be able to see that it is there (HeadBucket is s3:ListBucket).
          Sid       = "ListsAreForTheHouse"
          Effect    = "Deny"
          Principal = "*"
          Action    = local.lists
          Resource  = aws_s3_bucket.vault.arn
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat(local.owners, var.reader_role_arns, local.managers) } }
        },
      ],
      [for rule in [
        {
          Sid       = "ReadersOnlyRead"
          Effect    = "Deny"
          Principal = { AWS = var.reader_role_arns }
          NotAction = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource  = local.objects
        },
        {
          # Their own policies may allow more: in one account either side's word is enough.
          Sid         = "ReadersReadNothingElse"
          Effect      = "Deny"
          Principal   = { AWS = var.reader_role_arns }
          Action      = "s3:*"
          NotResource = [aws_s3_bucket.vault.arn, "${aws_s3_bucket.vault.arn}/${var.prefix}*"]
        },
        {
          Sid       = "ReadersListNothingElse"
          Effect    = "Deny"
          Principal = { AWS = var.reader_role_arns }
          Action    = local.lists
          Resource  = aws_s3_bucket.vault.arn
          Condition = { StringNotLike = { "s3:prefix" = "${var.prefix}*" } }
        },
        {
          Sid       = "ReadersRead"
          Effect    = "Allow"
          Principal = { AWS = var.reader_role_arns }
          Action    = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource  = "${aws_s3_bucket.vault.arn}/${var.prefix}*"
        },
        {
          Sid       = "ReadersList"
          Effect    = "Allow"
          Principal = { AWS = var.reader_role_arns }
          Action    = "s3:ListBucket"
          Resource  = aws_s3_bucket.vault.arn
          Condition = { StringLike = { "s3:prefix" = "${var.prefix}*" } }
        },
      ] : rule if length(var.reader_role_arns) > 0],
    )
  }

  key_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TheAccountManagesItsKey"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key's policy: this key
      }],
      length(var.reader_role_arns) == 0 ? [] : [{
        Sid       = "ReadersReadThroughS3"
        Effect    = "Allow"
        Principal = { AWS = var.reader_role_arns }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${data.aws_partition.here.dns_suffix}" } }
      }],
      var.trail_bucket == null ? [] : [{
        Sid       = "TheTrailEncrypts"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      }],
    )
  }
}
