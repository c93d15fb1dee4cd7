"""A job and its ledger: what every campaign needs around the scheduler."""
