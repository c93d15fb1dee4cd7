"""The inversion of single pixels: noise, outliers, first guess, fit, and what it is worth."""
