# The accounts of the platform and of team red, in each of which a role `deployer` may be assumed.
variable "package" { type = string } # what scripts/build made
variable "platform" { type = string }
variable "red" { type = string }
variable "first_admin" { default = "" }
variable "alarm_emails" { default = [] }
variable "vault" { default = null } # the answer of `POST /v1/vault/new`; null until it was asked for

provider "aws" { # the platform's account
  region = "eu-central-1"
  assume_role { role_arn = "arn:aws:iam::${var.platform}:role/deployer" }
}
provider "aws" { # the account of team red
  alias  = "red"
  region = "eu-central-1"
  assume_role { role_arn = "arn:aws:iam::${var.red}:role/deployer" }
}

module "control_plane" {
  source       = "../../modules/control_plane" # in a copy that does not lie beside this: infra/modules from there
  package      = var.package
  first_admin  = var.first_admin
  alarm_emails = var.alarm_emails
  team_roles   = ["arn:aws:iam::${var.red}:role/runhaven-red"]
}

module "red" {
  count           = var.vault == null ? 0 : 1
  source          = "../../modules/team_account"
  providers       = { aws = aws.red }
  team            = var.vault.team
  control_role    = var.vault.control_role
  control_account = var.vault.control_account
  external_id     = var.vault.external_id
  prefix          = var.vault.prefix
  origins         = module.control_plane.origins
}

output "url" { value = module.control_plane.url }
output "place" { value = one(module.red[*].place) }
