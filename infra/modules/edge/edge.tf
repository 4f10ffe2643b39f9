locals {
  host = var.domain == null ? aws_cloudfront_distribution.edge.domain_name : var.domain.name

  # AWS's own policies have the same ids in every account:
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
  caching_disabled       = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  all_viewer_except_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
  security_headers       = "67f7725c-6f97-4210-82d7-5512b31e9d03"
}

# The API has to know from where a request came. CloudFront adds its own header for that only where it passes the
# viewer's Host on as well, which the API would not know.
resource "aws_cloudfront_function" "viewer" {
  name    = "${var.name}-viewer"
  comment = "Says from where a request came, whatever it says itself"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = <<-JS
    function handler(event) {
      event.request.headers["x-runhaven-viewer"] = { value: event.viewer.ip };
      return event.request;
    }
  JS
}

resource "aws_cloudfront_distribution" "edge" {
  # checkov:skip=CKV_AWS_86: the gateway logs every request; log_bucket adds CloudFront's own
  # checkov:skip=CKV_AWS_174: without a domain of one's own CloudFront's certificate takes older TLS; with one it is 1.2
  # checkov:skip=CKV_AWS_305: the API answers at the root itself
  # checkov:skip=CKV_AWS_310: there is one API; a second one elsewhere would have another table
  # checkov:skip=CKV_AWS_374: from where the house is used is a matter of allowed_cidrs, not of countries
  # checkov:skip=CKV2_AWS_32: AWS's own policy of security headers is attached, by an id that checkov does not follow
  # checkov:skip=CKV2_AWS_42: a domain of one's own is the deployment's choice (domain)
  # checkov:skip=CKV2_AWS_47: the rules for Log4j are in the firewall's known-attacks
  comment         = "Runhaven ${var.name}"
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_All"
  aliases         = var.domain == null ? [] : [var.domain.name]
  web_acl_id      = aws_wafv2_web_acl.edge.arn

  origin {
    origin_id   = "api"
    domain_name = var.api_host

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      origin_read_timeout    = 30
    }

    custom_header {
      name  = "X-Runhaven-Edge"
      value = var.secret
    }
  }

  default_cache_behavior {
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    cache_policy_id            = local.caching_disabled
    origin_request_policy_id   = local.all_viewer_except_host
    response_headers_policy_id = local.security_headers

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.viewer.arn
    }
  }

  # Whatever the API says of an error, CloudFront would keep it for ten seconds, and give it to everybody who asks for the
  # same path: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
  dynamic "custom_error_response" {
    for_each = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = try(var.domain.certificate_arn, null)
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
    ssl_support_method             = var.domain == null ? null : "sni-only"
  }

  dynamic "logging_config" {
    for_each = var.log_bucket == null ? [] : [var.log_bucket]
    content {
      bucket = logging_config.value
      prefix = "${var.name}/"
    }
  }
}

resource "aws_route53_record" "edge" {
  for_each = toset(try(var.domain.zone_id, null) == null ? [] : ["A", "AAAA"])
  zone_id  = var.domain.zone_id
  name     = var.domain.name
  type     = each.key

  alias {
    name                   = aws_cloudfront_distribution.edge.domain_name
    zone_id                = aws_cloudfront_distribution.edge.hosted_zone_id
    evaluate_target_health = false
  }
}
