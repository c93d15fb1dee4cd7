"""Flares: the detectors, the mask rule, and the flares of a light curve."""
