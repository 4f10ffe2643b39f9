terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
      # CloudFront's certificates and firewalls live in us-east-1, wherever the house is.
      configuration_aliases = [aws.us_east_1]
    }
  }
}
