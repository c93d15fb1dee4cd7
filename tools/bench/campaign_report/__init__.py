"""How fast the report of a campaign is made, and how fast its pages open: `make bench-report`."""
