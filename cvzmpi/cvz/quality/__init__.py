"""How far a light curve and what was found in it can be trusted."""
