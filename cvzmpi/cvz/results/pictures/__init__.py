"""Pictures of sector files (`overview` has the main one) and of stars."""
