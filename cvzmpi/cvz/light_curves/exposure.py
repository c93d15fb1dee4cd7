"""The exposure of a light curve, the time from one cadence to the next: 120 s, in days.

All times in the package are days. Seconds and minutes stand in files and in what people read. The
light curves of another exposure have another name in the archive, too: see `product.NAME`.
"""

SECONDS_PER_DAY = 86400.0
MINUTES_PER_DAY = 1440

EXPOSURE_SECONDS = 120.0
"""Exposure of the light curves that stella was trained on; others are refused."""

EXPOSURE = EXPOSURE_SECONDS / SECONDS_PER_DAY
