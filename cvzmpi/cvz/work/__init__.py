"""The work on a campaign: its units, their stages, and the check of what was made."""
