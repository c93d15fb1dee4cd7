"""What `make bench-inversion` measures: how right and how fast the inversion is."""
