"""Colours of the parts of a light curve, from the palette of Okabe and Ito."""

GP, FLARE, NOT_SEARCHED = "#0072B2", "#D55E00", "0.9"
