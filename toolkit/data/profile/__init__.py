"""The table in numbers: columns, relations, drift, contents."""
