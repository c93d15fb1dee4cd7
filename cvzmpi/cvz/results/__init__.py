"""What people read of a campaign: pages, pictures, tables and the index."""
