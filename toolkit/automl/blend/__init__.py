"""A weighted mean of models across engines, its weights chosen on out-of-fold predictions."""
