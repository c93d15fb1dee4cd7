"""The inversion of prepared maps, alone and in bulk."""
