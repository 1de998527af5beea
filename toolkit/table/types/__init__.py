"""What each column is: inferred, with the reason, and applied."""
