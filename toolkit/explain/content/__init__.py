"""Contributions of words and patches in texts and images."""
