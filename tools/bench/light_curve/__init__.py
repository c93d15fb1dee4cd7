"""What one core does with a light curve: detection, injections, Gaussian process, all of it."""
