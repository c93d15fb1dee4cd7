"""A comparison of the completeness that injections predict with flares of known truth."""
