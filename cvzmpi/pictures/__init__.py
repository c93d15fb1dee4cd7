"""The style of pictures that matplotlib draws, in any campaign."""
