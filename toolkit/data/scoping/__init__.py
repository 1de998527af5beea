"""Whether the question can be answered with this table."""
