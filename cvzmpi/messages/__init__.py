"""Words for people: numbers with their nouns, progress, what is said once, what is never said."""
