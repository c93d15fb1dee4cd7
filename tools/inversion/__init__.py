"""How fast and how right the inversion is, and that kills do not change it."""
