"""The panel of ``01_scoping``."""
