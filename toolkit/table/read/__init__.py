"""Reading a source: what kind of file it is, and its cells as they stand."""
