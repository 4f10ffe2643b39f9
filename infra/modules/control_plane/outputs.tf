output "url" {
  description = "Address of the API and the page: what MLFLOW_TRACKING_URI is set to, where no edge stands in front."
  value       = local.origin
}

output "api_host" {
  description = "Host name of the API: where edge sends requests on to."
  value       = local.host
}

output "origins" {
  description = "Origins of the page: what team_account takes for its bucket's CORS."
  value       = concat([local.origin], var.edge_origins, var.cors_origins)
}

output "control_role" {
  description = "ARN of the role that the teams' accounts trust."
  value       = aws_iam_role.vaults.arn
}

output "function_names" {
  description = "Names of the functions api, stream and jobs; each serves under the alias `live`."
  value       = local.function_names
}

output "environment" {
  description = "What the functions find in their environment."
  value       = local.settings
}

output "table_name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.runhaven.name
}

output "user_pool" {
  description = "Id of the user pool, into which people are invited."
  value       = aws_cognito_user_pool.people.id
}

output "sign_in" {
  description = "How to sign in: the address of the sign-in page and the ids of the clients `web` and `cli`."
  value = {
    url     = "https://${aws_cognito_user_pool_domain.people.domain}.auth.${local.region}.amazoncognito.com"
    clients = { for name, client in aws_cognito_user_pool_client.public : name => client.id }
  }
}

output "alarm_topic" {
  description = "ARN of the topic of all alarms."
  value       = aws_sns_topic.alarms.arn
}
