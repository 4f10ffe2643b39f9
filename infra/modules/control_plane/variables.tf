variable "package" {
  description = "Path of the zip that scripts/build made for `architecture` and `python`."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.package, ".zip")
    error_message = "package is the path of a zip: run scripts/build, which prints it."
  }
}

variable "name" {
  description = "What the names of all resources begin with; another name is another deployment in the same account."
  type        = string
  default     = "runhaven"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name has 3 to 24 lower-case letters, digits and inner hyphens, and begins with a letter."
  }
}

variable "team_roles" {
  description = "ARNs of the roles that team_account makes, `arn:aws:iam::<account>:role/runhaven-<team>` unless named otherwise. No other role of a team can be assumed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.team_roles : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "team_roles holds whole ARNs of roles, without wildcards: arn:aws:iam::222222222222:role/runhaven-red."
  }

  # A role's own policies have 10,240 characters at the most.
  validation {
    condition     = length(jsonencode(var.team_roles)) <= 9000
    error_message = "team_roles has at most 9,000 characters, about 180 roles: more do not fit into one role's policy."
  }
}

variable "architecture" {
  description = "Processor of the functions: arm64, which costs a fifth less, or x86_64."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "python" {
  description = "Python of the functions, 3.11 to 3.14, as the package was built for."
  type        = string
  default     = "3.13"
  nullable    = false

  validation {
    condition     = contains(["3.11", "3.12", "3.13", "3.14"], var.python)
    error_message = "python is 3.11, 3.12, 3.13 or 3.14."
  }
}

variable "snap_start" {
  description = "Start the API from a snapshot: about 0.5 s instead of a cold start, for about 4 USD a month and published version of 1 GB."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.snap_start || var.python != "3.11"
    error_message = "snap_start needs python 3.12 or newer."
  }
}

variable "memory_mb" {
  description = "Memory of each function in MB; a function gets processor time in proportion, a whole one at 1,769."
  type = object({
    api    = optional(number, 1024)
    stream = optional(number, 512)
    jobs   = optional(number, 1024)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for mb in values(var.memory_mb) : mb >= 256 && mb <= 10240 && floor(mb) == mb])
    error_message = "memory_mb takes whole numbers from 256 to 10240."
  }
}

variable "concurrency" {
  description = "How many of each function run at the most: a fuse for cost, taken from the account's quota, which keeps 100 for all others. -1 reserves nothing, for accounts whose quota is still small; two jobs run at once then."
  type = object({
    api    = optional(number, 100)
    stream = optional(number, 20)
    jobs   = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for most in values(var.concurrency) : (most == -1 || most >= 2) && floor(most) == most])
    error_message = "concurrency takes whole numbers from 2, or -1 for no reservation."
  }
}

variable "throttle" {
  description = "Requests that the gateway lets through, per second and at once: what strangers can cost at the most."
  type = object({
    rate  = optional(number, 200)
    burst = optional(number, 400)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttle.rate >= 1 && var.throttle.rate <= 10000 && var.throttle.burst >= 1 && var.throttle.burst <= 5000
    error_message = "throttle.rate is 1 to 10000 requests per second, throttle.burst 1 to 5000."
  }
}

variable "most_units" {
  description = "Read and write units that the table serves per second at the most: the fuse for its cost. Whoever exceeds them is asked to come again."
  type = object({
    read  = optional(number, 12000)
    write = optional(number, 4000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for most in values(var.most_units) : most >= 10 && most <= 40000])
    error_message = "most_units.read and most_units.write are 10 to 40000."
  }
}

variable "table_name" {
  description = "Name of the table; null takes `name`. Another one after a restore, whose table has to be imported first."
  type        = string
  default     = null

  validation {
    condition     = var.table_name == null || can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name has 3 to 255 letters, digits, dots, hyphens and underscores."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the table and the user pool. Switch it off, apply, and only then destroy."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain" {
  description = "Host name under which the API is served, its certificate in this region, and the Route 53 zone to write it into (null: elsewhere). The gateway's own address is switched off then."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain.name is a host name in lower case, such as api.example.org."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:aws(-[a-z]+)*:acm:[a-z0-9-]+:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain.certificate_arn is the ARN of a certificate in ACM."
  }
}

variable "allowed_cidrs" {
  description = "Networks from which the API and presigned URLs may be used; empty means from everywhere. Behind the edge give it the same list: its firewall checks it there. S3 sees no public address of who comes through a VPC's gateway endpoint, and refuses him; presigned URLs lead to S3 over IPv4, so IPv6 networks alone shut it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.allowed_cidrs) <= 20 && alltrue([for cidr in var.allowed_cidrs : try(cidrsubnet(cidr, 0, 0) == cidr, false)])
    error_message = "allowed_cidrs holds at most 20 networks such as 192.0.2.0/24 or 2001:db8::/32, each by its first address."
  }
}

