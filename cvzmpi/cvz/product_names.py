"""Names of products: who made a light curve of what exposure, as `spoc-120` or `tess-spoc-600`."""

from __future__ import annotations

import re

SPOC_120 = "spoc-120"
"""The product that stella was trained on: 2-minute light curves of SPOC. Names do not tell it."""

SPOC_20 = "spoc-20"
"""SPOC's light curves of 20 s, of a part of the stars that have one of 120 s."""

CATALOGUES = {"kepler": "KIC", "k2": "EPIC"}
"""The catalogue of a star's number, by what the product's name begins with; TIC for all others."""

PRODUCT_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
"""What names of products, with their exposure or without, look like."""


def product_name(maker: str, catalogue: str, seconds: float) -> str:
    """Name of a product by its maker and exposure: `spoc-20`, `tess-spoc-600`, `kepler-1765`.

    Parameters
    ----------
    maker : str
        As the header of a light curve says it (`light_curve.PRODUCT`).
    catalogue : str
        TIC, KIC or EPIC.
    seconds : float
        The exposure.

    Returns
    -------
    str
        `SPOC_120`, too, for light curves of 120 s in the TIC that lightkurve wrote or that are in a
        table: their names tell nothing else.
    """
    exposure = round(seconds)
    if catalogue == "TIC" and exposure == 120 and maker in ("spoc", "lightkurve", "table"):
        return SPOC_120
    missions = {of_mission: mission for mission, of_mission in CATALOGUES.items()}
    mission = missions.get(catalogue)
    if mission is not None and maker != "kepler":
        maker = f"{mission}-{maker}"
    elif mission is not None:
        maker = mission
    plain = "-".join(re.findall("[a-z0-9]+", maker.lower())) or "other"
    return f"{plain}-{exposure}"


def parts_of(product: str) -> tuple[str, int]:
    """The maker and the exposure in s of a product's name, as `("tess-spoc", 600)`."""
    maker, _, seconds = product.rpartition("-")
    return maker, int(seconds)


def catalogue_of(product: str) -> str:
    """The catalogue that a product's stars are numbered in: TIC, KIC or EPIC."""
    return CATALOGUES.get(product.partition("-")[0], "TIC")
