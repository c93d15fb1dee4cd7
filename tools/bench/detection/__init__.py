"""The searches measured: what they find of known flares, and where there are none."""
