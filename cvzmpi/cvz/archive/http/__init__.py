"""The one place of a campaign that asks the network."""
