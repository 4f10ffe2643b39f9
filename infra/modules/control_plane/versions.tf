terraform {
  # Validations that look at other variables came with 1.9, in OpenTofu and in Terraform.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
    }
  }
}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_region" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  # Provider 6 calls it `region`, and warns of `name`, which 5 has alone.
  region = data.aws_region.here.name
}
