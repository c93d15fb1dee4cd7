"""Pictures of sector files (`overview` has the main one), of stars, and of campaigns."""
