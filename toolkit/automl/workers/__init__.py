"""The search at work: worker processes, their schedule, their records, and who watches them."""
