# What each switch makes. Nothing is applied, and no account is needed.
mock_provider "aws" {
  mock_resource "aws_cloudfront_function" {
    defaults = { arn = "arn:aws:cloudfront::111111111111:function/runhaven" }
  }
}

mock_provider "aws" {
  alias = "us_east_1"

  mock_resource "aws_wafv2_ip_set" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/ipset/a/1" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:111111111111:global/webacl/a/1" }
  }
}

variables {
  api_host = "a1b2c3.execute-api.eu-central-1.amazonaws.com"
  secret   = "0123456789abcdef0123456789abcdef"
}

run "plain" {
  command = plan

  assert {
    condition     = length(aws_wafv2_ip_set.allowed) == 0 && length(aws_wafv2_web_acl.edge.rule) == 2
    error_message = "everybody may come"
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.edge.rule : alltrue([for each in rule.statement[0].managed_rule_group_statement[0].rule_action_override : endswith(each.name, "_BODY") && length(each.action_to_use[0].count) == 1]) if rule.name == "known-attacks"])
    error_message = "what is in bodies is counted, not refused"
  }

  assert {
    condition     = toset([for each in aws_cloudfront_distribution.edge.custom_error_response : each.error_caching_min_ttl]) == toset([0]) && length(setsubtract([400, 403, 404, 500, 502, 503, 504], [for each in aws_cloudfront_distribution.edge.custom_error_response : each.error_code])) == 0
    error_message = "nobody gets an error that was another's"
  }

  assert {
    condition     = length(aws_cloudfront_distribution.edge.aliases) == 0 && length(aws_cloudfront_distribution.edge.logging_config) == 0
    error_message = "it has CloudFront's name, and no log of its own"
  }

  assert {
    condition     = [for each in aws_cloudfront_distribution.edge.default_cache_behavior[0].function_association : [each.event_type, each.function_arn]] == [["viewer-request", aws_cloudfront_function.viewer.arn]]
    error_message = "each request passes the function that says who sent it"
  }
}

run "networks" {
  command = plan

  variables {
    allowed_cidrs = ["192.0.2.0/24", "2001:db8::/32"]
  }

  assert {
    condition     = { for kind, set in aws_wafv2_ip_set.allowed : kind => set.addresses } == { IPV4 = toset(["192.0.2.0/24"]), IPV6 = toset(["2001:db8::/32"]) }
    error_message = "each kind of address has its set"
  }

  assert {
    condition     = [for rule in aws_wafv2_web_acl.edge.rule : [rule.priority, length(rule.action[0].block), length(rule.action[0].allow)] if rule.name == "elsewhere"] == [[0, 1, 0]]
    error_message = "before all else the firewall blocks"
  }

  assert {
    condition     = [for rule in aws_wafv2_web_acl.edge.rule : [for each in rule.statement[0].not_statement[0].statement[0].or_statement[0].statement : each.ip_set_reference_statement[0].arn] if rule.name == "elsewhere"] == [[for set in aws_wafv2_ip_set.allowed : set.arn]]
    error_message = "who is in neither of the sets"
  }
}

run "domain" {
  command = plan

  variables {
    domain = { name = "runhaven.example.org", certificate_arn = "arn:aws:acm:us-east-1:111111111111:certificate/1", zone_id = "Z1" }
  }

  assert {
    condition     = contains(aws_cloudfront_distribution.edge.aliases, "runhaven.example.org") && length(aws_route53_record.edge) == 2
    error_message = "the domain leads to the edge"
  }
}

run "domain_of_another_zone" {
  command = plan

  variables {
    domain = { name = "runhaven.example.org", certificate_arn = "arn:aws:acm:us-east-1:111111111111:certificate/1" }
  }

  assert {
    condition     = contains(aws_cloudfront_distribution.edge.aliases, "runhaven.example.org") && length(aws_route53_record.edge) == 0
    error_message = "whoever keeps the zone writes the domain there"
  }
}

run "logs" {
  command = plan

  variables {
    log_bucket = "logs.s3.amazonaws.com"
  }

  assert {
    condition     = [for each in aws_cloudfront_distribution.edge.logging_config : [each.bucket, each.prefix]] == [["logs.s3.amazonaws.com", "runhaven/"]]
    error_message = "CloudFront writes its own log"
  }
}
