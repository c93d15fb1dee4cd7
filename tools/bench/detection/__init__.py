"""The searches measured: what they find of known flares, and what they find where there are none."""
