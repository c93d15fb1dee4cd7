"""The commands before the first job: a new campaign, and what works on this machine."""