variable "edge_origins" {
  description = "Addresses of edge, where it stands in front, as browsers see them: https://runhaven.example.org."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.edge_origins : can(regex("^https://[a-z0-9.-]+$", origin))])
    error_message = "edge_origins holds addresses such as https://runhaven.example.org, without a path."
  }
}

variable "edge_secrets" {
  description = "What edge shows with each request, made by `openssl rand -hex 32`: the API then answers to nobody else. Two while one is replaced by another. Empty: no edge."
  type        = list(string)
  default     = []
  nullable    = false
  sensitive   = true

  validation {
    condition     = length(var.edge_secrets) <= 2 && alltrue([for secret in var.edge_secrets : can(regex("^[A-Za-z0-9_-]{32,128}$", secret))])
    error_message = "edge_secrets holds at most two secrets of 32 to 128 letters, digits, hyphens and underscores."
  }

  validation {
    condition     = (length(var.edge_secrets) == 0) == (length(var.edge_origins) == 0)
    error_message = "edge_secrets and edge_origins come together."
  }
}

variable "cors_origins" {
  description = "Origins of pages elsewhere that may call the API; the house's own page needs none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "cors_origins holds whole origins without a path or wildcard: https://notebooks.example.org."
  }
}

variable "sign_in" {
  description = "How people sign in: the prefix of the sign-in page's address (null: `name` and the account's number), second factor ON, OFF or OPTIONAL (for which nobody is enrolled: the sign-in page offers none), hours until they sign in again, and ports on loopback to which a command line may be sent back."
  type = object({
    prefix    = optional(string)
    mfa       = optional(string, "ON")
    hours     = optional(number, 12)
    cli_ports = optional(list(number), [8976, 8977, 8978])
  })
  default  = {}
  nullable = false

  # https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
  validation {
    condition     = !can(regex("aws|amazon|cognito", coalesce(var.sign_in.prefix, var.name)))
    error_message = "sign_in.prefix, by default the name, is part of an address in which Cognito takes neither aws nor amazon nor cognito."
  }

  validation {
    condition     = contains(["OFF", "OPTIONAL", "ON"], var.sign_in.mfa)
    error_message = "sign_in.mfa is ON, OPTIONAL or OFF."
  }

  validation {
    condition     = var.sign_in.hours >= 1 && var.sign_in.hours <= 24 * 30
    error_message = "sign_in.hours is 1 to 720."
  }

  validation {
    condition     = alltrue([for port in var.sign_in.cli_ports : port >= 1024 && port <= 65535])
    error_message = "sign_in.cli_ports are 1024 to 65535."
  }
}

variable "first_admin" {
  description = "E-mail address whose verified account may become the deployment's admin while there is none. Empty: nobody."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^@\\s]+@[^@\\s]+)?$", var.first_admin))
    error_message = "first_admin is an e-mail address."
  }
}

variable "identity_provider" {
  description = "The company's own sign-in: SAML by its metadata's address, or OpenID Connect by issuer and client. Null: accounts of the user pool."
  type = object({
    name              = string
    saml_metadata_url = optional(string)
    oidc_issuer       = optional(string)
    oidc_client_id    = optional(string)
  })
  default = null

  validation {
    condition     = var.identity_provider == null || try((var.identity_provider.saml_metadata_url == null) != (var.identity_provider.oidc_issuer == null), false)
    error_message = "identity_provider takes either saml_metadata_url or oidc_issuer."
  }

  validation {
    condition     = try((var.identity_provider.oidc_issuer == null) == (var.identity_provider.oidc_client_id == null), true)
    error_message = "identity_provider.oidc_issuer and oidc_client_id come together."
  }
}

variable "oidc_client_secret" {
  description = "The secret of identity_provider.oidc_client_id."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = (var.oidc_client_secret != null) == (try(var.identity_provider.oidc_issuer, null) != null)
    error_message = "oidc_client_secret comes with identity_provider.oidc_issuer, and only with it."
  }
}

variable "alarm_emails" {
  description = "Who hears of alarms and of the budget; each address has to confirm once."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alarm_emails holds e-mail addresses."
  }
}

variable "monthly_budget_usd" {
  description = "What a month may cost in this account before there is an alarm, at 80 % and when it is foreseen to be exceeded."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd is at least 1."
  }
}

variable "log_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days is one of CloudWatch's own steps: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096 ..."
  }
}

variable "log_level" {
  description = "Least severe level that is logged."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARNING or ERROR."
  }
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds every role made here, where the account demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "permissions_boundary is the ARN of a policy."
  }
}
