"""docs/benchmark.md: its table, its figure and its text."""
