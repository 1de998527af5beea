"""The panels of ``05_evaluate``."""
