"""The light curve whitened with the covariance of the quiet star, and flare templates in it."""
