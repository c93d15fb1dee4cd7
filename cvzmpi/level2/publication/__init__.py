"""The publication of results: files, messages and records."""
