locals {
  # A set holds one kind of address.
  networks = {
    IPV4 = [for cidr in var.allowed_cidrs : cidr if !strcontains(cidr, ":")]
    IPV6 = [for cidr in var.allowed_cidrs : cidr if strcontains(cidr, ":")]
  }
}

resource "aws_wafv2_ip_set" "allowed" {
  for_each           = length(var.allowed_cidrs) > 0 ? local.networks : {}
  provider           = aws.us_east_1
  name               = "${var.name}-${lower(each.key)}"
  description        = "From where Runhaven may be used"
  scope              = "CLOUDFRONT"
  ip_address_version = each.key
  addresses          = each.value
}

resource "aws_wafv2_web_acl" "edge" {
  # checkov:skip=CKV2_AWS_31: its metrics and samples show what it blocks; a log of every request would cost more than it does
  provider    = aws.us_east_1
  name        = var.name
  description = "Runhaven's edge"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  dynamic "rule" {
    for_each = length(var.allowed_cidrs) > 0 ? [[for set in aws_wafv2_ip_set.allowed : set.arn]] : []
    content {
      name     = "elsewhere"
      priority = 0

      action {
        block {}
      }

      statement {
        not_statement {
          statement {
            or_statement {
              dynamic "statement" {
                for_each = rule.value
                content {
                  ip_set_reference_statement {
                    arn = statement.value
                  }
                }
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-elsewhere"
        sampled_requests_enabled   = true
      }
    }
  }

  rule {
    name     = "flood"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429

          response_header {
            name  = "Retry-After"
            value = "60"
          }
        }
      }
    }

    statement {
      rate_based_statement {
        limit              = var.requests_per_address
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-flood"
      sampled_requests_enabled   = true
    }
  }

  # Rules about bodies only count: they would refuse what people log, such as text that looks like an attack.
  rule {
    name     = "known-attacks"
    priority = 2

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"

        dynamic "rule_action_override" {
          for_each = ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"]
          content {
            name = rule_action_override.value

            action_to_use {
              count {}
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-known-attacks"
      sampled_requests_enabled   = true
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}
