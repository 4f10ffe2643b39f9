locals {
  callbacks = {
    web = ["${local.origin}/", [for origin in var.edge_origins : "${origin}/"]]
    cli = [for port in var.sign_in.cli_ports : "http://localhost:${port}/"]
  }
}

# People are invited: nobody signs up, and nobody has a password that somebody else chose.
resource "aws_cognito_user_pool" "people" {
  name                     = var.name
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  mfa_configuration        = var.sign_in.mfa

  username_configuration {
    case_sensitive = false
  }

  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  password_policy {
    minimum_length                   = 14
    require_lowercase                = false
    require_numbers                  = false
    require_symbols                  = false
    require_uppercase                = false
    temporary_password_validity_days = 3
  }

  dynamic "software_token_mfa_configuration" {
    for_each = var.sign_in.mfa == "OFF" ? [] : [true]
    content {
      enabled = software_token_mfa_configuration.value
    }
  }
}

resource "aws_cognito_user_pool_domain" "people" {
  domain       = coalesce(var.sign_in.prefix, "${var.name}-${local.account}")
  user_pool_id = aws_cognito_user_pool.people.id
}

# Public clients: no secret that a page or a laptop would have to keep, the code is bound by PKCE.
resource "aws_cognito_user_pool_client" "public" {
  for_each                             = local.callbacks
  name                                 = "${var.name}-${each.key}"
  user_pool_id                         = aws_cognito_user_pool.people.id
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email", "profile"]
  callback_urls                        = flatten(each.value)
  logout_urls                          = flatten(each.value)
  supported_identity_providers         = var.identity_provider == null ? ["COGNITO"] : [aws_cognito_identity_provider.company[0].provider_name]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  access_token_validity                = 60
  id_token_validity                    = 60
  refresh_token_validity               = var.sign_in.hours

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "hours"
  }
}

resource "aws_cognito_identity_provider" "company" {
  count         = var.identity_provider == null ? 0 : 1
  user_pool_id  = aws_cognito_user_pool.people.id
  provider_name = var.identity_provider.name
  provider_type = var.identity_provider.oidc_issuer == null ? "SAML" : "OIDC"

  provider_details = var.identity_provider.oidc_issuer == null ? {
    MetadataURL = var.identity_provider.saml_metadata_url
    IDPSignout  = "false"
    } : {
    oidc_issuer               = var.identity_provider.oidc_issuer
    client_id                 = var.identity_provider.oidc_client_id
    client_secret             = var.oidc_client_secret
    authorize_scopes          = "openid email profile"
    attributes_request_method = "GET"
  }

  attribute_mapping = var.identity_provider.oidc_issuer == null ? {
    email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    } : {
    email          = "email"
    email_verified = "email_verified"
    username       = "sub"
  }

  # What AWS reads from the provider's own words, and tells as if it had been said here.
  lifecycle {
    ignore_changes = [
      provider_details["ActiveEncryptionCertificate"], provider_details["SLORedirectBindingURI"],
      provider_details["SSORedirectBindingURI"], provider_details["attributes_url"],
      provider_details["attributes_url_add_attributes"], provider_details["authorize_url"],
      provider_details["jwks_uri"], provider_details["token_url"],
    ]
  }
}
