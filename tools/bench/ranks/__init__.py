"""Benchmarks of many ranks: teams, the start of a worker, the scheduler."""
