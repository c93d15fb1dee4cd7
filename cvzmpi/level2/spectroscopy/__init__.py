"""Spectral lines in a magnetic field: the forward model."""
