"""What a campaign costs beside the search itself, and what limits it: `make bench-costs`."""
