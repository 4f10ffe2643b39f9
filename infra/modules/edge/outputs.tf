output "url" {
  description = "Address of the house: what MLFLOW_TRACKING_URI is set to, and one of control_plane's `edge_origins`."
  value       = "https://${local.host}"
}

output "distribution" {
  description = "Id of the distribution."
  value       = aws_cloudfront_distribution.edge.id
}
