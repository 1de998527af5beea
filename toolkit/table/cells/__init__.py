"""Single cells: texts, numbers, dates and amounts."""
