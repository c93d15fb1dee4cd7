"""The checkup of a machine and a campaign: what works here, and what to do about the rest."""
