"""From scores to decisions: calibration, threshold, and conformal intervals or sets."""
