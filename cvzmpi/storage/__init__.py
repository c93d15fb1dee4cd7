"""Files that survive a kill at any instant: HDF5 with checkpoints, checksums and locks."""
