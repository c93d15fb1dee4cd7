"""cvzmpi: MPI-parallel bulk processing of astronomical campaigns.

Importing the package does no work and loads none of MPI, HDF5, astropy or matplotlib.
"""

__version__ = "0.1.0"
