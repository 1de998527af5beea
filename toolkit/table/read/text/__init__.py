"""Text files as tables: their encoding, their delimiter, and every cell as text."""
