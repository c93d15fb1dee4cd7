"""Levenberg-Marquardt fits of the model to the profiles of single pixels, compiled."""
