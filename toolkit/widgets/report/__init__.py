"""The panel of ``07_report``."""
