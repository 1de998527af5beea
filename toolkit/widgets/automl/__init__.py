"""The panels of ``04_automl``."""
