"""What is made of sector files: completeness, flare frequency distributions, tables and pictures.

Everything here reads sector files and writes none; nothing needs MPI.
"""
