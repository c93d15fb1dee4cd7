"""A stand-in for the archive of TESS light curves, on loopback, for tests and demos."""
