"""Graded checks of the data, and the contract that later tables must meet."""
