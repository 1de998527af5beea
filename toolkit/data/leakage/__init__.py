"""Columns that may leak the target."""
