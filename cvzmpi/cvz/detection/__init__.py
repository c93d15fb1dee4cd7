"""Where the flares of a light curve are."""
