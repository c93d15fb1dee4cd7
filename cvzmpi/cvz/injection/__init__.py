"""Artificial flares: their shape, their draws, and their search."""
