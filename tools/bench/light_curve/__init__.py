"""Benchmarks of one core on a light curve: detection, injections, Gaussian process, all of it."""
