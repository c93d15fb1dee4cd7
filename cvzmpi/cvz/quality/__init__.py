"""Measures of how far a light curve and the flares found in it can be trusted."""
