# Every switch of every module at once, which no example shows.
variable "package" { type = string }

variable "zone" { # of example.org
  type = string
}

variable "trail_bucket" { # in the account of team red
  type = string
}

variable "edge_secret" {
  type      = string
  sensitive = true
}

locals {
  certificate = "1b2c3d4e-0000-4000-8000-000000000000"
  boundary    = "policy/boundary"
  networks    = ["192.0.2.0/24", "2001:db8::/32"]
}

provider "aws" {
  region = "eu-central-1"
  assume_role { role_arn = "arn:aws:iam::111111111111:role/deployer" }
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
  assume_role { role_arn = "arn:aws:iam::111111111111:role/deployer" }
}

provider "aws" {
  alias  = "red"
  region = "eu-central-1"
  assume_role { role_arn = "arn:aws:iam::222222222222:role/deployer" }
}

module "control_plane" {
  source               = "../../modules/control_plane"
  package              = var.package
  name                 = "house"
  team_roles           = ["arn:aws:iam::222222222222:role/runhaven-red"]
  architecture         = "x86_64"
  python               = "3.12"
  snap_start           = true
  memory_mb            = { api = 2048 }
  concurrency          = { api = -1, stream = -1, jobs = -1 }
  table_name           = "house-restored"
  deletion_protection  = false
  domain               = { name = "api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:111111111111:certificate/${local.certificate}", zone_id = var.zone }
  allowed_cidrs        = local.networks
  edge_origins         = [module.edge.url]
  edge_secrets         = [var.edge_secret]
  cors_origins         = ["https://notebooks.example.org"]
  sign_in              = { prefix = "house-of-models", mfa = "OFF" }
  first_admin          = "ann@example.org"
  identity_provider    = { name = "company", oidc_issuer = "https://sso.example.org", oidc_client_id = "runhaven" }
  oidc_client_secret   = "secret"
  alarm_emails         = ["platform@example.org"]
  permissions_boundary = "arn:aws:iam::111111111111:${local.boundary}"
}

module "edge" {
  source        = "../../modules/edge"
  providers     = { aws = aws, aws.us_east_1 = aws.us_east_1 }
  api_host      = module.control_plane.api_host
  secret        = var.edge_secret
  domain        = { name = "house.example.org", certificate_arn = "arn:aws:acm:us-east-1:111111111111:certificate/${local.certificate}", zone_id = var.zone }
  allowed_cidrs = local.networks
  log_bucket    = "logs.s3.amazonaws.com"
}

module "red" {
  source                = "../../modules/team_account"
  providers             = { aws = aws.red }
  team                  = "red"
  control_role          = module.control_plane.control_role
  control_account       = "111111111111"
  external_id           = "runhaven-00000000000000000000000000000000"
  prefix                = "runhaven/red/"
  origins               = module.control_plane.origins
  reader_role_arns      = ["arn:aws:iam::222222222222:role/spark"]
  break_glass_role_arns = ["arn:aws:iam::222222222222:role/emergency"]
  manager_role_arns     = ["arn:aws:iam::222222222222:role/deployer"]
  object_lock           = true
  trail_bucket          = var.trail_bucket
  permissions_boundary  = "arn:aws:iam::222222222222:${local.boundary}"
}

output "url" {
  value = module.control_plane.url
}

output "edge" {
  value = module.edge.url
}

output "place" {
  value = module.red.place
}
