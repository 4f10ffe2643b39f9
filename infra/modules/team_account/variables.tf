variable "team" {
  description = "The team, as `POST /v1/vault/new` says it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.team))
    error_message = "team has 1 to 63 lower-case letters, digits and inner hyphens."
  }
}

variable "control_role" {
  description = "ARN of the only role that may enter the vault, as `POST /v1/vault/new` says it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", var.control_role))
    error_message = "control_role is the whole ARN of a role, without wildcards."
  }
}

variable "control_account" {
  description = "AWS account of that role, as `POST /v1/vault/new` says it."
  type        = string
  nullable    = false

  validation {
    condition     = strcontains(var.control_role, ":iam::${var.control_account}:role/") && length(var.control_account) == 12
    error_message = "control_account is the account of control_role: they come from the same answer."
  }
}

variable "external_id" {
  description = "What that role has to show, as `POST /v1/vault/new` says it: made for this team, never chosen."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^runhaven-[0-9a-f]{32}$", var.external_id))
    error_message = "external_id is the one of POST /v1/vault/new: runhaven- and 32 hexadecimal digits."
  }
}

variable "prefix" {
  description = "What every key in the bucket begins with, as `POST /v1/vault/new` says it; ends with a slash."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/$", var.prefix))
    error_message = "prefix is the one of POST /v1/vault/new, such as runhaven/red/."
  }
}

variable "bucket" {
  description = "Name of the bucket, which nobody else in the world may have; null takes `runhaven-<team>-<account>`."
  type        = string
  default     = null

  validation {
    condition     = var.bucket == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket has 3 to 63 lower-case letters, digits and inner hyphens; one with dots has no certificate."
  }
}

variable "role" {
  description = "Name of the role that the house assumes; null takes `runhaven-<team>`. Its ARN belongs into control_plane's team_roles."
  type        = string
  default     = null

  validation {
    condition     = var.role == null || can(regex("^[\\w+=,.@-]{1,64}$", var.role))
    error_message = "role has 1 to 64 letters, digits and _+=,.@-."
  }
}

variable "origins" {
  description = "Origins of the page, which then reads and writes objects by presigned URLs: control_plane's output `origins`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "origins holds whole origins without a path or wildcard: https://runhaven.example.org."
  }
}

variable "reader_role_arns" {
  description = "Roles of this account that may read models directly, such as those of Spark or SageMaker jobs."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.reader_role_arns : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "reader_role_arns holds whole ARNs of roles, without wildcards."
  }
}

variable "break_glass_role_arns" {
  description = "Roles of this account that may do with the objects what their own policies allow, for an emergency."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.break_glass_role_arns : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "break_glass_role_arns holds whole ARNs of roles, without wildcards."
  }
}

variable "manager_role_arns" {
  description = "Roles that manage the bucket with OpenTofu: they may see that it is there, but no object. Empty: whoever applies this."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.manager_role_arns : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\\w+=,.@/-]+$", arn))])
    error_message = "manager_role_arns holds whole ARNs of roles or users, without wildcards."
  }
}

variable "noncurrent_days" {
  description = "Days for which an earlier version of an object stays. What the house itself deletes goes at once, with all versions."
  type        = number
  default     = 36
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days is a whole number from 1."
  }
}

variable "object_lock" {
  description = "Whether versions of objects can be locked, one by one, by a role that may. It cannot be taken back."
  type        = bool
  default     = false
  nullable    = false
}

variable "trail_bucket" {
  description = "Name of a bucket of this region for CloudTrail, which takes a record of every read and write of an object. Null: no such record."
  type        = string
  default     = null

  validation {
    condition     = var.trail_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.trail_bucket))
    error_message = "trail_bucket is the name of a bucket."
  }
}

variable "force_destroy" {
  description = "Let `tofu destroy` remove the bucket with all that lies in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds the role, where the account demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "permissions_boundary is the ARN of a policy."
  }
}
