"""Products of sector files: completeness, flare frequency distributions, and their tables.

Everything here reads sector files and writes none; nothing needs MPI.
"""
