"""Results of a campaign for people: pages, pictures, tables and the index."""
