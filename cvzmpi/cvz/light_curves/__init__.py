"""Light curves: their names, their files, and the observation that is searched."""
