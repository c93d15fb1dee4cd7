"""The files of a Level 2 product: a FITS file for each scan position, and one ASDF file."""
