"""Where the champion errs."""
