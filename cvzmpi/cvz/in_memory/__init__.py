"""The search of one light curve in memory: no campaign, no MPI, and no file unless asked."""
