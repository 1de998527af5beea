"""The H2O server: found or started for one owner, guarded, and stopped."""
