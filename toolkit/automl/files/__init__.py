"""Files of saved models: facts, archives that are byte for byte repeatable, skops."""
