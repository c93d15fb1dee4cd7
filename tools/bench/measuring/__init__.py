"""How times are taken, on which cores, with which light curves."""
