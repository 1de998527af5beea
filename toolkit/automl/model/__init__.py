"""Saved models: a folder that scores raw rows; as a sum or a smooth function where it is one."""
