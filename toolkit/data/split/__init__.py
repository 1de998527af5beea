"""Train, validation and test rows, and the order of the rows in the file."""
