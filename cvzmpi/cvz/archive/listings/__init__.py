"""The archive's listings of light curves, and those that are kept."""
