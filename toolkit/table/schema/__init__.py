"""The input schema of a model: later rows read as the training rows were."""
