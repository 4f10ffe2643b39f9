"""Runhaven's server: Lambda handlers, the app and its rooms."""
