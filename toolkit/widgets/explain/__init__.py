"""The panels of ``06_explain``."""
