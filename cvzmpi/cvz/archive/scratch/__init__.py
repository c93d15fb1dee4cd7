"""Light curves brought into scratch before a team works on them."""
