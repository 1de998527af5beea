"""Neural networks found by AutoKeras, on Keras with JAX."""
