"""The panel of ``03_label_review``."""
