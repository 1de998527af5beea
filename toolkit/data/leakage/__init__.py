"""Columns that may know the answer."""
