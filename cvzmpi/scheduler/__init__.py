"""Rank 0 hands units of a campaign to teams; teams work on them."""
