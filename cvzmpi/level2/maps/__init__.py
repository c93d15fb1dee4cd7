"""Level 1 data prepared for the inversion."""
