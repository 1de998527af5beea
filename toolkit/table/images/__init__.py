"""Images as cells of a table."""
