"""The panel of ``02_eda``."""
