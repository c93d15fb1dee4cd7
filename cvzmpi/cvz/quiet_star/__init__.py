"""The star without its flares: a Gaussian process."""
