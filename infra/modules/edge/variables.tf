variable "api_host" {
  description = "Host name of the API: control_plane's output `api_host`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9.-]+\\.[a-z]{2,}$", var.api_host))
    error_message = "api_host is a host name, without https:// and path."
  }
}

variable "secret" {
  description = "What the edge shows to the API with each request: one of control_plane's `edge_secrets`."
  type        = string
  nullable    = false
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{32,128}$", var.secret))
    error_message = "secret has 32 to 128 letters, digits, hyphens and underscores: openssl rand -hex 32."
  }
}

variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "runhaven"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "name has 2 to 24 lower-case letters, digits and inner hyphens, and begins with a letter."
  }
}

variable "domain" {
  description = "Host name under which people reach the house, its certificate in us-east-1, and the Route 53 zone to write it into (null: elsewhere). Null: a name of CloudFront's."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain.name is a host name in lower case, such as runhaven.example.org."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:aws(-[a-z]+)*:acm:us-east-1:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain.certificate_arn is the ARN of a certificate in us-east-1."
  }
}

variable "allowed_cidrs" {
  description = "Networks from which the house may be used, as control_plane's `allowed_cidrs`; empty means from everywhere. S3 sees no public address of who comes through a VPC's gateway endpoint, and refuses him; presigned URLs lead to S3 over IPv4, so IPv6 networks alone shut it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : try(cidrsubnet(cidr, 0, 0) == cidr && !endswith(cidr, "/0"), false)])
    error_message = "allowed_cidrs holds networks such as 192.0.2.0/24 or 2001:db8::/32, each by its first address; the firewall takes no /0."
  }
}

variable "requests_per_address" {
  description = "Requests that one address may send in five minutes. A whole office or cluster may share one."
  type        = number
  default     = 20000
  nullable    = false

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address is at least 10."
  }
}

variable "log_bucket" {
  description = "Host name of a bucket for CloudFront's logs, such as logs.s3.amazonaws.com; they hold what follows a `?`, which the gateway's leave out. Null: the gateway's access log alone."
  type        = string
  default     = null

  validation {
    condition     = var.log_bucket == null || can(regex("\\.s3[a-z0-9.-]*\\.amazonaws\\.com$", var.log_bucket))
    error_message = "log_bucket is a bucket's host name, such as logs.s3.amazonaws.com."
  }
}
