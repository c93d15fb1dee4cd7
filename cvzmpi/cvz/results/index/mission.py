"""Sectors of TESS and quarters of Kepler have the same numbers, and are kept apart."""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.light_curves.identity import MAX_SECTOR, PARTS
from cvzmpi.cvz.product_names import catalogue_of


def zero_of_mission(product: np.ndarray) -> np.ndarray:
    """What is added to the number of a sector to keep missions apart: 0 for TESS.

    Parameters
    ----------
    product : ndarray of str, shape (n,)
        Names of products.

    Returns
    -------
    int64, shape (n,)
    """
    catalogues = list(PARTS)
    missions = [catalogues.index(catalogue_of(name)) for name in product.tolist()]
    return np.array(missions, np.int64) * (MAX_SECTOR + 1)
