output "place" {
  description = "Where the vault is: the body of `POST /v1/vault/check`, as `tofu output -json` prints it."
  value = {
    account  = local.account
    bucket   = aws_s3_bucket.vault.id
    region   = local.region
    role_arn = aws_iam_role.vault.arn
    kms_key  = aws_kms_key.vault.arn
  }

  # A vault that is checked while its policies are still on their way would fail its check.
  depends_on = [
    aws_iam_role_policy.vault, aws_s3_bucket_policy.vault, aws_s3_bucket_versioning.vault,
    aws_s3_bucket_server_side_encryption_configuration.vault,
  ]
}

output "role_arn" {
  description = "ARN of the role that the house assumes: it belongs into control_plane's `team_roles`."
  value       = aws_iam_role.vault.arn
}
