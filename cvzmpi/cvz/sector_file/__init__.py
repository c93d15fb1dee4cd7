"""The sector file: one light curve with all that is known of it."""
