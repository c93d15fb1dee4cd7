"""The quantities of DeSIRe's atmospheres: their order in the file, and their units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quantity:
    """A quantity of the atmosphere."""

    name: str  # as in `dkist.Inversion`
    unit: str  # of DeSIRe
    factor: float = 1.0  # to the unit of the product
    is_angle: bool = False  # brought into 0 to 360 degrees


QUANTITIES = (
    Quantity("optical_depth", "log"),
    Quantity("temperature", "K"),
    Quantity("electron_pressure", "dyn/cm2", 1e-1),
    Quantity("microturbulence", "cm/s", 1e-5),
    Quantity("mag_strength", "G", 1e-4),
    Quantity("velocity", "cm/s", 1e-5),
    Quantity("mag_inclination", "deg", is_angle=True),
    Quantity("mag_azimuth", "deg", is_angle=True),
    Quantity("geo_height", "km"),
    Quantity("gas_pressure", "dyn/cm2", 1e-1),
    Quantity("density", "g/cm3", 1e3),
)
"""In the order of the file."""


def in_product(quantity: Quantity, values: np.ndarray) -> np.ndarray:
    """Values in the unit of the product, as float32.

    Parameters
    ----------
    values : array
        In DeSIRe's unit.
    """
    exact = values.astype(float)
    if not quantity.is_angle:
        return (exact * quantity.factor).astype(np.float32)
    with np.errstate(invalid="ignore"):  # of infinity
        turned = np.mod(exact, 360.0).astype(np.float32)
    turned[turned == 360] = 0  # a tiny negative angle, rounded
    return turned
