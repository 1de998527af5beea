"""Feature engineering: from typed columns to what engines take."""
