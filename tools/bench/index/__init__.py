"""How fast a campaign is indexed: `make bench-index`."""
