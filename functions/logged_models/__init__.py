"""Logged models: what runs made."""
