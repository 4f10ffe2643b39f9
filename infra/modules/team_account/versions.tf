terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
    }
  }
}

data "aws_caller_identity" "here" {}

# Whoever applies this, as a role: a session's own ARN is another one tomorrow.
data "aws_iam_session_context" "here" {
  arn = data.aws_caller_identity.here.arn
}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  region    = data.aws_region.here.name
  bucket    = coalesce(var.bucket, "runhaven-${substr(var.team, 0, 40)}-${local.account}")
}
