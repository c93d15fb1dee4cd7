"""The 180-degree ambiguity of the azimuth, resolved over a map."""
