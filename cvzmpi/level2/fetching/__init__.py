"""Level 1 data that are brought here, for the programs that can be inverted."""
