"""The page of `make bench-detection` and its pictures."""
