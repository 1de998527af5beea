"""H2O AutoML's steps, one a trial."""
