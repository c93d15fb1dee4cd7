"""What a pixel has to do with those around it: local stray light, and spatial coupling."""
