"""The published stella networks, evaluated with NumPy."""
