"""Whether the completeness that injections predict is that of flares of known truth."""
