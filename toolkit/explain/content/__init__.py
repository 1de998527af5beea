"""Inside texts and images: which words and patches moved the model."""
