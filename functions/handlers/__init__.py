"""The doors, one per Lambda function."""
