"""Readers: one for each kind of file that light curves come in."""
