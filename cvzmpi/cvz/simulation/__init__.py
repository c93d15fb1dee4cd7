"""Invented light curves, as FITS files."""
