# The control plane and one team's vault in the same account. Apply once, ask the house for the vault's
# variables (infra/modules/team_account/README.md), and apply again.
variable "package" { type = string } # what scripts/build made

variable "first_admin" {
  type    = string
  default = ""
}

variable "alarm_emails" {
  type    = list(string)
  default = []
}

variable "vault" { # the answer of `POST /v1/vault/new`; null until it was asked for
  type    = map(string)
  default = null
}

module "control_plane" {
  source       = "../../modules/control_plane" # in a copy that does not lie beside this: infra/modules from there
  package      = var.package
  first_admin  = var.first_admin
  alarm_emails = var.alarm_emails
  team_roles   = module.red[*].role_arn
}

module "red" {
  count           = var.vault == null ? 0 : 1
  source          = "../../modules/team_account"
  team            = var.vault.team
  control_role    = var.vault.control_role
  control_account = var.vault.control_account
  external_id     = var.vault.external_id
  prefix          = var.vault.prefix
  origins         = module.control_plane.origins
}

output "url" { value = module.control_plane.url }
output "place" { value = one(module.red[*].place) }
